"""(i) The same capture on Flink, with one slot and with two, beside the runner of this machine.

Each slot is a TaskManager of its own, with a Python worker. Where there is no Java, or no jar (`make flink-jar`),
the table says so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.measure import Spent, median, ratio, run_child, townlet
from bench.scale import Scale
from bench.tables import Column, Row, Table
from bench.towns import STANDARD, write_town
from bench.watching import cpu_of
from deploy.flink.cluster import Cluster
from pipelines.flink import JAR

COLUMNS = (
    Column("steps/s (wall)", "rate"),
    Column("runs/s (wall)", "rate"),
    Column("wall", "seconds"),
    Column("CPU", "seconds"),
    Column("x local (wall)", "ratio"),
    Column("CPU / local", "ratio"),
)
STEPS_WALL, RUNS_WALL, WALL, CPU, TIMES, COST = (column.name for column in COLUMNS)
LOCAL = "local runner, 1 worker"
SLOTS = (1, 2)


class Work(NamedTuple):
    """So many runs of a config."""

    runs: int
    ticks: int

    def options(self) -> tuple[object, ...]:
        return ("--policy", "needs", "--seeds", f"0..{self.runs - 1}", "--ticks", self.ticks, "--quiet")


def missing() -> str | None:
    """Why Flink cannot be asked here."""
    if shutil.which("java") is None:
        return "no Java on the PATH"
    return None if JAR.is_file() else "no jar; make flink-jar builds it"


def answer(scale: Scale, place: Path) -> Table:
    config = write_town(place)
    long, short = Work(scale.flink_runs, scale.ticks), Work(scale.short_runs, scale.short_ticks)
    rows: list[Row] = []
    why = missing()
    for work in (long, short):
        local = _taken(work, config, place / "output", scale.child_repeats, ())
        what = f"{work.runs:,} runs of {work.ticks:,} ticks"
        rows.append(_row(f"{what}: {LOCAL}", local, local, work))
        two = _taken(work, config, place / "output", scale.child_repeats, ("--workers", 2))
        rows.append(_row(f"{what}: local runner, 2 workers", two, local, work))
        for slots in () if why else SLOTS:
            on_flink = _on_flink(work, config, place, scale.child_repeats, slots)
            rows.append(_row(f"{what}: Flink, {slots} slot{'s' if slots > 1 else ''}", on_flink, local, work))
    notes = (
        "A TaskManager and a Python worker a slot. The cluster is up before the clock starts; each capture starts",
        "its own job server and its own workers, which is most of what short ones take. CPU: of all of these.",
    )
    if why:
        notes = (f"Flink was not asked: {why}.",)
    title = f"Flink beside the runner of this machine: {STANDARD} agents, as typed in a shell"
    return Table(title, COLUMNS, tuple(rows), notes)


def _taken(work: Work, config: Path, output: Path, repeats: int, options: Sequence[object]) -> list[Spent]:
    """What captures take, with all of their processes."""
    taken = []
    for _ in range(repeats):
        command = townlet("capture", config, *work.options(), *options, "--output", output)
        taken.append(run_child(command, os.environ)[0])
        shutil.rmtree(output)
    return taken


def _on_flink(work: Work, config: Path, place: Path, repeats: int, slots: int) -> list[Spent]:
    """The same on a cluster of so many slots, which is started and stopped here."""
    cluster = Cluster(place / "cluster")
    cluster.up(task_managers=slots)
    try:
        options = ("--profile", cluster.profile)
        taken = []
        for _ in range(repeats):
            before = sum(map(cpu_of, cluster.processes().values()))
            [client] = _taken(work, config, place / "output", 1, options)
            there = sum(map(cpu_of, cluster.processes().values())) - before
            taken.append(Spent(client.cpu + there, client.wall))
        return taken
    finally:
        cluster.down()


def _row(what: str, taken: list[Spent], local: list[Spent], work: Work) -> Row:
    middle = median(taken)
    figures = {
        STEPS_WALL: work.runs * work.ticks * STANDARD / middle.wall,
        RUNS_WALL: work.runs / middle.wall,
        WALL: middle.wall,
        CPU: middle.cpu,
        TIMES: ratio(local, taken, "wall"),
        COST: ratio(taken, local),
    }
    return Row(what, figures)
