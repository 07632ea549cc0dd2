"""(i) The same capture on Flink, with one slot and with two, beside the runner of this machine.

Each slot is a TaskManager of its own, with a Python worker. Where there is no Java, or no jar (`make flink-jar`),
the table says so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.measure import Spent, median, ratio, run_child, townlet
from bench.monitor import cpu_of
from bench.scale import Scale
from bench.tables import Column, Row, Table
from bench.towns import STANDARD, write_town
from deploy.flink.cluster import Cluster
from townlet.pipelines.runners.flink import JAR

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
    config, repeats = write_town(place), scale.child_repeats
    works = (Work(scale.flink_runs, scale.ticks), Work(scale.short_runs, scale.short_ticks), Work(2, 1))
    capture = partial(_taken, works, config, place / "output", repeats)
    taken = {LOCAL: capture(), "local runner, 2 workers": capture("--workers", 2)}
    why = missing()
    for slots in () if why else SLOTS:
        cluster = Cluster(place / "cluster")
        cluster.up(task_managers=slots)
        try:
            there = capture("--profile", cluster.profile, cluster=cluster)
        finally:
            cluster.down()
        taken[f"Flink, {slots} slot{'s' if slots > 1 else ''}"] = there
    rows = [
        _row(f"{work.runs:,} runs of {work.ticks:,} ticks: {how}", found[work], taken[LOCAL][work], work)
        for work in works
        for how, found in taken.items()
    ]
    notes = (
        "A TaskManager and a Python worker a slot. The cluster is up before the clock starts; each capture starts",
        "its own job server and its own workers: see the last rows. CPU: of all of these.",
    )
    if why:
        notes = (f"Flink was not asked: {why}.",)
    title = f"Flink beside the runner of this machine: {STANDARD} agents, as typed in a shell"
    return Table(title, COLUMNS, tuple(rows), notes)


def _taken(
    works: Sequence[Work],
    config: Path,
    output: Path,
    repeats: int,
    *options: object,
    cluster: Cluster | None = None,
) -> dict[Work, list[Spent]]:
    """What captures take, with all of their processes, those of the cluster too; of each work in turn."""
    taken: dict[Work, list[Spent]] = {work: [] for work in works}
    for _ in range(repeats):
        for work in works:
            command = townlet("capture", config, *work.options(), *options, "--output", output)
            before = _cpu_of(cluster)
            own, _ = run_child(command, os.environ)
            taken[work].append(Spent(own.cpu + _cpu_of(cluster) - before, own.wall))
            shutil.rmtree(output)
    return taken


def _cpu_of(cluster: Cluster | None) -> float:
    return 0.0 if cluster is None else sum(map(cpu_of, cluster.processes().values()))


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
