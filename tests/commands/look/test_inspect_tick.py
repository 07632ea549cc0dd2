"""`townlet inspect PATH --tick N`: in words, and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.commands.look import inspect_tick as command

BOB = """\
tick 1 of 100, day 0, tick 1 of the day

bob at (4, 3), decided by scripted
  does      queues for use_shower at shower_1, 1 ahead
  needs     hunger 0.899  hygiene 0.299  energy 0.899
  wallet    1.00 coins
  action    request use_shower at shower_1, probability 1.000: refused: reserved
            by alice (block 1 of 3) (expected)
"""
ALICE = """\
    self          agents        objects       reservations
    ...........   ...........   ...........   ...........
    ...........   ...........   ...........   ...........
    ...........   ...........   ...........   ...........
    ...........   ...........   ...........   ...........
    ...........   ....1.1....   .....1.....   .....1.....
    .....1.....   ...........   ...........   ...........
"""


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queue")
    captured(shipped("scenarios/queue_conflict", 100, None), folder)
    return folder


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_everybody_without_maps(townlet: Townlet, queue: Path) -> None:
    said = townlet("inspect", queue, "--tick", "1")
    assert said.code == 0
    assert [line.split(" ")[0] for line in said.out.splitlines() if " at (" in line] == [
        "alice",
        "bob",
        "cora",
    ]
    assert "sees" not in said.out
    assert said.err == f"next: townlet inspect {queue} --tick 1 --agent alice\n"


def test_one_agent_with_what_it_sees(townlet: Townlet, queue: Path) -> None:
    said = townlet("inspect", queue, "--tick", "1", "--agent", "bob")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(BOB)
    assert all(len(line) <= 80 for line in said.out.splitlines())
    said = townlet("inspect", queue, "--tick", "70", "--agent", "alice")
    assert "  does      use_shower at shower_1, 25 ticks left with this one\n" in said.out
    assert ALICE in said.out


def test_as_json(townlet: Townlet, queue: Path) -> None:
    facts = townlet("inspect", queue, "--tick", "70", "--agent", "alice", "--json").json
    (alice,) = facts["agents"]
    assert facts["tick"] == 70
    assert alice["doing"]["ticks_left"] == 25
    assert alice["legal"] == ["wait"]
    assert sum(map(sum, alice["map"]["agents"])) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tick", "100"), "expected ticks from 0 to 99, got 100\n"),
        (("--tick", "1", "--agent", "bpb"), "has no agent 'bpb'; did you mean bob?"),
        (("--agent", "bob"), "--agent: goes with --tick"),
        (("--seed", "1"), "--seed: goes with --tick"),
        (("--tick", "1", "--seed", "1"), "is one capture; --scenario and --seed choose a run of a data set"),
        (("--tick", "x"), "expected a whole number, got 'x'"),
    ],
)
def test_what_cannot_be_shown(townlet: Townlet, queue: Path, words: tuple[str, ...], message: str) -> None:
    said = townlet("inspect", queue, *words)
    assert (said.code, said.out) == (2, "")
    assert message in said.err and said.err.count("\n") == 1


def test_who_does_not_live_yet(townlet: Townlet, tmp_path: Path) -> None:
    captured(shipped("scenarios/hard_winter", 150, None), tmp_path)
    said = townlet("inspect", tmp_path, "--tick", "100", "--agent", "otto-2")
    assert said.code == 0 and said.err == "note: otto-2 did not live at tick 100\n"
    assert " at (2, 5), decided by needs" in townlet("inspect", tmp_path, "--tick", "123").out


def test_hostile_names_are_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    name = "</script>\x1b[31m\u202e"
    action = {
        "action": f"request {name}", "object": name, "target": name, "probability": 1.0, "why": f"reserved by {name}",
        "reason": "reserved", "expected_to_fail": False,
    }  # fmt: skip
    command._show(
        {
            "agent": name, "position": [1, 2], "policy": name, "needs": {}, "wallet": 1.0, "action": action,
            "doing": {"what": "uses", "affordance": name, "object": name, "ticks_left": 3},
            "likely": [], "legal": [name],
            "reward": 0.5, "reward_terms": {}, "value": 0.0, "map": {name: [[0.0, 1.0], [12.0, -0.5]]},
        },
        with_map=True,
    )  # fmt: skip
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out
    assert out.count("\\x1b[31m\\u202e") == 10
    assert "    .1\n    *-\n" in out
