"""What a policy is handed: a batch, its draws, and what samples say of a policy."""

from __future__ import annotations

import numpy as np

from tests.policy.towns import batch
from townlet.policy.base import PolicyInfo, WithoutCritic
from townlet.world.rng import USE_CHAT, USE_POLICY, draw


def test_draws_are_named_by_seed_tick_and_arrival_number() -> None:
    seen = batch({"arrival": 5}, {"arrival": 2}, tick=9, seed=4)
    assert seen.draws.tolist() == [draw(4, 9, who, USE_POLICY, 0) for who in (5, 2)]
    assert seen.draw(USE_CHAT, 3).tolist() == [draw(4, 9, who, USE_CHAT, 3) for who in (5, 2)]
    assert seen.draws.dtype == np.float64 and seen.draws is seen.draws


def test_a_draw_does_not_depend_on_who_else_is_there() -> None:
    assert batch({"arrival": 3}).draws[0] == batch({"arrival": 1}, {"arrival": 3}).draws[1]


def test_an_empty_batch() -> None:
    assert len(batch()) == 0 and batch().draws.shape == (0,)
    assert WithoutCritic().values(batch()).dtype == np.float32


def test_what_samples_say() -> None:
    assert PolicyInfo("mine", "softmax", "critic", "ab").facts() == {
        "kind": "mine", "digest": "ab", "log_prob_source": "softmax", "value_source": "critic",
    }  # fmt: skip
