"""Advantages, worked out by hand and from the definition."""

from __future__ import annotations

import numpy as np
import pytest

from townlet.train.ppo.gae import lambda_advantages


def test_by_hand() -> None:
    """All numbers are sums of powers of two, so that equality is exact."""
    rewards = np.array([1, 2, 3], np.float32)
    values = np.array([10, 20, 30, 40], np.float32)
    free = np.zeros(3, bool)
    # G[2] = 3 + 40 / 2; G[1] = 2 + (30 + 23) / 4; G[0] = 1 + (20 + 15.25) / 4
    found = lambda_advantages(rewards, values, free, 0.5, 0.5)
    assert found.tolist() == [9.8125 - 10, 15.25 - 20, 23 - 30]
    # At the forced tick 1 the return passes through: G[0] = 1 + 15.25 / 2.
    found = lambda_advantages(rewards, values, np.array([False, True, False]), 0.5, 0.5)
    assert found.tolist() == [8.625 - 10, 15.25 - 20, 23 - 30]


def test_a_life_that_ended_has_nothing_behind_it() -> None:
    values = np.array([4, 0], np.float32)
    assert lambda_advantages(np.array([3], np.float32), values, np.zeros(1, bool), 0.5, 0.5).tolist() == [-1]


def lambda_return(rewards, values, weights, gamma: float, t: int) -> float:
    """G[t] as the mixture of n-step returns that it is defined as."""
    total, last = 0.0, len(rewards)
    share = 1.0
    for end in range(t + 1, last + 1):
        n_step = sum(gamma ** (k - t) * rewards[k] for k in range(t, end)) + gamma ** (end - t) * values[end]
        stays = 1.0 if end == last else 1.0 - weights[end]
        total += share * stays * n_step
        share *= 1.0 - stays
    return total


@pytest.mark.parametrize("seed", range(5))
def test_from_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = 12
    rewards = rng.normal(size=steps).astype(np.float32)
    values = rng.normal(size=steps + 1).astype(np.float32)
    forced = rng.random(steps) < 0.5
    gamma, lam = 0.9, 0.7
    weights = np.where(forced, 1.0, lam)
    expected = [
        lambda_return(rewards.astype(float), values.astype(float), weights, gamma, t) - float(values[t])
        for t in range(steps)
    ]
    assert lambda_advantages(rewards, values, forced, gamma, lam) == pytest.approx(expected, abs=1e-12)


def test_a_delayed_reward_reaches_through_forced_ticks() -> None:
    """An affordance of a hundred ticks whose reward comes at its end: with lambda 0.5 nothing would be left of it."""
    rewards = np.zeros(100, np.float32)
    rewards[-1] = 1.0
    values, forced = np.zeros(101, np.float32), np.ones(100, bool)
    forced[0] = False
    assert lambda_advantages(rewards, values, forced, 1.0, 0.5)[0] == 1.0
    assert lambda_advantages(rewards, values, np.zeros(100, bool), 1.0, 0.5)[0] < 1e-29
