"""Figures of a sample: worked out by hand, and exact however the arrays lie in memory."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.samples import make_group, make_metadata, make_sample
from townlet.dataset.format.metrics import fixed_sum, sample_metrics
from townlet.samples import FrameGroup, ReplaySample, stack_groups


@pytest.fixture
def by_hand() -> ReplaySample:
    """Four ticks: wait, north, request, start; then the episode ends."""
    features = np.zeros((4, 8), np.float32)
    features[:, 0] = [1.0, 0.75, 0.5, 0.25]  # need_hunger
    features[:, 1] = 0.5  # need_hygiene
    features[:, 2] = [1.0, 1.0, 0.5, 0.5]  # need_energy
    features[:, 3] = [5, 5, 5, 4]  # wallet
    features[:, 4] = [0, 0, 1, 1]  # lateness_counter
    features[:, 5] = [0, 0.25, 0.5, 0.25]  # rivalry_max
    features[:, 6] = [0, 0, 1, 2]  # rivalry_avoid_count
    features[:, 7] = [1, 1, 0, 1]  # last_action_success, of the action before
    terms = np.array([[0.5, -0.25, 0], [0.5, -0.25, 0], [0.5, -0.5, 0.25], [0.5, -0.5, 0]], np.float32)
    arrays = {
        **make_group(4).arrays,
        "features": features,
        "actions": np.array([0, 1, 3, 4]),
        "old_log_probs": np.array([0, -0.5, -0.25, -0.25], np.float32),
        "value_preds": np.array([1, 2, 3, 4], np.float32),
        "rewards": terms.sum(axis=1),
        "reward_terms": terms,
        "dones": np.array([False, False, False, True]),
        "action_mask": np.ones((4, 5), bool),
    }
    final = {
        "final_map": arrays["map"][0],
        "final_features": np.zeros(8, np.float32),  # so the last action did not succeed
        "final_action_mask": np.ones(5, bool),
        "final_value": 0.0,
    }
    return stack_groups([FrameGroup(arrays, final, make_metadata())], deep=True)


def test_all_figures_by_hand(by_hand: ReplaySample) -> None:
    assert sample_metrics(by_hand) == {
        "timesteps": 4,
        "reward_sum": 0.75,
        "reward_mean": 0.1875,
        "log_prob_mean": -0.25,
        "value_pred_last": 0.0,
        "value_pred_mean": 2.5,
        "rivalry_max_mean": 0.25,
        "rivalry_max_max": 0.5,
        "rivalry_avoid_count_mean": 0.75,
        "rivalry_avoid_count_max": 2.0,
        "lateness_mean": 0.5,
        "action_total": 4,
        "action_nonzero": 3,
        "action_entropy": float(np.float32(math.log(4))),
        "action_wait_count": 1,
        "action_move_count": 1,
        "action_request_count": 1,
        "action_start_count": 1,
        "action_blocked_ratio": 0.5,
        "need_hunger_mean": 0.625,
        "need_hunger_min": 0.25,
        "need_hygiene_mean": 0.5,
        "need_hygiene_min": 0.5,
        "need_energy_mean": 0.75,
        "need_energy_min": 0.5,
        "wallet_last": 4.0,
        "reward_survival_sum": 2.0,
        "reward_needs_sum": -1.5,
        "reward_clip_sum": 0.25,
        "reward_clip_ratio": 0.25,
        "label_mismatch_count": 1,
        "done": 1,
    }


def test_figures_are_plain_numbers() -> None:
    assert {type(value) for value in sample_metrics(make_sample(5)).values()} == {int, float}


def test_one_timestep() -> None:
    metrics = sample_metrics(make_sample(1))
    assert metrics["timesteps"] == 1
    assert metrics["action_entropy"] == 0.0
    assert metrics["reward_sum"] == metrics["reward_mean"]


def test_columns_that_a_layout_lacks_are_left_out(by_hand: ReplaySample) -> None:
    names = [f"feature_{index}" for index in range(8)]
    terms = ["a", "b", "c"]
    facts = {**make_metadata(), "feature_names": names, "reward_term_names": terms}
    metrics = sample_metrics(ReplaySample.from_arrays(by_hand.arrays(), facts))
    assert not [name for name in metrics if name.startswith(("need_", "rivalry", "wallet", "lateness"))]
    assert "action_blocked_ratio" not in metrics
    assert "reward_clip_ratio" not in metrics
    assert metrics["reward_a_sum"] == 2.0


def test_memory_layout_does_not_matter() -> None:
    sample = make_sample(777, seed=5)
    wide = np.zeros((777, 3, 8), np.float32)
    wide[:, 1] = sample.features
    scattered = replace(
        sample,
        features=wide[:, 1],
        reward_terms=np.asfortranarray(sample.reward_terms),
        rewards=sample.rewards[::1],
    )
    assert sample_metrics(scattered) == sample_metrics(sample)


FLOATS = st.floats(-1e6, 1e6, width=32)


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 70), st.integers(1, 3)), elements=FLOATS))
def test_the_fixed_sum_is_a_sum(rows: np.ndarray) -> None:
    total = fixed_sum(rows)
    for column in range(rows.shape[1]):
        exact = sum(map(Fraction, rows[:, column].tolist()), Fraction(0))
        size = sum(abs(value) for value in rows[:, column].tolist())
        assert abs(Fraction(float(total[column])) - exact) <= Fraction(size) / 2**45


def test_the_order_of_the_fixed_sum() -> None:
    """Of five rows: the last two to the first two, of the three left the last to the first, and so on."""
    rows = np.array([[0.1], [0.2], [0.3], [0.4], [0.5]])
    assert fixed_sum(rows)[0] == ((0.1 + 0.4) + 0.3) + (0.2 + 0.5)
    assert rows[0, 0] == 0.1
