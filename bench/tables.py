"""Answers: tables of figures, as data and as people read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from townlet.console.formatting import print_table, size

# How figures of a kind are written.
KINDS: dict[str, Callable[[float], str]] = {
    "rate": lambda value: f"{value:,.0f}",
    "ratio": lambda value: f"{value:.2f}",
    "seconds": lambda value: f"{value:.2f} s",
    "bytes": size,
}


@dataclass(frozen=True)
class Column:
    name: str
    kind: str  # a key of KINDS


@dataclass(frozen=True)
class Goal:
    """What a figure of a row should reach. It is shown beside the row; nothing fails."""

    column: str
    value: float
    at_least: bool  # else at most

    def met(self, found: float) -> bool:
        return found >= self.value if self.at_least else found <= self.value


@dataclass(frozen=True)
class Row:
    what: str
    figures: dict[str, float]  # by column; a column without one stays empty
    goals: tuple[Goal, ...] = ()


@dataclass(frozen=True)
class Table:
    """The answer to one question."""

    question: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())

    def to_json_dict(self) -> dict[str, Any]:
        """With `met` for each goal."""
        rows = [
            {
                **asdict(row),
                "goals": [{**asdict(goal), "met": goal.met(row.figures[goal.column])} for goal in row.goals],
            }
            for row in self.rows
        ]
        return {**asdict(self), "rows": rows}


def at_least(column: str, value: float) -> Goal:
    return Goal(column, value, at_least=True)


def at_most(column: str, value: float) -> Goal:
    return Goal(column, value, at_least=False)


def show(letter: str, table: Table, stream: TextIO, *, judged: bool = True) -> None:
    """Print a table, its question above, its notes and goals below; `judged`: with what became of the goals."""
    print(f"\n({letter}) {table.question}", file=stream)
    names = [column.name for column in table.columns]
    print_table(
        ["", *names], [_cells(row, table.columns) for row in table.rows], numbers=names, stream=stream
    )
    for note in table.notes:
        print(f"  {note}", file=stream)
    kinds = {column.name: KINDS[column.kind] for column in table.columns}
    for row in table.rows:
        for goal in row.goals:
            print(f"  goal: {row.what}: {_shown(goal, row.figures[goal.column], kinds, judged)}", file=stream)
    stream.flush()


def _cells(row: Row, columns: tuple[Column, ...]) -> list[str]:
    shown = [
        KINDS[column.kind](row.figures[column.name]) if column.name in row.figures else ""
        for column in columns
    ]
    return [row.what, *shown]


def _shown(goal: Goal, found: float, kinds: dict[str, Callable[[float], str]], judged: bool) -> str:
    wanted = f"{goal.column} {'>=' if goal.at_least else '<='} {kinds[goal.column](goal.value)}"
    if not judged:
        return wanted
    return (
        f"{wanted}: met" if goal.met(found) else f"{wanted}: missed, it is {found / goal.value:.2f} of that"
    )
