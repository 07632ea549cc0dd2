"""Compiling all kernels, by several processes at once.

The first process types what Python calls, which finds the units that are compiled on their own, and then forks: every
process knows them all, takes the next that nobody has taken, and says so on standard output when it is kept. Run as a
program of its own (`townlet.rollout.entry_points`) that has no other thread, so that forking is safe.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from collections.abc import Iterable

from townlet.compiler import store
from townlet.compiler.kernels import EntryPoint, Unit, keep, units_of

INDEX = struct.Struct("=H")  # of a task, in a pipe from which all processes read


def compile_all(entry_points: Iterable[EntryPoint], processes: int) -> None:
    """Compile what is behind the entry points, as far as the store does not have it, and mark it complete.

    Standard output gets a line `+` for everything that is to be compiled, and a line `-` once it is. Ends the process
    with a line on standard error where something cannot be kept.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever waits for us is gone: end too
    tasks = _tasks(entry_points)
    _say("+" * len(tasks))
    try:
        _share(tasks, min(processes, len(tasks)))
        for task in tasks:
            keep(task)  # again, should a process have been killed
        store.mark_complete()
    except OSError as error:
        place = store.place()
        sys.exit(f"{place.path if place else 'the cache folder'}: {error.strerror}")


def _tasks(entry_points: Iterable[EntryPoint]) -> list[EntryPoint | Unit]:
    """Everything, each once; first what takes longest."""
    found: dict[str, EntryPoint | Unit] = {}
    for entry_point in entry_points:
        for task in (entry_point, *units_of(entry_point)):
            found.setdefault(task.name, task)
    missing = [task for task in found.values() if store.read(task.name) is None]
    return sorted(missing, key=lambda task: -_size(task.kernel.py_func, set()))


def _size(function: object, seen: set[object]) -> int:
    """Bytes of Python code in a kernel and those that it calls: what it takes to compile follows it roughly."""
    code = function.__code__  # type: ignore[attr-defined]
    names = function.__globals__  # type: ignore[attr-defined]
    called = [getattr(names.get(name), "py_func", None) for name in code.co_names]
    below = [one for one in called if one is not None and one not in seen]
    seen.update(below)
    return len(code.co_code) + sum(_size(one, seen) for one in below)


def _share(tasks: list[EntryPoint | Unit], processes: int) -> None:
    """Have so many processes take tasks, this one among them, until there are none."""
    take, give = os.pipe()
    os.write(give, b"".join(INDEX.pack(index) for index in range(len(tasks))))
    os.close(give)
    children = []
    for _ in range(processes - 1):
        child = os.fork()
        if not child:
            os._exit(_work_apart(tasks, take))
        children.append(child)
    _work(tasks, take)
    for child in children:
        os.waitpid(child, 0)


def _work_apart(tasks: list[EntryPoint | Unit], take: int) -> int:
    """In a process that was forked. What cannot be kept fails again in the first one, which says so."""
    try:
        return _work(tasks, take)
    except OSError:
        return 1


def _work(tasks: list[EntryPoint | Unit], take: int) -> int:
    while taken := os.read(take, INDEX.size):
        keep(tasks[INDEX.unpack(taken)[0]])
        _say("-")
    return 0


def _say(what: str) -> None:
    os.write(sys.stdout.fileno(), what.encode())
