"""Whoever has no success is told why, and nobody else: in towns in which everything happens."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.crowded.town import crowded
from tests.rollout.digests import shipped
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import frames
from townlet.rollout.play import build_run
from townlet.rollout.player import Player
from townlet.run import Run
from townlet.world import state as st
from townlet.world.digest import ONLY_TOLD, world_digest
from townlet.world.refusals import REASONS
from townlet.world.state import world_arrays

# What agents come to who do at random what their masks allow. `tests/playback/test_reasons.py` has all the others.
IN_A_CROWD = {"tile_taken", "not_reserved", "in_use", "reserved", "behind", "too_far", "declined", "waits"}


def played(run: Run) -> tuple[Counter[str], st.World]:
    """How often each reason is given; every tick of it is checked."""
    generated = build_run(run)
    player, out = Player(generated, AgentRegistry.of(generated)), frames(generated, 1)
    world, found = generated.world, Counter[str]()
    for _ in range(run.ticks):
        player.play_segment(out, 0, 1)
        tick, lives = world.tick, out.arrival[:, 0] != 0
        refused = tick.refusal != 0
        assert np.array_equal(refused[lives], ~tick.success[lives])
        assert not refused[~lives].any()
        at_rest = [st.NOBODY, st.NOTHING, 0.0, 0.0]
        rest = [tick.refusal_by, tick.refusal_object, tick.refusal_number, tick.refusal_limit]
        for column, value in zip(rest, at_rest, strict=True):
            assert (column[~refused] == value).all()
        found.update(REASONS[code] for code in tick.refusal[lives].tolist())
    return found, world


@pytest.fixture(scope="module")
def in_a_crowd() -> tuple[Counter[str], st.World]:
    return played(crowded(1_500))


def test_whoever_has_no_success_is_told_why(in_a_crowd: tuple[Counter[str], st.World]) -> None:
    found, _ = in_a_crowd
    assert set(found) >= IN_A_CROWD, found


@pytest.mark.parametrize("scenario", ["queue_conflict", "market_day", "kitchen_breakfast"])
def test_in_shipped_towns_as_well(scenario: str) -> None:
    found, _ = played(shipped(f"scenarios/{scenario}", 150, None))
    assert sum(found.values()) > found["none"] > 0


def test_reasons_are_no_part_of_a_digest(in_a_crowd: tuple[Counter[str], st.World]) -> None:
    """Golden runs are older than reasons, and hold."""
    _, world = in_a_crowd
    before, noted = world_digest(world), st.copy_world(world)
    arrays = world_arrays(noted)
    assert {name for name in arrays if name.startswith("tick.refusal")} == set(ONLY_TOLD)
    for name in ONLY_TOLD:
        arrays[name][:] += 1
        assert world_digest(noted) == before
    arrays["tick.success"][:] = ~arrays["tick.success"]
    assert world_digest(noted) != before
