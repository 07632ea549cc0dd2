"""The texts of `--help`, laid out for the width of the terminal.

Prose is filled. Lines that are indented are examples, and stay lines: a command that is too long goes on in the next
line behind a backslash, so that it can still be pasted, and what is said of it goes below it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any, ClassVar

NARROWEST, WIDEST = 40, 120  # columns: in longer lines the eye does not find the next one
REMARK = re.compile(r"( +)(\S.*?) {3,}(\S.*)")  # an example, and what is said of it behind some spaces
WORD = re.compile(r"(?:'[^']*'|[^' ])+")  # as a shell reads it
BELOW = 6  # columns before what is said of an example, in a line of its own


def columns() -> int:
    """Of the terminal, or of $COLUMNS; where there is none, 80."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def wrapped(text: str, width: int) -> str:
    """A text of several paragraphs and examples, in lines of at most `width`, words that are longer excepted."""
    blocks = groupby(text.rstrip().split("\n"), key=lambda line: "" if not line else line[0] == " ")
    lines: list[str] = []
    for kind, block in blocks:
        if kind == "":
            lines += block
        elif kind:
            lines += _examples(list(block), width)
        else:
            lines += _prose(list(block), width)
    return "\n".join(lines)


def _prose(block: list[str], width: int) -> Iterator[str]:
    """Paragraphs filled; a line that ends with a colon is a heading."""
    for is_heading, lines in groupby(block, key=lambda line: line.endswith(":") and " " not in line):
        if is_heading:
            yield from lines
        else:
            yield from textwrap.wrap(" ".join(lines), width, break_long_words=False, break_on_hyphens=False)


def _examples(block: list[str], width: int) -> Iterator[str]:
    if all(len(line) <= width for line in block):
        yield from block
        return
    for line in block:
        found = REMARK.fullmatch(line)
        indent = " " * (len(line) - len(line.lstrip()))
        yield from _command(indent, found[2] if found else line.strip(), width)
        if found:
            below = " " * BELOW
            yield from textwrap.wrap(
                found[3], width, initial_indent=below, subsequent_indent=below,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip


def _command(indent: str, command: str, width: int) -> Iterator[str]:
    """A command in as many lines as it needs; an option is parted from its value only where both do not fit."""
    line = ""
    for piece in _pieces(command, width - BELOW - len(" \\")):
        if line and len(f"{indent}{line} {piece} \\") > width:
            yield f"{indent}{line} \\"
            line, indent = piece, " " * BELOW
        else:
            line = f"{line} {piece}" if line else piece
    yield f"{indent}{line}"


def _pieces(command: str, width: int) -> Iterator[str]:
    for piece in re.split(r" (?=-)", command):
        yield from [piece] if len(piece) <= width else WORD.findall(piece)


class Formatter(argparse.HelpFormatter):
    """The help of one command in plain text."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=columns())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return wrapped(text, width)

    def _format_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None) -> str:
        return _folded(super()._format_usage(usage, actions, groups, prefix), self._width)


def _folded(usage: str, width: int) -> str:
    """A usage that a command words itself, which argparse leaves in one line."""
    line = usage.strip()
    if "\n" in line or len(line) <= width:
        return usage
    return (
        "\n".join(textwrap.wrap(line, width, subsequent_indent=" " * BELOW, break_on_hyphens=False)) + "\n\n"
    )


def coloured_formatter(stream: Any) -> Any:
    """The same in colour, as a class; what it needs is loaded only here."""
    from rich.console import Console
    from rich_argparse import RawDescriptionRichHelpFormatter

    class Coloured(RawDescriptionRichHelpFormatter):
        text_markup = help_markup = usage_markup = False
        group_name_formatter = str
        styles: ClassVar[dict[str, Any]] = {
            **RawDescriptionRichHelpFormatter.styles,
            "argparse.groups": "bold",
            "argparse.prog": "bold",
            "argparse.metavar": "italic cyan",
        }

        def __init__(self, prog: str) -> None:
            super().__init__(prog, width=columns(), console=Console(file=stream, soft_wrap=True))

        def _rich_format_text(self, text: str) -> Any:
            return super()._rich_format_text(wrapped(text, self._width))

        def _format_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None) -> str:
            return _folded(super()._format_usage(usage, actions, groups, prefix), self._width)

    return Coloured
