"""Rows to imitate: what was seen, what was legal, and the action that the teacher took; read from captures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from townlet.arrays import F32, F64, I64, Bool
from townlet.dataset.reading.data_set import DataSet
from townlet.samples import ReplaySample


@dataclass(frozen=True, eq=False)
class Labelled:
    """N rows with a choice: where one action is legal there is nothing to imitate."""

    maps: F32  # [N, C, W, W]
    features: F32  # [N, F]
    masks: Bool  # [N, U]
    labels: I64  # [N]  the teacher's actions

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        return self.maps.nbytes + self.features.nbytes + self.masks.nbytes + self.labels.nbytes


def labelled(sample: ReplaySample, labels: I64 | None = None) -> Labelled:
    """A sample's rows with a choice; the labels are its own actions, unless they are given."""
    rows = np.flatnonzero(sample.action_mask.sum(axis=1) > 1)
    actions = sample.actions if labels is None else labels
    return Labelled(sample.map[rows], sample.features[rows], sample.action_mask[rows], actions[rows])


def joined(parts: Sequence[Labelled]) -> Labelled:
    """One after another."""
    return Labelled(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Labelled)))


def pools(parts: Iterable[Labelled], most_bytes: float) -> Iterator[Labelled]:
    """The parts joined, as many at a time as fit into memory; always at least one."""
    held: list[Labelled] = []
    for part in parts:
        if held and sum(one.nbytes for one in held) + part.nbytes > most_bytes:
            yield joined(held)
            held = []
        held.append(part)
    if held:
        yield joined(held)


class Rows:
    """The rows of samples, and of what was added; read anew for each epoch where they do not fit in memory."""

    def __init__(self, samples: DataSet, most_bytes: float) -> None:
        self._samples, self._most_bytes = samples, most_bytes
        self._added: list[Labelled] = []
        self._held: list[Labelled] = []  # all of it, where that is one pool

    def add(self, part: Labelled) -> None:
        self._added.append(part)
        self._held = []

    def epoch(self, seed: int, number: int) -> Iterator[Labelled]:
        """All rows, pool by pool; samples in an order of the epoch's own where there are several pools."""
        if self._held:
            yield self._held[0]
            return
        last: list[Labelled] = []
        for index, pool in enumerate(pools(self._parts(seed, number), self._most_bytes)):
            last = [pool] if index == 0 else []
            yield pool
        self._held = last

    def _parts(self, seed: int, number: int) -> Iterator[Labelled]:
        yield from self._added
        yield from (labelled(sample) for sample in self._samples.shuffled(seed, number))


@dataclass(frozen=True, eq=False)
class Summary:
    """Of rows: how many, how often each action, and the spread of the features."""

    rows: int
    counts: I64  # [U]
    mean: F64  # [F]
    std: F64  # [F]  of the population


def summary_of(parts: Iterable[Labelled], actions: int) -> Summary:
    """Read all rows once. Sums are float64."""
    rows, counts, total, squares = 0, np.zeros(actions, np.int64), 0.0, 0.0
    for part in parts:
        features = part.features.astype(np.float64)
        rows += len(part)
        counts += np.bincount(part.labels, minlength=actions)
        total = total + features.sum(axis=0)
        squares = squares + (features**2).sum(axis=0)
    mean = np.asarray(total) / max(rows, 1)
    return Summary(rows, counts, mean, np.sqrt(np.maximum(np.asarray(squares) / max(rows, 1) - mean**2, 0.0)))


def class_weights(counts: I64, power: float) -> F32:
    """[U] weights n^-power of actions that were taken n times, of mean 1 over the rows; 0 for those never taken."""
    raw = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** -power, 0.0)
    return (raw * counts.sum() / max(float((raw * counts).sum()), 1e-300)).astype(np.float32)
