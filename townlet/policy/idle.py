"""The policy `idle`: wait, whatever is seen. What it gets is what a town gives to who does nothing.

Deterministic: its log-prob is 0.
"""

from __future__ import annotations

import numpy as np

from townlet.policy.base import PolicyActions, PolicyBatch, PolicyEntry, PolicyInfo, WithoutCritic

WAIT = 0  # an id of the action space


class IdlePolicy(WithoutCritic):
    """For a batch; compiled segments have a branch of their own."""

    def act(self, batch: PolicyBatch) -> PolicyActions:
        zeros = np.zeros(len(batch), np.float32)
        return PolicyActions(np.full(len(batch), WAIT, np.int64), zeros, zeros.copy())


POLICY = PolicyEntry(PolicyInfo("idle"), lambda setting: IdlePolicy())
