"""Monitoring a program of this project while it runs: its processor time, its memory, how far it is.

What is said about a process comes from /proc, and is said of it with all processes that it has started.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.measure import ROOT, Spent

TICKS = os.sysconf("SC_CLK_TCK")  # of a second, in /proc


class Moment(NamedTuple):
    """What was seen at one time."""

    wall: float  # seconds since the program was started
    cpu: float  # seconds that it had used
    memory: int  # bytes: resident, in all of its processes together
    seen: tuple[int, ...]  # what `look` said


class Monitored(NamedTuple):
    """A program that has ended."""

    spent: Spent
    peak: int  # bytes: the most that its processes have held, each counted at its own highest
    moments: list[Moment]


def monitor(command: Sequence[str], look: Callable[[], tuple[int, ...]], interval: float) -> Monitored:
    """Run a program to its end and look at it, and with `look` at its work, every `interval` seconds.

    The last moment is its end. Raises RuntimeError, with what it said, where it fails, and where the system has no
    /proc.
    """
    if not Path("/proc/self/statm").exists():
        raise RuntimeError("this question can be asked on Linux only: it reads /proc")
    moments, highest, started = [], dict[int, int](), time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said, text=True)
        try:
            while True:
                ended = _wait(child, interval)
                if ended is not None:
                    break
                moments.append(_moment(child.pid, time.perf_counter() - started, look(), highest))
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if child.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)}: exit code {child.returncode}\n{said.read()}")
    assert ended is not None
    spent = Spent(ended, time.perf_counter() - started)
    moments.append(Moment(spent.wall, spent.cpu, moments[-1].memory if moments else 0, look()))
    return Monitored(spent, sum(highest.values()), moments)


def _wait(child: subprocess.Popen[str], seconds: float) -> float | None:
    """The processor time of a child that ends within so many seconds, all of its processes included; else None."""
    deadline = time.perf_counter() + seconds
    while (left := deadline - time.perf_counter()) > 0:
        found, status, usage = os.wait4(child.pid, os.WNOHANG)
        if found:
            child.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime
        time.sleep(min(left, 0.005))
    return None


def _moment(root: int, wall: float, seen: tuple[int, ...], highest: dict[int, int]) -> Moment:
    """`highest`: the most that each process has held so far; it is brought up to date."""
    cpu, memory = 0.0, 0
    for process in family(root):
        try:
            used, now, most = _state(process)
        except (OSError, ValueError, KeyError):
            continue  # it has ended
        cpu, memory = cpu + used, memory + now
        highest[process] = most
    return Moment(wall, cpu, memory, seen)


def family(root: int) -> list[int]:
    """A process, and all that have come from it and are alive."""
    found = [root]
    for process in found:
        for path in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                found += map(int, path.read_text(encoding="ascii").split())
            except OSError:
                continue
    return found


def cpu_of(root: int) -> float:
    """Seconds of processor time that a process and all that have come from it have used."""
    return _moment(root, 0.0, (), {}).cpu


def _state(process: int) -> tuple[float, int, int]:
    """Processor time (of children that have ended, too), memory now, and the most memory so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    used = sum(map(int, fields[11:15]))
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    values = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    now, most = (int(values[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return used / TICKS, now, most
