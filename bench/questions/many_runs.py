"""(g) Ten thousand runs as one data set: whether the rate and the memory stay the same from first to last."""

from __future__ import annotations

import bisect
import os
import shutil
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from bench.measure import Spent, median, timed, townlet
from bench.monitor import Moment, Monitored, monitor
from bench.questions.memory import MOST, SAME
from bench.scale import Scale
from bench.suites import file_bytes
from bench.tables import Column, Goal, Row, Table, at_most
from townlet.compiler.warmup import warm
from townlet.planning.plan import Request, plan

CONFIG = "scenarios/kitchen_breakfast.yaml"
AGENTS = 2
COLUMNS = (
    Column("runs/s (wall)", "rate"),
    Column("runs/s (CPU)", "rate"),
    Column("steps/s (wall)", "rate"),
    Column("memory", "bytes"),
    Column("wall", "seconds"),
    Column("CPU", "seconds"),
    Column("size", "bytes"),
)
RUNS_WALL, RUNS_CPU, STEPS_WALL, MEMORY, WALL, CPU, SIZE = (column.name for column in COLUMNS)


class Point(NamedTuple):
    """When so many runs were done; between two looks, as if they were done evenly."""

    wall: float
    cpu: float
    memory: int


def answer(scale: Scale, place: Path) -> Table:
    few, many, ticks = *scale.data_set_runs, scale.data_set_ticks
    warm(quiet=True)
    plan(_request(1, ticks))  # so that planning has its modules
    small, large = (_capture(runs, ticks, place / f"{runs}") for runs in (few, many))
    rows = [
        _row("planning, in this process", _planning(many, ticks, scale.repeats)),
        *_course(large.moments, many, ticks, scale.parts),
        _whole(few, ticks, small, ()),
        _whole(many, ticks, large, (at_most(MEMORY, MOST), at_most(MEMORY, SAME * small.peak))),
        *_sizes(place / f"{many}", many),
    ]
    shutil.rmtree(place / f"{many}")
    title = f"{many:,} runs of {AGENTS} agents, {ticks} ticks each, as one data set; one worker"
    notes = (
        "Memory: resident, at the end of what the row says; of a whole command, at its highest.",
        "CPU: of all threads. Publishing waits for the disk, three times for each 512 runs.",
    )
    return Table(title, COLUMNS, tuple(rows), notes)


def _command(runs: int, ticks: int, output: Path) -> list[str]:
    seeds = ("--seeds", f"0..{runs - 1}", "--ticks", ticks)
    return townlet("capture", CONFIG, *seeds, "--quiet", "--output", output)


def _capture(runs: int, ticks: int, output: Path) -> Monitored:
    """A capture as typed in a shell, monitored: how many runs are simulated, and how many published."""

    def look() -> tuple[int, int]:
        published = sum(_entries(folder) for folder in (output / "runs").glob("*"))
        return _entries(output / ".staging") + published, published

    return monitor(_command(runs, ticks, output), look, interval=0.02 if runs < 1_000 else 0.25)


def _entries(folder: Path) -> int:
    try:
        return len(os.listdir(folder))
    except FileNotFoundError:
        return 0


def _request(runs: int, ticks: int) -> Request:
    return Request((CONFIG,), ticks=ticks, seeds=tuple(range(runs)), as_data_set=True)


def _planning(runs: int, ticks: int, repeats: int) -> Spent:
    return median([timed(lambda: plan(_request(runs, ticks))) for _ in range(repeats)])


def _course(moments: list[Moment], runs: int, ticks: int, parts: int) -> list[Row]:
    """From the start to the end: so many parts of simulating, half as many of publishing, and the index."""
    marks = [runs * part // parts for part in range(parts + 1)]
    halves = marks[:: max(1, parts // 5)]
    simulated = [_reached(moments, 0, mark) for mark in marks]
    published = [_reached(moments, 1, mark) for mark in halves]
    end = Point(moments[-1].wall, moments[-1].cpu, moments[-1].memory)
    peak = max(moment.memory for moment in moments if moment.wall >= published[-1].wall)
    rows = [_part("start and plan", Point(0, 0, 0), simulated[0])]
    for what, points, counts in (("simulated", simulated, marks), ("published", published, halves)):
        for (before, after), (first, last) in zip(pairwise(points), pairwise(counts), strict=True):
            steps = ticks * AGENTS if points is simulated else 0
            rows.append(_part(f"{what} {first + 1:,} to {last:,}", before, after, last - first, steps))
    return [*rows, _part("index, and what is printed", published[-1], end._replace(memory=peak))]


def _reached(moments: list[Moment], which: int, count: int) -> Point:
    """When `seen[which]` reached a count, or (0) began to rise."""
    seen = list(
        accumulate((moment.seen[which] for moment in moments), max)
    )  # two folders are read one after the other
    place = bisect.bisect_left(seen, count) if count else max(0, bisect.bisect_right(seen, 0) - 1)
    after = moments[place]
    if not place or not count:
        return Point(after.wall, after.cpu, after.memory)
    before = moments[place - 1]
    share = (count - seen[place - 1]) / (seen[place] - seen[place - 1])
    return Point(
        before.wall + share * (after.wall - before.wall),
        before.cpu + share * (after.cpu - before.cpu),
        after.memory,
    )


def _part(what: str, before: Point, after: Point, runs: int = 0, steps: int = 0) -> Row:
    spent = Spent(after.cpu - before.cpu, after.wall - before.wall)
    return _row(what, spent, runs, steps, memory=after.memory)


def _whole(runs: int, ticks: int, monitored: Monitored, goals: tuple[Goal, ...]) -> Row:
    steps = ticks * AGENTS
    return _row(
        f"{runs:,} runs, whole command", monitored.spent, runs, steps, memory=monitored.peak, goals=goals
    )


def _row(
    what: str, spent: Spent, runs: int = 0, steps: int = 0, *, memory: int = 0, goals: tuple[Goal, ...] = ()
) -> Row:
    """`steps`: agent-steps of a run; 0 where their rate says nothing, as `runs` and `memory`."""
    figures: dict[str, float] = {WALL: spent.wall, CPU: spent.cpu}
    if runs and spent.wall:
        figures[RUNS_WALL] = runs / spent.wall
        figures |= {STEPS_WALL: runs * steps / spent.wall} if steps else {}
    if runs and spent.cpu:
        figures[RUNS_CPU] = runs / spent.cpu
    if memory:
        figures[MEMORY] = memory
    return Row(what, figures, goals)


def _sizes(output: Path, runs: int) -> list[Row]:
    """What is on the disk, by run and by sample."""
    files, size = file_bytes(output / "runs")
    sizes = {
        "dataset.json, a run": (output / "dataset.json").stat().st_size / runs,
        "index/runs, a run": file_bytes(output / "index" / "runs")[1] / runs,
        "index/samples, a sample": file_bytes(output / "index" / "samples")[1] / (runs * AGENTS),
        f"all {files // runs} files of a run": size / runs,
    }
    return [Row(what, {SIZE: figure}) for what, figure in sizes.items()]
