"""What a compiled network may be made of, and that nothing else passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from townlet.policy.network.program import COPY, DENSE, TANH, Program, ProgramBuilder, check


def small() -> tuple[ProgramBuilder, Program]:
    """Four numbers of map, two features, three actions; one hidden layer."""
    builder = ProgramBuilder(map_size=4, features=2, actions=3)
    scaled = builder.affine(builder.feature, [2.0, 1.0], [0.0, -1.0])
    clipped = builder.clip(scaled, [-np.inf, -5.0], [np.inf, 5.0])
    joined = builder.copy([(builder.map, 4), (clipped, 2)])
    hidden = builder.tanh(builder.dense(joined, np.ones((6, 5)), -np.zeros(5)), 5)
    logits = builder.dense(hidden, np.ones((5, 3)), np.zeros(3))
    value = builder.dense(builder.relu(hidden, 5), np.ones((5, 1)), [1.0])
    return builder, builder.build(logits, value)


def test_operations_stand_one_behind_the_other() -> None:
    _, program = small()
    assert program.inputs == 9
    targets, sizes = program.ops[:, 2], program.ops[:, 4]
    assert targets[0] == 9
    np.testing.assert_array_equal(targets[1:], (targets + sizes)[:-1])
    assert program.scratch == targets[-1] + 1 == program.value + 1
    assert [int(code) for code in program.ops[2:5, 0]] == [COPY, COPY, DENSE]
    assert program.ops[5, 0] == TANH
    first = int(program.ops[4, 5])
    np.testing.assert_array_equal(program.weights[first : first + 30], np.ones(30, np.float32))
    assert not np.signbit(program.weights[first + 30 : first + 35]).any()  # -0 became 0


def test_what_stands_together_is_not_copied() -> None:
    builder = ProgramBuilder(4, 2, 3)
    assert builder.copy([(builder.map, 4), (builder.feature, 2), (builder.mask, 3)]) == 0
    assert builder.copy([(builder.feature, 2)]) == 4
    assert builder.copy([(builder.mask, 3), (builder.map, 4)]) == 9  # another order: copied


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda b: b.copy([]), "at least one stretch"),
        (lambda b: b.relu(8, 2), "within 0 to 9, got 8 to 10"),
        (lambda b: b.tanh(-1, 2), "within 0 to 9, got -1 to 1"),
        (lambda b: b.copy([(7, 3)]), "within 0 to 9"),
        (lambda b: b.affine(0, [1.0], [1.0, 2.0]), "one length, got 1 and 2"),
        (lambda b: b.clip(0, [[1.0]], [1.0]), "one dimension"),
        (lambda b: b.dense(0, np.ones((2, 3)), np.ones(2)), r"expected weights \[in, 2\]"),
        (lambda b: b.dense(0, np.ones((10, 3)), np.ones(3)), "within 0 to 9"),
        (lambda b: b.build(7, 0), "logits: expected a stretch within"),
        (lambda b: b.build(0, 9), "value: expected a stretch within"),
        (lambda b: (b.affine(0, [np.nan], [0.0]), b.build(0, 0)), "expected finite weights"),
        (lambda b: (b.clip(0, [np.nan], [0.0]), b.build(0, 0)), "expected finite weights"),
        (lambda b: (b.dense(0, [[np.inf]], [0.0]), b.build(0, 0)), "expected finite weights"),
    ],
)  # fmt: skip
def test_what_is_no_operation_is_refused(write, message) -> None:
    with pytest.raises(ValueError, match=message):
        write(ProgramBuilder(4, 2, 3))


def changed(program: Program, row: int, column: int, number: int) -> Program:
    ops = program.ops.copy()
    ops[row, column] = number
    return replace(program, ops=ops)


@pytest.mark.parametrize(
    ("row", "column", "number"),
    [(0, 0, 6), (0, 0, -1), (0, 1, -1), (0, 1, 8), (0, 2, 8), (0, 2, 10), (0, 3, 3), (0, 3, 0), (4, 5, 10_000),
     (4, 5, -1), (4, 4, 0), (4, 3, 100)],
)  # fmt: skip
def test_a_changed_program_does_not_pass(row, column, number) -> None:
    _, program = small()
    check(program)
    with pytest.raises(ValueError, match="program: "):
        check(changed(program, row, column, number))


def test_changed_ends_do_not_pass() -> None:
    _, program = small()
    for change in ({"scratch": program.scratch + 1}, {"logits": program.scratch - 2}, {"value": -1},
                   {"weights": program.weights[:-1]}, {"weights": program.weights.astype(np.float64)},
                   {"ops": program.ops[:, :5]}, {"map_size": 5}):  # fmt: skip
        with pytest.raises(ValueError, match="program: "):
            check(replace(program, **change))
    weights = program.weights.copy()
    weights[int(program.ops[4, 5]) + 30] = -0.0
    with pytest.raises(ValueError, match="no bias of -0"):
        check(replace(program, weights=weights))
