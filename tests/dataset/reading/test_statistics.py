"""Statistics: those of the numbers themselves, to the bit the same in any order, and normalising with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.dataset.towns import capture_lives, town_run
from tests.samples import CHANNELS, FEATURES, TERMS
from townlet import dataset
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.statistics import Spread, Statistics
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("town")
    capture_lives(LocalStore(folder), *[town_run(seed=seed) for seed in range(3)])
    return dataset.open(folder)


def test_they_are_those_of_all_numbers(opened: DataSet) -> None:
    found, samples = opened.statistics(), list(opened)
    assert (found.feature_names, found.map_channels, found.reward_term_names) == (FEATURES, CHANNELS, TERMS)
    maps = np.concatenate([np.moveaxis(sample.map, 1, -1).reshape(-1, 4) for sample in samples])
    for spread, rows in (
        (found.features, np.concatenate([sample.features for sample in samples])),
        (found.map, maps),
        (found.rewards, np.concatenate([sample.rewards for sample in samples])[:, None]),
        (found.reward_terms, np.concatenate([sample.reward_terms for sample in samples])),
    ):
        exact = rows.astype(np.longdouble)
        assert spread.count == len(rows)
        assert spread.mean.dtype == np.float64
        np.testing.assert_allclose(spread.mean, exact.mean(axis=0), rtol=1e-14)
        np.testing.assert_allclose(spread.std, exact.std(axis=0), rtol=1e-13)
        assert (spread.min == rows.min(axis=0)).all() and (spread.max == rows.max(axis=0)).all()


def test_equal_content_counts_once(opened: DataSet, tmp_path: Path) -> None:
    """Seeds that change nothing, and the same under another name, change no statistics; who is left is the first."""
    store = LocalStore(tmp_path)
    capture_lives(
        store, *[town_run(seed=seed) for seed in range(3)], *[town_run("again", seed) for seed in range(3)]
    )
    twice = dataset.open(tmp_path)
    assert len(twice) == 2 * len(opened) and twice.scenarios == ("again", "town")
    for view in (twice, twice.shuffled(5)):
        assert view.statistics().to_json_dict() == opened.statistics().to_json_dict()
        assert view.distinct().scenarios == ("again",) and len(view.distinct()) == len(opened)
    assert len(opened.distinct()) == len(opened)
    chosen = twice.filter(scenario="town")
    assert chosen.distinct().scenarios == ("town",) and len(chosen.distinct()) == len(opened)
    order = twice.shuffled(5).distinct().samples["sample"].tolist()
    whole = [name for name, scenario in zip(
        twice.shuffled(5).samples["sample"], twice.shuffled(5).samples["scenario"], strict=True
    ) if scenario == "again"]  # fmt: skip
    assert order == whole


def test_the_order_changes_no_bit(opened: DataSet) -> None:
    one, other = opened.statistics(), opened.shuffled(8).statistics()
    assert one.to_json_dict() == other.to_json_dict()


def test_normalising(opened: DataSet) -> None:
    found = opened.statistics()
    features = np.concatenate([found.normalise_features(sample.features) for sample in opened])
    assert features.dtype == np.float32
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=1e-6)
    maps = np.concatenate([found.normalise_map(sample.map) for sample in opened])
    assert maps.shape == (opened.frame_count, 4, 5, 5)
    np.testing.assert_allclose(maps.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    rewards = np.concatenate([found.scale_rewards(sample.rewards) for sample in opened])
    np.testing.assert_allclose(rewards.std(), 1, atol=1e-6)
    assert (rewards > 0).all(), "their sign stays"


def test_what_is_constant_becomes_zero() -> None:
    spread = Spread(3, *(np.array([value, 1.0]) for value in (5.0, 0.0, 5.0, 5.0)))
    assert spread.normalised(np.array([[5.0, 2.0], [7.0, 1.0]])).tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_large_numbers_that_differ_little() -> None:
    """Where the sum of squares less the square of the sum would be noise."""
    from townlet.dataset.reading.statistics import _Running

    draw = np.random.default_rng(1)
    blocks = [1e6 + draw.standard_normal((n, 2)) * 1e-2 for n in (1, 7, 1000, 3)]
    running = _Running()
    for block in blocks:
        running.add(block[:, :, None])
    exact = np.concatenate(blocks).astype(np.longdouble)
    np.testing.assert_allclose(running.spread().std, exact.std(axis=0), rtol=1e-7)


def test_they_are_kept_as_json(opened: DataSet) -> None:
    found = opened.statistics()
    again = Statistics.from_json_dict(json.loads(json.dumps(found.to_json_dict())))
    assert again.to_json_dict() == found.to_json_dict()
    sample = opened[0]
    assert (again.normalise_map(sample.map) == found.normalise_map(sample.map)).all()


def test_nothing_to_measure(opened: DataSet) -> None:
    with pytest.raises(UserError, match="no sample is left"):
        opened.filter(seed=[]).statistics()
