"""(d) One worker and two, as typed in a shell."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bench.measure import Spent, median, ratio, run_child, townlet
from bench.scale import Scale
from bench.tables import Column, Row, Table, at_least
from bench.towns import STANDARD, write_town

WORKERS = (1, 2)
FASTER = 1.8  # two workers than one, by the clock
COLUMNS = (
    Column("steps/s (wall)", "rate"),
    Column("wall", "seconds"),
    Column("CPU", "seconds"),
    Column("x one worker (wall)", "ratio"),
)


def capture(config: Path, runs: int, ticks: int, workers: int, output: Path) -> Spent:
    """What `townlet capture` takes, from the shell's call to its prompt, with all of its processes."""
    options = ("--policy", "needs", "--seeds", f"0..{runs - 1}", "--ticks", ticks, "--workers", workers)
    spent, _ = run_child(townlet("capture", config, *options, "--quiet", "--output", output), os.environ)
    shutil.rmtree(output)
    return spent


def answer(scale: Scale, place: Path) -> Table:
    config, output, runs = write_town(place), place / "output", scale.worker_runs
    steps = runs * scale.ticks * STANDARD
    capture(config, 1, 1, 1, output)  # the kernels are compiled
    whole: dict[int, list[Spent]] = {workers: [] for workers in WORKERS}
    start: dict[int, list[Spent]] = {workers: [] for workers in WORKERS}
    for _ in range(scale.child_repeats):
        for workers in WORKERS:
            start[workers].append(capture(config, workers, 1, workers, output))
            whole[workers].append(capture(config, runs, scale.ticks, workers, output))
    net = {workers: _less(whole[workers], start[workers]) for workers in WORKERS}
    rows: list[Row] = []
    for what, spent in (("whole command", whole), ("one tick a worker", start), ("the difference", net)):
        played = 0 if spent is start else steps
        rows += [_row(f"{_named(workers)}, {what}", spent[workers], spent[1], played) for workers in WORKERS]
    title = f"workers: {runs} runs of {STANDARD} agents, {scale.ticks:,} ticks each, as typed in a shell"
    return Table(title, COLUMNS, tuple(rows), ("`one tick a worker` is what starting takes.",))


def _named(workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}"


def _less(whole: list[Spent], start: list[Spent]) -> list[Spent]:
    """What the work took beyond the start."""
    return [Spent(a.cpu - b.cpu, a.wall - b.wall) for a, b in zip(whole, start, strict=True)]


def _row(what: str, taken: list[Spent], one: list[Spent], steps: int) -> Row:
    """`one`: what one worker took; `steps`: agent-steps, 0 where their rate says nothing."""
    middle = median(taken)
    figures = {COLUMNS[0].name: steps / middle.wall} if steps else {}
    figures |= {COLUMNS[1].name: middle.wall, COLUMNS[2].name: middle.cpu}
    figures[COLUMNS[3].name] = ratio(one, taken, "wall")
    goals = (at_least(COLUMNS[3].name, FASTER),) if steps and taken is not one else ()
    return Row(what, figures, goals)
