"""Where commands print: a line at a time, with whatever names and texts of files stand in it.

A call prints one line, whatever is in it: what would end the line, or what a terminal obeys, is escaped here and
nowhere else. Tables and JSON, in `townlet.console.formatting`, do the same for theirs.
"""

from __future__ import annotations

import contextlib
import sys

from townlet.escaping import shown


def say(line: object = "") -> None:
    """A line of the result, to standard output."""
    print(shown(line))


def remark(line: object) -> None:
    """A line beside the result, on standard error: notes, warnings, what to type. It comes after what was said."""
    if sys.stdout is not None:
        with contextlib.suppress(
            OSError, ValueError
        ):  # a calling program's own, closed or unread: its affair
            sys.stdout.flush()
    if sys.stderr is not None:  # closed before Python started
        print(shown(line), file=sys.stderr, flush=True)
