"""`verify --replay`: the stored actions, played again, give every array to the bit; what was altered is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from townlet.dataset import load_capture
from townlet.dataset.commit import publish_run, stage_receipt, stage_sample
from townlet.dataset.reader import Capture
from townlet.dataset.store import LocalStore
from townlet.policy.replay import ARRAYS, ReplaySample, stack_groups
from townlet.replay_check import run_of, verify_replay
from townlet.rollout import play, resolved_of
from townlet.run import Run

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SHIPPED = sorted(
    f"{kind}/{path.stem}" for kind in ("examples", "scenarios") for path in (CONFIGS / kind).glob("*.yaml")
)


@pytest.fixture
def capture_of(tmp_path: Path) -> Callable[..., Capture]:
    """Capture a run without Beam; `alter(key, arrays)` may change a sample's arrays before they are written."""

    def captured(run: Run, alter: Callable | None = None) -> Capture:
        store, records = LocalStore(tmp_path / "capture"), []
        for key, group in play(run):
            sample = stack_groups([group])
            if alter is not None:
                arrays = {name: getattr(sample, name).copy() for name in ARRAYS}
                alter(key, arrays)
                sample = ReplaySample(**arrays, metadata=sample.metadata)
            records.append(stage_sample(store, run, key, sample))
        publish_run(store, run, stage_receipt(store, run, len(records), records))
        return load_capture(tmp_path / "capture")

    return captured


def replayed(capture: Capture) -> None:
    report = verify_replay(capture)
    assert report.problems == [] and report.ok
    assert report.samples == len(capture)
    assert report.timesteps == sum(record.frame_count for record in capture.samples) > 0


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_config_replays(make_run, capture_of, name: str) -> None:
    replayed(capture_of(make_run(name, ticks=120)))


@pytest.mark.campaign
@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("policy", [None, "uniform"])
def test_every_shipped_config_replays_to_its_end(make_run, capture_of, name: str, policy: str | None) -> None:
    ticks = resolved_of(make_run(name)).config.scenario.ticks or 1440
    replayed(capture_of(make_run(name, ticks=ticks, seed=5, policy=policy, ignore_schedules=policy is not None)))


@pytest.mark.parametrize("more", [{"policy": "uniform"}, {"segment_ticks": 32}, {"agent": "bob"}, {"compression": "none"}])
def test_however_it_was_captured(make_run, capture_of, more: dict) -> None:
    capture = capture_of(make_run("examples/small_town", ticks=100, seed=2, **more))
    assert run_of(capture).fingerprint == capture.metadata["fingerprint"]
    replayed(capture)


def test_newcomers_replay(make_run, capture_of) -> None:
    ticks = resolved_of(make_run("scenarios/hard_winter")).config.scenario.ticks
    capture = capture_of(make_run("scenarios/hard_winter", ticks=ticks, segment_ticks=64))
    assert any(record.agent_id.endswith("-2") for record in capture.samples)
    replayed(capture)


def test_an_altered_reward_is_named_with_its_tick(make_run, capture_of) -> None:
    def alter(key, arrays) -> None:
        if key.agent_id == "bob":
            arrays["rewards"][17] += 1

    problems = verify_replay(capture_of(make_run("examples/small_town", ticks=40), alter)).problems
    assert len(problems) == 1
    assert problems[0].startswith("bob (segment 0): rewards: differs first at tick 17: stored ")


def test_an_altered_observation_is_named_with_its_tick(make_run, capture_of) -> None:
    def alter(key, arrays) -> None:
        if key.agent_id == "cora":
            arrays["features"][9, 3] = np.float32(99)

    problems = verify_replay(capture_of(make_run("examples/small_town", ticks=20), alter)).problems
    assert len(problems) == 1 and "cora (segment 0): features: differs first at tick 9: stored 99.0" in problems[0]


def test_another_action_leads_to_another_town(make_run, capture_of) -> None:
    def alter(key, arrays) -> None:
        if key.agent_id == "alice":
            legal = np.flatnonzero(arrays["action_mask"][5])
            arrays["actions"][5] = next(a for a in legal if a != arrays["actions"][5])

    report = verify_replay(capture_of(make_run("examples/small_town", ticks=30, policy="uniform"), alter))
    assert any("alice (segment 0): " in problem and "tick 6" in problem for problem in report.problems)


def test_another_simulation_is_said_before_anything_is_played(make_run, capture_of, monkeypatch) -> None:
    capture = capture_of(make_run("examples/small_town", ticks=10))
    monkeypatch.setattr("townlet.run.RULES_VERSION", 10_000)
    report = verify_replay(capture)
    assert report.samples == 0 and "expected fingerprint" in report.problems[0]
