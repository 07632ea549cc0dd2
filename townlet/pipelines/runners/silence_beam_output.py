"""Beam's threads and log, kept silent: what they have to say comes as an exception too, and we print that, once.

No Beam here: its threads and its log are found by name.
"""

from __future__ import annotations

import logging
import re
import signal
import sys
import threading
from typing import Any, TextIO

WORKER_THREAD = "run_worker"  # what Beam calls the threads that wait for its worker processes


class SilencedBeam:
    """Until `lift`, nothing of Beam's reaches standard error; `dead` says how a worker ended.

    Beam's threads raise when their worker process ends with an error, and nobody listens; others then
    complain that the connection is gone; and whatever a step raises is printed, with 150 lines of traceback.
    """

    def __init__(self) -> None:
        self.dead: str | None = None
        self._log = logging.getLogger("apache_beam")
        self._before = threading.excepthook, self._log.level, sys.stderr
        threading.excepthook = self._hear
        self._log.setLevel(logging.CRITICAL + 1)
        logging.getLogger().addFilter(_nothing)  # an engine's messages are logged without a name
        sys.stderr = _OneVoice(sys.stderr)

    def lift(self) -> None:
        threading.excepthook, level, sys.stderr = self._before
        self._log.setLevel(level)
        logging.getLogger().removeFilter(_nothing)

    def _hear(self, args: Any) -> None:
        if args.thread is not None and args.thread.name == WORKER_THREAD:
            self.dead = self.dead or how_it_ended(str(args.exc_value))


def _nothing(record: logging.LogRecord) -> bool:
    return False


class _OneVoice:
    """Standard error for the main thread alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread() is threading.main_thread():
            return self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def how_it_ended(complaint: str) -> str:
    """What Beam says of a process that ended, in words. It names the exit code, -N for signal N."""
    found = re.search(r"-?\d+$", complaint)
    code = int(found[0]) if found else 0
    if code > 128:  # as a shell has it
        code = 128 - code
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")
