"""How runs of a scenario go, over their ticks: reward and needs of who lives, and how many live.

Of many runs some are read, evenly chosen among those that differ; of each one sample at a time is in memory, and of
long runs what is kept is the mean of a bin of ticks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from townlet.arrays import F32, F64, I64
from townlet.samples import ReplaySample

MOST_RUNS = 24  # of a scenario that are read
MOST_FRAMES = 400_000  # of them all
MOST_BINS = 288  # of a run
SHARES = (10.0, 50.0, 90.0)  # per cent of the runs: low, median, high
NEED = "need_"


def evenly(things: Sequence[int], most: int) -> list[int]:
    """At most so many, the first and the last among them, the others at even distances."""
    if len(things) <= most:
        return list(things)
    if most < 2:
        return list(things[:most])
    return [things[k * (len(things) - 1) // (most - 1)] for k in range(most)]


def how_many(frames: Iterable[int]) -> int:
    """How many runs are read, of runs with so many frames: at least one."""
    sizes = list(frames)
    each = max(sizes, default=1)
    return max(1, min(MOST_RUNS, MOST_FRAMES // max(each, 1)))


@dataclass
class Courses:
    """Of R runs of one scenario. Add samples, then ask."""

    runs: int
    ticks: int  # of the longest
    needs: tuple[str, ...] = ()
    bin: int = field(init=False)  # ticks
    bins: int = field(init=False)

    def __post_init__(self) -> None:
        self.bin = max(1, -(-self.ticks // MOST_BINS))
        self.bins = max(1, -(-self.ticks // self.bin))
        shape = (self.runs, self.bins)
        self._alive, self._reward = np.zeros(shape), np.zeros(shape)
        self._need: F64 | None = None

    def add(self, run: int, sample: ReplaySample) -> None:
        """Add a sample of run number `run`."""
        bins = sample.tick // self.bin
        names = [name for name in sample.metadata["feature_names"] if name.startswith(NEED)]
        if self._need is None:
            self.needs = tuple(name.removeprefix(NEED) for name in names)
            self._need = np.zeros((len(names), self.runs, self.bins))
        self._alive[run] += np.bincount(bins, minlength=self.bins)
        self._reward[run] += np.bincount(bins, sample.rewards, self.bins)
        features = list(sample.metadata["feature_names"])
        for n, name in enumerate(self.needs):
            column = sample.features[:, features.index(NEED + name)]
            self._need[n, run] += np.bincount(bins, column, self.bins)

    def alive(self) -> F64:
        """[R, B] agents alive, a tick."""
        lengths = np.minimum(self.bin, self.ticks - self.bin * np.arange(self.bins))
        return self._alive / lengths

    def reward(self) -> F64:
        """[R, B] reward of an agent and tick; NaN where nobody lives."""
        return _mean(self._reward, self._alive)

    def need(self) -> F64:
        """[N, R, B] satisfaction of those alive; NaN where nobody lives."""
        return _mean(np.zeros((0, self.runs, self.bins)) if self._need is None else self._need, self._alive)


def _mean(sums: F64, counts: F64) -> F64:
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def bands(values: F64) -> F32:
    """[..., 3, B] low, median and high of [..., R, B], of the runs in which it is known; NaN where in none."""
    known = np.sort(values, axis=-2)  # NaN last
    count = np.count_nonzero(~np.isnan(known), axis=-2)
    found = [_quantile(known, count, share / 100.0) for share in SHARES]
    return np.stack(found, axis=-2).astype(np.float32)


def _quantile(known: F64, count: I64, share: float) -> F64:
    """[..., B] straight between neighbours, of sorted [..., R, B] whose first `count` [..., B] are known."""
    place = np.maximum(count - 1, 0) * share
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low, high = (np.take_along_axis(known, at[..., None, :], axis=-2)[..., 0, :] for at in (below, above))
    return low + (high - low) * (place - below)
