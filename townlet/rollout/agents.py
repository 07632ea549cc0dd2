"""Who has ever lived in a town: names, births, and who decided for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from townlet.generator.generate import GeneratedWorld
from townlet.vocabulary import newcomer_name


@dataclass
class AgentRegistry:
    """By arrival number, less one. A newcomer's name follows from the row that it took over."""

    rows: tuple[str, ...]  # the rows' first occupants
    names: list[str] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    born: list[int] = field(default_factory=list)
    scripted: list[bool] = field(default_factory=list)  # follows a schedule
    steered: list[bool] = field(default_factory=list)  # a caller of `SimulationLoop.step` has acted for it

    @classmethod
    def of(cls, generated: GeneratedWorld) -> AgentRegistry:
        people, rows = generated.params.people, generated.names.agents
        scripted = (people.script_end > people.script_first).tolist()
        count = len(rows)
        return cls(rows, list(rows), list(range(count)), [0] * count, scripted, [False] * count)

    def copy(self) -> AgentRegistry:
        return replace(self, **{name: [*getattr(self, name)] for name in _LISTS})

    def restore(self, other: AgentRegistry) -> None:
        """Hold what `other` holds; whoever reads the lists of this registry goes on to do so."""
        for name in _LISTS:
            getattr(self, name)[:] = getattr(other, name)

    def note(self, arrival: np.ndarray, first_tick: int) -> None:
        """Name the newcomers in `arrival` [A, slots], whose slot 0 is `first_tick`, in the order of their numbers."""
        rows, slots = np.nonzero(arrival > len(self.names))
        seen: dict[int, tuple[int, int]] = {}
        for row, slot in zip(rows.tolist(), slots.tolist(), strict=True):
            number = int(arrival[row, slot])
            if number not in seen or slot < seen[number][1]:
                seen[number] = (row, slot)
        for number in sorted(seen):
            row, slot = seen[number]
            self.names.append(newcomer_name(self.rows[row], self.names))
            self.row.append(row)
            self.born.append(first_tick + slot)
            self.scripted.append(False)
            self.steered.append(False)


_LISTS = ("names", "row", "born", "scripted", "steered")


def episodes(arrival: np.ndarray) -> list[tuple[int, int, int]]:
    """`(row, first slot, end slot)` of every life with a frame in `arrival` [A, T + 1], by arrival number."""
    found = []
    for row in range(arrival.shape[0]):
        line = arrival[row, :-1]
        edges = np.flatnonzero(np.diff(line)) + 1
        bounds = [0, *edges.tolist(), len(line)]
        found += [(int(line[a]), row, a, b) for a, b in pairwise(bounds) if a < b and line[a] > 0]
    return [(row, a, b) for _, row, a, b in sorted(found)]
