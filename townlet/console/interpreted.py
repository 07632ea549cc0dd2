"""A command of the command line in plain Python, in a process of its own.

Numba reads the switch when it is imported, and for a whole process: the child has it in its environment, and nobody
else. What the child prints, and its exit code, are the command's. It is told of the signals that we are sent, each
once, and ends when we do, however that comes about.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from townlet.console.entry_point import Terminated, run_as_process

SWITCH = "NUMBA_DISABLE_JIT"
WATCH_INTERVAL = 0.25  # seconds
END_TIMEOUT = 20.0  # seconds
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Call(NamedTuple):
    """A function by its name, and arguments that JSON can hold."""

    function: str  # module:name
    arguments: tuple[Any, ...]


_typed: _Call | None = None  # what somebody typed, while it is carried out


@contextlib.contextmanager
def command_line(function: str, *arguments: Any) -> Iterator[None]:
    """While what somebody typed is carried out, by `module:name` with these arguments, which returns an exit code.

    What a program calls stays in the program's process.
    """
    global _typed
    before, _typed = _typed, _Call(function, arguments)
    try:
        yield
    finally:
        _typed = before


def can_interpret() -> bool:
    """Whether a process of its own can be had: for what was typed, in a process that has no kernels yet."""
    return _typed is not None and not os.environ.get(SWITCH) and "numba" not in sys.modules


def run_interpreted() -> int:
    """Carry out what was typed in plain Python; returns the exit code.

    Raises KeyboardInterrupt where a signal ended the child before or after its work, and it had no time to say so.
    """
    code = "from townlet.console.interpreted import main; main()"
    words = [sys.executable, "-P", "-c", code, str(os.getpid()), json.dumps(_typed)]
    path = os.pathsep.join(filter(None, [_root(), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, SWITCH: "1", "PYTHONPATH": path}
    sys.stdout.flush()
    with _passing_on_signals() as passing_on:
        # Of a process group of its own: Ctrl-C reaches it once, through us. What comes before it listens, waits for it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        try:
            child = subprocess.Popen(words, env=environment, process_group=0)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        passing_on(child)
        ended = child.wait()
    if -ended in PASSED_ON:
        raise KeyboardInterrupt if -ended == signal.SIGINT else Terminated(-ended)
    return ended if ended >= 0 else 128 - ended


@contextlib.contextmanager
def _passing_on_signals() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Signals go to the child, once it is named, and those from before too. What is ignored stays so, also there."""
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _: FrameType | None = None) -> None:
        for child in children:
            child.send_signal(number)
        if not children:
            early.append(number)

    def name(child: subprocess.Popen[bytes]) -> None:
        children.append(child)
        for number in early:
            pass_on(number)

    heard = [number for number in PASSED_ON if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in heard}
    try:
        yield name
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> None:
    """The child: carry out what is behind the parent's process number."""
    parent, call = sys.argv[1:]
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    function, arguments = json.loads(call)
    module, name = function.split(":")
    command = getattr(importlib.import_module(module), name)

    def listening() -> int:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        return command(*arguments)

    sys.exit(run_as_process(listening))


def _end_with(parent: int) -> None:
    """End as if asked to, so that nothing is left; and if that takes too long, at once."""
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_TIMEOUT)
    os._exit(1)


def _root() -> str:
    return str(Path(__file__).resolve().parents[2])
