"""Markdown made of docstrings, help texts and tables, in the form that the site's reader knows (Python-Markdown)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_CODE = re.compile(r"(`[^`]*`)")
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,2})(?=\w)([^*]*[\w.)])\1(?![\w*])")
_STARS = re.compile(r"(?<=\S)\*+|\*+(?=\S)")  # that would begin or end an emphasis
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ITEM = re.compile(r"(?:[-*]|\d+\.) +")
_FIRST_OF_TABLE = re.compile(r"\S+(?: \S+)* {2,}\S")


def escaped(text: str) -> str:
    """A text that is shown as it stands, but for what is in backticks, which stays code, and for emphasis."""
    return "".join(part if n % 2 else _words(part) for n, part in enumerate(_CODE.split(text)))


def _words(text: str) -> str:
    found, end = [], 0
    for emphasis in _EMPHASIS.finditer(text):
        found += [_plain(text[end : emphasis.start()]), emphasis[0]]
        end = emphasis.end()
    return "".join([*found, _plain(text[end:])])


def _plain(text: str) -> str:
    starless = _STARS.sub(lambda stars: "\\*" * len(stars[0]), text)
    return _TAG.sub("&lt;", starless).replace("](", "]\\(")


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown already; what would end one is escaped."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def block(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text.strip(chr(10))}\n```\n"


def of_docstring(text: str) -> str:
    """A docstring as Markdown: paragraphs, lists (of one level) with paragraphs and formulas in them, formulas, and
    columns of text, which stay as they are typed.
    """
    return "\n".join(_blocks(text.strip("\n").splitlines()))


def _blocks(lines: list[str]) -> Iterator[str]:
    paragraphs = _paragraphs(lines)
    in_list = False
    for each in paragraphs:
        depth = min(len(line) - len(line.lstrip()) for line in each)
        if _ITEM.match(each[0]):
            in_list = True
            yield from _items(each)
            yield ""
        elif in_list and depth >= 2:
            yield _inside_item(each, depth)
        elif depth >= 4:
            in_list = False
            yield _indented(each)
        elif len(each) > 1 and all(_FIRST_OF_TABLE.match(line) or line.startswith("    ") for line in each):
            in_list = False
            yield block("\n".join(each))
        else:
            in_list = False
            yield escaped(" ".join(line.strip() for line in each)) + "\n"


def _paragraphs(lines: list[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line.rstrip())
        elif found[-1]:
            found.append([])
    return [each for each in found if each]


def _items(lines: list[str]) -> list[str]:
    """The items of a list, a line each."""
    found: list[str] = []
    for line in lines:
        begins = _ITEM.match(line)
        if begins:
            found.append(line[: begins.end()] + escaped(line[begins.end() :]))
        else:
            found[-1] += " " + escaped(line.strip())
    return found


def _inside_item(lines: list[str], depth: int) -> str:
    if depth >= 5:
        return "\n".join(f"        {line[depth:]}" for line in lines) + "\n"
    return "    " + escaped(" ".join(line.strip() for line in lines)) + "\n"


def _indented(lines: list[str]) -> str:
    """A formula, or, where its first line has the heads of three columns or more, a table."""
    lines = [line[4:] for line in lines]
    starts = [found.start() for found in re.finditer(r"(?:^|(?<= {2}))\S", lines[0])]
    if len(starts) < 3 or "=" in lines[0]:
        return block("\n".join(lines))
    rows: list[list[str]] = []
    for line in lines:
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if cells[0]:
            rows.append([escaped(cell) for cell in cells])
        else:  # a line that goes on with the row before
            rows[-1] = [
                f"{before} {escaped(cell)}".strip() for before, cell in zip(rows[-1], cells, strict=True)
            ]
    return table(rows[0], rows[1:])
