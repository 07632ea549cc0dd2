"""The policy `uniform`: every legal action, equally likely."""

from __future__ import annotations

import math

import numpy as np

from townlet.arrays import F32
from townlet.policy.base import PolicyActions, PolicyBatch, PolicyEntry, PolicyInfo, WithoutCritic
from townlet.world.jit import kernel
from townlet.world.rng import USE_POLICY, draw


def log_table(dim: int) -> F32:
    """[dim + 1] float32: -log(n), the log-prob of one action of n; computed in float64. Entry 0 is unused."""
    return np.array([0.0] + [-math.log(n) for n in range(1, dim + 1)], np.float64).astype(np.float32)


@kernel
def count_legal(masks, i, t):
    """The number of legal actions in `masks[i, t]` (bool, [A, T, U]): at least 1: no mask is empty."""
    legal = 0
    for u in range(masks.shape[2]):
        if masks[i, t, u]:
            legal += 1
    return legal


@kernel
def uniform_action(masks, i, t, legal, seed, tick, arrival):
    """The action id for the agent under `masks[i, t]`, of which `legal` are set.

    The draw named (seed, tick, arrival, USE_POLICY) picks one of them.
    """
    left = int(draw(seed, tick, arrival, USE_POLICY, 0) * legal)
    for u in range(masks.shape[2]):
        if masks[i, t, u]:
            if left == 0:
                return u
            left -= 1
    return 0


class UniformPolicy(WithoutCritic):
    """The kernels above, for a batch."""

    def __init__(self, dim: int):
        self._log = log_table(dim)

    def act(self, batch: PolicyBatch) -> PolicyActions:
        masks = batch.masks[:, None]
        legal = [int(count_legal(masks, i, 0)) for i in range(len(batch))]
        actions = [
            uniform_action(masks, i, 0, legal[i], batch.seed, batch.tick, who)
            for i, who in enumerate(batch.arrival.tolist())
        ]
        zeros = np.zeros(len(batch), np.float32)
        return PolicyActions(np.array(actions, np.int64), self._log[legal], zeros)


POLICY = PolicyEntry(
    PolicyInfo("uniform", log_prob_source="uniform over the mask"),
    lambda setting: UniformPolicy(setting.action_space.dim),
)
