"""Numbers and tables as people read them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO, TypeVar

from townlet.escaping import shown, shown_json

Item = TypeVar("Item")
PLAIN_INTERVAL_S = 10.0  # seconds between two plain lines of progress
LIVE_INTERVAL_S = 0.2  # seconds between two states of a live one

BAR = 20  # characters of a bar
WIDE = 200  # columns of a table that is not printed on a terminal


def count(number: float) -> str:
    """A number in a few characters: 512, 68.1k, 3.4M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if letter == 'k' else size):.1f}{letter}"
    return f"{number:.0f}"


def number(how_many: int, thing: str) -> str:
    """1 run, 2 runs."""
    return f"{how_many} {thing}{'' if how_many == 1 else 's'}"


def counted_as(how_many: float, thing: str) -> str:
    """The same in a few characters: 1 frame, 68.1k frames."""
    few = count(how_many)
    return f"{few} {thing}{'' if few == '1' else 's'}"


def size(number: float) -> str:
    """Bytes in a few characters: 512 B, 68.1 kB, 3.4 MB."""
    for unit, letters in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= unit:
            return f"{number / unit:.1f} {letters}"
    return f"{number:.0f} B"


def clock(seconds: float) -> str:
    """A time span: 0:07, 12:34, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def took(seconds: float) -> str:
    """How long something took: 0.3 s, 12.0 s, 1:30."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def print_json(document: Any, *, indent: int = 1) -> None:
    """A document for scripts, to standard output. Where that has no Unicode, escaped: nothing is lost."""
    print(_json(document, indent))


def json_text(document: Any) -> str:
    """The same on one line, as part of a document that is printed piece by piece."""
    return _json(document, None)


def _json(document: Any, indent: int | None) -> str:
    readable = _with_seed_texts(document)
    return shown_json(json.dumps(readable, indent=indent, ensure_ascii=not _is_unicode(sys.stdout)))


def _with_seed_texts(value: Any) -> Any:
    """With every seed as a text beside the number: readers that know numbers of 53 bits only lose larger ones."""
    if isinstance(value, dict):
        found = {}
        for key, item in value.items():
            found[key] = _with_seed_texts(item)
            if key == "seed" and type(item) is int:
                found["seed_text"] = str(item)
            elif key == "seeds" and isinstance(item, list | tuple) and all(type(one) is int for one in item):
                found["seed_texts"] = [str(one) for one in item]
        return found
    return [_with_seed_texts(item) for item in value] if isinstance(value, list | tuple) else value


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at this stream. None: it was closed before Python started."""
    return stream is not None and stream.isatty()


def _is_unicode(stream: TextIO | None) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf")


def counted(items: Sequence[Item], what: str, *, quiet: bool) -> Iterator[Item]:
    """Pass items on and show on standard error how many are done: live on a terminal, now and then elsewhere."""
    live = is_terminal(sys.stderr)
    due = time.monotonic() + (0 if live else PLAIN_INTERVAL_S)
    for number, item in enumerate(items):
        if not quiet and len(items) > 1 and time.monotonic() >= due:
            due = time.monotonic() + (LIVE_INTERVAL_S if live else PLAIN_INTERVAL_S)
            line = shown(f"{number} of {len(items)} {what}")
            print(
                f"\r{bar(number, len(items))} {line}\033[K" if live else line,
                end="" if live else "\n",
                file=sys.stderr,
                flush=True,
            )
        yield item
    if live and not quiet:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def bar(done: int, total: int) -> str:
    """How far something is, in a few characters that every terminal has: `[######--------------]`."""
    full = BAR * min(done, total) // total
    return f"[{'#' * full}{'-' * (BAR - full)}]"


class Meter:
    """Progress: live on a terminal, a plain line now and then elsewhere."""

    def __init__(self, what: str, *, quiet: bool) -> None:
        self._what, self._quiet = what, quiet
        self._live = is_terminal(sys.stderr)
        self._started = time.monotonic()
        self._last = self._started
        self._shown = False

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live and self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def show(self, done: int, total: int, read: int = 0) -> None:
        """`done` of `total` (0: not known), `read` bytes so far (0: not counted)."""
        now = time.monotonic()
        if self._quiet or now - self._last < (LIVE_INTERVAL_S if self._live else PLAIN_INTERVAL_S):
            return
        self._last, self._shown = now, True
        seconds = now - self._started
        line = f"{done} {f'of {total} ' if total else ''}{self._what}"
        if read:
            line += f", {size(read)}, {size(read / seconds)}/s"
        if total and done:
            line += f", {clock(seconds * (total - done) / done)} left"
        drawn = f"{bar(done, total)} " if total else ""
        print(
            f"\r{drawn}{line}\033[K" if self._live else line,
            end="" if self._live else "\n",
            file=sys.stderr,
            flush=True,
        )


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """A table; the columns in `numbers` are set to the right. Cells are cut on narrow terminals only.

    What stands in a cell cannot leave it: see `townlet.escaping`.
    """
    from rich.console import Console
    from rich.table import Table

    where: TextIO = sys.stdout if stream is None else stream
    table = Table(box=None, pad_edge=False, header_style="bold")
    right = set(numbers)
    for column in columns:
        table.add_column(shown(column), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(shown, row))
    width = None if is_terminal(where) else WIDE
    console = Console(file=where, width=width, highlight=False, markup=False, emoji=False)
    console.print(table)
