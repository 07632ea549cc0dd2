"""Captures in which an object of a program's decides: labelled as that, gone on from where it is vouched for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.dataset.checking.verify import verify
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store import local
from townlet.errors import ConfigError, OutputError, UserError
from townlet.planning.given import with_given
from townlet.planning.plan import Plan, Request, plan
from townlet.policy.base import Decision, PolicyActions, PolicyBatch
from townlet.rollout.replay import verify_replay

TOWN = """\
config_id: town
scenario:
  ticks: 6
  objects: [{id: fridge, type: fridge, position: [3, 3]}]
  agents:
  - {id: al, position: [1, 1]}
  - {id: bo, position: [2, 1]}
  - {id: cy, position: [0, 0], schedule: [{kind: wait, ticks: 9}]}
policy: {agents: {bo: needs}}
"""
QUIET = RunnerOptions(quiet=True)


class Mine:
    """The last action that is allowed."""

    log_prob_source = "one-hot"
    value_source = "by hand"

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.lock = threading.Lock()  # cannot be pickled

    def act(self, batch: PolicyBatch) -> PolicyActions:
        self.asked.append(batch.agent_ids)
        last = batch.masks.shape[1] - 1 - np.argmax(batch.masks[:, ::-1], axis=1)
        return PolicyActions(last, np.full(len(batch), -0.5, np.float32), self.values(batch))

    def values(self, batch: PolicyBatch) -> np.ndarray:
        return np.full(len(batch), batch.tick, np.float32)


class ByName:
    kind = "needs"  # whatever an object calls itself

    def decide(self, observations: Any) -> Any:
        return {name: Decision(0, -0.25, 1.0) for name in observations}

    def value(self, observation: Any) -> float:
        return 2.0


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_sync_file_system", lambda path: True)
    monkeypatch.chdir(tmp_path)
    Path("town.yaml").write_text(TOWN)


def planned(**said: Any) -> Plan:
    return plan(Request(("town.yaml",), **said))


def content(folder: str) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path for path in Path(folder).rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.endswith("capture_log.json")}


def test_what_it_writes_says_what_it_is() -> None:
    mine = Mine()
    capture(planned(), "a", QUIET, policy=mine)
    assert mine.asked == [("al",)] * 6
    made = load_capture("a")
    assert made.metadata["policy"] == "outside:Mine" and made.metadata["model_digest"] is None
    al = made.joined("al")
    assert al.metadata["policy"] == {
        "kind": "outside",
        "digest": None,
        "log_prob_source": "one-hot",
        "value_source": "by hand",
        "options": {"name": "Mine"},
    }
    assert al.old_log_probs.tolist() == [-0.5] * 6 and al.value_preds.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert [made.joined(name).metadata["policy"]["kind"] for name in ("bo", "cy")] == ["needs", "scripted"]
    capture(planned(), "b", QUIET, policy=ByName(), policy_name="wait.3")
    al = load_capture("b").joined("al")
    assert al.metadata["policy"]["kind"] == "outside" and al.metadata["policy"]["options"] == {
        "name": "wait.3"
    }
    assert verify("a").ok and verify("b").ok


def test_its_runs_are_no_one_else_s() -> None:
    runs = [planned(policy=name).runs[0] for name in (None, "needs", "uniform", "scripted")]
    runs += [with_given(planned(), Mine(), name)[0].runs[0] for name in (None, "needs", "other")]
    assert len({run.fingerprint for run in runs}) == len(runs)
    with pytest.raises(UserError, match="--policy: expected one of"):
        planned(policy="outside:Mine")


def test_a_replay_takes_the_stored_actions() -> None:
    capture(planned(), "a", QUIET, policy=Mine())
    report = verify_replay(load_capture("a"))
    assert report.ok and (report.samples, report.timesteps, report.exact) == (3, 18, False)
    capture(planned(agent="al"), "b", QUIET, policy=Mine())
    report = verify_replay(load_capture("b"))
    assert len(report.problems) == 1 and report.problems[0].startswith("cannot be replayed: an object")


@pytest.mark.campaign
def test_captured_again_by_another_policy_only() -> None:
    capture(planned(), "a", QUIET, policy=Mine())
    with pytest.raises(
        ConfigError, match=r"^a: policy: an object of a program's decided, Mine: give another --policy"
    ):
        plan(Request(("a",)))
    capture(plan(Request(("a",), policy="needs")), "b", QUIET)
    again = plan(Request(("a",), policy="needs"))
    assert load_capture("b").metadata["fingerprint"] == again.runs[0].fingerprint


@pytest.mark.parametrize("seeds", [None, pytest.param((0, 1), marks=pytest.mark.campaign)])
def test_what_is_there_may_be_another_object_s(seeds: Any) -> None:
    capture(planned(seeds=seeds), "a", QUIET, policy=Mine())
    before = content("a")
    with pytest.raises(
        OutputError, match="an object called Mine decided: nothing tells whether it was this one"
    ):
        capture(planned(seeds=seeds), "a", QUIET, policy=Mine())
    assert content("a") == before
    outcome = capture(planned(seeds=seeds), "a", QUIET, policy=Mine(), policy_name="Mine")
    assert outcome.already_complete and content("a") == before
    mine = Mine()
    capture(planned(seeds=seeds), "a", QUIET, policy=mine, overwrite=True)
    assert mine.asked and content("a") == before
    with pytest.raises(
        OutputError, match="another capture: policy 'outside:Mine'" if seeds is None else "Mine"
    ):
        capture(planned(seeds=seeds), "a", QUIET, policy=Mine(), policy_name="other")


@pytest.mark.campaign
def test_the_rest_of_a_data_set_is_added_where_it_is_vouched_for() -> None:
    whole = planned(seeds=(0, 1, 2))
    capture(planned(seeds=(0,), as_data_set=True), "a", QUIET, policy=Mine(), policy_name="Mine")
    with pytest.raises(OutputError, match="give policy_name"):
        capture(whole, "a", QUIET, policy=Mine())
    mine = Mine()
    capture(whole, "a", QUIET, policy=mine, policy_name="Mine")
    assert len(mine.asked) == 12
    capture(whole, "b", QUIET, policy=Mine())
    assert content("a") == content("b")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no policy": ({"policy": 3}, "policy: expected a policy's name, or an object with `act` and `values`"),
    "a class": ({"policy": Mine}, "policy: expected a policy's name, or an object"),
    "a name alone": ({"policy_name": "x"}, "policy: expected a policy's name, or an object"),
    "a bad name": ({"policy": Mine(), "policy_name": "a b"}, "policy_name: expected 1 to 64 of A-Z"),
    "no text": ({"policy": Mine(), "policy_name": 3}, "policy_name: expected 1 to 64 of A-Z"),
    "many workers": (
        {"policy": Mine(), "runner_options": RunnerOptions(workers=2)},
        "an object decides in this process, in one worker",
    ),
    "an engine": (
        {"policy": Mine(), "runner_options": RunnerOptions(flags=("--runner=FlinkRunner",))},
        "an object decides in this process, in one worker",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_mistakes_of_a_program(wrong: str) -> None:
    options, message = WRONG[wrong]
    with pytest.raises(UserError, match=message):
        capture(planned(), "a", **{"runner_options": QUIET, **options})
    assert not Path("a").exists()


def test_a_plan_for_another_policy() -> None:
    with pytest.raises(UserError, match="the plan was made for the policy needs"):
        capture(planned(policy="needs"), "a", QUIET, policy=Mine())


@pytest.mark.campaign
def test_what_it_answers_wrongly_fails_the_run() -> None:
    class Wrong(Mine):
        def act(self, batch: PolicyBatch) -> PolicyActions:
            return PolicyActions(np.full(len(batch), 99), self.values(batch), self.values(batch))

    outcome = capture(planned(), "a", QUIET, policy=Wrong())
    assert len(outcome.failures) == 1 and "expected" in outcome.failures[0].reason
