"""`verify --replay`: what was captured can be played again to the bit, and a single wrong number is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.crowded.town import crowded
from tests.rollout.digests import shipped
from townlet.cli import main
from townlet.config.shipped import shipped_configs
from townlet.dataset.capture.commit import publish_run, stage_receipt, stage_sample
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.dataset.store import local as store
from townlet.dataset.store.local import LocalStore
from townlet.planning.plan import Request, plan
from townlet.rollout.play import play
from townlet.rollout.replay import verify_replay
from townlet.run import Run, SampleKey
from townlet.samples import ReplaySample, stack_groups

SHIPPED = [path.removesuffix(".yaml") for path in shipped_configs()]
Alter = Callable[[SampleKey, ReplaySample], ReplaySample | None]


@pytest.fixture(autouse=True)
def no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)


def as_it_is(key: SampleKey, sample: ReplaySample) -> ReplaySample:
    return sample


def captured(run: Run, folder: Path, alter: Alter = as_it_is) -> Capture:
    """A capture of the run, every file with its right sum; `alter` may change samples, or leave one out."""
    place, records = LocalStore(folder), []
    for key, group in play(run):
        sample = alter(key, stack_groups([group]))
        if sample is not None:
            records.append(stage_sample(place, run, key, sample))
    publish_run(place, run, stage_receipt(place, run, len(records), records))
    return load_capture(folder)


def is_sound(run: Run, folder: Path) -> Capture:
    """A capture of the run, of which every array is the same when it is played again."""
    capture = captured(run, folder)
    report = verify_replay(capture)
    assert report.ok, report.problems
    assert report.samples == len(capture.samples)
    assert report.timesteps == sum(record.frame_count for record in capture.samples)
    return capture


@pytest.mark.parametrize("policy", ["schedules", "needs", "uniform"])
@pytest.mark.parametrize("config", SHIPPED)
def test_every_shipped_config(tmp_path: Path, config: str, policy: str) -> None:
    run = shipped(config, 60, None if policy == "schedules" else policy, seed=3)
    capture = is_sound(replace(run, ignore_schedules=policy != "schedules"), tmp_path)
    kinds = {capture[index].metadata["policy"]["kind"] for index in range(len(capture.samples))}
    assert kinds <= ({"scripted", "needs"} if policy == "schedules" else {policy})


@pytest.mark.parametrize("policy", [None, "uniform"])
@pytest.mark.parametrize("config", SHIPPED)
def test_every_shipped_config_for_its_own_ticks(tmp_path: Path, config: str, policy: str | None) -> None:
    (run,) = plan(Request((f"{config}.yaml",), policy=policy)).playable()
    is_sound(run, tmp_path)


@pytest.mark.parametrize("segment_ticks", [0, 37, 64])
def test_newcomers_and_segments(tmp_path: Path, segment_ticks: int) -> None:
    run = shipped("scenarios/hard_winter", 256, None, segment_ticks=segment_ticks)
    capture = is_sound(run, tmp_path)
    assert "otto-2" in capture.agents
    assert max(record.segment for record in capture.samples) == (255 // segment_ticks if segment_ticks else 0)


@pytest.mark.parametrize("seen", ["hybrid", "full", "compact"])
def test_a_crowd_in_which_everything_happens(tmp_path: Path, seen: str) -> None:
    capture = is_sound(crowded(600, seen=seen, segment_ticks=128), tmp_path)
    assert len(capture.agents) > 10


@pytest.mark.parametrize(
    ("config", "agent"), [("examples/small_town", "bob"), ("scenarios/hard_winter", "otto-2")]
)
def test_of_a_single_agent(tmp_path: Path, config: str, agent: str) -> None:
    """What the others did is not stored: their policies play again."""
    capture = is_sound(shipped(config, 256, "uniform", agent=agent, ignore_schedules=False), tmp_path)
    assert capture.agents == (agent,)


def other_action(sample: ReplaySample, t: int) -> dict[str, np.ndarray]:
    """Another legal action at `t`."""
    actions = sample.actions.copy()
    legal = np.flatnonzero(sample.action_mask[t])
    actions[t] = next(action for action in legal if action != actions[t])
    return {"actions": actions}


def bumped(name: str, column: int | tuple = ()) -> Callable[[ReplaySample, int], dict[str, np.ndarray]]:
    """One number of an array, changed by its last bit at `t`."""

    def change(sample: ReplaySample, t: int) -> dict[str, np.ndarray]:
        array = getattr(sample, name).copy()
        where = (t, *column) if isinstance(column, tuple) else (t, column)
        floats = array.dtype.kind == "f"
        array[where] = np.nextafter(array[where], np.float32(np.inf)) if floats else array[where] + 1
        return {name: array}

    return change


def barred(sample: ReplaySample, t: int) -> dict[str, np.ndarray]:
    """A legal action that was not taken is said to be forbidden."""
    mask = sample.action_mask.copy()
    mask[t, next(action for action in np.flatnonzero(mask[t]) if action != sample.actions[t])] = False
    return {"action_mask": mask}


def last_map(sample: ReplaySample, t: int) -> dict[str, np.ndarray]:
    final = sample.final_map.copy()
    final[1, 0, 0] += 1
    return {"final_map": final}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (other_action, "bob (segment 0): features: differs first at tick 18: stored"),
        (bumped("rewards"), "bob (segment 0): rewards: differs first at tick 17: stored"),
        (bumped("features", 3), "bob (segment 0): features: differs first at tick 17: stored 2.0"),
        (bumped("map", (1, 2, 3)), "bob (segment 0): map: differs first at tick 17: stored"),
        (bumped("old_log_probs"), "bob (segment 0): old_log_probs: differs first at tick 17: stored"),
        (bumped("value_preds"), "bob (segment 0): value_preds: differs first at"),
        (bumped("reward_terms", 1), "bob (segment 0): reward_terms: differs first at tick 17: stored"),
        (bumped("positions", 0), "bob (segment 0): positions: differs first at tick 17: stored"),
        (barred, "bob (segment 0): action_mask: differs first at tick 17: stored False, replayed True"),
        (last_map, "bob (segment 0): final_map: differs first at index 1: stored 1.0, replayed 0.0"),
    ],
)
def test_a_single_wrong_number_is_found(tmp_path: Path, change: Callable, found: str) -> None:
    def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        return replace(sample, deep=True, **change(sample, 17)) if key.agent_id == "bob" else sample

    report = verify_replay(captured(shipped("examples/small_town", 40, "uniform"), tmp_path, alter))
    assert not report.ok
    assert any(found in problem for problem in report.problems), report.problems


def test_a_wrong_number_in_a_later_segment_is_found(tmp_path: Path) -> None:
    def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        return replace(sample, deep=True, **bumped("rewards")(sample, 5)) if key.segment == 2 else sample

    run = shipped("examples/small_town", 40, "uniform", segment_ticks=16)
    report = verify_replay(captured(run, tmp_path, alter))
    assert [problem.split(": stored")[0] for problem in report.problems] == [
        f"{name} (segment 2): rewards: differs first at tick 37" for name in ("alice", "bob", "cora")
    ]


def test_who_is_not_stored_is_missed(tmp_path: Path) -> None:
    def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample | None:
        return None if key.agent_id == "otto-2" else sample

    report = verify_replay(captured(shipped("scenarios/hard_winter", 256, None), tmp_path, alter))
    [problem] = report.problems[:1]
    assert problem.endswith("somebody lives in the replay of whom no action is stored")


def test_another_config_is_not_the_one_that_made_the_capture(tmp_path: Path) -> None:
    capture = captured(shipped("examples/small_town", 5, None), tmp_path)
    capture.config["config"]["rewards"]["survival_tick"] = 0.009
    [problem] = verify_replay(capture).problems
    assert problem.startswith("the stored config, or this version of the simulation, is not the one")


def test_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        return replace(sample, deep=True, **other_action(sample, 17)) if key.agent_id == "bob" else sample

    run = shipped("examples/small_town", 40, "uniform")
    captured(run, tmp_path / "good")
    captured(run, tmp_path / "bad", alter)
    assert main(["verify", str(tmp_path / "good"), "--replay"]) == 0
    assert "ok, 1 capture, replayed bit for bit: 120 timesteps" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "bad")]) == 0, "every file is as it was written"
    assert main(["verify", str(tmp_path / "bad"), "--replay"]) == 1
    assert "bob (segment 0): features: differs first at tick 18" in capsys.readouterr().err
