"""Invariants under random actions, held after every tick, in a town and where it is much too crowded."""

from __future__ import annotations

import numpy as np
import pytest

from tests.crowded.town import STAGES, crowded
from tests.rollout.digests import shipped
from townlet.rollout.play import build_run, play, play_segments
from townlet.run import Run
from townlet.samples import stack_groups
from townlet.world.state import CHARGES, COUNTS, World

LONG = 10_000


def after(run: Run) -> World:
    """The world after a run, all of whose ticks were checked."""
    generated = build_run(run)
    for _ in play_segments(generated, run):
        pass
    assert generated.world.clock.tick[0] == run.ticks
    return generated.world


def crowd(ticks: int, stage: str, seed: int = 0) -> World:
    return after(crowded(ticks, stage, check=True, seed=seed, segment_ticks=500))


def town(ticks: int, seed: int = 0) -> World:
    return after(shipped("examples/town", ticks, "uniform", check=True, seed=seed, segment_ticks=500))


@pytest.mark.campaign
def test_in_a_crowd_in_which_everything_happens() -> None:
    world = crowd(1_500, "C3")
    counts = dict(zip(COUNTS, world.clock.counts.tolist(), strict=True))
    assert min(counts.values()) > 0, counts
    coins = dict(zip(CHARGES, world.clock.coins.tolist(), strict=True))
    assert min(coins.values()) > 0, coins


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_in_a_crowd_by_stage(stage: str) -> None:
    world = crowd(300, stage)
    assert world.ties.rivalry.any()
    assert bool(world.ties.trust.any()) == (stage != "OFF")


def test_in_a_town_at_random() -> None:
    world = town(1_500)
    assert world.clock.counts[COUNTS.index("chats")] > 0


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("stage", STAGES)
def test_in_a_crowd_for_long(stage: str, seed: int) -> None:
    counts = crowd(LONG, stage, seed).clock.counts
    assert counts.min() > 0


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [0, 1])
def test_in_a_town_for_long(seed: int) -> None:
    assert town(LONG, seed).clock.tick[0] == LONG


@pytest.mark.parametrize(("stage", "seen"), [("OFF", "full"), ("C1", "compact"), ("C3", "hybrid")])
def test_what_is_captured_of_a_crowd_is_sound(stage: str, seen: str) -> None:
    """Of 3,000 ticks: valid samples, lives without a gap, rewards that are the sum of their terms."""
    ends: dict[int, int] = {}
    died: set[int] = set()
    for key, group in play(crowded(3_000, stage, seen, segment_ticks=500)):
        sample = stack_groups([group], deep=True)  # raises for what a trainer would trip over
        assert sample.tick[0] == ends.get(key.arrival, sample.metadata["born_tick"])
        assert key.arrival not in died
        ends[key.arrival] = int(sample.tick[-1]) + 1
        died |= {key.arrival} if sample.dones[-1] else set()
        total = sample.reward_terms.astype(np.float64).sum(axis=1)
        assert np.abs(total - sample.rewards).max() < 1e-6
    assert len(died) > 10
    assert all(end == 3_000 for arrival, end in ends.items() if arrival not in died)
