"""Shapes that a graph computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from townlet.policy.network.graph.graph import Node
from townlet.policy.network.graph.sizes import Sizes, new_row_shape, sizes_of, slice_of

ROW = (2, 3, 1)


def node(operator: str, **attributes: Any) -> Node:
    return Node(operator, (), ("y",), attributes)


@pytest.mark.parametrize(
    "operator, operand, attributes, expected",
    [
        ("Flatten", None, {}, (6,)),
        ("Flatten", None, {"axis": -3}, (6,)),
        ("Flatten", None, {"axis": 2}, None),
        ("Reshape", [-1, 6], {}, (6,)),
        ("Reshape", [0, -1], {}, (6,)),
        ("Reshape", [0, -1], {"allowzero": 1}, None),
        ("Reshape", [0, 0, 3], {}, (2, 3)),
        ("Reshape", [-1, 0, 3], {}, (2, 3)),
        ("Reshape", [-1, 3], {}, None),
        ("Reshape", [-1, -1], {}, None),
        ("Reshape", [8, 6], {}, None),
        ("Reshape", [-1, 0, 0, 0, 0, 0], {}, None),
        ("Reshape", [-1, 7], {}, None),
        ("Reshape", [0, -1, 4], {}, None),
        ("Reshape", [], {}, None),
        ("Reshape", Sizes((None, -1)), {}, (6,)),
        ("Reshape", Sizes((-1, None)), {}, None),
        ("Squeeze", [3], {}, (2, 3)),
        ("Squeeze", [-1], {}, (2, 3)),
        ("Squeeze", [0], {}, None),
        ("Squeeze", [1], {}, None),
        ("Squeeze", None, {}, None),
        ("Unsqueeze", [1], {}, (1, 2, 3, 1)),
        ("Unsqueeze", [-1, 1], {}, (1, 2, 3, 1, 1)),
        ("Unsqueeze", [0], {}, None),
    ],
)
def test_rows_in_another_shape(
    operator: str, operand: Any, attributes: dict[str, Any], expected: Any
) -> None:
    given = np.array(operand, np.int64) if isinstance(operand, list) else operand
    assert new_row_shape(node(operator, **attributes), ROW, given, 17) == expected


def test_one_number_a_row() -> None:
    assert new_row_shape(node("Reshape"), (1,), np.array([-1]), 17) == ()


def test_sizes_are_whole_numbers() -> None:
    assert sizes_of(np.array([[1], [2]])) == (1, 2)
    assert sizes_of(Sizes((None, 3))) == (None, 3)
    for wrong in (np.ones(2, np.float32), None, "ab"):
        with pytest.raises(TypeError):
            sizes_of(wrong)


@pytest.mark.parametrize(
    "operands, expected",
    [
        ([[1], [3], [1]], (1, 3)),
        ([[0], [2**62], [1], [1]], (0, 5)),
        ([[-2], [-1], [1]], (3, 4)),
        ([[3], [3], [1]], None),
        ([[0], [3], [1], [2]], None),
        ([[0], [3], [2]], None),
        ([[0], [3]], None),  # of all axes, from the batch's on
        ([[0, 1], [3, 2], [1, 2]], None),
    ],
)
def test_slices(operands: list[Any], expected: Any) -> None:
    assert slice_of(node("Slice"), [np.array(each) for each in operands], axis=1, length=5) == expected


def test_slices_as_they_were() -> None:
    assert slice_of(node("Slice", starts=[1], ends=[9], axes=[1]), [], axis=1, length=5) == (1, 5)
