"""What an index says of runs and lives."""

from __future__ import annotations

import numpy as np
import pytest

from townlet.dataset.reading.data_set import DataSet
from townlet.report.dataset.lives import Lives, RunRows, run_rows


def lives_of(ticks: list[int], ended: list[bool]) -> Lives:
    count = len(ticks)
    return Lives(
        np.zeros(count, np.int64), np.zeros(count, np.int64), np.array(ticks), np.zeros(count), np.array(ended)
    )  # fmt: skip


def test_survival_by_hand() -> None:
    # Four lives: one dies after 10 ticks, one is still alive after 15, one dies after 20, one is seen for 30.
    ticks, share = lives_of([10, 15, 20, 30], [True, False, True, False]).survival()
    assert ticks.tolist() == [0, 10, 20, 30]
    assert share.tolist() == [1.0, 0.75, 0.375, 0.375]
    ticks, share = lives_of([50, 50], [False, False]).survival()
    assert (ticks.tolist(), share.tolist()) == ([0, 50], [1.0, 1.0])
    assert lives_of([7], [True]).survival()[1].tolist() == [1.0, 0.0, 0.0]


def rows_with(returns: list[float], contents: str = "") -> RunRows:
    count = len(returns)
    nothing = np.zeros(count, np.int64)
    return RunRows(
        seeds=tuple(range(10, 10 + count)), contents=tuple(contents or map(str, range(count))),
        returns=np.array(returns), ticks=nothing, ended=nothing, frames=nothing, refused=np.zeros(count),
        clipped=np.zeros(count), lives=lives_of([1], [False]),
    )  # fmt: skip


def test_which_runs_to_look_at() -> None:
    assert rows_with([3.0, 9.0, 1.0, 5.0, 4.0]).best_median_worst() == {"best": 1, "median": 4, "worst": 2}
    assert rows_with([3.0, 3.0, 1.0, 1.0]).best_median_worst() == {"best": 0, "median": 1, "worst": 2}
    assert rows_with([3.0, 4.0]).best_median_worst() == {"best": 1, "worst": 0}
    assert rows_with([3.0]).best_median_worst() == {"best": 0}
    assert rows_with([2.0, 2.0, 2.0]).best_median_worst() == {"best": 0, "median": 1}
    assert rows_with([2.0, 2.0, 1.0], "aab").best_median_worst() == {"best": 0, "worst": 2}


def test_contents() -> None:
    rows = rows_with([1.0] * 5, "abacb")
    assert rows.distinct == 3 and rows.first_of_each() == [0, 1, 3]


def test_runs_of_a_data_set(data_set: DataSet) -> None:
    winter = data_set.filter(scenario="hard_winter")
    rows = run_rows(winter)
    assert rows.seeds == (0, 1, 2, 3) and rows.distinct == 1, "its seeds change nothing"
    # Otto lives 73 ticks; a newcomer comes later, and is still there: two lives a run, in four samples.
    assert len(winter) == 4 * 4 and rows.lives.run.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert rows.lives.ended.tolist() == [True, False] * 4 and rows.lives.ticks[:2].tolist() == [73, 277]
    assert rows.ended.tolist() == [1] * 4 and rows.ticks.tolist() == [400] * 4
    assert rows.frames.tolist() == [350] * 4
    # One agent began: the return of a run is all reward of both lives.
    total = sum(float(sample.rewards.sum(dtype=np.float64)) for sample in winter.filter(seed=0))
    assert rows.returns[0] == pytest.approx(total, rel=1e-12)


def test_a_run_of_two_agents_counts_both(data_set: DataSet) -> None:
    kitchen = data_set.filter(scenario="kitchen_breakfast")
    rows = run_rows(kitchen)
    total = sum(float(sample.rewards.sum(dtype=np.float64)) for sample in kitchen.filter(seed=2))
    assert rows.returns[2] == pytest.approx(total / 2, rel=1e-12)
    blocked = kitchen.filter(seed=2).samples
    expected = (blocked["action_blocked_ratio"] * blocked["frame_count"]).sum() / rows.frames[2]
    assert rows.refused[2] == pytest.approx(expected) and expected > 0
