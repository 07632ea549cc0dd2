"""Policies of Python in captures: mixed with schedules and compiled ones, a batch a tick, the same recorder."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.rollout.scenes.towns import West, three
from townlet.config.load import Resolved
from townlet.errors import UserError
from townlet.frames import frames_to_replay_sample
from townlet.policy.base import PolicyActions, PolicyBatch, PolicyEntry, PolicyInfo
from townlet.rollout.loop import SimulationLoop
from townlet.rollout.play import play
from townlet.run import Run, canonical_json
from townlet.samples import ReplaySample, stack_groups
from townlet.vocabulary import POLICIES


@pytest.fixture
def west(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A policy called `west` is in the registry."""
    module: Any = ModuleType("townlet.policy.west")
    module.POLICY = PolicyEntry(PolicyInfo("west", "a test", "a test"), lambda setting: West())
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for reader in ("generator.people", "policy.registry", "policy_text", "rollout.player"):
        monkeypatch.setattr(f"townlet.{reader}.POLICIES", (*POLICIES, "west"))
    yield


def run_of(config: Resolved, ticks: int, **more: Any) -> Run:
    return Run(
        name=config.name, seed=11, ticks=ticks, config_json=canonical_json(config.to_json_dict()),
        config_path=config.config_path, **more,
    )  # fmt: skip


def samples(run: Run) -> dict[tuple[str, int], ReplaySample]:
    found = {}
    for key, group in play(run):
        sample = stack_groups([group])
        arrays = {name: array.copy() for name, array in sample.arrays().items()}
        found[key.agent_id, key.segment] = ReplaySample.from_arrays(arrays, sample.metadata)
    return found


@pytest.mark.usefixtures("west")
def test_it_acts_where_no_schedule_does(tmp_path: Path) -> None:
    town = three(tmp_path, "policy: {agents: {bob-lee: uniform}}")
    found = samples(run_of(town, 3, policy="west", check=True))
    bob = found["bob", 0]
    assert bob.positions.tolist() == [[4, 0], [3, 0], [2, 0]]
    assert bob.old_log_probs.tolist() == [-0.5] * 3 and bob.value_preds.tolist() == [1.0, 0.75, 0.5, 0.25]
    kinds = {agent: sample.metadata["policy"]["kind"] for (agent, _), sample in found.items()}
    assert kinds == {"ann": "scripted", "bob": "west", "bob-lee": "uniform"}


@pytest.mark.usefixtures("west")
def test_the_last_value_of_a_segment_is_the_first_of_the_next(tmp_path: Path) -> None:
    run = run_of(three(tmp_path), 4, policy="west")
    whole, cut = samples(run)["bob", 0], samples(replace(run, segment_ticks=2))
    assert whole.value_preds.tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert [cut["bob", part].value_preds.tolist() for part in (0, 1)] == [[1.0, 0.75, 0.5], [0.5, 0.25, 0.0]]


@pytest.mark.usefixtures("west")
def test_stepping_gives_the_same_samples(make_run) -> None:
    """In a town in which people come and go: newcomers have the policy of their row."""
    run = make_run("scenarios/hard_winter", ticks=130, policy="west", ignore_schedules=True)
    expected = samples(run)
    assert any(agent.endswith("-2") for agent, _ in expected)
    loop = SimulationLoop(Resolved.from_json_dict(json.loads(run.config_json)), 0, policy="west",
                          ignore_schedules=True)  # fmt: skip
    for _ in range(130):
        loop.step()
    for (agent, _), sample in expected.items():
        found = frames_to_replay_sample(loop.policy_runtime.collect_trajectory(agent))
        assert found.content_digest() == sample.content_digest()
        assert found.metadata == sample.metadata


def answer(batch: PolicyBatch, **changed: Any) -> PolicyActions:
    size = len(batch)
    whole = {"actions": np.zeros(size, np.int64), "log_probs": np.zeros(size), "values": np.zeros(size)}
    return PolicyActions(**{**whole, **changed})


BROKEN = [
    (lambda b: None, "policy 'broken': act: expected PolicyActions, got NoneType"),
    (
        lambda b: answer(b, actions=[0]),
        r"act: actions: expected shape \(2,\), a number for each row, got \(1,\)",
    ),
    (
        lambda b: answer(b, actions=[[0, 0]]),
        r"act: actions: expected shape \(2,\), a number for each row, got \(1, 2\)",
    ),
    (lambda b: answer(b, actions=[0, [1]]), "act: actions: expected whole numbers, got list"),
    (lambda b: answer(b, actions=np.zeros(2)), "act: actions: expected whole numbers, got dtype float64"),
    (lambda b: answer(b, actions=[True, False]), "act: actions: expected whole numbers, got dtype bool"),
    (lambda b: answer(b, actions=[0, 9]), "act: actions: expected 0 to 8, got 9"),
    (lambda b: answer(b, actions=[-1, 0]), "act: actions: expected 0 to 8, got -1"),
    (
        lambda b: answer(b, log_probs=[0.0, 0.5]),
        r"act: log_probs: expected logs of probabilities \(<= 0\), got 0.5",
    ),
    (lambda b: answer(b, log_probs=[0.0, np.nan]), "act: log_probs: expected finite numbers, got nan"),
    (lambda b: answer(b, log_probs=["a", "b"]), "act: log_probs: expected numbers, got dtype <U1"),
    (lambda b: answer(b, values=[0.0, 1e60]), r"act: values: expected finite numbers, got 1e\+60"),
    (lambda b: answer(b, object=[1, -1]), "act: object: expected -1 to 0, got 1"),
    (lambda b: answer(b, target=[3, -1]), "act: target: expected -1 to 2, got 3"),
    (
        lambda b: answer(b, quality=[1.5, -1]),
        "act: quality: expected 0 to 1, or -1 where none is named, got 1.5",
    ),
]


@pytest.mark.parametrize(("act", "message"), BROKEN)
def test_an_answer_that_cannot_be(tmp_path: Path, act: Any, message: str) -> None:
    class Broken(West):
        kind = "broken"

        def act(self, batch: PolicyBatch) -> PolicyActions:
            return act(batch)

    loop = SimulationLoop(three(tmp_path), policy=Broken())
    with pytest.raises(UserError, match=message):
        loop.step()
    loop.step({"bob": 0, "bob-lee": 0})  # nothing was played
    assert loop.tick == 1


def test_values_that_cannot_be(tmp_path: Path) -> None:
    class NoNumber(West):
        def values(self, batch: PolicyBatch) -> Any:
            return [None] * len(batch)

        def act(self, batch: PolicyBatch) -> PolicyActions:
            return answer(batch)

    loop = SimulationLoop(three(tmp_path), policy=NoNumber())
    loop.step()
    with pytest.raises(UserError, match="policy 'west': values: expected numbers, got dtype object"):
        loop.policy_runtime.collect_trajectory()


def test_nobody_decides_for_who_is_left_to_others(tmp_path: Path) -> None:
    """`outside` is no policy of a run: only a loop has somebody outside."""
    with pytest.raises(
        UserError, match="policy: expected one of scripted, needs, uniform, idle, needs-early, got 'outside'"
    ):
        samples(run_of(three(tmp_path), 2, policy="outside"))
