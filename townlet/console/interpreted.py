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
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from townlet.console.entry_point import run_as_process

SWITCH = "NUMBA_DISABLE_JIT"
WATCH_INTERVAL = 0.25  # seconds
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
    """Carry out what was typed in plain Python; returns the exit code."""
    code = "from townlet.console.interpreted import main; main()"
    words = [sys.executable, "-P", "-c", code, str(os.getpid()), json.dumps(_typed)]
    path = os.pathsep.join(filter(None, [_root(), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, SWITCH: "1", "PYTHONPATH": path}
    sys.stdout.flush()
    # Of a process group of its own: Ctrl-C reaches it once, through us.
    child = subprocess.Popen(words, env=environment, process_group=0)
    with _passing_on_signals(child):
        ended = child.wait()
    return ended if ended >= 0 else 128 - ended


@contextlib.contextmanager
def _passing_on_signals(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Signals that are ignored stay so: the child ignores them too."""

    def pass_on(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)

    heard = [number for number in PASSED_ON if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in heard}
    try:
        yield
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
    sys.exit(run_as_process(lambda: command(*arguments)))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL)
    os._exit(1)


def _root() -> str:
    return str(Path(__file__).resolve().parents[2])
