"""`PolicyRuntime` by itself: who decides what, by name. Collecting frames: tests/rollout/test_loop.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rollout.scenes.towns import West, three
from townlet.errors import UserError
from townlet.policy.actions import Action
from townlet.policy.needs import NeedsPolicy
from townlet.policy.uniform import UniformPolicy
from townlet.rollout.loop import SimulationLoop
from townlet.rollout.runtime import PolicyRuntime


def test_schedules_come_first_and_each_policy_is_asked_once(tmp_path: Path) -> None:
    town, policy = three(tmp_path), West()
    loop, runtime = SimulationLoop(town, policy=policy), PolicyRuntime(town, policy)
    seen = {agent: loop.observations[agent] for agent in ("bob-lee", "ann", "bob")}
    assert runtime.decide(seen) == {"bob-lee": Action(4), "ann": Action(3), "bob": Action(4)}
    assert list(runtime.decide(seen)) == ["bob-lee", "ann", "bob"]
    assert [batch.agent_ids for batch in policy.batches] == [("bob", "bob-lee")] * 2
    assert policy.batches[0].row.tolist() == [1, 2]


def test_it_decides_as_the_loop_does(tmp_path: Path) -> None:
    """What it says of an observation is what the loop then records."""
    loop = SimulationLoop(three(tmp_path), policy="uniform")
    for _ in range(5):
        said = loop.policy_runtime.decide(loop.observations)
        loop.step()
        frames = loop.policy_runtime.collect_trajectory()
        assert {frame["agent_id"]: frame["action_id"] for frame in frames} == {
            agent: action.id for agent, action in said.items()
        }


def test_its_decisions_can_be_handed_to_a_step(tmp_path: Path) -> None:
    loop = SimulationLoop(three(tmp_path), policy=West())
    loop.step(loop.policy_runtime.decide(loop.observations))
    assert {agent: seen.position for agent, seen in loop.observations.items()} == {
        "ann": (1, 1), "bob": (3, 0), "bob-lee": (3, 2),
    }  # fmt: skip


def test_who_decides_for_whom(tmp_path: Path) -> None:
    runtime = PolicyRuntime(three(tmp_path, "policy: {agents: {bob: uniform}}"))
    assert isinstance(runtime.policy_for("bob"), UniformPolicy)
    assert isinstance(runtime.policy_for("bob-lee"), NeedsPolicy)
    with pytest.raises(UserError, match="agent: expected one of ann, bob, bob-lee, got 'eve'"):
        runtime.policy_for("eve")
    assert runtime.collect_trajectory() == []


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"seed: expected a whole number, got 1\.5"):
        PolicyRuntime(three(tmp_path), seed=1.5)  # type: ignore[arg-type]
    with pytest.raises(
        UserError,
        match="policy: expected one of scripted, needs, uniform, idle, needs-early or network:PATH, got 'x'",
    ):
        PolicyRuntime(three(tmp_path), "x")
