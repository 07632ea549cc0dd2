"""How runs go over their ticks."""

from __future__ import annotations

import numpy as np
import pytest

from townlet.dataset.reading.data_set import DataSet
from townlet.report.dataset import courses
from townlet.report.dataset.courses import Courses, bands, evenly, how_many


def test_some_runs_evenly_chosen() -> None:
    assert evenly(range(3), 5) == [0, 1, 2]
    assert evenly(range(101), 5) == [0, 25, 50, 75, 100]
    assert evenly([4, 6, 8], 1) == [4] and evenly([4, 6, 8], 2) == [4, 8]


def test_how_many_runs_are_read() -> None:
    assert how_many([100] * 1000) == courses.MOST_RUNS
    assert how_many([courses.MOST_FRAMES // 3] * 9) == 3
    assert how_many([10 * courses.MOST_FRAMES]) == 1


def test_bands_are_straight_between_neighbours() -> None:
    values = np.array([[0.0, 5.0, np.nan], [10.0, np.nan, np.nan], [20.0, 7.0, np.nan]])
    found = bands(values)
    assert found.dtype == np.float32 and found.shape == (3, 3)
    assert found[:, 0].tolist() == [2.0, 10.0, 18.0]
    assert found[:, 1].tolist() == pytest.approx([5.2, 6.0, 6.8])
    assert np.isnan(found[:, 2]).all()
    assert (bands(values[None])[0, :, :2] == found[:, :2]).all()


def test_a_course_is_what_its_samples_say(data_set: DataSet) -> None:
    samples = list(data_set.filter(scenario="hard_winter", seed=0).in_order())
    found = Courses(runs=2, ticks=400)
    assert (found.bin, found.bins) == (2, 200)
    for sample in samples:
        found.add(1, sample)
    assert found.needs == ("hunger", "hygiene", "energy")
    alive, reward, need = found.alive(), found.reward(), found.need()
    assert not alive[0].any() and np.isnan(reward[0]).all() and np.isnan(need[:, 0]).all()
    assert alive[1].sum() * 2 == 350, "agent-ticks"
    first = samples[0]
    column = first.metadata["feature_names"].index("need_hunger")
    assert reward[1, 3] == pytest.approx(first.rewards[6:8].mean(dtype=np.float64))
    assert need[0, 1, 3] == pytest.approx(first.features[6:8, column].mean(dtype=np.float64))
    # Otto's last tick is the first of its bin; then nobody lives until a newcomer comes.
    assert alive[1, 36] == 0.5 and alive[1, 37] == 0.0 and np.isnan(reward[1, 37])
    assert found.reward()[1, -1] == pytest.approx(samples[-1].rewards[-2:].mean(dtype=np.float64))
