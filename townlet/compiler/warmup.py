"""Compiling everything before it is needed: once for a version of Townlet, on all cores, with a bar.

The compiling is done by a program of its own (`townlet.rollout.entry_points`), so that it can fork, and so that whoever
waits for it can be interrupted. Of several that want it at once one compiles, and the others wait for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

from townlet.compiler.store import (
    compiling_alone,
    environment_of_workers,
    is_complete,
    is_switched_off,
    place_to_fill,
)
from townlet.cores import usable_cores
from townlet.errors import TownletError
from townlet.escaping import shown

PROGRAM = "townlet.rollout.entry_points"
WHAT = "compiling the simulation, once for this version of Townlet"
PLAIN_INTERVAL = 5.0  # seconds between two plain lines


class CompileError(TownletError):
    """The simulation could not be compiled."""


def warm(*, quiet: bool, lasting: bool = False) -> float:
    """Have all kernels compiled, where they are not. Returns the seconds that it took.

    `lasting`: only where later processes find them too. Raises CompileError where that failed, KeyboardInterrupt for
    Ctrl-C.
    """
    started = time.monotonic()
    if not is_switched_off() and not is_complete():
        place, why = place_to_fill(private=not lasting)
        if place is None:
            raise CompileError(why)
        note(why, quiet=quiet)
        with compiling_alone(place):
            if not is_complete():
                with _bar(quiet) as bar:
                    _compile(bar)
    return time.monotonic() - started


def warm_if_possible(*, quiet: bool) -> None:
    """The same, for whoever can go on without: kernels are also compiled one by one, when they are called."""
    try:
        warm(quiet=quiet)
    except CompileError as error:
        note(f"{error}; it is compiled while it is played", quiet=quiet)


_said: set[str] = set()


def note(what: str, *, quiet: bool) -> None:
    """A line on standard error, once in a process; nothing for ""."""
    if what and not quiet and what not in _said:
        _said.add(what)
        print(f"note: {shown(what)}", file=sys.stderr)


def _compile(bar: _Bar) -> None:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    words = [sys.executable, "-P", "-m", PROGRAM, str(usable_cores())]
    environment = {**os.environ, "PYTHONPATH": path, **environment_of_workers()}
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=complaints, process_group=0,
        ) as process,
    ):  # fmt: skip
        try:
            _show(process, bar)
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # it and what it forked
            raise
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip().splitlines()
    if not is_complete():
        reason = said[-1] if said else f"exit code {process.returncode}"
        raise CompileError(f"the simulation could not be compiled in advance ({reason})")


def _show(process: subprocess.Popen[bytes], bar: _Bar) -> None:
    """Pass on what the program says of itself, until it has no more to say."""
    done = total = 0
    while process.stdout is not None and (said := process.stdout.read1(4096)):  # type: ignore[attr-defined]
        total += said.count(b"+")
        done += said.count(b"-")
        bar.show(done, total)


class _Bar(Protocol):
    def show(self, done: int, total: int) -> None: ...


@contextlib.contextmanager
def _bar(quiet: bool, stream: TextIO | None = None) -> Iterator[_Bar]:
    """What shows how far it is: a bar on a terminal, a plain line now and then elsewhere, or nothing."""
    where = stream or sys.stderr
    if quiet:
        yield _Nothing()
    elif not where.isatty():
        yield _Plain(where)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(file=where), transient=True) as progress:
            yield _Live(progress, progress.add_task(WHAT, total=None))


class _Nothing:
    def show(self, done: int, total: int) -> None:
        pass


class _Plain:
    def __init__(self, stream: TextIO) -> None:
        self._stream, self._next = stream, time.monotonic() + PLAIN_INTERVAL
        print(f"{WHAT} ...", file=stream, flush=True)

    def show(self, done: int, total: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PLAIN_INTERVAL
            print(f"{done} of {total} kernels compiled", file=self._stream, flush=True)


class _Live:
    def __init__(self, progress: object, task: object) -> None:
        self._progress, self._task = progress, task

    def show(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)  # type: ignore[attr-defined]
