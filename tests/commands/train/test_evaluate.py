"""`townlet evaluate`: what is typed, and what appears."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Townlet

BAD = [
    (["small_town", "--policy", "needy"], "--policy: expected one of"),
    (
        ["small_town", "--policy", "needs", "--policy", "needs"],
        "--policy: expected every policy once, got 'needs' twice",
    ),
    (["small_town", "--seeds", "3..1"], "--seeds: "),
    (["small_town", "--seeds", "1,1"], "--seeds: expected every seed once, got 1 twice"),
    (["small_town", "--days", "0"], "argument --days: expected a number of 1 or more, got '0'"),
    (["small_town", "--days", "99999999"], "--days: expected at most 2^31 - 1 ticks, got 143999998560"),
    (["small_town", "--ticks", "99999999999"], "--ticks: expected 1 to 2^31 - 1, got 99999999999"),
    (["small_town", "--days", "1", "--ticks", "5"], "not allowed with argument"),
    (["nowhere_town"], "nowhere_town"),
    (
        ["small_town", "--policy", "network:none.onnx"],
        "--policy: expected an ONNX file, found none at 'none.onnx'",
    ),
    ([], "the following arguments are required: CONFIG"),
]


@pytest.mark.parametrize(("words", "message"), BAD)
def test_mistakes(townlet: Townlet, words: list[str], message: str) -> None:
    said = townlet("evaluate", *words)
    assert said.code == 2 and said.out == ""
    assert message in said.err and len(said.err.splitlines()) == 1


def test_a_table(townlet: Townlet) -> None:
    said = townlet(
        "evaluate", "small_town", "--policy", "idle", "--policy", "uniform", "--seeds", "0..2", "--ticks", 60
    )
    assert said.code == 0
    header, idle, uniform, below = said.out.splitlines()
    assert header.split() == ["policy", "return", "+-", "difference", "+-", "fainted", "wages", "chats"]
    assert idle.split()[0] == "idle" and uniform.split()[0] == "uniform"
    assert len(idle.split()) == 6 and len(uniform.split()) == 8  # nothing is compared with itself
    assert below == "3 runs of 60 ticks, seeds 0..2; +-: standard error; difference: from idle, seed by seed"
    assert "note: small_town: idle: all runs came to the same" in said.err


def test_several_configs_and_the_default_policies(townlet: Townlet) -> None:
    said = townlet("evaluate", "small_town", "kitchen_breakfast", "--seeds", "7", "--ticks", "20")
    lines = [line.split()[:2] for line in said.out.splitlines()[1:-1]]
    assert lines == [
        [town, policy]
        for town in ("small_town", "kitchen_breakfast")
        for policy in ("idle", "uniform", "needs")
    ]
    assert "note: kitchen_breakfast: alice, bob follow a schedule or a policy of their own" in said.err
    assert (
        "note: kitchen_breakfast"
        not in townlet(
            "evaluate", "kitchen_breakfast", "--seeds", "7", "--ticks", "5", "--ignore-schedules"
        ).err
    )


def test_the_same_as_json(townlet: Townlet) -> None:
    words = [
        "evaluate",
        "smoke",
        "--policy",
        "needs",
        "--policy",
        "uniform",
        "--seeds",
        "0..1",
        "--ticks",
        "30",
        "--json",
    ]
    towns = townlet(*words, "--quiet").json["towns"]
    assert [town["config"] for town in towns][:2] and all(town["ticks"] == 30 for town in towns)
    needs, uniform = towns[0]["policies"]
    assert (needs["difference"], needs["plays_as"], uniform["policy"]) == (None, "needs", "uniform")
    runs = uniform["runs"]
    assert [run["seed"] for run in runs] == [0, 1]
    assert uniform["returns"]["mean"] == (runs[0]["returns"] + runs[1]["returns"]) / 2
    pairs = [a["returns"] - b["returns"] for a, b in zip(runs, needs["runs"], strict=True)]
    assert uniform["difference"]["mean"] == pytest.approx(sum(pairs) / 2)


def test_days_are_those_of_the_config(townlet: Townlet, tmp_path: Path) -> None:
    file = tmp_path / "short.yaml"
    file.write_text(
        "config_id: short\nworld: {grid_size: [4, 4], ticks_per_day: 12}\nscenario: {agents: [{id: ann}]}\n"
    )
    (town,) = townlet("evaluate", file, "--days", "2", "--seeds", "5", "--policy", "idle", "--json").json[
        "towns"
    ]
    assert (town["ticks"], town["agents"], town["policies"][0]["runs"][0]["agent_steps"]) == (24, 1, 24)
    said = townlet("evaluate", file, "--seeds", "5", "--policy", "idle", "--quiet")
    assert said.out.splitlines()[-1] == "1 run of 1 day, seeds 5; +-: standard error" and said.err == ""
