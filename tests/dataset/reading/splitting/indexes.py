"""Indexes made up in memory: runs whose lives are told by a letter a tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

from townlet.arrays import Array
from townlet.dataset.format.blocks import EXPERIENCE, block_digests, block_ends
from townlet.dataset.reading.splitting import lives as lives_module


class Told(NamedTuple):
    """A life: a letter for each tick from `first` on, cut into segments before ticks that `cut` divides (0 = never)."""

    letters: str
    first: int = 0
    cut: int = 0
    digests: bool = True  # the index has them

    def segments(self) -> list[tuple[int, int]]:
        """First tick, and the tick after the last, of each."""
        end = self.first + len(self.letters)
        cuts = [tick for tick in range(self.first + 1, end) if self.cut and tick % self.cut == 0]
        bounds = [self.first, *cuts, end]
        return list(pairwise(bounds))


@lru_cache(maxsize=10_000)
def experience(letters: str, first: int) -> dict[str, Array]:
    """What a sample of these ticks holds, as far as it counts."""
    codes = np.frombuffer(letters.encode(), np.uint8)
    arrays: dict[str, Any] = {name: np.zeros((len(codes), 1), np.uint8) for name in EXPERIENCE}
    return arrays | {
        "features": codes.astype(np.float32)[:, None],
        "tick": np.arange(first, first + len(codes), dtype=np.int32),
    }


@dataclass
class Sample:
    letters: str
    first: int

    def arrays(self) -> dict[str, Array]:
        return experience(self.letters, self.first)


@dataclass
class MadeUp:
    """What of an index is needed; `reads` counts samples that were read."""

    told: Sequence[Sequence[Told]]  # by run
    store: str = "made-up"
    units: Any = None
    reads: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runs = [{"scenario": "s", "seed": seed} for seed in range(len(self.told))]
        self.samples: list[Sample] = []
        columns: dict[str, list[Any]] = {
            name: []
            for name in ("run", "arrival", "first_tick", "frame_count", "content_digest", "block_digests")
        }
        for run, some in enumerate(self.told):
            for arrival, life in enumerate(some, 1):
                for first, end in life.segments():
                    letters = life.letters[first - life.first : end - life.first]
                    self.samples.append(Sample(letters, first))
                    ends = block_ends(first, end - first)
                    digests = block_digests(experience(letters, first), ends) if life.digests else None
                    row = (run, arrival, first, end - first, f"{first} {letters}", digests)
                    for column, value in zip(columns.values(), row, strict=True):
                        column.append(value)
        self.run_of = np.array(columns.pop("run"), np.int64)
        self.table = Table(columns)

    def read(self, row: int) -> Sample:
        self.reads.append(row)
        return self.samples[row]

    def folder(self, row: int) -> str:
        return ""

    def entry(self, row: int) -> int:
        return row


class Table:
    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._columns, self.names = columns, tuple(columns)

    def __len__(self) -> int:
        return len(self._columns["arrival"])

    def numpy(self, name: str) -> Array:
        return np.array(self._columns[name], np.int64)

    def arrow(self, name: str) -> Any:
        class Column:
            to_pylist = staticmethod(lambda: self._columns[name])

        return Column


def made_up(monkeypatch: pytest.MonkeyPatch, *told: Sequence[Told]) -> Any:
    index = MadeUp(told)
    monkeypatch.setattr(lives_module, "read_sample", lambda store, folder, row: index.read(row))
    return index


def plainly(told: Sequence[Sequence[Told]]) -> list[int]:
    """The first run of each one's unit, found by comparing all lives with all others."""
    units = list(range(len(told)))
    for a, lives in enumerate(told):
        for b, others in enumerate(told):
            if any(_linked(one, other) for one in lives for other in others):
                low, high = sorted((units[a], units[b]))
                units = [low if unit == high else unit for unit in units]
    return units


def _linked(one: Told, other: Told) -> bool:
    same = one.first == other.first and min(len(one.letters), len(other.letters)) > 0
    return same and (one.letters.startswith(other.letters) or other.letters.startswith(one.letters))
