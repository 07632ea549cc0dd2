"""ARCHITECTURE.md as data: its import table and its table of places."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from tests.house.source_tree import ROOT

TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
GROUND_FLOOR = "townlet/*.py"
IN_FUNCTIONS = "in functions only:"


class ImportRow(NamedTuple):
    """A row of "Who may import whom". A name is a folder, a file, or the ground floor's pattern."""

    packages: tuple[str, ...]  # whom the row is about
    imports: tuple[str, ...]  # besides itself and the ground floor
    in_functions: tuple[str, ...]
    libraries: tuple[str, ...]  # what is not Python's own and not ours

    @staticmethod
    def is_name_of(name: str, path: str) -> bool:
        """Whether a file is meant by a name of the table."""
        if name == GROUND_FLOOR:
            return path.startswith("townlet/") and path.count("/") == 1
        return path == name or path.startswith(f"{name}/")

    def allows(self, path: str) -> bool:
        """Whether a file of the row may import the file `path` at its top."""
        return any(self.is_name_of(name, path) for name in (GROUND_FLOOR, *self.imports))

    def allows_in_functions(self, path: str) -> bool:
        return any(self.is_name_of(name, path) for name in self.in_functions)

    def allows_package(self, package: str) -> bool:
        """Whether a file of the row may import something of another row's package."""
        if package == GROUND_FLOOR:
            return GROUND_FLOOR not in self.packages
        return any(f"{name}/".startswith(f"{package}/") for name in (*self.imports, *self.in_functions))


def section(title: str) -> str:
    """The text below a heading of ARCHITECTURE.md, up to the next one. Raises ValueError where there is none."""
    return TEXT[TEXT.index(f"\n## {title}\n") :].split("\n## ")[1]


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> tuple[str, ...]:
    """What stands in backticks."""
    return tuple(re.findall(r"`([^`]+)`", cell))


@cache
def import_table() -> tuple[ImportRow, ...]:
    """The rows of "Who may import whom"."""
    found = []
    for who, _, imported, libraries in rows("Who may import whom"):
        always, _, in_functions = imported.partition(IN_FUNCTIONS)
        found.append(ImportRow(names(who), names(always), names(in_functions), names(libraries)))
    return tuple(found)
