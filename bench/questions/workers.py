"""(d) One worker and two, as typed in a shell: threads of one process, and a process each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from bench.measure import Spent, median, ratio, run_child, townlet
from bench.scale import Scale
from bench.tables import Column, Row, Table, at_least
from bench.towns import STANDARD, write_town

FASTER = 1.8  # two workers than one, by the clock
COLUMNS = (
    Column("steps/s (wall)", "rate"),
    Column("wall", "seconds"),
    Column("CPU", "seconds"),
    Column("x one worker (wall)", "ratio"),
    Column("CPU / one worker", "ratio"),
)
STEPS_WALL, WALL, CPU, TIMES, COST = (column.name for column in COLUMNS)


class Way(NamedTuple):
    """How to share the work."""

    name: str
    workers: int
    options: tuple[str, ...] = ()


ONE = Way("1 worker", 1)
WAYS = (
    ONE,
    Way("2 threads", 2, ("--direct_running_mode", "multi_threading")),
    Way("2 processes", 2, ("--direct_running_mode", "multi_processing")),
)
Taken = dict[Way, list[Spent]]


def capture(config: Path, runs: int, ticks: int, way: Way, output: Path) -> Spent:
    """What `townlet capture` takes, from the shell's call to its prompt, with all of its processes."""
    played = ("--policy", "needs", "--seeds", f"0..{runs - 1}", "--ticks", ticks)
    options = (*played, "--workers", way.workers, *way.options)
    spent, _ = run_child(townlet("capture", config, *options, "--quiet", "--output", output), os.environ)
    shutil.rmtree(output)
    return spent


def answer(scale: Scale, place: Path) -> Table:
    config, output, runs = write_town(place), place / "output", scale.worker_runs
    steps = runs * scale.ticks * STANDARD
    capture(config, 1, 1, ONE, output)  # the kernels are compiled
    whole: Taken = {way: [] for way in WAYS}
    start: Taken = {way: [] for way in WAYS}
    for _ in range(scale.child_repeats):
        for way in WAYS:
            start[way].append(capture(config, way.workers, 1, way, output))
            whole[way].append(capture(config, runs, scale.ticks, way, output))
    net = {way: _less(whole[way], start[way]) for way in WAYS}
    rows: list[Row] = []
    for what, spent in (("whole command", whole), ("one tick a worker", start), ("the difference", net)):
        played = 0 if spent is start else steps
        rows += [_row(f"{way.name}, {what}", spent[way], spent[ONE], played) for way in WAYS]
    title = f"workers: {runs} runs of {STANDARD} agents, {scale.ticks:,} ticks each, as typed in a shell"
    notes = (
        "`one tick a worker` is what starting takes. `CPU / one worker`: what sharing costs, however busy the",
        "machine is: twice the speed of one worker, divided by it, is what two free cores can give at most.",
    )
    return Table(title, COLUMNS, tuple(rows), notes)


def _less(whole: list[Spent], start: list[Spent]) -> list[Spent]:
    """What the work took beyond the start."""
    return [Spent(a.cpu - b.cpu, a.wall - b.wall) for a, b in zip(whole, start, strict=True)]


def _row(what: str, taken: list[Spent], one: list[Spent], steps: int) -> Row:
    """`one`: what one worker took; `steps`: agent-steps, 0 where their rate says nothing."""
    middle = median(taken)
    figures = {STEPS_WALL: steps / middle.wall} if steps else {}
    figures |= {WALL: middle.wall, CPU: middle.cpu, TIMES: ratio(one, taken, "wall"), COST: ratio(taken, one)}
    goals = (at_least(TIMES, FASTER),) if steps and taken is not one else ()
    return Row(what, figures, goals)
