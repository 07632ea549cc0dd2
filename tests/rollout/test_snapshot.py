"""Snapshots: a loop that is restored goes on to the same bytes."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from tests.rollout.towns import three
from townlet.config.load import Resolved
from townlet.errors import UserError
from townlet.frames import frames_to_replay_sample
from townlet.rollout.loop import SimulationLoop


def winter(make_run) -> Resolved:
    """A town in which somebody faints and a newcomer arrives."""
    return Resolved.from_json_dict(json.loads(make_run("scenarios/hard_winter").config_json))


def digests(loop: SimulationLoop, ticks: int) -> dict[str, tuple[str, str]]:
    """Content and metadata of what everybody who ever lived has left, `ticks` later."""
    for _ in range(ticks):
        loop.step()
    found = {}
    for agent in dict.fromkeys(
        frame["agent_id"] for frame in loop.policy_runtime.collect_trajectory(clear=False)
    ):
        sample = frames_to_replay_sample(loop.policy_runtime.collect_trajectory(agent))
        found[agent] = sample.content_digest(), json.dumps(sample.metadata, sort_keys=True)
    return found


def test_the_same_bytes_again_and_in_another_process_s_loop(make_run) -> None:
    config = winter(make_run)
    loop = SimulationLoop(config, policy="uniform")
    for _ in range(40):
        loop.step()
    there = loop.snapshot()
    carried = pickle.loads(pickle.dumps(there))
    expected = digests(loop, 90)
    assert any(agent.endswith("-2") for agent in expected), "somebody was to arrive after the snapshot"
    loop.restore(there)
    assert (loop.tick, there.tick) == (40, 40)
    assert digests(loop, 90) == expected
    other = SimulationLoop(config, policy="uniform")
    other.restore(carried)
    assert digests(other, 90) == expected


def test_newcomers_are_in_it(make_run) -> None:
    loop = SimulationLoop(winter(make_run))
    while not any(agent.endswith("-2") for agent in loop.agents):
        loop.step()
    there, agents = loop.snapshot(), loop.agents
    fresh = SimulationLoop(winter(make_run))
    fresh.restore(there)
    assert fresh.agents == agents
    assert digests(fresh, 5) == digests(loop, 5)


def test_a_snapshot_stays_as_it_is(tmp_path: Path) -> None:
    loop = SimulationLoop(three(tmp_path))
    there = loop.snapshot()
    for _ in range(2):
        loop.restore(there)
        assert loop.observations["ann"].position == (0, 1)
        loop.step({"bob": 0})
    loop.restore(there)
    assert loop.policy_runtime.collect_trajectory() == []
    loop.step()
    assert loop.policy_runtime.collect_trajectory("bob")[0]["info"]["policy"]["kind"] == "needs"


def test_only_a_snapshot_of_the_same_town(tmp_path: Path) -> None:
    town = three(tmp_path)
    loop = SimulationLoop(town)
    with pytest.raises(UserError, match="restore: the snapshot is of another config, seed or policy"):
        loop.restore(SimulationLoop(town, 3).snapshot())
    with pytest.raises(UserError, match="restore: expected a snapshot, got dict"):
        loop.restore({})  # type: ignore[arg-type]
