"""The words of a town, each list once: what a config may say, what the world's indices mean, what is stored.

An index of the world (`townlet/world/state.py`) is a position in one of these tuples. Nothing here imports NumPy, so
that configs and plans can be read without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Literal, get_args

Need = Literal["hunger", "hygiene", "energy"]
NEEDS: tuple[Need, ...] = get_args(Need)
Stock = Literal["meals", "raw_ingredients"]
STOCKS: tuple[Stock, ...] = get_args(Stock)
Fact = Literal["occupied", "power_on", "water_on", "meal_available", "ingredients_available", "wallet"]
FACTS: tuple[str, ...] = get_args(Fact)
Comparison = Literal["<", "<=", "==", "!=", ">=", ">"]
COMPARISONS: tuple[str, ...] = get_args(Comparison)

ActionKind = Literal["wait", "move", "release", "chat", "request", "start"]
ACTION_KINDS: tuple[str, ...] = get_args(ActionKind)
EntryKind = Literal["wait", "move", "request", "start", "release", "chat", "blocked"]  # of a schedule
DIRECTIONS = ("north", "south", "east", "west")

# A policy called `name` is described by POLICY in `townlet/policy/<name>.py`, where `-` is `_`; `scripted` stands for
# the schedules.
PolicyName = Literal["scripted", "needs", "uniform", "idle", "needs-early"]
POLICIES: tuple[str, ...] = get_args(PolicyName)
SCRIPTED = "scripted"
DEFAULT_POLICY = "needs"
OUTSIDE = "outside"  # in no config: an object of the caller's decides, or the caller itself
MIXED = "mixed"  # what samples say where several acted, one after another

Compression = Literal["fast", "none", "small"]
COMPRESSIONS: tuple[str, ...] = get_args(Compression)

LONGEST_ID = 64  # letters of an agent's name


@dataclass(frozen=True)
class Names:
    """Names by index. `agents` are the rows' first occupants; a newcomer is `<row's name>-2`, and so on."""

    agents: tuple[str, ...]  # [A]
    objects: tuple[str, ...]  # [O]
    object_types: tuple[str, ...]  # [Y]  in order of first appearance: affordances' types, then objects'
    affordances: tuple[str, ...]  # [K]  in the file's order
    jobs: tuple[str, ...]  # [J]
    events: tuple[str, ...]  # [E]


def _numbered(row: str, number: int) -> str:
    suffix = f"-{number}"
    return row[: LONGEST_ID - len(suffix)] + suffix


def newcomer_name(row: str, taken: Iterable[str]) -> str:
    """Whoever takes over the row of `row` is called `<row>-2`, or by the next number that is free (case apart)."""
    there = {name.casefold() for name in taken}
    return next(name for number in count(2) if (name := _numbered(row, number)).casefold() not in there)


def may_be_newcomer(name: str, rows: Iterable[str]) -> bool:
    """Whether whoever takes over one of these rows could be called `name`."""
    number = name.rpartition("-")[2]
    if not (number.isascii() and number.isdecimal()) or len(number) > 18 or int(number) < 2:
        return False
    return any(_numbered(row, int(number)) == name for row in rows)
