"""Operations on constants alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from townlet.policy.network.graph import folding
from townlet.policy.network.graph.folding import CannotFold, fold
from townlet.policy.network.graph.graph import Node

A = np.array([[1, 4], [9, 16]], np.float32)
B = np.array([2, -1], np.float32)


def folded(operator: str, *operands: Any, opset: int = 17, **attributes: Any) -> np.ndarray:
    given = [None if each is None else np.asarray(each) for each in operands]
    return fold(Node(operator, (), ("y",), attributes), given, opset)


@pytest.mark.parametrize(
    "operator, operands, attributes, expected",
    [
        ("Add", [A, B], {}, A + B),
        ("Sub", [A, B], {}, A - B),
        ("Mul", [A, B], {}, A * B),
        ("Div", [A, B], {}, A / B),
        ("Max", [A, B], {}, np.maximum(A, B)),
        ("Min", [A, B], {}, np.minimum(A, B)),
        ("Neg", [B], {}, -B),
        ("Sqrt", [A], {}, [[1, 2], [3, 4]]),
        ("Reciprocal", [B], {}, [0.5, -1]),
        ("Add", [[1, 2], [3, 4]], {}, [4, 6]),  # whole numbers
        ("Identity", [A], {}, A),
        ("Cast", [A], {"to": 7}, [[1, 4], [9, 16]]),
        ("Transpose", [A], {"perm": [1, 0]}, A.T),
        ("Transpose", [A], {}, A.T),
        ("Reshape", [A, [-1]], {}, [1, 4, 9, 16]),
        ("Reshape", [A, [0, 2, 1]], {}, A[:, :, None]),
        ("Flatten", [A], {}, A),
        ("Squeeze", [A[None], [0]], {}, A),
        ("Squeeze", [A[None]], {}, A),
        ("Unsqueeze", [B, [0, 2]], {}, B[None, :, None]),
        ("Concat", [A, A], {"axis": 1}, np.concatenate([A, A], 1)),
    ],
)
def test_results(operator: str, operands: list[Any], attributes: dict[str, Any], expected: Any) -> None:
    np.testing.assert_array_equal(folded(operator, *operands, **attributes), expected)


def test_axes_as_they_were() -> None:
    assert folded("Unsqueeze", B, opset=11, axes=[0]).shape == (1, 2)
    assert folded("Squeeze", B[None], opset=11, axes=[0]).shape == (2,)


@pytest.mark.parametrize(
    "operator, operands, attributes",
    [
        ("Exp", [A], {}),  # not exact
        ("Add", [A], {}),
        ("Add", [A, None], {}),
        ("Add", [A, [1, 2]], {}),  # of two types
        ("Add", [A, np.zeros(3, np.float32)], {}),
        ("Div", [[1], [0]], {}),
        ("Div", [B, 0 * B], {}),  # not finite
        ("Sqrt", [B], {}),
        ("Reshape", [A, [3, -1]], {}),
        ("Reshape", [A, [0, 0, 0]], {}),
        ("Reshape", [A, None], {}),
        ("Transpose", [A], {"perm": [0, 0]}),
        ("Cast", [A], {"to": 99}),
        ("Cast", [A], {}),
        ("Unsqueeze", [B], {}),
        ("Unsqueeze", [B, [9]], {}),
        ("Squeeze", [A, [0]], {}),
        ("Concat", [A, None], {"axis": 0}),
        ("Concat", [A, B], {"axis": 0}),
        ("Identity", [None], {}),
    ],
)
def test_what_is_not_folded(operator: str, operands: list[Any], attributes: dict[str, Any]) -> None:
    with pytest.raises(CannotFold):
        folded(operator, *operands, **attributes)


def test_results_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = np.zeros((100, 1), np.float32)
    monkeypatch.setattr(folding, "MOST_NUMBERS", 9_999)
    with pytest.raises(CannotFold, match="too large"):
        folded("Add", many, many.T)
    with pytest.raises(CannotFold, match="too large"):
        folded("Concat", *[many] * 100, axis=0)
