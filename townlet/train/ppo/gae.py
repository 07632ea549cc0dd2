"""Advantages by lambda-returns that pass through forced ticks.

The lambda-return of a tick (Sutton and Barto, Reinforcement Learning, 2nd edition, equation 12.2, in recursive form):

    G[t] = r[t] + gamma ((1 - l[t + 1]) V[t + 1] + l[t + 1] G[t + 1])        G[T] = V[T]

The advantage A[t] = G[t] - V[t] then is generalised advantage estimation (Schulman et al. 2016):

    A[t] = r[t] + gamma V[t + 1] - V[t] + gamma l[t + 1] A[t + 1]             A[T] = 0

l is lambda at a tick with a choice. At a forced tick, where one action is legal, it is 1: nothing is decided there, so
that there is nothing to trade bias for variance for, and a return passes through. So a meal of fifteen ticks is one
step for lambda (and fifteen for gamma, which counts time).
"""

from __future__ import annotations

import numpy as np

from townlet.arrays import F32, F64, Bool


def lambda_advantages(rewards: F32, values: F32, forced: Bool, gamma: float, lam: float) -> F64:
    """[T] advantages of T consecutive steps of one life.

    `rewards` [T]; `values` [T + 1], of what was seen before each step and behind the last one (0 where the life ended);
    `forced` [T]: one action was legal. Advantage plus value is the lambda-return, the critic's target.
    """
    advantages = np.zeros(len(rewards), np.float64)
    ahead, weight = 0.0, lam  # A[t + 1] and l[t + 1]
    reward, value, only = rewards.tolist(), values.tolist(), forced.tolist()
    for t in range(len(reward) - 1, -1, -1):
        ahead = reward[t] + gamma * value[t + 1] - value[t] + gamma * weight * ahead
        weight = 1.0 if only[t] else lam
        advantages[t] = ahead
    return advantages


def discounted_returns(rewards: F32, last: float, gamma: float) -> F64:
    """[T] sums of what follows, discounted: G[t] = r[t] + gamma G[t + 1], with G[T] = `last`."""
    returns, ahead = np.zeros(len(rewards), np.float64), last
    for t, reward in reversed(list(enumerate(rewards.tolist()))):
        ahead = reward + gamma * ahead
        returns[t] = ahead
    return returns
