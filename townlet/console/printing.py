"""Where commands print: a line at a time, with whatever names and texts of files stand in it.

A call prints one line, whatever is in it: what would end the line, or what a terminal obeys, is escaped here and
nowhere else. Tables and JSON, in `townlet.console.formatting`, do the same for theirs.
"""

from __future__ import annotations

import contextlib
import sys

from townlet.console.colour import is_coloured, with_label
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
        text = shown(line)
        print(with_label(text) if is_coloured(sys.stderr) else text, file=sys.stderr, flush=True)


def next_step(command: str) -> None:
    """What to type next, the last line of a command, unless it was asked to be quiet or for JSON.

    The command is ready to be pasted: `townlet.escaping.typed` and `typed_path` quote what comes from others.
    """
    remark(f"next: {command}")
