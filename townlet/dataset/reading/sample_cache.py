"""Samples kept in memory once they are read: the latest ones, as many as fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from townlet.samples import ReplaySample


class SampleCache:
    """At most `limit` bytes of samples by their row; what was not used for longest goes first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._size = 0  # bytes of the arrays that are kept
        self._samples: OrderedDict[int, ReplaySample] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, row: int, read: Callable[[int], ReplaySample]) -> ReplaySample:
        """The sample of a row, read if it is not kept. Its arrays are read-only."""
        with self._lock:
            if row in self._samples:
                self._samples.move_to_end(row)
                return self._samples[row]
        sample = read(row)
        for array in sample.arrays().values():
            array.flags.writeable = False
        with self._lock:
            if row not in self._samples:
                self._samples[row] = sample
                self._size += size_of(sample)
            while self._size > self.limit and len(self._samples) > 1:
                _, oldest = self._samples.popitem(last=False)
                self._size -= size_of(oldest)
        return sample


def size_of(sample: ReplaySample) -> int:
    """Bytes of its arrays."""
    return sum(array.nbytes for array in sample.arrays().values())
