"""(f) Starting: what a user waits for before anything is simulated."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.measure import Spent, median, python, run_child, townlet
from bench.scale import Scale
from bench.tables import Column, Goal, Row, Table, at_most
from bench.towns import runs_of, write_town
from townlet.world.jit import CACHE_VARIABLE

SMALL = "scenarios/kitchen_breakfast.yaml"  # a capture that a newcomer would try
SMALL_WALL = 2.0  # seconds
COLUMNS = (Column("wall", "seconds"), Column("CPU", "seconds"))


def first_tick(config: str) -> None:
    """Play one tick of a config: all kernels are compiled, or loaded from the cache."""
    from townlet.rollout.play import play

    for _ in play(runs_of(Path(config), 1)[0]):
        pass


def answer(scale: Scale, place: Path) -> Table:
    environment, rows = dict(os.environ), []
    tick = python(first_tick, str(write_town(place)))
    for number in range(scale.cold_compiles):
        environment[CACHE_VARIABLE] = str(place / f"cache_{number}")
        rows.append(_row("first tick, empty cache", [run_child(tick, environment)[0]]))
    run_child(tick, environment)
    output = place / "output"
    works = {
        "python -c pass": partial(run_child, [sys.executable, "-c", "pass"], environment),
        "townlet --help": partial(run_child, townlet("--help"), environment),
        "first tick, cached": partial(run_child, tick, environment),
        f"townlet capture {SMALL}": partial(
            run_child, townlet("capture", SMALL, "--output", output), environment
        ),
    }
    spent = _in_turns(works, scale.child_repeats, output)
    rows += [_row(what, taken, _goals(what)) for what, taken in spent.items()]
    return Table("starting: a process each", COLUMNS, tuple(rows))


def _in_turns(
    works: dict[str, Callable[[], tuple[Spent, str]]], repeats: int, output: Path
) -> dict[str, list[Spent]]:
    """As `bench.measure.in_turns`, for processes, which measure themselves."""
    spent: dict[str, list[Spent]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            taken, _ = work()
            shutil.rmtree(output, ignore_errors=True)
            if turn:
                spent[name].append(taken)
    return spent


def _goals(what: str) -> tuple[Goal, ...]:
    return (at_most(COLUMNS[0].name, SMALL_WALL),) if what.endswith(SMALL) else ()


def _row(what: str, taken: list[Spent], goals: tuple[Goal, ...] = ()) -> Row:
    middle = median(taken)
    return Row(what, {COLUMNS[0].name: middle.wall, COLUMNS[1].name: middle.cpu}, goals)
