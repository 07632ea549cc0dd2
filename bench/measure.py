"""Time that work takes: of the processor, and by the clock on the wall."""

from __future__ import annotations

import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Spent:
    """Seconds."""

    cpu: float  # of all threads; of a child, with all the processes that it started and waited for
    wall: float


def timed(work: Callable[[], object]) -> Spent:
    """What a call takes, in this process alone."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.process_time() - cpu, time.perf_counter() - wall)


def in_turns(
    works: Mapping[str, Callable[[], object]], repeats: int, *, after: Callable[[], object] = lambda: None
) -> dict[str, list[Spent]]:
    """Each call's times, once around and then again, so that a busy machine is unfair to nobody.

    A first round is not counted. `after` is called after each call, off the clock.
    """
    spent: dict[str, list[Spent]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            taken = timed(work)
            after()
            if turn:
                spent[name].append(taken)
    return spent


def median(spent: Sequence[Spent]) -> Spent:
    return Spent(statistics.median(s.cpu for s in spent), statistics.median(s.wall for s in spent))


def ratio(one: Sequence[Spent], other: Sequence[Spent], clock: str = "cpu") -> float:
    """The median, over the turns, of what `one` took of what `other` took in the same turn."""
    return statistics.median(getattr(a, clock) / getattr(b, clock) for a, b in zip(one, other, strict=True))


def run_child(command: Sequence[str], environment: Mapping[str, str]) -> tuple[Spent, str]:
    """Run a program of this project to its end: what it took, and what it printed.

    Raises RuntimeError, with what it said, where it fails.
    """
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(
        command, env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {ended.returncode}\n{ended.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu, wall), ended.stdout


def python(function: Callable[..., object], *arguments: object) -> list[str]:
    """The command of a new process that imports one function of ours and calls it."""
    code = f"from {function.__module__} import {function.__name__} as work; work(*{arguments!r})"
    return [sys.executable, "-c", code]


def townlet(*words: object) -> list[str]:
    """`townlet WORDS` in a new process."""
    return [sys.executable, "-m", "townlet.cli", *map(str, words)]
