"""What a command says when it cannot do what was asked, and with which exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import traceback
from collections.abc import Iterator

from townlet.console.entry_point import Terminated
from townlet.console.limits import NO_THREAD, TOO_FEW_THREADS
from townlet.console.printing import remark
from townlet.errors import TownletError, UserError

INTERRUPTED = 130  # exit code, as a shell gives it: 128 and the signal's number
SIGNALLED = 128
CONTINUE = "Finished runs are kept. Run the same command to continue."
MEMORY_RAN_OUT = (
    "memory ran out; free some, raise its limit (ulimit -v), or give fewer --workers or --segment-ticks"
)
TOO_MANY_FILES = "too many open files; raise the limit (ulimit -n) and run the same command again"
TRACEBACK = "TOWNLET_TRACEBACK"  # set to anything: errors come with where they came from


@contextlib.contextmanager
def finished_runs_are_kept() -> Iterator[None]:
    """For commands that can be continued: who interrupts them is told so."""
    try:
        yield
    except KeyboardInterrupt as error:
        error.args = (CONTINUE,)
        raise


def report(error: BaseException) -> int:
    """Say what went wrong, on standard error; returns the exit code."""
    if os.environ.get(TRACEBACK):
        for line in "".join(traceback.format_exception(error)).splitlines():
            remark(line)
    if isinstance(error, KeyboardInterrupt):
        by_signal = isinstance(error, Terminated)
        what = f"Ended by {error.name}." if by_signal else "Interrupted."
        remark(" ".join([what, *map(str, error.args)]))
        return SIGNALLED + error.number if by_signal else INTERRUPTED
    if isinstance(error, TownletError):
        print_error(error)
        return error.exit_code
    meaning = _of_the_system(error)
    if meaning:
        remark(f"error: {meaning}")
        return 1
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename}:{last.lineno}"
    remark(f"error: {type(error).__name__}: {error} ({where})")
    remark(f"this is a defect of Townlet; {TRACEBACK}=1 shows where it comes from")
    return 1


def _of_the_system(error: BaseException) -> str:
    """What it means that the system does not give what any program may ask for; "" for anything else."""
    if isinstance(error, MemoryError):
        return MEMORY_RAN_OUT
    if isinstance(error, RuntimeError) and NO_THREAD in str(error):
        return TOO_FEW_THREADS
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return TOO_MANY_FILES
    if isinstance(error, OSError) and error.errno == errno.EAGAIN:
        return TOO_FEW_THREADS
    return ""


def print_error(error: TownletError) -> None:
    """The message of an error that is no surprise."""
    first, *more = error.lines or [""]
    remark(f"error: {first}")
    for line in more:
        remark(line)


def check_working_folder() -> None:
    """Raise UserError where the working folder was removed, or may not be read: no relative path means anything."""
    try:
        os.getcwd()
    except OSError as error:
        raise UserError(
            f"the working folder cannot be used ({error.strerror}): it was removed or moved away; change to a "
            "folder that exists (cd) and run the command again"
        ) from None
