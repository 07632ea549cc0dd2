"""Observations by name: made when they are asked for, of what was copied before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.rollout.scenes.towns import three
from townlet.policy.actions import Action
from townlet.rollout.loop import SimulationLoop
from townlet.rollout.stepping.observations import Observations, not_scheduled


def two() -> Observations:
    maps, features = np.arange(8, dtype=np.float32).reshape(2, 1, 2, 2), np.ones((2, 3), np.float32)
    masks = np.array([[True, False], [True, True]])
    return Observations(("ann", "bob"), 7, [1, 2], [[0, 1], [2, 3]], maps, features, masks, not_scheduled)


def test_what_each_sees() -> None:
    seen = two()
    assert list(seen) == ["ann", "bob"] and len(seen) == 2 and "eve" not in seen
    bob = seen["bob"]
    assert (bob.agent_id, bob.tick, bob.arrival, bob.position) == ("bob", 7, 2, (2, 3))
    assert bob.map.tolist() == [[[4, 5], [6, 7]]] and bob.action_mask.tolist() == [True, True]
    assert (bob.scheduled, bob.labelled) == (None, False)
    assert seen["bob"] is bob
    with pytest.raises(KeyError):
        seen["eve"]


def test_what_is_seen_later_does_not_change_it(tmp_path: Path) -> None:
    """Asked for only after other ticks were played, also where the memory is used again."""
    for record in (True, False):
        first = SimulationLoop(three(tmp_path), policy="uniform").observations
        loop = SimulationLoop(three(tmp_path), policy="uniform", record=record)
        before = loop.observations
        for _ in range(9):
            loop.step()
        for agent, seen in before.items():
            assert np.array_equal(seen.map, first[agent].map) and seen.position == first[agent].position
            assert np.array_equal(seen.action_mask, first[agent].action_mask)
        assert before["ann"].scheduled == Action(3)
