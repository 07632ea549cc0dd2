"""Pages of the documentation as data: their blocks of code, and a way to do what a page says, step by step."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from townlet import cli

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = tuple(sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")))

FOLLOWED = ("tutorials/", "how-to/", "explanation/")  # folders of pages that a test does, step by step

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_TITLE = re.compile(r'title="([^"]*)"')
_EXIT = re.compile(r"# exit code (\d+)")
ANYTHING = "..."  # a line of what is printed that stands for any lines


class Block(NamedTuple):
    language: str  # sh, python, yaml, json, text; "" = none
    title: str  # of a file: its name
    text: str


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in their order, without their indentation."""
    found = []
    for block in _BLOCK.finditer(text):
        title = _TITLE.search(block["rest"])
        lines = [line.removeprefix(block["indent"]) for line in block["text"].splitlines()]
        found.append(Block(block["language"], title[1] if title else "", "\n".join(lines) + "\n"))
    return found


def commands(text: str) -> Iterator[tuple[list[str], int]]:
    """The words behind `townlet` of each command in a block of shell, and the exit code that it says."""
    for line in text.replace("\\\n", "").splitlines():
        if line.startswith("townlet "):
            code = _EXIT.search(line)
            yield shlex.split(line, comments=True)[1:], int(code[1]) if code else 0


def follow(page: str, folder: Path, shown_as: Callable[[list[str]], list[str]] = list) -> None:
    """Do what a page says, in a folder that is the working folder: files are written, commands and Python run.

    A block of text behind one of commands or Python is what they print, or part of it, with errors and hints, as on
    a screen. `shown_as` may make a command smaller.
    """
    names: dict[str, object] = {}
    printed = io.StringIO()
    before = ""
    for number, block in enumerate(blocks(text_of(page)), 1):
        where = f"{page}, block {number}"
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language in ("sh", "python"):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                if block.language == "python":
                    exec(compile(block.text, where, "exec"), names)
                for words, code in commands(block.text) if block.language == "sh" else ():
                    found = cli.main(shown_as(words))
                    assert found == code, f"{where}: townlet {shlex.join(words)}\n{printed.getvalue()}"
        elif block.language == "text" and before in ("sh", "python"):
            check_printed(block.text, printed.getvalue(), where)
        before = block.language


def check_printed(expected: str, found: str, where: str) -> None:
    """Each stretch of lines between two lines `...` is somewhere in what was printed, one after the other."""
    lines = [line.rstrip() for line in found.splitlines()]
    start = 0
    for stretch in _stretches(expected):
        start = _find(stretch, lines, start)
        assert start >= 0, f"{where}: expected\n{chr(10).join(stretch)}\nin what was printed:\n{found}"
        start += len(stretch)


def _stretches(text: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip() == ANYTHING:
            found.append([])
        else:
            found[-1].append(line.rstrip())
    return [stretch for stretch in found if stretch]


def _find(stretch: Sequence[str], lines: Sequence[str], start: int) -> int:
    """Where the stretch begins; -1 = nowhere."""
    ends = range(start, len(lines) - len(stretch) + 1)
    return next((at for at in ends if list(lines[at : at + len(stretch)]) == list(stretch)), -1)
