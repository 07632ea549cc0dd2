"""`SimulationLoop`: a town that Python steps: what it hands out, what it takes; it records what a capture does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.rollout.scenes.towns import West, WestByName, three
from townlet.config.load import Resolved
from townlet.errors import UserError
from townlet.frames import frames_to_replay_sample
from townlet.policy.actions import Action
from townlet.policy.base import Decision
from townlet.rollout.loop import SimulationLoop
from townlet.rollout.play import play
from townlet.run import Run, canonical_json
from townlet.samples import ReplaySample, stack_groups


@pytest.fixture
def town(tmp_path: Path) -> Resolved:
    return three(tmp_path)


def captured(config: Resolved, ticks: int, **more: Any) -> dict[str, ReplaySample]:
    run = Run(
        name=config.name, seed=more.pop("seed", config.seed), ticks=ticks,
        config_json=canonical_json(config.to_json_dict()), config_path=config.config_path, **more,
    )  # fmt: skip
    return {key.agent_id: stack_groups([group]) for key, group in play(run)}


def sample_of(loop: SimulationLoop, agent: str) -> ReplaySample:
    return frames_to_replay_sample(loop.policy_runtime.collect_trajectory(agent))


def stepped(loop: SimulationLoop, ticks: int) -> SimulationLoop:
    for _ in range(ticks):
        loop.step()
    return loop


def test_a_tick(town: Resolved) -> None:
    loop = SimulationLoop(town)
    assert (loop.tick, loop.agents) == (0, ("ann", "bob", "bob-lee"))
    scheduled = loop.observations["ann"].scheduled
    assert scheduled == Action(3) and loop.observations["bob"].scheduled is None
    result = loop.step({"bob": {"kind": "move", "direction": "south"}})
    assert (result.tick, loop.tick) == (0, 1)
    assert {agent: seen.position for agent, seen in result.observations.items()} == {
        "ann": (1, 1), "bob": (4, 1), "bob-lee": (4, 2),
    }  # fmt: skip
    assert set(result.rewards) == set(result.dones) == set(loop.agents) and not any(result.dones.values())
    assert sum(result.reward_terms["ann"].values()) == pytest.approx(result.rewards["ann"], abs=1e-6)
    assert (result.departed, result.final_observations, result.arrived) == ({}, {}, ())


def test_names_and_shapes(town: Resolved) -> None:
    loop = SimulationLoop(town)
    assert loop.action_space.dim == 9 and loop.layout.map_shape == (4, 3, 3)
    seen = loop.observations["ann"]
    assert seen.map.shape == (4, 3, 3) and seen.action_mask.shape == (9,)
    assert seen.features.shape == (len(loop.layout.feature_names),)


@pytest.mark.parametrize("policy", [None, "needs", "uniform", "scripted"])
def test_samples_are_the_capture_s_to_the_last_fact(make_run, policy: str | None) -> None:
    run = make_run("scenarios/hard_winter", ticks=80, seed=5, policy=policy)
    config = Resolved.from_json_dict(json.loads(run.config_json))
    expected = captured(config, 80, seed=5, policy=policy)
    loop = stepped(SimulationLoop(config, 5, policy=policy), 80)
    for agent, sample in expected.items():
        found = sample_of(loop, agent)
        assert found.content_digest() == sample.content_digest()
        assert found.metadata == sample.metadata


def test_labels_that_were_wrong_are_counted(make_run) -> None:
    """`queue_conflict` with a label on an attempt that succeeds."""
    run = make_run("scenarios/queue_conflict", ticks=40)
    document = json.loads(run.config_json)
    for agent in document["config"]["scenario"]["agents"]:
        for entry in agent.get("schedule", ()):
            entry["blocked"] = entry["kind"] != "wait"
    config = Resolved.from_json_dict(document)
    expected = captured(config, 40)
    counts = {agent: sample.metadata["label_mismatch_count"] for agent, sample in expected.items()}
    assert any(counts.values())
    loop = stepped(SimulationLoop(config), 40)
    assert {agent: sample_of(loop, agent).metadata["label_mismatch_count"] for agent in counts} == counts


def test_schedules_can_be_ignored(town: Resolved) -> None:
    loop = stepped(SimulationLoop(town, ignore_schedules=True), 3)
    assert loop.observations["ann"].position == (0, 1)
    expected = captured(town, 3, ignore_schedules=True)
    assert sample_of(loop, "ann").metadata == expected["ann"].metadata


def test_the_seed_is_the_config_s_unless_it_is_named(tmp_path: Path) -> None:
    assert SimulationLoop(three(tmp_path)).seed == 11
    assert SimulationLoop(three(tmp_path, scenario="seed: 12")).seed == 12
    loop = SimulationLoop(three(tmp_path), np.int64(7))  # type: ignore[arg-type]
    assert (loop.seed, type(loop.seed)) == (7, int)


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (-1, "seed: expected 0 to 2\\^63 - 1, got -1"),
        (2**63, "seed: expected 0 to 2\\^63 - 1, got 9223372036854775808"),
        (7.9, "seed: expected a whole number, got 7.9"),
        ("7", "seed: expected a whole number, got '7'"),
        (True, "seed: expected a whole number, got True"),
    ],
)
def test_seeds_that_cannot_be(town: Resolved, seed: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SimulationLoop(town, seed)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            "neeeds",
            "policy: expected one of scripted, needs, uniform, idle, needs-early or network:PATH, got 'neeeds'",
        ),
        (
            "outside",
            "policy: expected one of scripted, needs, uniform, idle, needs-early or network:PATH, got 'outside'",
        ),
        (3, "policy: expected a policy's name, or an object with `act` and `values`"),
        (West, "policy: expected a policy's name, or an object"),
    ],
)
def test_policies_that_cannot_be(town: Resolved, policy: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SimulationLoop(town, policy=policy)
    with pytest.raises(UserError, match="config: expected a file's path, or what load_config gives, got int"):
        SimulationLoop(3)  # type: ignore[arg-type]


SOUND = [
    2, np.int64(2), np.uint8(2), '{"kind":"move","direction":"south"}', {"kind": "move", "direction": "south"},
    Action(2), Decision(2, -1.0, 0.5), Decision({"kind": "move", "direction": "south"}),
]  # fmt: skip


@pytest.mark.parametrize("action", SOUND, ids=repr)
def test_actions_that_can_be(town: Resolved, action: Any) -> None:
    assert SimulationLoop(town).step({"bob": action}).observations["bob"].position == (4, 1)


WRONG = [
    (1.9, r"bob: action: expected an id \(a whole number\) or a JSON object, got 1.9"),
    (True, "got True"),
    (None, "got None"),
    ("3.0", "got '3.0'"),
    ("3", "got '3'"),
    ("east", r"expected an id or a JSON object, got 'east' \(Expecting value\)"),
    (9, "bob: action: expected an id from 0 to 8, got 9"),
    (-1, "got -1"),
    ([2], r"got \[2\]"),
    ({"kind": "fly"}, 'action: {"kind":"fly"} is not an action of this config; did you mean'),
    ({"kind": 3}, "is not an action of this config"),
    ({"kind": "chat", "quality": "good"}, "action.quality: expected a number from 0 to 1, got 'good'"),
    ({"kind": "chat", "quality": 1.5}, "action.quality: expected a number from 0 to 1, got 1.5"),
    ({"kind": "chat", "quality": float("nan")}, "action.quality: expected a number from 0 to 1, got nan"),
    ({"kind": "chat", "target": 1}, "action.target: expected a name, got 1"),
    ({"kind": "chat", "target": "zoe"}, "bob: action.target: expected one of ann, bob, bob-lee, got 'zoe'"),
    ({"kind": "request", "affordance": "sit", "object": ["x"]}, "action.object: expected a name"),
    (
        {"kind": "request", "affordance": "sit", "object": "x"},
        "action.object: expected one of bench_1, got 'x'",
    ),
    (Decision(2, 0.5), "bob: log_prob: expected the log of a probability, a finite number <= 0, got 0.5"),
    (Decision(2, float("-inf")), "log_prob: expected the log of a probability"),
    (Decision(2, "0"), "log_prob: expected the log of a probability"),  # type: ignore[arg-type]
    (Decision(2, value=float("inf")), "bob: value: expected a finite number, got inf"),
    (Decision(2.5), "action: expected an id"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("action", "message"), WRONG)
def test_actions_that_cannot_be_change_nothing(town: Resolved, action: Any, message: str) -> None:
    loop = SimulationLoop(town)
    with pytest.raises(UserError, match=message):
        loop.step({"ann": 0, "bob": action})
    assert loop.tick == 0
    loop.step()
    assert loop.observations["ann"].position == (1, 1)


def test_who_is_not_alive_does_nothing(town: Resolved) -> None:
    loop = SimulationLoop(town)
    with pytest.raises(UserError, match="step: 'zoe' is not alive; alive are ann, bob, bob-lee"):
        loop.step({"zoe": 0})
    with pytest.raises(UserError, match="step: expected actions by agent, got list"):
        loop.step([0])  # type: ignore[arg-type]


def test_what_is_handed_out_is_the_caller_s(town: Resolved) -> None:
    """Editing an observation, or frames, changes nothing of what is recorded or decided."""
    loop, other = SimulationLoop(town, policy="uniform"), SimulationLoop(town, policy="uniform")
    for _ in range(3):
        for seen in loop.observations.values():
            seen.features[:], seen.map[:], seen.action_mask[:] = 9, 9, False
        loop.step()
        other.step()
        for frame in loop.policy_runtime.collect_trajectory(clear=False):
            frame["features"][:], frame["map"][:] = 7, 7
    for agent in ("ann", "bob"):
        assert sample_of(loop, agent).content_digest() == sample_of(other, agent).content_digest()


def test_frames_handed_out_keep_what_they_say(town: Resolved) -> None:
    loop = stepped(SimulationLoop(town), 2)
    before = loop.policy_runtime.collect_trajectory("ann", clear=False)
    digest = frames_to_replay_sample(before).content_digest()
    loop.step()
    assert frames_to_replay_sample(before).content_digest() == digest
    assert [frame["tick"] for frame in loop.policy_runtime.collect_trajectory("ann")] == [0, 1, 2]
    assert "final_map" in before[-1] and "final_map" not in before[0]


def test_frames_are_collected_once(town: Resolved) -> None:
    loop = stepped(SimulationLoop(town), 3)
    runtime = loop.policy_runtime
    assert len(runtime.collect_trajectory("ann")) == 3
    assert runtime.collect_trajectory("ann") == []
    loop.step()
    assert [frame["tick"] for frame in runtime.collect_trajectory("ann")] == [3]
    everybody = runtime.collect_trajectory()
    assert [frame["agent_id"] for frame in everybody] == ["bob"] * 4 + ["bob-lee"] * 4
    assert runtime.collect_trajectory() == []
    with pytest.raises(UserError, match="agent: expected one of ann, bob, bob-lee, got 'zoe'"):
        runtime.collect_trajectory("zoe")


def test_a_frame_has_the_documented_keys(town: Resolved) -> None:
    frame = stepped(SimulationLoop(town), 1).policy_runtime.collect_trajectory("ann")[0]
    assert set(frame) == {
        "tick", "agent_id", "map", "features", "action", "action_id", "action_args", "action_mask", "reward",
        "reward_terms", "done", "log_prob", "value", "position", "blocked", "off_mask", "final_map", "final_features",
        "final_action_mask", "final_value", "info",
    }  # fmt: skip
    assert (frame["tick"], frame["action_id"], frame["position"]) == (0, 3, (0, 1))
    assert frame["action"] == '{"direction":"east","kind":"move"}'


def test_a_long_run_is_collected_in_pieces(town: Resolved) -> None:
    """The buffers grow, and forget what was taken."""
    loop, expected = SimulationLoop(town, policy="uniform"), captured(town, 300, policy="uniform")
    pieces = []
    for _ in range(3):
        stepped(loop, 100)
        pieces.append(sample_of(loop, "bob"))
        loop.policy_runtime.collect_trajectory("bob-lee")
    actions = np.concatenate([piece.actions for piece in pieces])
    assert (actions == expected["bob"].actions).all()
    assert (np.concatenate([piece.map for piece in pieces]) == expected["bob"].map).all()
    assert sample_of(loop, "ann").content_digest() == expected["ann"].content_digest()
    assert loop._stepper.recording.out.actions.shape[1] < 1200


@pytest.mark.parametrize("policy", [West, WestByName])
def test_an_object_of_the_caller_s_decides(town: Resolved, policy: Any) -> None:
    loop = stepped(SimulationLoop(town, policy=policy()), 3)
    assert loop.observations["bob"].position == (1, 0) and loop.observations["ann"].position == (2, 1)
    sample = sample_of(loop, "bob")
    assert sample.actions.tolist() == [4, 4, 4] and sample.old_log_probs.tolist() == [-0.5] * 3
    assert sample.value_preds.tolist() == [
        1.0,
        0.75,
        0.5,
        0.25,
    ]  # the last: of what is seen after the last step
    assert sample.metadata["policy"] == {
        "kind": "west", "digest": None, "log_prob_source": "a test", "value_source": "a test",
    }  # fmt: skip
    scripted = sample_of(loop, "ann")
    assert scripted.metadata["policy"]["kind"] == "scripted" and not scripted.value_preds.any()


def test_a_batch_is_all_agents_of_a_policy(town: Resolved) -> None:
    policy = West()
    SimulationLoop(town, policy=policy).step({"bob-lee": 0})
    SimulationLoop(town, policy=policy).step()
    one, two = policy.batches
    assert one.agent_ids == ("bob",) and two.agent_ids == ("bob", "bob-lee")
    assert two.row.tolist() == [1, 2] and two.arrival.tolist() == [2, 3] and two.tick == 0
    assert two.maps.shape[0] == two.features.shape[0] == two.masks.shape[0] == 2
    assert two.draws[:1] == one.draws and len(set(two.draws.tolist())) == 2
    assert (two.draw(9) != two.draws).all() and (two.draw(9) == two.draw(9)).all()


def test_who_acts_for_others_is_said(town: Resolved) -> None:
    """An action that a caller gives is the caller's: neither the policy's nor the schedule's."""
    loop = SimulationLoop(town)
    loop.step({"ann": Decision(0, -0.25, 0.5)})
    sample = sample_of(loop, "ann")
    assert sample.metadata["policy"]["kind"] == "outside"
    assert sample.old_log_probs.tolist() == [-0.25] and sample.value_preds.tolist() == [0.5, 0]
    fingerprint = sample.metadata["capture_metadata"]["fingerprint"]
    assert fingerprint != captured(town, 1)["ann"].metadata["capture_metadata"]["fingerprint"]
    assert sample_of(loop, "bob").metadata["policy"]["kind"] == "needs"


def test_who_acted_is_said_where_several_did(town: Resolved) -> None:
    loop = SimulationLoop(town)
    loop.step({"ann": Decision(0, -0.25, 0.5), "bob": 0})
    loop.step()
    loop.step()
    said = sample_of(loop, "ann").metadata["policy"]
    assert said == {
        "kind": "mixed",
        "digest": None,
        "log_prob_source": "outside: given with the action; scripted: deterministic",
        "value_source": "outside: given with the action; scripted: none",
        "acted": {"outside": 1, "scripted": 2},
    }
    assert sample_of(loop, "bob").metadata["policy"]["acted"] == {"outside": 1, "needs": 2}
    loop.step()
    assert sample_of(loop, "ann").metadata["policy"]["kind"] == "scripted"  # of the frames since


def test_what_the_mask_does_not_allow_is_flagged(town: Resolved) -> None:
    """It is played, and fails in the world; the mask holds it, as every action that was taken."""
    loop = SimulationLoop(town, illegal="fail")
    wrong = int(np.flatnonzero(~loop.observations["bob"].action_mask)[0])
    with pytest.raises(
        UserError, match=r"bob: action: expected one that its mask allows \(0, 2, 4, 7\), got 1, .*north"
    ):
        SimulationLoop(town).step({"ann": 0, "bob": wrong})
    loop.step()
    loop.step({"bob": wrong})
    loop.step()
    sample = sample_of(loop, "bob")
    assert sample.array("off_mask").tolist() == [False, True, False]
    assert sample.actions[1] == wrong and sample.action_mask[1, wrong]


def test_what_samples_say_of_their_run(town: Resolved) -> None:
    loop = SimulationLoop(town, seed=2**63 - 1)
    loop.step()
    said = sample_of(loop, "bob").metadata
    assert (said["seed"], said["seed_text"]) == (2**63 - 1, "9223372036854775807")
    assert said["action_names"][0] == '{"kind":"wait"}'
    assert captured(town, 1)["bob"].metadata["seed_text"] == str(town.seed)


def test_a_policy_of_one_s_own_goes_by_the_row_and_not_by_the_name(tmp_path: Path) -> None:
    """`bob-lee` is not a newcomer on `bob`'s row."""
    town = three(tmp_path, "policy: {agents: {bob: uniform}}")
    loop, expected = stepped(SimulationLoop(town), 20), captured(town, 20)
    for agent, kind in (("ann", "scripted"), ("bob", "uniform"), ("bob-lee", "needs")):
        found = sample_of(loop, agent)
        assert found.metadata["policy"]["kind"] == kind
        assert found.content_digest() == expected[agent].content_digest()
