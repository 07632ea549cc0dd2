"""Colour, for people who look at a terminal: nowhere else, and not where they ask for none (NO_COLOR)."""

from __future__ import annotations

import os
from typing import TextIO

BOLD = "1"
# What begins a line on standard error, and its style (SGR numbers of ECMA-48). The rest of a line stays plain.
LABELS = {"error:": "1;31", "failed:": "1;31", "warning:": "1;33", "note:": "36", "next:": "1;32"}


def is_coloured(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal that shows colours, and whoever sits there wants them.

    https://no-color.org: NO_COLOR, set to anything but nothing, turns them off. None: closed before Python started.
    """
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM", "") in ("", "dumb"):
        return False
    return stream.isatty()


def painted(text: str, style: str) -> str:
    """A text in a style, and plain again after it."""
    return f"\x1b[{style}m{text}\x1b[0m"


def with_label(line: str) -> str:
    """A line with the label that begins it in colour; a line without one as it is."""
    label, space, rest = line.partition(" ")
    return f"{painted(label, LABELS[label])}{space}{rest}" if label in LABELS else line
