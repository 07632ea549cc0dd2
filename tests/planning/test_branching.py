"""A run that leaves a captured one: the same up to a tick, otherwise after it, and whole by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dataset.reading.test_foreign_captures import change_manifest
from tests.rollout.acting.networks import network_of
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.config.load import load_config
from townlet.dataset.capture.commit import publish_run, stage_receipt, stage_sample
from townlet.dataset.capture.models import keep_models
from townlet.dataset.checking.verify import verify
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.dataset.store import local as store
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, UserError
from townlet.planning.branching import branched_run
from townlet.planning.plan import plan
from townlet.planning.request import Request
from townlet.playback.playback import Playback
from townlet.policy.base import PolicyActions, PolicyBatch
from townlet.policy.network import policy as network_policy
from townlet.policy.network.fit import FittedModel
from townlet.policy_text import NO_MODELS
from townlet.rollout.play import play
from townlet.rollout.replay import verify_replay
from townlet.rollout.stored import run_of
from townlet.run import SampleKey
from townlet.samples import GROUP_ARRAYS, ReplaySample, stack_groups

TICK, TICKS = 20, 40
TOWN = "training/small.yaml"  # four agents, and the seed decides much
QUIET = RunnerOptions(quiet=True)


@pytest.fixture(autouse=True)
def no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)


def captured(folder: Path, source: str | Path, **how: Any) -> Capture:
    """As a capture is made, without the pipeline."""
    planned = plan(Request((str(source),), **{"ticks": TICKS, **how}))
    (run,), place, records = planned.playable(), LocalStore(folder), []
    keep_models(place, [run], planned.models)
    for key, group in play(run, planned.models, planned.stored):
        records.append(stage_sample(place, run, key, stack_groups([group])))
    publish_run(place, run, stage_receipt(place, run, len(records), records))
    return load_capture(folder)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Forty ticks of four agents who do anything, with seed 5; not to be changed."""
    return captured(tmp_path_factory.mktemp("parent") / "town", TOWN, policy="uniform", seeds=(5,))


def before_and_after(sample: ReplaySample, tick: int = TICK) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The timesteps before a tick, and those from it on, by array."""
    at = tick - int(sample.tick[0])
    arrays = {name: sample.array(name) for name in GROUP_ARRAYS}
    first = {name: array[:at].tobytes() for name, array in arrays.items()}
    return first, {name: array[at:].tobytes() for name, array in arrays.items()}


def arrays_of(capture: Capture) -> list[dict[str, bytes]]:
    return [{name: array.tobytes() for name, array in sample.arrays().items()} for sample in capture]


@pytest.mark.parametrize("changed", [{"policy": "needs"}, {"seeds": (6,)}, {"policy": "idle", "seeds": (6,)}])
def test_the_same_up_to_the_tick_and_then_otherwise(
    parent: Capture, tmp_path: Path, changed: dict[str, Any]
) -> None:
    branch = captured(tmp_path / "branch", parent.place, from_tick=TICK, **changed)
    assert branch.agents == parent.agents
    others = 0
    for old, new in zip(parent, branch, strict=True):
        (old_first, old_rest), (new_first, new_rest) = before_and_after(old), before_and_after(new)
        assert old_first == new_first
        others += old_rest["actions"] != new_rest["actions"]
    assert others >= 2  # the rest are at something that nobody interrupts
    assert verify(branch.place).ok
    report = verify_replay(branch)
    assert (report.problems, report.exact, report.timesteps) == ([], True, 4 * TICKS)


def test_more_ticks_are_what_a_longer_capture_has(parent: Capture, tmp_path: Path) -> None:
    """Nothing but the end is otherwise: to the bit what would have been captured at once."""
    branch = captured(tmp_path / "branch", parent.place, from_tick=TICKS, ticks=60)
    at_once = captured(tmp_path / "at_once", TOWN, ticks=60, policy="uniform", seeds=(5,))
    assert arrays_of(branch) == arrays_of(at_once)
    assert branch.metadata["branch"]["changes"] == ["ticks 40 -> 60"]


def test_another_seed_draws_what_it_would_draw_there(parent: Capture, tmp_path: Path) -> None:
    """A draw is named by seed and tick: back to the first seed, the draws are those of the parent again."""
    there = captured(tmp_path / "there", parent.place, from_tick=TICK, seeds=(6,))
    back = captured(tmp_path / "back", there.place, from_tick=TICK, seeds=(5,))
    assert arrays_of(back) == arrays_of(parent)
    assert back.metadata["fingerprint"] != parent.metadata["fingerprint"]


@pytest.mark.parametrize("segment_ticks", [7, 20, 10, 39])
def test_segments_change_nothing(parent: Capture, tmp_path: Path, segment_ticks: int) -> None:
    """Also where the tick is the first of a segment: its last value and bootstrap are of whoever goes on."""
    whole = captured(tmp_path / "whole", parent.place, from_tick=TICK, policy="needs")
    cut = captured(
        tmp_path / "cut", parent.place, from_tick=TICK, policy="needs", segment_ticks=segment_ticks
    )
    assert len(cut) > len(whole)
    for agent in whole.agents:
        one, other = whole.joined(agent), cut.joined(agent)
        for name in one.arrays():
            assert one.array(name).tobytes() == other.array(name).tobytes(), (agent, name)
    assert verify_replay(cut).problems == []


def test_what_metadata_says(parent: Capture, tmp_path: Path) -> None:
    branch = captured(tmp_path / "branch", parent.place, from_tick=TICK, policy="needs", seeds=(6,))
    facts = branch.metadata["branch"]
    assert facts == {
        "content_digest": parent.metadata["content_digest"], "scenario_name": "small", "seed": 5, "seed_text": "5",
        "tick": TICK, "changes": ["policy uniform -> needs", "seed 5 -> 6"],
        "before": [
            {"until": TICK, "seed": 5, "seed_text": "5", "policy": "uniform", "ignore_schedules": False}
        ],
    }  # fmt: skip
    assert (branch.metadata["seed"], branch.metadata["policy"]) == (6, "needs")
    sample = branch[0]
    assert sample.metadata["capture_metadata"]["branch"] == facts
    policy = sample.metadata["policy"]
    assert (policy["kind"], policy["acted"]) == ("mixed", {"uniform": TICK, "needs": TICKS - TICK})
    assert "branch" not in parent.metadata
    assert "branch" not in parent[0].metadata["capture_metadata"]
    assert run_of(branch).fingerprint == branch.metadata["fingerprint"] != parent.metadata["fingerprint"]


def test_a_branch_that_leaves_a_branch(parent: Capture, tmp_path: Path) -> None:
    first = captured(tmp_path / "first", parent.place, from_tick=10, policy="needs")
    second = captured(tmp_path / "second", first.place, from_tick=30, policy="uniform", seeds=(6,))
    policy = second[0].metadata["policy"]
    assert policy["acted"] == {"uniform": 20, "needs": 20}
    for old, new in zip(first, second, strict=True):
        assert before_and_after(old, 30)[0] == before_and_after(new, 30)[0]
    assert [stretch["until"] for stretch in second.metadata["branch"]["before"]] == [10, 30]
    assert verify_replay(second).problems == []
    early = captured(tmp_path / "early", second.place, from_tick=5, policy="idle")
    assert [stretch["until"] for stretch in early.metadata["branch"]["before"]] == [5]
    assert verify_replay(early).problems == []


def test_schedules_can_be_dropped(tmp_path: Path) -> None:
    """A counterfactual of the hard winter: from tick 40 on Otto looks after himself, and nobody faints."""
    winter = captured(tmp_path / "winter", "hard_winter", ticks=None)
    assert winter.agents == ("otto", "otto-2")
    assert [bool(sample.dones[-1]) for sample in winter] == [True, False]
    branch = captured(
        tmp_path / "branch", winter.place, ticks=None, from_tick=40, policy="needs", ignore_schedules=True
    )
    assert branch.agents == ("otto",)
    otto = branch[0]
    assert otto.timesteps == winter.metadata["ticks"]
    assert not otto.dones.any()
    assert otto.metadata["policy"]["acted"] == {"scripted": 40, "needs": 360}
    assert branch.metadata["branch"]["changes"] == ["policy the config's -> needs", "schedules ignored"]
    assert verify_replay(branch).problems == []


def test_people_who_left_and_came(tmp_path: Path) -> None:
    """The tick lies after a death and a return: names and numbers are the parent's."""
    winter = captured(tmp_path / "winter", "hard_winter", ticks=None)
    branch = captured(
        tmp_path / "branch", winter.place, ticks=None, from_tick=200, policy="uniform", check=True
    )
    assert branch.agents == ("otto", "otto-2", "otto-3"), "otto-2 does not live on as it did"
    assert arrays_of(branch)[0] == arrays_of(winter)[0]
    assert verify_replay(branch).problems == []
    between = captured(tmp_path / "between", winter.place, ticks=None, from_tick=100, policy="uniform")
    assert verify_replay(between).problems == []


def run_elsewhere(
    self: FittedModel, maps: np.ndarray, features: np.ndarray, masks: np.ndarray, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """What stands for another library: logits and values follow from what is seen, and from which model it is."""
    seen = features.sum(axis=1, dtype=np.float64)[:, None] + self.model.data[-1]
    return np.sin(seen + np.arange(masks.shape[1])).astype(np.float32), seen[:, 0].astype(np.float32)


@pytest.mark.parametrize("python", [False, True], ids=["compiled", "asked from Python"])
def test_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: bool) -> None:
    """One acts before the tick and another one after it; the models of both are kept beside the branch."""
    config = load_config(TOWN)
    files, models = [], {}
    for seed in (1, 2):
        _, model = network_of(config, seed=seed)
        models |= model
        files.append(tmp_path / f"{seed}.onnx")
        files[-1].write_bytes(next(iter(model.values())))
    if python:
        monkeypatch.setattr(FittedModel, "run", run_elsewhere)
        monkeypatch.setattr(FittedModel, "runtime", "elsewhere")
        fit = network_policy.fit_model
        monkeypatch.setattr(network_policy, "fit_model", lambda *given: replace(fit(*given), program=None))
        monkeypatch.setattr(network_policy, "_fitted", network_policy._Cache())
    old = captured(tmp_path / "old", TOWN, policy=f"network:{files[0]}")
    new = captured(tmp_path / "new", old.place, from_tick=TICK, policy=f"network:{files[1]}?mode=greedy")
    assert set(new.metadata["models"]) == set(models)
    for mine, others in zip(old, new, strict=True):
        assert before_and_after(mine)[0] == before_and_after(others)[0]
    assert new[0].metadata["policy"]["acted"] == {"network": TICKS}
    assert new[0].metadata["policy"]["digest"] is None, "there are two"
    report = verify_replay(new, models)
    assert (report.problems, report.exact) == ([], not python)
    back = captured(tmp_path / "back", new.place, from_tick=30, policy="needs")
    assert verify_replay(back, models).problems == []


def test_a_changed_number_is_found(parent: Capture, tmp_path: Path) -> None:
    branch = captured(tmp_path / "branch", parent.place, from_tick=TICK, policy="needs")
    run, request = run_of(branch), Request((parent.place,), from_tick=TICK, policy="needs")
    assert run == branched_run(request).run
    stored = branched_run(request).stored
    groups = [stack_groups([group]) for _, group in play(run, NO_MODELS, stored)]
    assert [group.actions.tolist() for group in groups] == [sample.actions.tolist() for sample in branch]
    for tick in (3, 33):
        altered = groups[0].old_log_probs.copy()
        altered[tick] -= 1.0
        assert _problems(branch, altered, tmp_path / str(tick)) == [
            f"alice (segment 0): old_log_probs: differs first at tick {tick}"
        ]


def _problems(branch: Capture, log_probs: np.ndarray, folder: Path) -> list[str]:
    """What a replay says of the branch with other log-probs of its first sample."""
    place, records, run = LocalStore(folder), [], run_of(branch)
    for number, sample in enumerate(branch):
        sample = replace(sample, old_log_probs=log_probs) if number == 0 else sample
        key = SampleKey(run.name, run.seed, number + 1, sample.agent_id, 0)
        records.append(stage_sample(place, run, key, sample))
    publish_run(place, run, stage_receipt(place, run, len(records), records))
    return [problem.split(": stored")[0] for problem in verify_replay(load_capture(folder)).problems]


def test_it_is_played_back(parent: Capture, tmp_path: Path) -> None:
    branch = captured(tmp_path / "branch", parent.place, from_tick=TICK, policy="needs", seeds=(6,))
    found = [moment.seen.actions[:, 0].tolist() for moment in Playback(branch).moments(15, 25)]
    expected = np.array([sample.actions[15:26] for sample in branch]).T
    assert found == expected.tolist()


def test_a_run_of_a_data_set_is_left(tmp_path: Path) -> None:
    request = Request((TOWN,), ticks=TICKS, seeds=(0, 1), policy="uniform")
    capture(plan(request), str(tmp_path / "set"), QUIET)
    place = tmp_path / "set" / "runs" / "small" / "seed-1"
    branch = captured(tmp_path / "branch", place, from_tick=TICK, policy="needs")
    assert branch.metadata["branch"]["seed"] == 1
    assert verify_replay(branch).problems == []


def test_again_does_nothing_and_otherwise_is_refused(parent: Capture, tmp_path: Path) -> None:
    request = Request((parent.place,), from_tick=TICK, policy="needs")
    assert not capture(plan(request), str(tmp_path / "out"), QUIET).already_complete
    assert capture(plan(request), str(tmp_path / "out"), QUIET).already_complete
    for other, asked in (
        (Request((parent.place,), from_tick=21, policy="needs"), "branch of small seed 5 at tick 21"),
        (Request((parent.place,), policy="needs"), "branch none"),
    ):
        with pytest.raises(UserError, match="is another capture") as error:
            capture(plan(other), str(tmp_path / "out"), QUIET)
        assert f"branch of small seed 5 at tick 20 (asked for: {asked.removeprefix('branch ')})" in str(
            error.value
        )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "nothing would be otherwise; give --policy, --seed, --ticks or --ignore-schedules"),
        ({"policy": "uniform", "seeds": (5,)}, "nothing would be otherwise"),
        ({"policy": "needs", "from_tick": 0}, "expected a tick from 1 to 40, where the capture ends, got 0"),
        ({"policy": "needs", "from_tick": 41}, "expected a tick from 1 to 40, where the capture ends, got 41"),
        ({"policy": "needs", "from_tick": 40}, "--ticks: expected more than the 40 ticks that are as they were"),
        ({"policy": "needs", "ticks": 20}, "--ticks: expected more than the 20 ticks that are as they were, got 20"),
        ({"policy": "needs", "agent": "alice"}, "expected no --agent"),
        ({"seeds": (1, 2)}, "expected one seed, since a branch is one capture"),
        ({"policy": "needs", "sources": (TOWN,)}, "expected one capture to leave: its folder, or its manifest, got"),
        ({"policy": "needs", "sources": ("nowhere",)}, "expected one capture to leave"),
        ({"policy": "nedes"}, "expected one of scripted, needs"),
        ({"policy": "network:nowhere.onnx"}, "--policy: "),
        ({"policy": "needs", "from_tick": "20"}, "--from-tick"),
    ],
)  # fmt: skip
def test_what_is_no_branch(parent: Capture, changed: dict[str, Any], message: str) -> None:
    how = {"sources": (parent.place,), "from_tick": TICK, **changed}
    with pytest.raises(UserError) as error:
        plan(Request(**how))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_captures_that_cannot_be_left(parent: Capture, tmp_path: Path) -> None:
    alone = captured(tmp_path / "alone", TOWN, agent="alice")
    with pytest.raises(UserError, match=r"holds the actions of alice alone; capture"):
        branched_run(Request((alone.place,), from_tick=TICK, policy="idle"))
    with pytest.raises(UserError, match=r"expected one capture to leave.*, got .*, .*"):
        branched_run(Request((parent.place, parent.place), from_tick=TICK, policy="idle"))

    class Waits:
        def act(self, batch: PolicyBatch) -> PolicyActions:
            zeros = np.zeros(len(batch), np.float32)
            return PolicyActions(np.zeros(len(batch), np.int64), zeros, zeros)

        def values(self, batch: PolicyBatch) -> np.ndarray:
            return np.zeros(len(batch), np.float32)

    request = Request((TOWN,), ticks=TICKS)
    capture(plan(request), str(tmp_path / "given"), QUIET, policy=Waits())
    with pytest.raises(UserError, match="an object of a program's decided in it"):
        branched_run(Request((str(tmp_path / "given"),), from_tick=TICK, policy="idle"))


def test_another_version_of_the_rules(parent: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("townlet.run.RULES_VERSION", 99)
    with pytest.raises(UserError, match="was made by another version of the rules"):
        branched_run(Request((parent.place,), from_tick=TICK, policy="needs"))


def test_it_is_played_here_and_by_a_named_policy(parent: Capture, tmp_path: Path) -> None:
    planned = plan(Request((parent.place,), from_tick=TICK, policy="needs"))
    for options in (RunnerOptions(workers=2), RunnerOptions(flags=("--runner", "FlinkRunner"))):
        with pytest.raises(UserError, match="a branch is one run, played in this process"):
            capture(planned, str(tmp_path / "out"), options)
    with pytest.raises(UserError, match="goes on with a policy that has a name"):
        capture(planned, str(tmp_path / "out"), QUIET, policy=object())
    run = next(planned.playable())
    with pytest.raises(UserError, match="leaves another run at tick 20"):
        next(play(run))
    assert not (tmp_path / "out").exists()


FORGED: dict[str, dict[str, Any]] = {
    "a tick beyond the end": {"tick": 40, "before": [{"until": 40, "seed": 5}]},
    "another tick than the stretches say": {"tick": 21},
    "stretches out of order": {"before": [{"until": 20, "seed": 5}, {"until": 20, "seed": 5}]},
    "no stretch": {"before": []},
    "no tick": {"tick": 0, "before": [{"until": 0, "seed": 5}]},
    "no seed": {"before": [{"until": 20, "seed": -1}]},
    "no digest": {"content_digest": "../../x"},
    "a policy that is a number": {"before": [{"until": 20, "seed": 5, "policy": 3}]},
    "a policy that is none": {"before": [{"until": 20, "seed": 5, "policy": "\x1b[31mred"}]},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_branch_is_damage(parent: Capture, tmp_path: Path, forged: dict[str, Any]) -> None:
    branch = captured(tmp_path / "branch", parent.place, from_tick=TICK, policy="needs")

    def change(document: dict[str, Any]) -> None:
        document["metadata"]["branch"].update(forged)

    change_manifest(change)(branch.path)
    try:
        report = verify_replay(load_capture(branch.place))
    except CorruptSampleError as error:
        assert "\x1b" not in str(error)
    else:
        assert report.problems
