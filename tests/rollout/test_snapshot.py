"""Snapshots: a loop that is restored goes on to the same bytes."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rollout.acting.networks import network_of
from tests.rollout.scenes.towns import three
from townlet.config.load import Resolved, load_config
from townlet.config.shipped import shipped_root
from townlet.errors import UserError
from townlet.frames import frames_to_replay_sample
from townlet.rollout.loop import SimulationLoop

ROOT = Path(__file__).resolve().parents[2]


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


GO_ON = """
import json, pickle, sys
from pathlib import Path
from tests.rollout.test_snapshot import digests
from townlet.rollout.loop import SimulationLoop

town, network, there = map(Path, sys.argv[1:])
loop = SimulationLoop(town, policy=f"network:{network}", ignore_schedules=True)
loop.restore(pickle.loads(there.read_bytes()))
sys.stdout.write(json.dumps(digests(loop, 60)))
"""


@pytest.mark.campaign
def test_a_fresh_process_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """With a network that draws, guided masks, somebody who has died, and a newcomer who is yet to die."""
    town, model, kept = tmp_path / "town.yaml", tmp_path / "best.onnx", tmp_path / "snapshot"
    winter = (shipped_root() / "scenarios" / "hard_winter.yaml").read_text()
    town.write_text(f"{winter}\nactions: {{mask: guided}}\n")
    _, models = network_of(load_config(town))
    model.write_bytes(next(iter(models.values())))
    loop = SimulationLoop(town, policy=f"network:{model}", ignore_schedules=True)
    while "otto-2" not in loop.agents:
        loop.step()
    kept.write_bytes(pickle.dumps(loop.snapshot()))
    expected = digests(loop, 60)
    assert set(expected) == {"otto", "otto-2"}, "frames from before the snapshot are in it"
    words = [sys.executable, "-c", GO_ON, str(town), str(model), str(kept)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert {agent: tuple(found) for agent, found in json.loads(done.stdout).items()} == expected


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


def test_only_a_snapshot_that_records_as_the_loop_does(tmp_path: Path) -> None:
    loops = [SimulationLoop(three(tmp_path), record=record) for record in (True, False)]
    for loop, other in (loops, loops[::-1]):
        kept = loop is loops[0]
        loop.step()
        with pytest.raises(
            UserError,
            match=f"a snapshot of a loop made with record={kept}, got one with record={not kept}",
        ):
            loop.restore(other.snapshot())
        assert loop.tick == 1
        loop.restore(loop.snapshot())
