"""A command's standard streams, whatever was done to them: closed, a pipe that nobody reads, a full disk, ASCII.

What a command does never depends on who reads its output. Output that cannot be written is dropped, the work goes
on, and the exit code is that of the work. Only where the output is all that was asked for (`townlet schema`), and was
lost for another reason than that its reader has left, is that a failure; else it is a note.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from townlet.console.printing import remark
from townlet.errors import TownletError

STANDARD_INPUT, STANDARD_OUTPUT, STANDARD_ERROR = 0, 1, 2
READER_HAS_LEFT = (errno.EPIPE, errno.ECONNRESET, errno.EIO)  # the last: a terminal that was closed


class Streams:
    """Standard output and standard error of a process that is a command."""

    def __init__(self) -> None:
        _open_closed_descriptors()
        self._out = _Descriptor(STANDARD_OUTPUT)
        self._error = _Descriptor(STANDARD_ERROR)
        self.out = _text(self._out, sys.__stdout__)
        self.error = _text(self._error, sys.__stderr__, line_buffering=True)

    def flush(self) -> None:
        """Write what is left. Raises nothing: what could not be written is dropped."""
        self.out.flush()
        self.error.flush()

    def note_what_is_lost(self) -> None:
        """Say on standard error that standard output could not be written, unless that is said or nobody reads it."""
        self.out.flush()
        problem = self._out.problem()
        if problem and not self._out.said:
            remark(f"note: {problem}")


def check_output() -> None:
    """For commands whose output is all that they are asked for: raise OutputLost where it could not be written."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Descriptor):
        sys.stdout.flush()
        if raw.problem():
            raw.said = True
            raise OutputLost(raw.problem())


class OutputLost(TownletError):
    """Standard output could not be written."""


@contextlib.contextmanager
def standard_streams() -> Iterator[Streams]:
    """Make `sys.stdout` and `sys.stderr` such streams. Only for the process that is a command."""
    before = sys.stdin, sys.stdout, sys.stderr
    streams = Streams()
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(STANDARD_INPUT, closefd=False))  # it is /dev/null now
    sys.stdout, sys.stderr = streams.out, streams.error
    try:
        yield streams
    finally:
        streams.flush()
        sys.stdin, sys.stdout, sys.stderr = before


class _Descriptor(io.FileIO):
    """A file descriptor that takes whatever is written to it. The first failure is kept, and ends the writing."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.error: OSError | None = None
        self.said = False  # what problem() returns

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        if self.error is not None:
            return size
        try:
            while (written := super().write(data)) is None:
                select.select((), (self,), ())  # somebody made it not block: wait all the same
            return written
        except OSError as error:
            self.error = error
            return size

    def problem(self) -> str:
        """Why it could not be written; "" where it could, or its reader has left."""
        if self.error is None or self.error.errno in READER_HAS_LEFT:
            return ""
        return f"cannot write to standard output: {os.strerror(self.error.errno or 0)}"


def _text(raw: _Descriptor, before: TextIO | None, *, line_buffering: bool = False) -> io.TextIOWrapper:
    """Text that is written in the encoding of before; characters that it does not have are replaced."""
    encoding = getattr(before, "encoding", None) or "utf-8"
    live = line_buffering or raw.isatty() or bool(getattr(before, "write_through", False))
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors="replace", line_buffering=live)


def _open_closed_descriptors() -> None:
    """Let /dev/null stand for streams that are closed, or the next file that is opened would get what is printed."""
    for descriptor in (STANDARD_INPUT, STANDARD_OUTPUT, STANDARD_ERROR):
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            os.set_inheritable(descriptor, True)
