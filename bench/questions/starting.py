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
from townlet.compiler.store import CACHE_VARIABLE

SMALL = "scenarios/kitchen_breakfast.yaml"  # a capture that a newcomer would try
TICKS = 200
CAPTURE = f"townlet capture {SMALL} --ticks {TICKS}"
COMPILE = "townlet warm, empty cache"
COLUMNS = (Column("wall", "seconds"), Column("CPU", "seconds"))


def first_tick(config: str) -> None:
    """Play one tick of a config, with compiled code that is loaded for it."""
    from townlet.rollout.play import play

    for _ in play(runs_of(Path(config), 1)[0]):
        pass


def answer(scale: Scale, place: Path) -> Table:
    environment, rows = dict(os.environ), []
    tick = python(first_tick, str(write_town(place)))
    for number in range(scale.cold_compiles):
        environment[CACHE_VARIABLE] = str(place / f"cache_{number}")
        rows.append(_row(COMPILE, [run_child(townlet("warm"), environment)[0]], _goals(COMPILE)))
    run_child(townlet("warm"), environment)
    nothing_compiled = {**environment, CACHE_VARIABLE: str(place / "never")}
    output = place / "output"
    capture = townlet("capture", SMALL, "--ticks", TICKS, "--output", output)
    works = {
        "python -c pass": partial(run_child, [sys.executable, "-c", "pass"], environment),
        "townlet --help": partial(run_child, townlet("--help"), environment),
        "python -c 'import numba'": partial(run_child, [sys.executable, "-c", "import numba"], environment),
        "first tick, compiled": partial(run_child, tick, environment),
        CAPTURE: partial(run_child, capture, environment),
        f"{CAPTURE}, not compiled": partial(run_child, capture, nothing_compiled),
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
    """What it may take on two cores that nobody else uses."""
    wall, cpu = (column.name for column in COLUMNS)
    goals = {
        COMPILE: (at_most(wall, 18.0),),
        CAPTURE: (at_most(wall, 2.0), at_most(cpu, 1.2)),
        f"{CAPTURE}, not compiled": (at_most(wall, 5.0),),
    }
    return goals.get(what, ())


def _row(what: str, taken: list[Spent], goals: tuple[Goal, ...] = ()) -> Row:
    middle = median(taken)
    return Row(what, {COLUMNS[0].name: middle.wall, COLUMNS[1].name: middle.cpu}, goals)
