"""A tick in one call: the same as its parts, one after another."""

from __future__ import annotations

import json

import numpy as np

from townlet.config.load import Resolved
from townlet.generator.generate import generate
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import frames
from townlet.rollout.player import Player
from townlet.rollout.stepping.ticks import nobody, play_and_see, see
from townlet.world import state as st

TICKS = 180


def test_the_same_as_looking_playing_and_settling(make_run) -> None:
    """In a winter in which people faint and newcomers come: what is recorded, and who is said to be there."""
    config = Resolved.from_json_dict(json.loads(make_run("scenarios/hard_winter").config_json))
    one, two = (generate(config, seed=5, policy="uniform") for _ in range(2))
    parts, whole = Player(one, AgentRegistry.of(one)), Player(two, AgentRegistry.of(two))
    expected, found, present = frames(one, TICKS), frames(two, TICKS), nobody(len(one.names.agents))
    for buffers in (expected, found):
        for array in buffers:
            array[...] = 0
    rest = (two.params, two.observation, whole.tables, whole.batch, found)
    see(whole.world, *rest, 0, present)
    left, changes = 0, 0
    for t in range(TICKS):
        parts.look(expected, t)
        before = parts.arrivals()[:, 0]
        assert np.array_equal(present.arrival, before)
        parts.play(expected, t)
        leaving = np.where(parts.world.agents.alive, parts.world.agents.leaving, st.STAYS)
        parts.settle()
        changed = play_and_see(whole.world, *rest, t, present)
        assert np.array_equal(present.left, leaving)
        assert changed == (parts.arrivals()[:, 0] != before).any()
        left, changes = left + int((leaving != st.STAYS).sum()), changes + int(changed)
    parts.end(expected, TICKS)
    assert left and changes > left, "somebody was to leave, and somebody to come"
    for name, array in expected._asdict().items():
        assert np.array_equal(array, getattr(found, name)), name
