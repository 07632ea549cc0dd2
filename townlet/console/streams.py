"""A command's standard streams, whatever was done to them: closed, a pipe that nobody reads, a full disk, ASCII.

What a command does never depends on who reads its output. Output that cannot be written is dropped, the work goes
on, and only where it could not be written for another reason than that its reader has left is that a failure.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

STANDARD_INPUT, STANDARD_OUTPUT, STANDARD_ERROR = 0, 1, 2
READER_HAS_LEFT = (BrokenPipeError, ConnectionResetError)


class Streams:
    """Standard output and standard error of a process that is a command."""

    def __init__(self) -> None:
        _open_closed_descriptors()
        self._out = _Descriptor(STANDARD_OUTPUT)
        self._error = _Descriptor(STANDARD_ERROR)
        self.out = _text(self._out, sys.__stdout__)
        self.error = _text(self._error, sys.__stderr__, line_buffering=True)

    def flush(self) -> None:
        """Write what is left. Raises nothing: what could not be written is in `problem`."""
        self.out.flush()
        self.error.flush()

    @property
    def problem(self) -> str:
        """Why standard output could not be written; "" where it could, or its reader has left."""
        error = self._out.error
        if error is None or isinstance(error, READER_HAS_LEFT):
            return ""
        return f"cannot write to standard output: {os.strerror(error.errno or 0)}"


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

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        if self.error is not None:
            return size
        try:
            return super().write(data) or 0
        except BlockingIOError:
            return 0
        except OSError as error:
            self.error = error
            return size


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
