"""A tick told: what it says is what the arrays hold, and what decided."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.crowded.town import crowded
from tests.rollout.acting.networks import network_of
from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.cli import main
from townlet.config.load import Resolved
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.playback.at_tick import at_tick
from townlet.playback.playback import Playback
from townlet.policy_text import NO_MODELS
from townlet.samples import ReplaySample
from townlet.world.refusals import REASONS

TICKS = 300


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return captured(crowded(TICKS, seed=4), tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Playback:
    return Playback(
        captured(shipped("scenarios/queue_conflict", 100, None), tmp_path_factory.mktemp("queue"))
    )


@pytest.mark.parametrize("tick", [0, 1, 17, 113, TICKS - 1])
def test_it_is_what_the_arrays_hold(crowd: Capture, tick: int) -> None:
    told = at_tick(Playback(crowd), NO_MODELS, tick)
    assert json.loads(json.dumps(told)) == told, "plain numbers and texts"
    samples: dict[str, ReplaySample] = {sample.agent_id: sample for sample in crowd}
    lived = {name for name, s in samples.items() if s.tick[0] <= tick <= s.tick[-1]}
    assert {one["agent"] for one in told["agents"]} == lived
    for one in told["agents"]:
        sample = samples[one["agent"]]
        at = tick - int(sample.tick[0])
        names = sample.metadata["feature_names"]
        assert one["position"] == sample.positions[at].tolist()
        assert one["action"]["id"] == sample.actions[at]
        assert np.float32(one["reward"]) == sample.rewards[at]
        assert [np.float32(v) for v in one["reward_terms"].values()] == sample.reward_terms[at].tolist()
        assert list(one["features"]) == names
        assert np.array_equal(np.float32(list(one["features"].values())), sample.features[at])
        assert np.array_equal(np.float32(list(one["map"].values())), sample.map[at])
        assert np.float32(one["needs"]["hunger"]) == sample.features[at, names.index("need_hunger")]
        assert len(one["legal"]) == sample.action_mask[at].sum() - sample.array("off_mask")[at]
        if at + 1 < sample.timesteps:
            success = sample.features[at + 1, names.index("last_action_success")]
            assert one["action"]["success"] == bool(success)
        assert (one["action"]["reason"] is None) == one["action"]["success"]
        assert one["action"]["reason"] in (None, *REASONS[1:])


def test_uniform_draws_each_legal_action_alike(crowd: Capture) -> None:
    told = [one for one in at_tick(Playback(crowd), NO_MODELS, 20)["agents"] if one["policy"] == "uniform"]
    assert told
    for one in told:
        assert one["action"]["probability"] == pytest.approx(1 / len(one["legal"]), rel=1e-6)
        assert {each["action"] for each in one["likely"]} <= set(one["legal"])
        assert {each["probability"] for each in one["likely"]} == {1 / len(one["legal"])}


def test_a_network_says_how_likely_each_action_was(tmp_path: Path) -> None:
    run = replace(shipped("examples/small_town", 40, None), ignore_schedules=True)
    name, models = network_of(Resolved.from_json_dict(json.loads(run.config_json)))
    played = captured(replace(run, policy=name), tmp_path, models=models)
    for one in at_tick(Playback(played, models), models, 30)["agents"]:
        assert one["policy"] == name
        chances = [each["probability"] for each in one["likely"]]
        assert chances == sorted(chances, reverse=True) and sum(chances) <= 1 + 1e-9
        taken = [each["probability"] for each in one["likely"] if each["id"] == one["action"]["id"]]
        assert taken == pytest.approx([one["action"]["probability"]] * len(taken), rel=1e-5)
        assert one["value"] != 0


def doing(playback: Playback, tick: int) -> dict[str, dict[str, object]]:
    return {one["agent"]: one["doing"] for one in at_tick(playback, NO_MODELS, tick)["agents"]}


def test_what_it_does(queue: Playback) -> None:
    """By the schedules: alice has the shower's reservation until bob's third block; he showers in ticks 3 to 32."""
    where = {"affordance": "use_shower", "object": "shower_1"}
    assert doing(queue, 2) == {
        "alice": {"what": "has the reservation", **where, "until_tick": 6},
        "bob": {"what": "queues", **where, "ahead": 1},
        "cora": {"what": "queues", **where, "ahead": 2},
    }
    assert doing(queue, 3)["bob"] == {"what": "uses", **where, "ticks_left": 30}
    at_ten = doing(queue, 10)
    assert at_ten["bob"] == {"what": "uses", **where, "ticks_left": 23}
    assert at_ten["cora"] == {"what": "queues", **where, "ahead": 1}
    assert at_ten["alice"] == {"what": "queues", **where, "ahead": 2}
    assert doing(queue, 32)["bob"]["ticks_left"] == 1
    assert doing(queue, 33)["bob"] == {"what": "idle"}


def test_a_refusal_is_told_with_its_words(queue: Playback) -> None:
    told = {one["agent"]: one["action"] for one in at_tick(queue, NO_MODELS, 1, ["bob"])["agents"]}
    assert told == {
        "bob": {
            "id": told["bob"]["id"], "action": "request use_shower", "object": "shower_1", "target": None,
            "probability": 1.0, "success": False, "expected_to_fail": True, "reason": "reserved",
            "why": "reserved by alice (block 1 of 3)",
        }
    }  # fmt: skip


def test_work_and_the_time_of_day(tmp_path: Path) -> None:
    playback = Playback(captured(shipped("scenarios/employment_punctuality", 100, None), tmp_path))
    told = at_tick(playback, NO_MODELS, 70)
    assert (told["day"], told["tick_of_day"]) == (0, 70)
    assert {one["agent"]: one["doing"]["what"] for one in told["agents"]}["pia"] == "works"


def test_a_branch_is_decided_by_others_from_its_tick_on(tmp_path: Path) -> None:
    """Schedules decide up to tick 12, and `uniform` from then on."""
    captured(shipped("scenarios/kitchen_breakfast", 30, None), tmp_path / "parent")
    words = ["--from-tick", "12", "--policy", "uniform", "--ignore-schedules", "--quiet"]
    assert main(["capture", str(tmp_path / "parent"), *words, "--output", str(tmp_path / "branch")]) == 0
    playback = Playback(load_capture(tmp_path / "branch"))
    for tick, decided in ((11, "scripted"), (12, "uniform"), (13, "uniform")):
        agents = at_tick(playback, NO_MODELS, tick)["agents"]
        assert {one["policy"] for one in agents} == {decided}
        assert all(bool(one["likely"]) == (decided == "uniform") for one in agents)
