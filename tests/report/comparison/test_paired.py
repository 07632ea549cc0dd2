"""Means, standard errors and effect sizes of pairs, worked out by hand."""

from __future__ import annotations

import math

import pytest

from tests.dataset.towns import capture_lives, town_run
from townlet.dataset.reading.data_set import open as open_data_set
from townlet.dataset.store.local import LocalStore
from townlet.report.comparison.paired import figures_by_agent, figures_by_run, means_of, paired_metrics


def test_by_hand() -> None:
    left = {
        "a": {"reward_sum": 1.0, "need": 0.5},
        "b": {"reward_sum": 2.0, "need": 0.5},
        "gone": {"reward_sum": 9.0},
    }
    right = {"b": {"need": 1.0, "reward_sum": 5.0}, "a": {"reward_sum": 2.0, "need": 1.0, "new": 1.0}}
    reward, need = paired_metrics(left, right)
    # The differences are 1 and 3: their mean is 2, their deviation sqrt(2), so the error is 1 and the effect sqrt(2).
    assert reward[:4] == ("reward_sum", 1.5, 3.5, 2.0)
    assert reward[4:] == (pytest.approx(1.0), pytest.approx(math.sqrt(2)))
    assert need == ("need", 0.5, 1.0, 0.5, 0.0, None), "all pairs differ by the same: no effect size"


def test_one_pair_has_no_error_and_none_no_rows() -> None:
    assert paired_metrics({1: {"x": 1.0}}, {1: {"x": 4.0}}) == [("x", 1.0, 4.0, 3.0, None, None)]
    assert paired_metrics({1: {"x": 1.0}}, {2: {"x": 4.0}}) == []


def test_the_reward_comes_first() -> None:
    side = {1: {"action": 1.0, "reward_mean": 1.0, "zest": 1.0, "reward_sum": 1.0}}
    assert [metric[0] for metric in paired_metrics(side, side)] == [
        "reward_sum",
        "reward_mean",
        "action",
        "zest",
    ]


def test_means() -> None:
    assert means_of({1: {"x": 1.0, "y": 4.0}, 2: {"x": 2.0}}) == {"x": 1.5, "y": 4.0}


def test_segments_and_samples(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of a run cut into segments an agent's figures are those of its life, but for what no segment knows."""
    sides = {}
    for length in (0, 8):
        place = tmp_path_factory.mktemp("towns")
        capture_lives(
            LocalStore(place), town_run(segment_ticks=length), town_run("other", 4, segment_ticks=length)
        )
        sides[length] = open_data_set(place)
    whole, cut = (figures_by_agent(side.capture("town", 0)) for side in (sides[0], sides[8]))
    assert set(whole) == set(cut) == {"alice", "bob", "bob-2"}
    for agent, figures in whole.items():
        for name in ("reward_sum", "timesteps", "need_hunger_min", "rivalry_max_max", "wallet_last", "done"):
            assert cut[agent][name] == pytest.approx(figures[name], rel=1e-6), (agent, name)
        for name in ("reward_mean", "need_hunger_mean", "action_blocked_ratio"):
            assert cut[agent][name] == pytest.approx(figures[name], rel=1e-6), (agent, name)
    runs = figures_by_run(sides[0])
    assert set(runs) == {("town", 0), ("other", 4)}
    rewards = [figures["reward_sum"] for figures in whole.values()]
    assert runs["town", 0]["reward_sum"] == pytest.approx(sum(rewards) / 3)
