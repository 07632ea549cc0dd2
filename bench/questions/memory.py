"""(e) Peak memory of a capture: it should depend neither on the number of runs nor on their length."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from pathlib import Path

from bench.measure import Spent, python, run_child
from bench.scale import Scale
from bench.tables import Column, Goal, Row, Table, at_most
from bench.towns import STANDARD, runs_of, write_town

SAME = 1.10  # of the smaller one of a pair
MOST = 500e6  # bytes, one worker
COLUMNS = (
    Column("peak", "bytes"),
    Column("/ the row above", "ratio"),
    Column("wall", "seconds"),
    Column("CPU", "seconds"),
)


def capture_and_tell(*words: str) -> None:
    """Run `townlet capture WORDS` in this process; print the most memory that the process has held, in bytes.

    Raises RuntimeError where the capture fails.
    """
    from townlet.commands.capture.capture import main

    if main(words):
        raise RuntimeError("some runs failed")
    sys.stderr.flush()
    print(peak_bytes())


def peak_bytes() -> int:
    """The most memory that this process has held. (What the system counts for a child, `ru_maxrss`, would start with
    what its parent held.)"""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def answer(scale: Scale, place: Path) -> Table:
    config, output = write_town(place), place / "output"

    def capture(runs: int, ticks: int, segment: int | None) -> tuple[Spent, int]:
        words = [
            config,
            "--policy",
            "needs",
            "--seeds",
            f"0..{runs - 1}",
            "--ticks",
            ticks,
            "--quiet",
            "--output",
            output,
        ]
        words += [] if segment is None else ["--segment-ticks", segment]
        spent, said = run_child(python(capture_and_tell, *map(str, words)), os.environ)
        shutil.rmtree(output)
        return spent, int(said.split()[-1])

    capture(1, 1, None)  # the kernels are compiled
    few, many = (capture(runs, scale.memory_ticks, None) for runs in scale.memory_runs)
    segment = scale.segment_ticks or runs_of(config, scale.long_ticks)[0].segment_ticks
    full, long = (capture(1, ticks, segment) for ticks in (segment, scale.long_ticks))
    rows = [
        *_pair([f"{runs:,} runs of {scale.memory_ticks:,} ticks" for runs in scale.memory_runs], few, many),
        *_pair(
            [f"1 run, one segment of {segment:,} ticks", f"1 run of {scale.long_ticks:,} ticks"], full, long
        ),
    ]
    title = f"peak memory of a capture: {STANDARD} agents, one worker, a process each"
    return Table(title, COLUMNS, tuple(rows))


def _pair(names: list[str], small: tuple[Spent, int], large: tuple[Spent, int]) -> list[Row]:
    peak, above, *_ = (column.name for column in COLUMNS)
    small_is, large_is = at_most(peak, MOST), (at_most(peak, MOST), at_most(above, SAME))
    return [
        _row(names[0], small, {}, (small_is,)),
        _row(names[1], large, {above: large[1] / small[1]}, large_is),
    ]


def _row(what: str, measured: tuple[Spent, int], more: dict[str, float], goals: tuple[Goal, ...]) -> Row:
    spent, peak = measured
    figures = {COLUMNS[0].name: peak, **more, COLUMNS[2].name: spent.wall, COLUMNS[3].name: spent.cpu}
    return Row(what, figures, goals)
