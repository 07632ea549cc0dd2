"""Runs whose start the seed draws: they differ, replay, and do not depend on how long they are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.rollout.test_replay import is_sound as captured_well
from townlet.config.load import load_config
from townlet.generator.generate import generate_run
from townlet.rollout.play import play
from townlet.run import Run, canonical_json
from townlet.samples import ReplaySample, stack_groups

TOWN = """
config_id: early
world: {grid_size: [6, 6], ticks_per_day: 60}
jobs: {clerk: {start_tick: 20, end_tick: 40, wage_rate: 0.1, location: [1, 1]}}
economy: {rent_per_day: 0.5}
observations: {extended: true}
perturbations: {events: {dear: {kind: price_spike, prob_per_day: 1, duration: 5, magnitude: 2}}}
scenario:
  objects: [{id: bed, type: bed, position: [4, 4]}, {id: fridge, type: fridge, position: [2, 4]}]
  agents: [{id: ann, position: [0, 0], job: clerk}, {id: ben, position: [3, 3]}]
  starts: {needs: {hunger: [0.1, 0.9], energy: [0.2, 0.4]}, wallet: [1, 4], tick_of_day: [0, 59], positions: anywhere}
"""


@pytest.fixture
def town(tmp_path: Path) -> str:
    path = tmp_path / "early.yaml"
    path.write_text(TOWN, encoding="utf-8")
    return canonical_json(load_config(path).to_json_dict())


def run_of(town: str, seed: int, ticks: int, **options: Any) -> Run:
    return Run(
        name="early", seed=seed, ticks=ticks, config_json=town, config_path="early.yaml", **options
    )  # fmt: skip


def samples(town: str, seed: int, ticks: int, **options: Any) -> list[ReplaySample]:
    return [stack_groups([group]) for _, group in play(run_of(town, seed, ticks, **options))]


def test_seeds_differ_and_each_is_the_same_every_time(town: str) -> None:
    digests = [samples(town, seed, 5)[0].content_digest() for seed in (0, 1, 2, 1)]
    assert len(set(digests)) == 3 and digests[1] == digests[3]


@pytest.mark.parametrize("policy", ["needs", "uniform"])
def test_a_longer_run_and_one_in_segments_begin_as_a_short_one(town: str, policy: str) -> None:
    short, long, cut = (
        samples(town, 3, ticks, policy=policy, **more)
        for ticks, more in ((50, {}), (100, {}), (100, {"segment_ticks": 50}))
    )
    for one, other, piece in zip(short, long, cut[: len(short)], strict=True):
        assert one.tick.tolist() == list(range(50))
        for name in ("map", "features", "actions", "rewards", "action_mask", "positions", "tick"):
            assert np.array_equal(one.array(name), other.array(name)[:50]), name
            assert np.array_equal(one.array(name), piece.array(name)), name


def test_the_clock_of_the_town_shows_the_time_drawn(town: str) -> None:
    """Shifts, the rent and what an agent sees of the time go by it; ticks and the progress of the episode do not."""
    sample = samples(town, 3, 60)[0]
    begun = int(generate_run(run_of(town, 3, 60)).params.town.size[4])
    column = sample.metadata["feature_names"].index
    assert 0 < begun < 60
    angle = 2 * math.pi * (begun + np.arange(60)) / 60
    assert np.allclose(sample.features[:, column("time_sin")], np.sin(angle), atol=1e-6)
    starts_in = (20 - begun - np.arange(60)) % 60 / 60
    assert np.allclose(sample.features[:, column("shift_starts_in")], starts_in, atol=1e-6)
    assert (
        sample.features[0, column("episode_progress")] == 0
        and sample.features[0, column("ctx_reset_flag")] == 1
    )
    assert sample.metadata["born_tick"] == 0
    wallet = sample.features[:, column("wallet")].astype(np.float64)
    paid = np.flatnonzero(np.diff(wallet) < -0.3)
    assert paid.tolist() == [59 - begun]  # the end of the first day


def test_a_capture_replays(town: str, tmp_path: Path) -> None:
    for policy in ("needs", "uniform"):
        captured_well(run_of(town, 5, 80, policy=policy, segment_ticks=30), tmp_path / policy)
