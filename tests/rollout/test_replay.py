"""`verify --replay`: what was captured can be played again to the bit, and a single wrong number is found."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.crowded.town import crowded
from tests.dataset.reading.test_foreign_captures import sign
from tests.rollout.acting.networks import network_of
from tests.rollout.digests import shipped
from townlet.cli import main
from townlet.config.load import Resolved
from townlet.config.shipped import shipped_configs
from townlet.dataset.capture.commit import publish_run, stage_receipt, stage_sample
from townlet.dataset.capture.models import keep_models
from townlet.dataset.format.canonical import document_bytes, sha256_hex
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.dataset.store import local as store
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError
from townlet.planning.plan import Request, plan
from townlet.policy.network import policy as network_policy
from townlet.policy.network.fit import FittedModel
from townlet.policy_text import NO_MODELS, Models
from townlet.rollout.play import play
from townlet.rollout.replay import verify_replay
from townlet.rollout.stored import run_of
from townlet.run import Run, SampleKey
from townlet.samples import ReplaySample, stack_groups

SHIPPED = [path.removesuffix(".yaml") for path in shipped_configs()]
Alter = Callable[[SampleKey, ReplaySample], ReplaySample | None]


@pytest.fixture(autouse=True)
def no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)


def as_it_is(key: SampleKey, sample: ReplaySample) -> ReplaySample:
    return sample


def captured(run: Run, folder: Path, alter: Alter = as_it_is, models: Models = NO_MODELS) -> Capture:
    """A capture of the run, every file with its right sum; `alter` may change samples, or leave one out."""
    place, records = LocalStore(folder), []
    keep_models(place, [run], models)
    for key, group in play(run, models):
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


def test_captures_without_optional_arrays_are_played_again(tmp_path: Path) -> None:
    """Those of earlier versions; where they are stored, they are compared."""
    run = shipped("scenarios/queue_conflict", 60, None, seed=0)
    assert {"blocked", "off_mask"} & set(is_sound(run, tmp_path / "now")[0].arrays())

    def without(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        return replace(sample, blocked=None, off_mask=None)

    before = captured(run, tmp_path / "before", without)
    assert verify_replay(before).ok and before[0].blocked is None

    def other(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        return replace(sample, blocked=np.arange(sample.timesteps) == 30)

    report = verify_replay(captured(run, tmp_path / "other", other))
    assert any("blocked: differs first at tick" in problem for problem in report.problems)


def forged(folder: Path, change: Callable[[dict], None]) -> Capture:
    """A capture whose manifest says otherwise, with all digests and the fingerprint as they have to be."""
    place = folder / "rollout_sample_manifest.json"
    document = json.loads(place.read_bytes())
    change(document)
    sign(place, document)
    document["metadata"]["fingerprint"] = run_of(load_capture(folder)).fingerprint
    sign(place, document)
    return load_capture(folder)


@pytest.mark.parametrize("segment_ticks", [0, 1000])
@pytest.mark.parametrize("agent", [None, "alice"])
def test_ticks_that_nobody_played_cost_nothing(tmp_path: Path, segment_ticks: int, agent: str | None) -> None:
    """Everybody left long ago, says the capture: what is played and allocated follows from what is stored."""
    captured(shipped("examples/small_town", 20, "uniform", agent=agent), tmp_path)

    def change(document: dict) -> None:
        document["metadata"].update(ticks=2**31 - 1, segment_ticks=segment_ticks)

    tracemalloc.start()
    report = verify_replay(forged(tmp_path, change))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.problems
    assert peak < 100 << 20


@pytest.mark.parametrize("agent", [None, "alice"])
def test_ticks_before_somebody_is_said_to_live_cost_nothing(tmp_path: Path, agent: str | None) -> None:
    captured(shipped("examples/small_town", 20, "uniform", agent=agent), tmp_path)

    def change(document: dict) -> None:
        document["metadata"]["ticks"] = 2**31 - 1
        for entry in document["samples"]:
            entry["first_tick"] = 2**31 - 30

    tracemalloc.start()
    report = verify_replay(forged(tmp_path, change))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    says = "nothing is stored of the ticks from 0 to 2147483617, in which somebody must live"
    assert report.problems == [says]
    assert peak < 100 << 20


def test_agents_who_cannot_have_lived(tmp_path: Path) -> None:
    captured(shipped("examples/small_town", 20, "uniform"), tmp_path)
    capture = forged(tmp_path, lambda document: document["samples"][0].update(agent_index=2**31 - 1))
    [problem] = verify_replay(capture).problems[:1]
    assert problem == "the agent with number 2147483647 is not one of those who can have lived here"


@pytest.mark.parametrize(("column", "value"), [(0, 1e6), (0, -2.0), (0, 0.5), (1, 3.0), (1, 1e30), (1, -7.0)])
def test_actions_on_what_is_not_there_never_reach_the_kernels(
    tmp_path: Path, column: int, value: float
) -> None:
    def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        args = sample.action_args.copy()
        args[3, column] = value
        return replace(sample, deep=True, action_args=args)

    report = verify_replay(captured(shipped("examples/small_town", 20, "uniform"), tmp_path, alter))
    assert report.problems[0].startswith("rollout_sample_alice_001.npz: action_args: expected numbers of ")


def test_other_ticks_than_the_manifest_says(tmp_path: Path) -> None:
    captured(shipped("examples/small_town", 20, "uniform"), tmp_path)

    def change(document: dict) -> None:
        document["metadata"]["ticks"] = 40
        document["samples"][0]["first_tick"] = 7

    [problem] = verify_replay(forged(tmp_path, change)).problems[:1]
    assert problem == "rollout_sample_alice_001.npz: has other ticks than the manifest says"


def test_a_stored_config_that_cannot_be_played(tmp_path: Path) -> None:
    captured(shipped("examples/small_town", 5, "uniform"), tmp_path)
    place, manifest = tmp_path / "rollout_sample_config.json", tmp_path / "rollout_sample_manifest.json"
    config = json.loads(place.read_bytes())
    config["config"]["world"]["grid_size"] = [-1, 10**9]
    place.write_bytes(json.dumps(config).encode())
    document = json.loads(manifest.read_bytes())
    data = place.read_bytes()
    document["metadata"]["files"]["config"].update(sha256=sha256_hex(data), size=len(data))
    manifest.write_bytes(document_bytes(document))
    with pytest.raises(
        CorruptSampleError, match="what it stores cannot be played: resolved config: not what was"
    ):
        verify_replay(forged(tmp_path, lambda document: None))


@pytest.mark.parametrize("segment_ticks", [0, 50])
def test_of_a_network(tmp_path: Path, segment_ticks: int) -> None:
    """Its log-probs and values are computed again from what was seen: the last bit of one of them is found."""
    run, models = with_network(shipped("scenarios/hard_winter", 130, None, segment_ticks=segment_ticks))
    report = verify_replay(captured(run, tmp_path / "good", models=models), models)
    assert report.ok and report.timesteps > 60
    for name in ("old_log_probs", "value_preds"):

        def alter(key: SampleKey, sample: ReplaySample, name: str = name) -> ReplaySample:
            is_other = (key.agent_id, key.segment) == ("otto", 0)
            return replace(sample, **bumped(name)(sample, 7)) if is_other else sample

        [problem] = verify_replay(captured(run, tmp_path / name, alter, models), models).problems
        assert problem.startswith(f"otto (segment 0): {name}: differs first at ")
        assert " 7: stored" in problem
    with pytest.raises(
        CorruptSampleError, match=r"cannot be played: network .*: expected the content of the model"
    ):
        verify_replay(load_capture(tmp_path / "good"))


def test_of_a_network_that_kernels_do_not_play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stored actions are played, whatever it would do here: what it computes is to be near."""
    run, models = with_network(shipped("scenarios/hard_winter", 100, None, segment_ticks=40))
    shift = np.float32(0)

    def run_elsewhere(self: FittedModel, maps, features, masks, rows: int) -> tuple[np.ndarray, np.ndarray]:
        seen = features.sum(axis=1, dtype=np.float64)[:, None]
        logits = np.sin(seen + np.arange(masks.shape[1])) + shift * np.arange(masks.shape[1])
        return logits.astype(np.float32), (seen[:, 0] + shift).astype(np.float32)

    fit = network_policy.fit_model
    monkeypatch.setattr(network_policy, "fit_model", lambda *given: replace(fit(*given), program=None))
    monkeypatch.setattr(network_policy, "_fitted", network_policy._Cache())
    monkeypatch.setattr(FittedModel, "run", run_elsewhere)
    monkeypatch.setattr(FittedModel, "runtime", "elsewhere")
    capture = captured(run, tmp_path, models=models)
    assert verify_replay(capture, models).ok
    shift = np.float32(3e-7)
    assert verify_replay(capture, models).ok
    shift = np.float32(1e-3)
    problems = verify_replay(capture, models).problems
    assert problems and all("old_log_probs" in problem or "value_preds" in problem for problem in problems)


def with_network(run: Run) -> tuple[Run, Models]:
    """The run with a network of random numbers in the place of all schedules and policies."""
    name, models = network_of(Resolved.from_json_dict(json.loads(run.config_json)))
    return replace(run, policy=name, ignore_schedules=True), models
