"""Who has ever lived: names of newcomers, lives in buffers."""

from __future__ import annotations

import numpy as np
import pytest

from townlet.rollout.agents import AgentRegistry, episodes
from townlet.vocabulary import may_be_newcomer, newcomer_name

LONG = "x" * 64


@pytest.mark.parametrize(
    ("row", "taken", "name"),
    [
        ("alice", ["alice"], "alice-2"),
        ("alice", ["alice", "alice-2"], "alice-3"),
        ("alice", ["alice", "Alice-2", "alice-4"], "alice-3"),
        (LONG, [LONG], "x" * 62 + "-2"),
    ],
)
def test_a_newcomer_s_name(row: str, taken: list[str], name: str) -> None:
    assert newcomer_name(row, taken) == name
    assert may_be_newcomer(name, [row])


@pytest.mark.parametrize(
    "name", ["alice", "alice-1", "alice-02", "alice-x", "alice-", "-2", "bob-2", "alice-²"]
)
def test_what_no_newcomer_is_called(name: str) -> None:
    assert not may_be_newcomer(name, ["alice"])


def test_newcomers_are_noted_in_the_order_of_their_numbers() -> None:
    registry = AgentRegistry(("ann", "bob"), ["ann", "bob"], [0, 1], [0, 0], [True, False], [False, False])
    before = registry.copy()
    arrival = np.array([[1, 0, 4, 4], [2, 3, 3, 0]])
    registry.note(arrival, first_tick=10)
    registry.note(arrival, first_tick=10)
    assert registry.names == ["ann", "bob", "bob-2", "ann-2"]
    assert (registry.row, registry.born) == ([0, 1, 1, 0], [0, 0, 11, 12])
    assert registry.scripted == [True, False, False, False]
    names = registry.names
    registry.restore(before)
    assert registry == before and registry.names is names


def test_lives_in_buffers() -> None:
    arrival = np.array([[1, 1, 0, 3, 3], [2, 2, 2, 2, 2]])
    assert episodes(arrival) == [(0, 0, 2), (1, 0, 4), (0, 3, 4)]
    assert episodes(arrival[:, :1]) == []
