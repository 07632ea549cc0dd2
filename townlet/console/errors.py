"""What a command says when it cannot do what was asked, and with which exit code."""

from __future__ import annotations

import os
import sys
import traceback

from townlet.errors import TownletError

INTERRUPTED = 130
KEPT = "what is finished is kept, the same command goes on from there"
TRACEBACK = "TOWNLET_TRACEBACK"  # set to anything: errors come with where they came from


def report(error: BaseException) -> int:
    """Say what went wrong, on standard error; returns the exit code."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        print("; ".join(["interrupted", *map(str, error.args)]), file=sys.stderr)
        return INTERRUPTED
    if isinstance(error, TownletError):
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename}:{last.lineno}"
    print(f"error: {type(error).__name__}: {error} ({where})", file=sys.stderr)
    print(f"this is a defect of Townlet's; {TRACEBACK}=1 shows where it comes from", file=sys.stderr)
    return 1
