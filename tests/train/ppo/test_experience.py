"""Rows to learn from, of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.samples import make_sample
from townlet.errors import UserError
from townlet.samples import ReplaySample
from townlet.train.ppo.experience import experience_of
from townlet.train.ppo.gae import lambda_advantages

DIGEST = "5" * 64


def of_network(digest: str | None = DIGEST, **facts: Any) -> ReplaySample:
    policy = {"kind": "network", "digest": digest, "log_prob_source": "sampled", "value_source": "critic"}
    return make_sample(policy=policy, **facts)


def encode(maps: np.ndarray, features: np.ndarray) -> np.ndarray:
    return np.concatenate([maps.reshape(len(maps), -1), features], axis=1)


def test_the_rows_of_samples_one_after_another() -> None:
    samples = [of_network(seed=1, steps=20), of_network(seed=2, steps=12)]
    found = experience_of(samples, DIGEST, encode, 0.9, 0.8)
    assert len(found) == 32
    assert np.array_equal(found.inputs, encode(*[
        np.concatenate([getattr(sample, name) for sample in samples]) for name in ("map", "features")
    ]))  # fmt: skip
    first = samples[0]
    forced = first.action_mask.sum(axis=1) == 1
    advantages = lambda_advantages(first.rewards, first.value_preds, forced, 0.9, 0.8)
    assert np.array_equal(found.advantages[:20], advantages.astype(np.float32))
    assert np.array_equal(found.returns[:20], (advantages + first.value_preds[:-1]).astype(np.float32))
    masks = np.concatenate([sample.action_mask for sample in samples])
    assert found.choices.tolist() == np.flatnonzero(masks.sum(axis=1) > 1).tolist()
    assert 0 < len(found.choices) < 32


def test_only_what_the_learning_network_did() -> None:
    own, other = of_network(seed=1), make_sample(seed=2)
    found = experience_of([other, own, of_network("6" * 64)], DIGEST, encode, 0.9, 0.8)
    assert np.array_equal(found.actions, own.actions)
    with pytest.raises(
        UserError, match="expected agents for whom the policy that learns decides, found none"
    ):
        experience_of([other], DIGEST, encode, 0.9, 0.8)


def test_it_is_memory_of_its_own() -> None:
    """The next run is played into the same buffers."""
    sample = of_network()
    found = experience_of([sample], DIGEST, encode, 0.9, 0.8)
    for name in ("masks", "actions", "log_probs", "values"):
        assert not any(np.shares_memory(getattr(found, name), array) for array in sample.arrays().values())
