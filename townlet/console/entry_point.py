"""What the process of a command does around it: its streams, its signals, and how it ends.

Only entry points use this. Called from Python, commands and captures leave streams and signals as they are.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

from townlet.console.streams import standard_streams

ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU")
CLEANING_UP_S = (
    10.0  # seconds after a first signal in which others change nothing: what was begun is being put right
)

_owned: list[bool] = []
_asked: list[KeyboardInterrupt] = []  # for the process to end, by signals, in this order
_last = [0.0]  # when


class Terminated(KeyboardInterrupt):
    """The process was asked to end by another signal than Ctrl-C's. `number`: which."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @property
    def name(self) -> str:
        return signal.Signals(self.number).name


def run_as_process(command: Callable[[], int]) -> int:
    """Run a command as all that this process is for; returns its exit code.

    SIGTERM and SIGHUP end it as Ctrl-C does, with exit codes 143 and 129; one that was ignored stays ignored. A second
    one does not disturb what the first has set going. Where threads of a pipeline that was left would keep the
    process, it is ended at once.
    """
    _owned.append(True)
    with standard_streams() as streams:
        with _signals_interrupt():
            code = command()
        streams.note_what_is_lost()
    if pipeline_is_stuck():
        os._exit(code)
    return code


def is_own_process() -> bool:
    """Whether this process is a command's, and ends with it."""
    return bool(_owned)


def pipeline_is_stuck() -> bool:
    """Whether a pipeline was left that still runs: Python would wait for its threads for ever, at its end."""
    monitor = sys.modules.get("townlet.pipelines.runners.monitor")
    return monitor is not None and monitor.is_stuck()


def raise_if_asked_to_end() -> None:
    """Raise again what a signal has raised, where somebody else's code caught it."""
    if _asked:
        raise _asked[-1]


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    before = {}
    for name in ENDING_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            before[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        _asked.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _asked and time.monotonic() - _last[0] < CLEANING_UP_S:
        return
    _last[0] = time.monotonic()
    _asked.append(KeyboardInterrupt() if number == signal.SIGINT else Terminated(number))
    raise _asked[-1]
