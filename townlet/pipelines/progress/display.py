"""Progress of a capture: a live line on a terminal, a plain line now and then elsewhere, or nothing.

No Beam here: it shows what `reports.py` has read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Protocol, TextIO

from townlet.console.formatting import PLAIN_INTERVAL_S, clock, count, is_terminal
from townlet.pipelines.progress.reports import Tally


class Display(Protocol):
    def show(self, tally: Tally) -> None: ...
    def close(self) -> None: ...


def display(costs: Mapping[str, int], *, quiet: bool, stream: TextIO | None = None) -> Display:
    """The display that fits the stream (standard error). `costs`: expected frames of each run, by label."""
    where: TextIO = sys.stderr if stream is None else stream
    if quiet:
        return _Silent()
    return _Live(costs, where) if is_terminal(where) else _Plain(costs, where)


class _Silent:
    def show(self, tally: Tally) -> None:
        pass

    def close(self) -> None:
        pass


class _Estimate:
    """How far along, how fast, how long still."""

    def __init__(self, costs: Mapping[str, int]) -> None:
        self._costs = costs
        self._total = max(1, sum(costs.values()))
        self._started = time.monotonic()

    def done(self, tally: Tally) -> float:
        """Share of the work, 0 to 1: runs that are over count in full, even if an agent left early."""
        over = sum(self._costs.get(label, 0) for label in tally.runs)
        return min(1.0, max(over, tally.frames) / self._total)

    def rate(self, tally: Tally) -> float:
        """Frames a second."""
        return tally.frames / max(1e-3, time.monotonic() - self._started)

    def left(self, tally: Tally) -> float:
        """Seconds still to go, once something is done."""
        done = self.done(tally)
        return (time.monotonic() - self._started) * (1 - done) / done


def _line(tally: Tally, runs: int, estimate: _Estimate) -> str:
    line = f"{len(tally.runs)} of {runs} runs"
    if tally.failures:
        line += f" ({len(tally.failures)} failed)"
    if tally.frames:
        line += f", {count(tally.frames)} frames, {count(estimate.rate(tally))} frames/s"
    if len(tally.runs) >= runs:
        return f"{line}, publishing"
    return f"{line}, {clock(estimate.left(tally))} left" if estimate.done(tally) else line


class _Plain:
    def __init__(self, costs: Mapping[str, int], stream: TextIO) -> None:
        self._runs, self._stream = len(costs), stream
        self._estimate = _Estimate(costs)
        self._next = time.monotonic() + PLAIN_INTERVAL_S

    def show(self, tally: Tally) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PLAIN_INTERVAL_S
        print(_line(tally, self._runs, self._estimate), file=self._stream, flush=True)

    def close(self) -> None:
        pass


class _Live:
    def __init__(self, costs: Mapping[str, int], stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._runs = len(costs)
        self._estimate = _Estimate(costs)
        self._bar = Progress(
            BarColumn(bar_width=30),
            TextColumn("{task.description}"),
            console=Console(file=stream),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=1.0)
        self._bar.start()

    def show(self, tally: Tally) -> None:
        line = _line(tally, self._runs, self._estimate)
        self._bar.update(self._task, completed=self._estimate.done(tally), description=line)
        self._bar.refresh()

    def close(self) -> None:
        self._bar.stop()
