"""Shapes that a graph computes: exporters write `x.flatten(1)` as sizes taken from x, gathered and joined again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from townlet.policy.network.graph.folding import axes_of
from townlet.policy.network.graph.graph import Node

Size = int | None  # None = of the batch


class Sizes(NamedTuple):
    """Whole numbers that come from shapes."""

    numbers: tuple[Size, ...]
    scalar: bool = False  # one number without an axis


def sizes_of(value: Any) -> tuple[Size, ...]:
    """Sizes as they are, or as a constant has them. Raises TypeError for anything else."""
    if isinstance(value, Sizes):
        return value.numbers
    if not isinstance(value, np.ndarray) or value.dtype.kind != "i":
        raise TypeError(value)
    return tuple(int(size) for size in value.reshape(-1))


def new_row_shape(node: Node, shape: tuple[int, ...], operand: Any, opset: int) -> tuple[int, ...] | None:
    """The shape of a row after a Flatten, Reshape, Squeeze or Unsqueeze of rows of `shape`; None where rows are mixed.

    Raises TypeError for an operand that is not constant.
    """
    rank = len(shape) + 1
    if node.operator == "Flatten":
        return (math.prod(shape),) if node.attributes.get("axis", 1) in (1, 1 - rank) else None
    if node.operator == "Reshape":
        return _reshaped(shape, sizes_of(operand), bool(node.attributes.get("allowzero")))
    if operand is not None and not isinstance(operand, np.ndarray):
        raise TypeError(operand)
    axes = axes_of(node, operand, opset)
    if axes is None:  # all axes of size 1: the batch's may be one of them
        return None
    sizes: list[Size] = [None, *shape]
    if node.operator == "Squeeze":
        gone = {axis % rank for axis in axes}
        if 0 in gone or any(sizes[axis] != 1 for axis in gone):
            return None
        return tuple(size for axis, size in enumerate(shape, start=1) if axis not in gone)
    for axis in sorted(axis % (rank + len(axes)) for axis in axes):
        sizes.insert(axis, 1)
    return tuple(sizes[1:]) if sizes[0] is None else None  # pyright: ignore[reportReturnType]


def _reshaped(shape: tuple[int, ...], to: Sequence[Size], allow_zero: bool) -> tuple[int, ...] | None:
    old: list[Size] = [None, *shape]
    if not to or len(to) > 8:
        return None
    kept = [
        old[axis] if size == 0 and not allow_zero and axis < len(old) else size
        for axis, size in enumerate(to)
    ]
    batch, rest = kept[0], kept[1:]
    if any(size is None for size in rest) or (batch is not None and batch != -1):
        return None
    known = math.prod(size for size in rest if size is not None and size != -1)
    if rest.count(-1) > (batch is None) or known < 1:
        return None
    full = tuple(math.prod(shape) // known if size == -1 else size for size in rest)
    return full if math.prod(shape) == math.prod(full) else None  # pyright: ignore[reportReturnType, reportArgumentType, reportCallIssue]


def slice_of(node: Node, operands: Sequence[Any], axis: int, length: int) -> tuple[int, int] | None:
    """First and end of a Slice along one axis with steps of 1; None for any other. Raises TypeError."""
    if "starts" in node.attributes:  # opset 9
        starts, ends = node.attributes["starts"], node.attributes["ends"]
        axes, steps = node.attributes.get("axes", [0]), [1]
    else:
        given = [*operands, None, None]
        starts, ends = sizes_of(given[0]), sizes_of(given[1])
        axes = [0] if given[2] is None else sizes_of(given[2])
        steps = [1] if given[3] is None else sizes_of(given[3])
    if len(starts) != 1 or len(ends) != 1 or tuple(axes) != (axis,) or tuple(steps) != (1,):
        return None
    first, end, _ = slice(starts[0], ends[0]).indices(length)
    return (first, end) if first < end else None
