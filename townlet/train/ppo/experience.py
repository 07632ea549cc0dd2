"""Rows to learn from: the timesteps of samples, one after another, with their advantages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from townlet.arrays import F32, I64, Bool
from townlet.errors import UserError
from townlet.samples import ReplaySample
from townlet.train.ppo.gae import lambda_advantages


@dataclass(frozen=True, eq=False)
class Experience:
    """N timesteps, those of a life one after another."""

    inputs: F32  # [N, D]  what the network makes of map and features (`ActorCritic.inputs`)
    masks: Bool  # [N, U]
    actions: I64  # [N]
    log_probs: F32  # [N]  as the policy that acted recorded them
    values: F32  # [N]  as its critic did
    advantages: F32  # [N]
    returns: F32  # [N]  lambda-returns: advantage plus value

    def __len__(self) -> int:
        return len(self.actions)

    @cached_property
    def choices(self) -> I64:
        """The rows at which more than one action was legal."""
        return np.flatnonzero(self.masks.sum(axis=1) > 1)


Encode = Callable[[F32, F32], F32]  # maps [B, C, W, W] and features [B, F] -> inputs [B, D]


def experience_of(
    samples: Iterable[ReplaySample], digest: str, encode: Encode, gamma: float, lam: float
) -> Experience:
    """The timesteps of all samples in which the network of this digest acted. What it returns is its own memory.

    Raises UserError where it acted in none: everybody has a schedule, or a policy of their own.
    """
    parts = [
        _part(sample, encode, gamma, lam)
        for sample in samples
        if sample.metadata["policy"]["digest"] == digest
    ]
    if not parts:
        raise UserError(
            "expected agents for whom the policy that learns decides, found none: all have a schedule, or a policy of "
            "their own in `policy.agents`; --ignore-schedules takes the schedules out"
        )
    return Experience(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Experience))
    )


def _part(sample: ReplaySample, encode: Encode, gamma: float, lam: float) -> Experience:
    """Copies, as the sample's arrays may be views of buffers that are used again."""
    forced = sample.action_mask.sum(axis=1) == 1
    advantages = lambda_advantages(sample.rewards, sample.value_preds, forced, gamma, lam)
    values = sample.value_preds[:-1].copy()
    return Experience(
        inputs=encode(sample.map, sample.features),
        masks=sample.action_mask.copy(),
        actions=sample.actions.copy(),
        log_probs=sample.old_log_probs.copy(),
        values=values,
        advantages=advantages.astype(np.float32),
        returns=(advantages + values).astype(np.float32),
    )
