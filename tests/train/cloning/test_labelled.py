"""Rows to imitate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.samples import make_sample
from townlet.samples import ReplaySample
from townlet.train.cloning.labelled import Rows, class_weights, joined, labelled, pools, summary_of


class Samples(list[ReplaySample]):
    """As a data set: shuffled by seed and epoch; it counts how often it was read."""

    read = 0

    def shuffled(self, seed: int, epoch: int) -> Any:
        self.read += 1
        return np.random.default_rng([seed, epoch]).permutation(np.array(self, object)).tolist()


def samples(count: int = 4) -> Samples:
    return Samples(make_sample(20, seed) for seed in range(count))


def test_rows_with_a_choice() -> None:
    sample = make_sample(20, 1)
    rows = np.flatnonzero(sample.action_mask.sum(axis=1) > 1)
    found = labelled(sample)
    assert 0 < len(found) == len(rows) < 20
    assert np.array_equal(found.labels, sample.actions[rows])
    assert np.array_equal(found.features, sample.features[rows])
    given = np.zeros(20, np.int64)
    assert not labelled(sample, given).labels.any(), "a teacher's labels stand for the actions"


def test_pools_are_no_larger_than_asked() -> None:
    parts = [labelled(sample) for sample in samples()]
    sizes = [len(pool) for pool in pools(iter(parts), 2.5 * max(part.nbytes for part in parts))]
    assert sizes == [len(parts[0]) + len(parts[1]), len(parts[2]) + len(parts[3])]
    assert [len(pool) for pool in pools(iter(parts), 1.0)] == [len(part) for part in parts], "one at least"


def test_what_fits_into_memory_is_read_once() -> None:
    data = samples()
    rows: Any = Rows(data, 1e9)  # type: ignore[arg-type]
    first = list(rows.epoch(0, 1))
    assert list(rows.epoch(0, 2)) == first and data.read == 1
    added = labelled(make_sample(20, 9))
    rows.add(added)
    (pool,) = rows.epoch(0, 3)
    assert len(pool) == len(first[0]) + len(added) and data.read == 2


def test_what_does_not_is_read_again_in_another_order() -> None:
    data = samples()
    rows: Any = Rows(data, 1.0)  # type: ignore[arg-type]
    one, other = ([pool.labels.tolist() for pool in rows.epoch(0, epoch)] for epoch in (1, 2))
    assert data.read == 2 and one != other and sorted(one) == sorted(other)


def test_summary() -> None:
    parts = [labelled(sample) for sample in samples()]
    found, whole = summary_of(parts, 5), joined(parts)
    assert found.rows == len(whole)
    assert found.counts.tolist() == np.bincount(whole.labels, minlength=5).tolist()
    assert found.mean == pytest.approx(whole.features.astype(float).mean(axis=0))
    assert found.std == pytest.approx(whole.features.astype(float).std(axis=0))


def test_class_weights() -> None:
    """Of 4 and 1 rows, n^-0.5 are 1/2 and 1; their mean over the rows, 3/5, is made 1."""
    assert class_weights(np.array([4, 0, 1]), 0.5) == pytest.approx([5 / 6, 0, 5 / 3])
    assert class_weights(np.array([4, 0, 1]), 0.0) == pytest.approx([1, 0, 1])
