"""LeRobot's statistics, worked out by hand: of one episode, and of several added up."""

from __future__ import annotations

import numpy as np

from townlet.dataset.export.feature_statistics import AllTogether, statistics_of


def test_of_one_episode() -> None:
    found = statistics_of(np.array([[0, 10], [1, 10], [2, 10], [5, 10]], np.float32))
    assert found["min"].tolist() == [0, 10] and found["max"].tolist() == [5, 10]
    assert found["mean"].tolist() == [2, 10] and found["count"].tolist() == [4]
    assert found["std"].tolist() == [np.sqrt((4 + 1 + 0 + 9) / 4), 0]
    assert found["q50"].tolist() == [1.5, 10]  # half way between the second and the third
    np.testing.assert_allclose(found["q90"], [2 + 0.7 * 3, 10], rtol=1e-15)  # at 0.9 x 3 = 2.7 steps along


def test_of_numbers_and_truth_values() -> None:
    assert statistics_of(np.array([3, 4]))["mean"].tolist() == [3.5]
    found = statistics_of(np.array([False, False, False, True]))
    assert (found["min"].tolist(), found["max"].tolist(), found["mean"].tolist()) == ([0], [1], [0.25])


def test_of_a_single_step() -> None:
    found = statistics_of(np.array([[7.0]]))
    assert {name: array.tolist() for name, array in found.items() if name != "count"} == {
        name: [0.0 if name == "std" else 7.0] for name in found if name != "count"
    }


def test_of_maps_by_channel() -> None:
    """Over all tiles of all steps: channel 0 is 0 to 7, channel 1 is 100 everywhere. Steps are counted, not tiles."""
    maps = np.empty((2, 2, 2, 2), np.float32)
    maps[:, 0] = np.arange(8).reshape(2, 2, 2)
    maps[:, 1] = 100
    found = statistics_of(maps, by_channel=True)
    assert all(array.shape == (2, 1, 1) for name, array in found.items() if name != "count")
    assert found["mean"].ravel().tolist() == [3.5, 100] and found["max"].ravel().tolist() == [7, 100]
    assert found["count"].tolist() == [2]


def test_of_several_episodes() -> None:
    """Rows 1, 3 and 8: mean 4, squares apart 9 + 1 + 16. Quantiles are weighted means: (2 x 2 + 8) / 3."""
    both = AllTogether()
    both.add({"reward": statistics_of(np.array([1.0, 3.0]))})
    both.add({"reward": statistics_of(np.array([8.0]))})
    found = both.as_json()["reward"]
    assert (found["min"], found["max"], found["mean"], found["count"]) == ([1.0], [8.0], [4.0], [3])
    np.testing.assert_allclose(found["std"], [np.sqrt(26 / 3)], rtol=1e-15)
    np.testing.assert_allclose(found["q50"], [4.0], rtol=1e-15)
