"""The lives of a data set by the digests of how they begin, from the index, or from the samples where it has none.

A life is a chain of *nodes*: its beginning, the end of each block of each of its segments, its end. Two lives that have
a node in common are equal up to its tick. The digests of a segment say nothing of where it would go on without the cut,
so lives can be compared only where they are cut alike.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from townlet.arrays import Array
from townlet.dataset.format.blocks import BLOCK, DIGITS, EXPERIENCE, block_digests, block_ends
from townlet.dataset.reading.capture import read_sample
from townlet.dataset.reading.sample_index import SampleIndex
from townlet.errors import CorruptSampleError
from townlet.escaping import shown
from townlet.samples import ReplaySample

COLUMN = "block_digests"
_DIGESTS = re.compile(rf"(?:[0-9a-f]{{{DIGITS}}})+")


# That a life is as it is until a tick. There are millions: plain tuples.
#   [0] number of the node that ends the segment before this one's; 0 = the life's first segment
#   [1] the tick
#   [2] the digest of the segment so far; BEGINS = the life begins here
Node = tuple[int, int, int]
BEGINS = -1


class Segment(NamedTuple):
    """Ticks `first` to `end` - 1 of a life."""

    first: int
    end: int
    digests: str


class Life:
    """One agent's consecutive segments."""

    __slots__ = ("rows", "run", "segments")

    def __init__(self, run: int, rows: range, segments: list[Segment]) -> None:
        self.run = run
        self.rows = rows  # of the index, a segment each
        self.segments = segments  # may be cut otherwise than the samples are

    @property
    def first(self) -> int:
        return self.segments[0].first

    @property
    def end(self) -> int:
        return self.segments[-1].end

    @property
    def cuts(self) -> list[int]:
        """Ticks before which a segment ends and another begins."""
        return [segment.end for segment in self.segments[:-1]]


class Chains:
    """Makes nodes, and numbers those at which a life is cut."""

    def __init__(self) -> None:
        self._numbers: dict[Node, int] = {}

    def nodes(self, life: Life) -> list[Node]:
        """Beginning first, end last."""
        found: list[Node] = [(0, life.first, BEGINS)]
        before = 0
        for number, (first, end, digests) in enumerate(life.segments):
            if number:
                before = self._numbers.setdefault(found[-1], len(self._numbers) + 1)
            places = range(0, len(digests), DIGITS)
            for stop, place in zip(block_ends(first, end - first), places, strict=True):
                found.append((before, first + stop, int(digests[place : place + DIGITS], 16)))
        return found


class LifeReader:
    """The lives of a whole data set; reads samples where digests do not tell, each sample's content once."""

    def __init__(self, index: SampleIndex) -> None:
        self._index = index
        table = index.table
        self._first: list[int] = table.numpy("first_tick").tolist()
        self._frames: list[int] = table.numpy("frame_count").tolist()
        self._content: list[str] = table.arrow("content_digest").to_pylist()
        known = COLUMN in table.names
        self._digests = table.arrow(COLUMN).to_pylist() if known else [None] * len(table)
        self._found: dict[tuple[str, int], str] = {}  # content and first tick -> digests

    def lives(self) -> Iterator[Life]:
        """By run, arrival and tick."""
        arrivals = self._index.table.numpy("arrival").tolist()
        runs = self._index.run_of.tolist()
        start = 0
        for row in range(1, len(runs) + 1):
            if row < len(runs):
                same = runs[row] == runs[row - 1] and arrivals[row] == arrivals[row - 1]
                if same and self._first[row] == self._first[row - 1] + self._frames[row - 1]:
                    continue
            if row > start:
                yield Life(runs[start], range(start, row), [self._segment(of) for of in range(start, row)])
            start = row

    def cut_anew(self, life: Life, cuts: Sequence[int]) -> Life:
        """The life as if it were cut at these ticks, as far as they lie in it."""
        inside = cuts[bisect_right(cuts, life.first) : bisect_left(cuts, life.end)]
        bounds = [life.first, *inside, life.end]
        arrays = self.experience(life, life.first, life.end)
        segments = [self._cut(arrays, life.first, first, end) for first, end in pairwise(bounds)]
        return Life(life.run, life.rows, segments)

    def experience(self, life: Life, first: int, end: int) -> dict[str, Array]:
        """What was seen, done and got in ticks `first` to `end` - 1: reads the samples in which they lie."""
        parts: list[dict[str, Array]] = []
        for row in life.rows:
            begin, stop = self._first[row], self._first[row] + self._frames[row]
            if begin < end and stop > first:
                arrays, rows = self._read(row).arrays(), slice(max(0, first - begin), end - begin)
                parts.append({name: arrays[name][rows] for name in EXPERIENCE})
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in EXPERIENCE}

    @staticmethod
    def _cut(arrays: dict[str, Array], begin: int, first: int, end: int) -> Segment:
        rows = {name: array[first - begin : end - begin] for name, array in arrays.items()}
        return Segment(first, end, block_digests(rows, block_ends(first, end - first)))

    def _segment(self, row: int) -> Segment:
        first, frames = self._first[row], self._frames[row]
        digests = self._digests[row]
        if digests is None:
            key = self._content[row], first
            if key not in self._found:
                self._found[key] = block_digests(self._read(row).arrays(), block_ends(first, frames))
            digests = self._found[key]
        if not _DIGESTS.fullmatch(digests) or not _are_of(digests, first, frames):
            raise CorruptSampleError(
                f"{self._index.store}: {COLUMN} of row {row} of the samples: expected the digests of {frames} ticks "
                f"from {first} on, found {shown(repr(digests[: 2 * DIGITS]))} ({len(digests)} characters)"
            )
        return Segment(first, first + frames, digests)

    def _read(self, row: int) -> ReplaySample:
        index = self._index
        try:
            return read_sample(index.store, index.folder(row), index.entry(row))
        except CorruptSampleError as error:
            raise index.with_place(error, int(index.run_of[row])) from error


def _are_of(digests: str, first: int, frames: int) -> bool:
    """Whether there are as many digests as these ticks have blocks. A table may claim more ticks than memory holds."""
    count = len(digests) // DIGITS
    return 0 < frames <= BLOCK * count and count == len(block_ends(first, frames))
