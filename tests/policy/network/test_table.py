"""All networks of a run as one argument: the same types always, weights one behind the other, layers by level."""

from __future__ import annotations

import numpy as np
import pytest

from tests.policy.network.programs import ACTIONS, random_program
from townlet.policy.network.program import CODE, DENSE, SIZE_IN, SOURCE, TARGET, WEIGHT
from townlet.policy.network.table import ROWS, Actor, NetworkTable, network_table, tiles_of
from townlet.world.jit import LANES, MOST_ROWS


def types_of(table: NetworkTable) -> list[tuple]:
    return [(array.dtype, array.ndim, array.flags.c_contiguous) for array in table]


def test_the_types_are_the_same_with_and_without_networks() -> None:
    without = network_table([], ACTIONS)
    assert types_of(without) == types_of(network_table([Actor(random_program()), Actor(None)], ACTIONS))
    assert without.first.tolist() == [0] and without.logits.shape == (ROWS, ACTIONS)


def test_networks_stand_one_behind_the_other() -> None:
    small, large = random_program(1), random_program(2, hidden=(40, 40), activation="relu")
    table = network_table([Actor(small), Actor(None), Actor(large, True, 0.5)], ACTIONS)
    count = len(small.ops)
    assert table.first.tolist() == [0, count, count, count + len(large.ops)]
    assert sorted(map(tuple, table.ops[:count, :WEIGHT])) == sorted(map(tuple, small.ops[:, :WEIGHT]))
    assert (
        table.ops[count:, WEIGHT].min() == table.ops[:count, WEIGHT].max() + 9 * 16
    )  # the critic's last layer
    assert table.compiled.tolist() == [True, False, True]
    assert table.greedy.tolist() == [False, False, True] and table.temperature.tolist() == [1, 1, 0.5]
    assert table.output.tolist() == [[small.logits, small.value], [0, 0], [large.logits, large.value]]
    assert table.width.tolist() == [large.scratch] and len(table.scratch) == ROWS * large.scratch
    assert len(table.place) * MOST_ROWS == len(table.factor) == ROWS * table.ops[:, SIZE_IN].max()


def test_weights_are_read_by_tiles() -> None:
    """Of LANES outputs: their bias, then the weights of each input; the last tile is filled up with zeros."""
    matrix, bias = np.arange(40, dtype=np.float32).reshape(2, 20), np.arange(100, 120, dtype=np.float32)
    tiles = tiles_of(matrix, bias)
    assert tiles.shape == (2, 3, LANES)
    assert tiles[0, 0].tolist() == list(range(100, 116)) and tiles[0, 2].tolist() == list(range(20, 36))
    assert tiles[1, 1].tolist() == [16, 17, 18, 19, *[0] * 12]
    program = random_program()
    table = network_table([Actor(program)], ACTIONS)
    for op in table.ops[table.ops[:, CODE] == DENSE]:
        _, source, target, size_in, size_out, at = op.tolist()
        [first] = program.ops[(program.ops[:, SOURCE] == source) & (program.ops[:, TARGET] == target), WEIGHT]
        end = first + size_in * size_out
        expected = tiles_of(
            program.weights[first:end].reshape(size_in, size_out), program.weights[end : end + size_out]
        )
        np.testing.assert_array_equal(table.weights[at : at + expected.size], expected.reshape(-1))


def test_layers_of_the_same_inputs_stand_together_behind_what_they_read() -> None:
    table = network_table([Actor(random_program())], ACTIONS)
    dense = [int(row) for row in np.flatnonzero(table.ops[:, CODE] == DENSE)]
    first, second = dense[:2]  # of the actor and of the critic
    assert second == first + 1 and table.ops[first, SOURCE] == table.ops[second, SOURCE]
    written = {row: range(op[TARGET], op[TARGET] + op[4]) for row, op in enumerate(table.ops)}
    for row, op in enumerate(table.ops):
        reads = range(op[SOURCE], op[SOURCE] + op[SIZE_IN])
        later = [r for r in range(row, len(table.ops)) if set(reads) & set(written[r])]
        assert not later, f"operation {row} reads what {later} write behind it"


def test_what_is_not_sound_is_refused() -> None:
    program = random_program()
    program.ops[0, TARGET] += 1
    with pytest.raises(ValueError, match="program: operation 0"):
        network_table([Actor(program)], ACTIONS)
    with pytest.raises(ValueError, match=f"expected 7 actions, got {ACTIONS}"):
        network_table([Actor(random_program())], 7)
