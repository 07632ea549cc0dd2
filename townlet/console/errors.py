"""What a command says when it cannot do what was asked, and with which exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator

from townlet.console.entry_point import Terminated
from townlet.errors import TownletError, UserError

INTERRUPTED = 130  # exit code, as a shell gives it: 128 and the signal's number
SIGNALLED = 128
CONTINUE = "Finished runs are kept. Run the same command to continue."
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
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        by_signal = isinstance(error, Terminated)
        what = f"Ended by {error.name}." if by_signal else "Interrupted."
        print(" ".join([what, *map(str, error.args)]), file=sys.stderr)
        return SIGNALLED + error.number if by_signal else INTERRUPTED
    if isinstance(error, TownletError):
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename}:{last.lineno}"
    print(f"error: {type(error).__name__}: {error} ({where})", file=sys.stderr)
    print(f"this is a defect of Townlet; {TRACEBACK}=1 shows where it comes from", file=sys.stderr)
    return 1


def check_working_folder() -> None:
    """Raise UserError where the working folder was removed, or may not be read: no relative path means anything."""
    try:
        os.getcwd()
    except OSError as error:
        raise UserError(
            f"the working folder cannot be used ({error.strerror}): it was removed or moved away; change to a "
            "folder that exists (cd) and run the command again"
        ) from None
