"""Keeping Beam's threads and log quiet: what they report comes as an exception too, and we report it, once."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Container, Iterable, Iterator
from typing import Any, TextIO

from townlet.console.limits import MB, NO_THREAD, TOO_FEW_THREADS, check_memory

PIPELINE_THREAD = "townlet-pipeline"  # what we call the thread that runs a pipeline
WORKER_THREAD = "run_worker"  # what Beam calls the threads that wait for its worker processes
MAPPED_BY_BEAM = 300 * MB  # measured
LAST_OUTPUT_TIMEOUT_S = 2.0  # seconds that these threads have to end once their processes have


class SilencedBeam:
    """What is known of Beam's threads while Beam is silenced."""

    def __init__(self, callers: Container[threading.Thread]) -> None:
        self.trouble: str | None = None  # why they cannot go on; Beam would wait for them for ever
        self._callers, self._before = callers, threading.excepthook

    def excepthook(self, args: Any) -> None:
        """Take the place of `threading.excepthook`, for all threads but the caller's."""
        if args.thread in self._callers:
            self._before(args)
        elif args.thread is not None and args.thread.name == WORKER_THREAD:
            self.trouble = self.trouble or f"a worker ended: {args.exc_type.__name__}: {args.exc_value}"

    @contextlib.contextmanager
    def noting_threads(self) -> Iterator[None]:
        """A thread of Beam's that is not started is missed by nobody there: note that it was asked for."""
        before, callers, silenced = threading.Thread.start, self._callers, self

        def start(self: threading.Thread) -> None:
            try:
                before(self)
            except RuntimeError as error:
                if NO_THREAD in str(error) and threading.current_thread() not in callers:
                    silenced.trouble = silenced.trouble or TOO_FEW_THREADS
                raise

        threading.Thread.start = start
        try:
            yield
        finally:
            threading.Thread.start = before


@contextlib.contextmanager
def silenced_beam() -> Iterator[SilencedBeam]:
    """Inside, nothing of Beam reaches standard error or the caller's log; afterwards all is as it was before.

    Beam's threads raise when their worker process ends with an error, and nobody catches that; others then report
    that the connection is gone; and whatever a step raises is printed, with 150 lines of traceback. Threads that were
    there before are the caller's, and print and log as before.
    """
    callers = [thread for thread in threading.enumerate() if not _is_beams(thread)]
    log = logging.getLogger("apache_beam")
    silenced = SilencedBeam(callers)
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, threading, "excepthook", threading.excepthook)
        stack.callback(log.setLevel, log.level)
        stack.callback(setattr, sys, "stderr", sys.stderr)
        threading.excepthook = silenced.excepthook
        log.setLevel(logging.CRITICAL + 1)
        if sys.stderr is not None:
            sys.stderr = _CallersOnly(sys.stderr, callers)
        stack.enter_context(_silent_root_logger(callers))  # an engine's messages are logged without a name
        stack.enter_context(silenced.noting_threads())
        stack.callback(_wait_for_last_output)
        yield silenced


def import_beam() -> None:
    """Import Beam without its warnings that parts of it are not installed, and without what they do to logging.

    Raises LimitTooLow where there is too little memory for it.
    """
    if "apache_beam" not in sys.modules:
        check_memory(MAPPED_BY_BEAM, "the pipeline")
        with _silent_root_logger(callers=()):
            import apache_beam  # noqa: F401


@contextlib.contextmanager
def _silent_root_logger(callers: Iterable[threading.Thread]) -> Iterator[None]:
    """The root logger passes on what the callers log, and nothing else."""
    threads = {thread.ident for thread in callers}

    def is_callers(record: logging.LogRecord) -> bool:
        return record.thread in threads

    root = logging.getLogger()
    root.addFilter(is_callers)
    try:
        with unchanged_logging():
            yield
    finally:
        root.removeFilter(is_callers)


@contextlib.contextmanager
def unchanged_logging() -> Iterator[None]:
    """Beam configures logging whenever it makes options, and so does a first warning: not inside of this."""
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)  # one that has a handler is not configured
    try:
        yield
    finally:
        root.removeHandler(handler)


def _is_beams(thread: threading.Thread) -> bool:
    """Whether a thread is left from an earlier pipeline: Beam keeps some for the next."""
    return type(thread).__module__.startswith("apache_beam.") or thread.name in (
        WORKER_THREAD,
        PIPELINE_THREAD,
    )


def _wait_for_last_output() -> None:
    end = time.monotonic() + LAST_OUTPUT_TIMEOUT_S
    for thread in threading.enumerate():
        if thread.name == WORKER_THREAD:
            thread.join(max(0.0, end - time.monotonic()))


class _CallersOnly:
    """Standard error for the threads that were there before Beam's."""

    def __init__(self, stream: TextIO, callers: Container[threading.Thread]) -> None:
        self._stream, self._callers = stream, callers

    def write(self, text: str) -> int:
        if threading.current_thread() in self._callers:
            return self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def how_it_ended(code: int) -> str:
    """How a process ended that has this exit code, -N for signal N, in words."""
    if code > 128:  # as a shell has it
        code = 128 - code
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}" + (", perhaps because memory ran out" if name == "SIGKILL" else "")
