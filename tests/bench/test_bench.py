"""The benchmarks run and give the rows that they promise. How fast is for `make bench` to say."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from bench.command import QUESTIONS, main
from bench.measure import Spent, in_turns, median, python, ratio, run_child
from bench.tables import Column, Row, Table, at_least, at_most, show
from bench.towns import runs_of, write_town
from townlet.rollout.play import play

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.campaign
def test_quick_tables_have_their_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "found.json"
    assert main(["--quick", "--only", "a,b", "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["quick"] is True
    assert set(found["machine"]["packages"]) >= {"numpy", "numba"}
    rows = {letter: [row["what"] for row in table["rows"]] for letter, table in found["tables"].items()}
    assert rows == {
        "a": ["1 agent, plain", "8 agents, plain", "1 agent, extended", "8 agents, extended"],
        "b": [
            *("np.savez", "np.savez_compressed", "fast", "none", "small"),
            *("simulate, fast", "simulate, none", "simulate, small"),
        ],
    }
    for table in found["tables"].values():
        for row in table["rows"]:
            assert set(row["figures"]) == {column["name"] for column in table["columns"]}
            assert all(figure > 0 for figure in row["figures"].values())
            assert row["what"] in printed
    sizes = {row["what"]: row["figures"]["a step"] for row in found["tables"]["b"]["rows"]}
    assert sizes["simulate, fast"] == sizes["fast"] < sizes["np.savez"]


@pytest.mark.parametrize("letters", ["", "z", "a,z", "ab"])
def test_unknown_questions_are_refused(letters: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", letters])
    assert ended.value.code == 2
    assert f"expected letters of {', '.join(QUESTIONS)}" in capsys.readouterr().err


def test_every_question_has_its_module() -> None:
    for module in QUESTIONS.values():
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()


def test_make_runs_what_there_is() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^bench:.*\n\t\$\(BIN\)/python -m bench$", makefile, re.MULTILINE)


def test_everybody_in_a_derived_town_lives_and_sees_what_is_asked_for(tmp_path: Path) -> None:
    plain, extended = (
        list(play(runs_of(write_town(tmp_path, 12, extended=seen), 30)[0])) for seen in (False, True)
    )
    for groups in (plain, extended):
        assert [key.agent_id for key, _ in groups] == [f"agent_{number}" for number in range(1, 13)]
        assert all(group.timesteps == 30 for _, group in groups)
        assert {group.metadata["policy"]["kind"] for _, group in groups} == {"needs"}
    assert plain[0][1].arrays["features"].shape[1] < extended[0][1].arrays["features"].shape[1]


@pytest.mark.campaign
def test_turns_are_taken_and_the_first_round_does_not_count() -> None:
    called: list[str] = []
    spent = in_turns(
        {"x": lambda: called.append("x"), "y": lambda: called.append("y")},
        2,
        after=lambda: called.append("-"),
    )
    assert "".join(called) == "x-y-" * 3
    assert {name: len(taken) for name, taken in spent.items()} == {"x": 2, "y": 2}


def test_medians_and_ratios_are_of_turns() -> None:
    slow, fast = [Spent(4, 8), Spent(40, 80), Spent(6, 9)], [Spent(2, 2), Spent(10, 20), Spent(3, 9)]
    assert median(slow) == Spent(6, 9)
    assert ratio(slow, fast) == 2
    assert ratio(slow, fast, "wall") == 4


def test_children_are_measured_and_their_failures_said() -> None:
    spent, said = run_child(python(print, "hello"), {})
    assert said == "hello\n"
    assert spent.cpu > 0
    assert spent.wall > 0
    with pytest.raises(RuntimeError, match=r"exit code 1\n(.|\n)*invalid literal"):
        run_child(python(int, "x"), {})


def test_goals_are_shown_and_judged(capsys: pytest.CaptureFixture[str]) -> None:
    goals = (at_least("rate", 2_000), at_most("part", 1.1))
    table = Table(
        "how fast?",
        (Column("rate", "rate"), Column("part", "ratio")),
        (Row("it", {"rate": 1500.0, "part": 1.0}, goals),),
    )
    show("q", table, sys.stdout)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        "", "(q) how fast?", "rate  part", "it  1,500  1.00",
        "goal: it: rate >= 2,000: missed, it is 0.75 of that",
        "goal: it: part <= 1.10: met",
    ]  # fmt: skip
    show("q", table, sys.stdout, judged=False)
    assert "missed" not in capsys.readouterr().out
    assert [goal["met"] for goal in table.to_json_dict()["rows"][0]["goals"]] == [False, True]
