"""Which samples, and in what order: shuffling, sharding and splitting, the same on every machine.

Orders and splits come from integer arithmetic and SHA-256 that are written down here, never from a library's
generator: they do not change with the NumPy version, the processor or the number of workers.
"""

from __future__ import annotations

import hashlib
import numbers
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, Self, SupportsIndex, TypeVar, overload

import numpy as np

from townlet import arguments
from townlet.arrays import I64, U64
from townlet.errors import NoSuchItem, UserError
from townlet.run import canonical_json

Item = TypeVar("Item", covariant=True)

_GOLDEN = 0x9E3779B97F4A7C15  # SplitMix64's increment


class Ordered(Sequence[Item], Generic[Item]):
    """A sequence whose items are read when asked for, and that can be cut and reordered without reading any.

    What `[i]` gives is an item, and what a slice, `shuffled` and `shard` give is a view of the same kind.
    """

    @abstractmethod
    def _picked(self, positions: I64) -> Self:
        """The view with the items at these positions, in this order."""

    @abstractmethod
    def _item(self, position: int) -> Item:
        """Read the item at a position, 0 <= position < len."""

    def shuffled(self, seed: int, epoch: int = 0) -> Self:
        """In an order that is a function of seed, epoch and the number of items, on every machine.

        Another epoch is another order. To train on several machines, shuffle with the same seed everywhere and
        then take a shard: every machine then gets other items in each epoch. The other way round, each machine
        keeps its items and goes through them in other orders.
        """
        order = arguments.whole("shuffled: seed", seed), arguments.whole("shuffled: epoch", epoch)
        return self._picked(shuffled_order(len(self), *order))

    def shard(self, index: int, count: int) -> Self:
        """Every `count`-th item from `index` (0-based) on: the shards are disjoint, together they are all items,
        and their lengths differ by at most one. Raises UserError for an index that is none."""
        index, count = arguments.whole("shard: index", index), arguments.whole("shard: count", count, 1)
        if not 0 <= index < count:
            raise UserError(f"shard: expected an index in 0..{count - 1} of {count} shards, got {index}")
        return self._picked(np.arange(index, len(self), count))

    @overload
    def __getitem__(self, index: SupportsIndex) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Item | Self:
        if isinstance(index, slice):
            return self._picked(np.arange(*index.indices(len(self))))
        number = arguments.whole("index", index)
        position = number + len(self) if number < 0 else number
        if not 0 <= position < len(self):
            raise NoSuchItem(f"expected an index in 0..{len(self) - 1}, got {number}")
        return self._item(position)

    def __iter__(self) -> Iterator[Item]:
        return (self._item(position) for position in range(len(self)))


def shuffled_order(length: int, seed: int, epoch: int = 0) -> I64:
    """A permutation of 0..length - 1.

    Item i gets the (i + 1)-th number of SplitMix64 started from SHA-256 of "seed epoch"; the items are sorted
    by their numbers, equal ones by i.
    """
    start = int.from_bytes(hashlib.sha256(f"{seed} {epoch}".encode()).digest()[:8], "big")
    with np.errstate(over="ignore"):
        state = np.arange(1, length + 1, dtype=np.uint64) * np.uint64(_GOLDEN) + np.uint64(start)
        return np.argsort(_mixed(state), kind="stable").astype(np.int64)


def _mixed(state: U64) -> U64:
    """SplitMix64's output function."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def held_out(scenario: str, seed: int, fraction: float, salt: str = "") -> bool:
    """Whether a run is kept for validation: a function of these arguments and nothing else.

    The first 64 bits of SHA-256 of canonical JSON of [salt, scenario, seed] are below `fraction` of their
    range. So a run stays on its side whatever else is in the data set, and what a small fraction holds out, a
    larger one does too. Raises UserError for a fraction outside [0, 1].
    """
    return _hash(scenario, seed, salt) < int(checked_fraction(fraction) * 2**64)


def checked_fraction(fraction: float) -> float:
    """Raises UserError for what is no number from 0 to 1."""
    if not isinstance(fraction, numbers.Real) or isinstance(fraction, bool) or not 0.0 <= fraction <= 1.0:
        raise UserError(f"validation: expected a fraction from 0 to 1, got {fraction!r}")
    return float(fraction)


def hash_place(scenario: str, seed: int, salt: str = "") -> float:
    """In [0, 1): the fractions above it hold the run out (but for rounding)."""
    return _hash(scenario, seed, salt) / 2**64


def _hash(scenario: str, seed: int, salt: str) -> int:
    digest = hashlib.sha256(canonical_json([salt, scenario, seed]).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def pack_positions(positions: I64) -> bytes:
    """To travel: next to nothing for a range or a regular choice, at most 8 bytes each in any order."""
    return zlib.compress(np.diff(positions, prepend=0).astype("<i8").tobytes())


def unpack_positions(data: bytes) -> I64:
    return np.cumsum(np.frombuffer(zlib.decompress(data), "<i8")).astype(np.int64)
