"""Help fits the terminal: prose is filled, examples stay lines that can be pasted."""

from __future__ import annotations

import shlex

import pytest

from townlet.console.help_text import NARROWEST, WIDEST, columns, wrapped
from townlet.console.parsing import Parser

TEXT = """\
examples:
  townlet capture town.yaml --ticks 1000 --policy uniform --output samples/other     what it is for
  townlet inspect samples/other

A paragraph of two
lines that belong together.

exit codes: 0 done
"""


def test_what_fits_stays_as_it_is() -> None:
    assert wrapped(TEXT, 120) == (
        TEXT.replace("A paragraph of two\nlines", "A paragraph of two lines").rstrip()
    )


def test_what_is_too_long_is_broken_where_it_can_be_pasted() -> None:
    assert wrapped(TEXT, 50) == (
        "examples:\n"
        "  townlet capture town.yaml --ticks 1000 \\\n"
        "      --policy uniform --output samples/other\n"
        "      what it is for\n"
        "  townlet inspect samples/other\n"
        "\n"
        "A paragraph of two lines that belong together.\n"
        "\n"
        "exit codes: 0 done"
    )


@pytest.mark.parametrize("width", [40, 44, 50, 61, 80])
def test_a_broken_command_is_the_same_command(width: int) -> None:
    command = "townlet evaluate town --policy needs --policy 'network:best.onnx?mode=greedy' --seeds 100..131"
    found = wrapped(f"  {command}", width)
    assert shlex.split(found.replace("\\\n", " ")) == shlex.split(command)
    assert all(len(line) <= width for line in found.splitlines())


@pytest.mark.parametrize(
    ("typed", "found"), [("5", NARROWEST), ("60", 60), ("100", 100), ("500", WIDEST), ("", 80)]
)
def test_columns(monkeypatch: pytest.MonkeyPatch, typed: str, found: int) -> None:
    monkeypatch.setenv("COLUMNS", typed)
    monkeypatch.setattr("os.get_terminal_size", lambda *_: (_ for _ in ()).throw(OSError()))
    assert columns() == found


def test_help_has_the_same_words_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed: `townlet count --help`, on a terminal. What appears: the same text, with the options set off."""
    import io
    import re

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    made = Parser(
        "townlet count", "Counts [bold]ticks[/bold] of towns.", TEXT, usage="townlet count A ... [options]"
    )
    made.add_argument(
        "--ticks", metavar="N", help="[min, max] of 100%% of them, `whole`; " + "more words " * 9
    )
    plain = made.format_help()
    stream = Terminal()
    made.print_help(stream)
    assert "\x1b[" in stream.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    again = Parser("townlet count", "Counts.")
    stream = Terminal()
    again.print_help(stream)
    assert stream.getvalue() == again.format_help()
