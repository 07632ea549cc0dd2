"""The forward: near a float64 twin, and the same bits for a row whoever else is decided for, compiled or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.policy.network.programs import (
    ACTIONS,
    float64_twin,
    random_program,
    random_views,
    results,
)  # fmt: skip
from townlet.policy.network.elementary import plain
from townlet.policy.network.forward import forward, forward_compiled, forward_plain
from townlet.policy.network.program import Program, ProgramBuilder
from townlet.policy.network.table import ROWS, Actor, NetworkTable, network_table
from townlet.world.jit import compiled, has_wide_vectors

KINDS = [
    {"activation": "tanh"}, {"activation": "relu"}, {"activation": "relu", "trunk": 19}, {"hidden": ()},
    {"hidden": (32, 1, 17), "activation": "tanh"}, {"hidden": (40,), "scale": 30.0},
]  # fmt: skip


def table_of(*programs: Program) -> NetworkTable:
    return network_table([Actor(program) for program in programs], ACTIONS)


def forward_of(
    table: NetworkTable, views: tuple, rows: list[int], t: int = 0, n: int = 0, how: Any = forward
):
    table.row[: len(rows)] = rows
    how(table, n, *views, t, len(rows))
    return results(table, len(rows))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_it_is_near_a_float64_twin(kind: dict) -> None:
    program, views = random_program(3, **kind), random_views(4, ROWS)
    logits, values = forward_of(table_of(program), views, list(range(ROWS)))
    for row in range(ROWS):
        expected, value = float64_twin(program, *(view[row, 0] for view in views))
        tolerance = (
            1e-6 * np.maximum(1, np.abs(expected)) * (10 if "scale" in kind else 1)
        )  # tanh of large sums
        assert (np.abs(logits[row] - expected) <= tolerance).all()
        assert abs(values[row] - value) <= 1e-6 * max(1, abs(value)) * (10 if "scale" in kind else 1)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_row_has_the_same_bits_in_any_company(kind: dict) -> None:
    """At any place of a batch of any size, and in any slot."""
    table, views = table_of(random_program(5, **kind)), random_views(6, 20, ticks=3)
    alone = {(row, t): forward_of(table, views, [row], t) for row in range(20) for t in range(3)}
    rng = np.random.default_rng(7)
    for size in (2, 3, 10, ROWS):
        for t in range(3):
            rows = rng.permutation(20)[:size].tolist()
            logits, values = forward_of(table, views, rows, t)
            for place, row in enumerate(rows):
                assert logits[place].tobytes() == alone[row, t][0].tobytes()
                assert values[place].tobytes() == alone[row, t][1].tobytes()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_compiled_or_not_the_bits_are_the_same(kind: dict) -> None:
    """The kernel, its loops as plain Python, and NumPy rows."""
    table, views = table_of(random_program(8, **kind)), random_views(9, 4)
    expected = forward_of(table, views, [0, 1, 2, 3])
    table.scratch[:] = np.nan  # nothing is taken over from before
    by_rows = forward_of(table, views, [0, 1, 2, 3], how=forward_plain)
    assert [array.tobytes() for array in by_rows] == [array.tobytes() for array in expected]
    table.scratch[:] = np.nan
    by_loops = forward_of(table, views, [2], how=plain(forward_compiled))
    assert [array.tobytes() for array in by_loops] == [array[2:3].tobytes() for array in expected]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, ROWS])
@pytest.mark.parametrize("kind", KINDS[:3], ids=str)
def test_vectors_of_any_width_give_the_same_bits(kind: dict, count: int) -> None:
    """Every number of rows has code of its own, for processors with wide vectors and for others."""
    table, views = table_of(random_program(10, **kind)), random_views(11, ROWS)
    expected = forward_of(table, views, list(range(count)), how=forward_plain)
    for wide in {False, has_wide_vectors()}:
        table.wide[0] = wide
        table.sums[:] = table.scratch[:] = np.nan
        found = forward_of(table, views, list(range(count)))
        assert [array.tobytes() for array in found] == [array.tobytes() for array in expected]


def test_the_kernel_is_what_runs() -> None:
    assert forward is (forward_compiled if compiled() else forward_plain)


def test_these_numbers() -> None:
    """Worked out by hand: every operation once."""
    builder = ProgramBuilder(1, 2, 2)
    scaled = builder.affine(builder.feature, [2.0, 3.0], [1.0, -1.0])  # 0.5, -2 -> 2, -7
    clipped = builder.clip(scaled, [-5.0, -5.0], [1.5, 5.0])  # 1.5, -5
    joined = builder.copy([(clipped, 2), (builder.map, 1), (builder.mask, 2)])  # 1.5, -5, 4, 1, 0
    hidden = builder.dense(
        joined, [[1.0, 0.0], [0.5, 1.0], [0.25, 2.0], [1.0, 1.0], [9.0, 9.0]], [10.0, -6.0]
    )
    # 10 + 1.5 - 2.5 + 1 + 1 = 11; -6 + 0 - 5 + 8 + 1 = -2
    logits = builder.relu(hidden, 2)
    value = builder.tanh(builder.affine(builder.map, [0.25], [0.0]), 1)
    table = network_table([Actor(builder.build(logits, value))], 2)
    views = (
        np.full((1, 1, 1, 1, 1), 4, np.float32),
        np.array([[[0.5, -2]]], np.float32),
        np.array([[[True, False]]]),
    )
    found, values = forward_of(table, views, [0])
    assert found.tolist() == [[11, 0]]
    assert values.tolist() == [float(np.float32(np.tanh(1.0)))]


def test_networks_do_not_mix() -> None:
    first, second = random_program(1, hidden=(30,)), random_program(2, activation="relu")
    views = random_views(3, 5)
    both = table_of(first, second, first)
    for n, program in enumerate((first, second, first)):
        alone = forward_of(table_of(program), views, [0, 3, 4])
        together = forward_of(both, views, [0, 3, 4], n=n)
        assert [array.tobytes() for array in together] == [array.tobytes() for array in alone]


def test_zeros_and_numbers_without_end() -> None:
    """An input that is 0 adds nothing, of either sign; infinities and NaN go through, and raise nothing here."""
    program = random_program(4, hidden=())
    table, (maps, features, masks) = table_of(program), random_views(5, 3)
    maps[:2] = 0
    maps[1] = -0.0
    features[1], masks[1] = features[0], masks[0]
    logits, values = forward_of(table, (maps, features, masks), [0, 1])
    assert logits[0].tobytes() == logits[1].tobytes() and values[0] == values[1]
    maps[0, 0, 0, 0, 0], maps[1, 0, 0, 0, 0] = np.inf, np.nan
    kernel, rows = (
        forward_of(table, (maps, features, masks), [0, 1], how=how) for how in (forward, forward_plain)
    )
    assert np.isinf(kernel[0][0]).all() and np.isnan(kernel[0][1]).all()
    assert np.isinf(rows[0][0]).all() and np.isnan(rows[0][1]).all()


@pytest.mark.torch
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_it_is_near_torch(activation: str) -> None:
    """Logits, value, and the log-probs of what is legal."""
    torch = pytest.importorskip("torch")
    program = random_program(11, hidden=(128, 128), activation=activation)
    views = random_views(12, ROWS)
    logits, values = forward_of(table_of(program), views, list(range(ROWS)))
    seen = np.concatenate([view.reshape(ROWS, -1).astype(np.float32) for view in views], 1)
    scratch = torch.zeros(ROWS, program.scratch)
    scratch[:, : program.inputs] = torch.from_numpy(seen)
    for code, source, target, size_in, size_out, first in program.ops.tolist():
        x, own = scratch[:, source : source + size_in].clone(), torch.from_numpy(program.weights[first:])
        if code == 3:
            y = (
                x @ own[: size_in * size_out].reshape(size_in, size_out)
                + own[size_in * size_out :][:size_out]
            )
        elif code in (1, 2):
            a, b = own[:size_in], own[size_in : 2 * size_in]
            y = x * a + b if code == 1 else torch.minimum(torch.maximum(x, a), b)
        else:
            y = {0: torch.clone, 4: torch.relu, 5: torch.tanh}[code](x)
        scratch[:, target : target + size_out] = y
    theirs = scratch[:, program.logits : program.logits + ACTIONS]
    np.testing.assert_allclose(logits, theirs.numpy(), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(values, scratch[:, program.value].numpy(), atol=1e-5, rtol=1e-5)
    masks = torch.from_numpy(views[2][:, 0])
    ours, others = (
        torch.log_softmax(torch.as_tensor(x).masked_fill(~masks, -torch.inf), 1) for x in (logits, theirs)
    )
    assert float((ours - others)[masks].abs().max()) <= 1e-5
