"""The benchmarks of data sets: they monitor what they say they monitor, and give the rows that they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from bench.command import ask, main
from bench.machine import Neighbours
from bench.measure import Spent
from bench.monitor import Moment, family, monitor
from bench.questions import flink, many_indexed, many_runs
from bench.scale import QUICK
from bench.suites import AGENTS, SCENARIOS, TICKS, ManyRuns, file_bytes, link_tree
from bench.towns import STANDARD
from townlet import dataset
from townlet.planning.plan import Plan, Request, plan

TINY = replace(QUICK, data_set_runs=(2, 6), data_set_ticks=2)


def planned(suite: ManyRuns) -> Plan:
    return plan(Request((str(suite.file),)))


def test_a_suite_has_the_samples_that_are_asked_for(tmp_path: Path) -> None:
    suite = ManyRuns.write(tmp_path / "suite", 300)
    laid_out = planned(suite)
    assert len(laid_out.runs) == suite.runs == 30
    assert suite.samples == 300
    assert set(laid_out.costs) == {AGENTS * TICKS}
    assert len({run.name for run in laid_out.runs}) == SCENARIOS
    with pytest.raises(ValueError, match="expected a multiple of 100 samples, got 250"):
        ManyRuns.write(tmp_path / "other", 250)


def test_an_edit_changes_the_runs_of_one_scenario(tmp_path: Path) -> None:
    suite = ManyRuns.write(tmp_path / "suite", 200)
    before = {run.label(): run.fingerprint for run in planned(suite).runs}
    suite.edit(3)
    after = {run.label(): run.fingerprint for run in planned(suite).runs}
    changed = [label for label in before if before[label] != after[label]]
    assert len(changed) == suite.runs // SCENARIOS
    assert all("town_3" in label for label in changed)


def test_a_linked_copy_is_the_same_files(tmp_path: Path) -> None:
    source = tmp_path / "a" / "inner"
    source.mkdir(parents=True)
    (source / "file").write_bytes(b"abc")
    (source.parent / "other").write_bytes(b"de")
    link_tree(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b" / "inner" / "file").samefile(source / "file")
    assert file_bytes(tmp_path / "b") == (2, 5)


def test_a_program_is_watched_with_its_children(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS.format(str(ready))!r}])"
    monitored = monitor([sys.executable, "-c", code], lambda: (int(ready.exists()),), interval=0.02)
    assert monitored.peak > 60_000_000
    assert max(moment.memory for moment in monitored.moments) > 60_000_000
    assert monitored.spent.cpu > 0
    walls = [moment.wall for moment in monitored.moments]
    assert walls == sorted(walls)
    assert monitored.moments[-1].seen == (1,)
    assert monitored.moments[-1].wall == monitored.spent.wall


# A program that holds fifty megabytes for a moment.
HOLDS = (
    "import time, pathlib; held = bytearray(b'x') * 50_000_000; pathlib.Path({!r}).touch(); time.sleep(0.3)"
)


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"exit code 1\n(.|\n)*no such luck"):
        monitor([sys.executable, "-c", "raise ValueError('no such luck')"], lambda: (), interval=0.01)


def test_families_are_found() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in family(os.getpid())
        child.communicate(b"\n")
    assert child.pid not in family(os.getpid())


def test_the_course_is_cut_at_counts_of_runs() -> None:
    seen = [(0, 0), (0, 0), (40, 0), (100, 0), (100, 50), (100, 100), (100, 100)]
    moments = [Moment(10.0 * at, 5.0 * at, 1000 + at, each) for at, each in enumerate(seen)]
    rows = {row.what: row.figures for row in many_runs._course(moments, 100, 8, 2)}
    assert list(rows) == [
        "start and plan", "simulated 1 to 50", "simulated 51 to 100", "published 1 to 50", "published 51 to 100",
        "index, and what is printed",
    ]  # fmt: skip
    first, second = rows["simulated 1 to 50"], rows["simulated 51 to 100"]
    assert rows["start and plan"]["wall"] == 10
    assert first["wall"] == pytest.approx(10 + 10 / 6)
    assert first["runs/s (wall)"] == pytest.approx(50 / (10 + 10 / 6))
    assert first["steps/s (wall)"] == pytest.approx(first["runs/s (wall)"] * 16)
    assert second["CPU"] == pytest.approx(5 * 5 / 6)
    assert sum(row["wall"] for row in rows.values()) == pytest.approx(60)


@pytest.mark.campaign
def test_many_runs_give_their_rows() -> None:
    table = ask("g", TINY)
    figures = {row.what: row.figures for row in table.rows}
    assert list(figures) == [
        "planning, in this process",
        "start and plan",
        *("simulated 1 to 3", "simulated 4 to 6", "published 1 to 3", "published 4 to 6"),
        "index, and what is printed",
        *("2 runs, whole command", "6 runs, whole command"),
        *("dataset.json, a run", "index/runs, a run", "index/samples, a sample", "all 8 files of a run"),
    ]
    assert all(figure >= 0 for row in figures.values() for figure in row.values())
    whole = figures["6 runs, whole command"]
    assert whole["memory"] > 50e6
    assert whole["steps/s (wall)"] == pytest.approx(6 * 2 * 2 / whole["wall"])
    assert figures["index/runs, a run"]["size"] > 100
    assert "6 runs of 2 agents" in table.question


class NoCluster:
    """Stands for a Flink; takes down what was done with it."""

    profile = Path("profile.yaml")
    done: ClassVar[list[str]] = []

    def __init__(self, folder: Path) -> None:
        self.done.append(folder.name)

    def up(self, task_managers: int) -> None:
        self.done.append(f"up {task_managers}")

    def down(self) -> None:
        self.done.append("down")

    def processes(self) -> dict[str, int]:
        return {}


@pytest.mark.parametrize("why", ["no Java on the PATH", None])
def test_flink_is_asked_with_each_number_of_slots(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, why: str | None
) -> None:
    def capture(command: list[str], environment: object) -> tuple[Spent, str]:
        Path(command[command.index("--output") + 1]).mkdir()
        return (Spent(6.0, 8.0) if "--profile" in command else Spent(2.0, 4.0)), ""

    monkeypatch.setattr(flink, "run_child", capture)
    monkeypatch.setattr(flink, "Cluster", NoCluster)
    monkeypatch.setattr(flink, "missing", lambda: why)
    monkeypatch.setattr(NoCluster, "done", [])
    table = flink.answer(QUICK, tmp_path)
    rows = {row.what: row.figures for row in table.rows}
    assert rows["2 runs of 50 ticks: local runner, 1 worker"]["steps/s (wall)"] == 2 * 50 * STANDARD / 4
    if why:
        assert table.notes == (f"Flink was not asked: {why}.",)
        assert (len(rows), NoCluster.done) == (6, [])
        return
    on_flink = rows["2 runs of 50 ticks: Flink, 2 slots"]
    assert (on_flink["x local (wall)"], on_flink["CPU / local"]) == (0.5, 3.0)
    assert NoCluster.done == ["cluster", "up 1", "down", "cluster", "up 2", "down"]
    assert len(rows) == 12


def test_the_neighbours_are_named() -> None:
    assert "load average" in str(Neighbours())


@pytest.mark.campaign
def test_commands_on_data_sets_give_their_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", "h"]) == 0
    printed = capsys.readouterr().out
    for what in (
        *("capture", "capture again", "plan", "verify, 1 worker", "verify, 2 workers", "diff of two copies"),
        *("open, first sample", "gc, nothing to do", "regenerate, nothing changed"),
        "regenerate, 1 of 10 scenarios changed",
    ):
        assert f"100 samples: {what} " in printed
    assert "8 large samples: verify, 2 workers" in printed


@pytest.mark.campaign
def test_an_index_of_many_runs_gives_its_rows() -> None:
    rows = {row.what: row.figures for row in ask("j", QUICK).rows}
    assert {what.partition(": ")[2] for what in rows} == {
        "the step that writes the index",
        *("open", "open, one run by scenario and seed", "open, a figure of all"),
        *("extended by one, a new shard", "extended by one, a full shard"),
        *("diff with what it was before", "dataset.json", "index/"),
    }
    assert all(figure > 0 for row in rows.values() for figure in row.values())


def test_a_made_up_index_is_opened(tmp_path: Path) -> None:
    """What the question of the index does in processes of their own."""
    many_indexed.make(40, str(tmp_path))
    assert len(dataset.open(tmp_path)) == 40 * many_indexed.AGENTS
    for use in (many_indexed.open_all, many_indexed.choose, many_indexed.read_column):
        use(str(tmp_path))
