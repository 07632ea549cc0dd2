"""Operations whose operands are all constants, such as the root of a variance: computed once, when a file is read.

Only what is exact by IEEE 754, or moves numbers about, so that the result is the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from townlet.policy.network.graph.graph import Node
from townlet.policy.network.graph.tensors import DTYPES

MOST_NUMBERS = 16_000_000  # of one result

_ELEMENTWISE: dict[str, Callable[..., np.ndarray]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Max": np.maximum,
    "Min": np.minimum, "Neg": np.negative, "Sqrt": np.sqrt, "Reciprocal": np.reciprocal,
}  # fmt: skip
_OPERANDS = {"Neg": 1, "Sqrt": 1, "Reciprocal": 1}


class CannotFold(Exception):
    """Not one of these operations, or not as it is used here."""


def fold(node: Node, operands: Sequence[np.ndarray | None], opset: int) -> np.ndarray:
    """The result of an operation on constants. Raises CannotFold."""
    if node.operator in _ELEMENTWISE:
        result = _elementwise(node.operator, operands)
    elif node.operator in _MOVES and operands and operands[0] is not None:
        try:
            result = _MOVES[node.operator](node, list(operands), opset)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:  # of NumPy
            raise CannotFold(str(error)) from None
    else:
        raise CannotFold(node.operator)
    if result.size > MOST_NUMBERS:
        raise CannotFold("too large")
    return result


def _elementwise(operator: str, operands: Sequence[np.ndarray | None]) -> np.ndarray:
    given = [each for each in operands if each is not None]
    if len(given) != _OPERANDS.get(operator, 2) or len({each.dtype for each in given}) != 1:
        raise CannotFold(operator)
    whole = given[0].dtype.kind in "iu"
    if given[0].dtype.kind not in "fiu" or (whole and operator in ("Div", "Sqrt", "Reciprocal")):
        raise CannotFold(operator)
    try:
        shape = np.broadcast_shapes(*(each.shape for each in given))
    except ValueError:
        raise CannotFold(operator) from None
    if math.prod(shape) > MOST_NUMBERS:
        raise CannotFold("too large")
    with np.errstate(all="ignore"):
        result = np.asarray(_ELEMENTWISE[operator](*given))
    if not np.isfinite(result).all() and all(np.isfinite(each).all() for each in given):
        raise CannotFold("not finite")
    return result


def axes_of(node: Node, operand: np.ndarray | None, opset: int) -> list[int] | None:
    """The axes of Squeeze and Unsqueeze: an attribute in old files, an operand since; None where not given."""
    if opset < 13:
        return node.attributes.get("axes")
    return None if operand is None else [int(axis) for axis in operand.reshape(-1)]


def _second(operands: list[Any]) -> Any:
    return operands[1] if len(operands) > 1 else None


def _identity(node: Node, operands: list[Any], opset: int) -> np.ndarray:
    return operands[0]


def _cast(node: Node, operands: list[Any], opset: int) -> np.ndarray:
    with np.errstate(all="ignore"):
        return operands[0].astype(DTYPES[node.attributes["to"]])


def _transpose(node: Node, operands: list[Any], opset: int) -> np.ndarray:
    return operands[0].transpose(node.attributes.get("perm"))


def _reshape(node: Node, operands: list[Any], opset: int) -> np.ndarray:
    sizes = [int(size) for size in operands[1]]
    if not node.attributes.get("allowzero"):
        sizes = [operands[0].shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return operands[0].reshape(sizes)


def _flatten(node: Node, operands: list[Any], opset: int) -> np.ndarray:
    shape, axis = operands[0].shape, node.attributes.get("axis", 1)
    return operands[0].reshape(math.prod(shape[:axis]), math.prod(shape[axis:]))


def _squeeze(node: Node, operands: list[Any], opset: int) -> np.ndarray:
    axes = axes_of(node, _second(operands), opset)
    return operands[0].squeeze(None if axes is None else tuple(axes))


def _unsqueeze(node: Node, operands: list[Any], opset: int) -> np.ndarray:
    axes = axes_of(node, _second(operands), opset)
    if axes is None or len(axes) > 8:
        raise CannotFold(node.operator)
    return np.expand_dims(operands[0], tuple(axes))


def _concat(node: Node, operands: list[Any], opset: int) -> np.ndarray:
    if sum(each.size for each in operands) > MOST_NUMBERS:
        raise CannotFold("too large")
    return np.concatenate(operands, axis=node.attributes["axis"])


_MOVES: dict[str, Callable[[Node, list[Any], int], np.ndarray]] = {
    "Identity": _identity, "Cast": _cast, "Transpose": _transpose, "Reshape": _reshape, "Flatten": _flatten,
    "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Concat": _concat,
}  # fmt: skip
