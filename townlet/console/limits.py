"""What the system must allow before work is started: threads, processes, memory.

Where it allows too little, the libraries below Townlet wait for ever or end the process without a word. So the limits
are looked at first, in the process that is going to need what they limit.
"""

from __future__ import annotations

import contextlib
import os
import resource
import threading
from pathlib import Path
from typing import NamedTuple

from townlet.errors import TownletError

NO_THREAD = "can't start new thread"  # what Python says of it
TOO_FEW_THREADS = (
    "no more threads or processes may be started: a limit on their number (ulimit -u, or of a container) or on memory "
    "(ulimit -v) is too low; raise it, or give fewer --workers"
)
MB = 1 << 20
MOST_THREADS = 64  # that NumPy's library for matrices has, whatever it is told


class LimitTooLow(TownletError):
    """The system does not allow what a command needs."""


class _Memory(NamedTuple):
    """A limit on what a process may map, used or not. `field`: what it has of it, in /proc/self/status."""

    name: str
    typed: str
    field: str


_MEMORY = (_Memory("RLIMIT_AS", "ulimit -v", "VmSize"), _Memory("RLIMIT_DATA", "ulimit -d", "VmData"))


def check_memory(more: int, what: str, *, whole: int = 0) -> None:
    """Raise LimitTooLow where this process may not map so many bytes `more`, or a new one not so many on the `whole`.

    A library that is refused memory for its threads mostly ends the process.
    """
    for limit in _MEMORY:
        allowed = resource.getrlimit(getattr(resource, limit.name))[0]
        if allowed == resource.RLIM_INFINITY:
            continue
        needed = max(_mapped(limit.field) + more, whole)
        if needed > allowed:
            raise LimitTooLow(
                f"the limit on memory ({limit.typed} {allowed // 1024}) is too low: {what} needs "
                f"{limit.typed} {_rounded(needed) // 1024} or more; raise it, or start where there is none"
            )


def _rounded(number: int) -> int:
    return -(-number // (100 * MB)) * 100 * MB


def _mapped(field: str) -> int:
    """Bytes; 0 where the system does not say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return 0


def check_threads(number: int) -> None:
    """Raise LimitTooLow unless so many threads can be had at once, more than this process has."""
    go = threading.Event()
    started = []
    try:
        for _ in range(number):
            thread = threading.Thread(target=go.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        raise LimitTooLow(TOO_FEW_THREADS) from None
    finally:
        go.set()
        for thread in started:
            thread.join()


def threads_of_numpy() -> int:
    """How many threads NumPy's library for matrices starts beside ours; where it cannot, it interrupts the process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"):  # in its order
        text = os.environ.get(name, "")
        if text.isascii() and text.isdecimal() and text.strip("0"):
            return min(int(text[:9]), cores, MOST_THREADS) - 1
    return min(cores, MOST_THREADS) - 1


def is_address_space_limited() -> bool:
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def check_open_files(number: int, what: str) -> None:
    """Raise LimitTooLow unless this process may open so many files more."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = _open_files() + number
    if allowed != resource.RLIM_INFINITY and needed > allowed:
        raise LimitTooLow(
            f"the limit on open files (ulimit -n {allowed}) is too low: {what} needs ulimit -n {needed} or more; "
            "raise it"
        )


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 3
