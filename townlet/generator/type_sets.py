"""Which types of objects offer an affordance: one type, or a set of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from townlet.config.affordances import AffordanceEntry


@dataclass(frozen=True)
class TypeSets:
    """The types of a town, each alone, then every set of several types that share an affordance.

    Kernels know an affordance's types by one index into this list (axis Z of `world/state.py`), so that what one
    type offers and what several offer are found in the same way.
    """

    types: tuple[str, ...]
    sets: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, entries: Sequence[AffordanceEntry], object_types: Sequence[str]) -> TypeSets:
        """Types in the order of the affordances, then of the objects; sets in the order of the affordances."""
        own = [entry.object_type for entry in entries]
        more = [name for entry in entries for name in entry.types]
        types = tuple(dict.fromkeys([*own, *object_types, *more]))
        several = dict.fromkeys(frozenset(entry.types) for entry in entries if len(entry.types) > 1)
        return cls(types, (*(frozenset([name]) for name in types), *several))

    def index(self, entry: AffordanceEntry) -> int:
        """The index of an affordance's types."""
        return self.sets.index(frozenset(entry.types))

    def belongs(self, object_types: Sequence[str]) -> np.ndarray:
        """[Z, O] bool: whether each object is of a set."""
        rows = [[name in one for name in object_types] for one in self.sets]
        return np.array(rows, np.bool_).reshape(len(self.sets), len(object_types))

    def offers(self, entries: Sequence[AffordanceEntry]) -> list[list[int]]:
        """The affordances of each type, in the file's order."""
        return [[k for k, entry in enumerate(entries) if name in entry.types] for name in self.types]
