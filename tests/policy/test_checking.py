"""A policy's answers: what is taken as it is, and what is refused. In a loop: tests/rollout/test_player.py."""

from __future__ import annotations

import numpy as np
import pytest

from tests.policy.towns import batch
from townlet.errors import UserError
from townlet.policy.base import PolicyActions
from townlet.policy.checking import checked_actions, checked_values

TWO = batch({}, {})
LIMITS = {"dim": 15, "objects": 1, "agents": 2}


def test_types_are_the_world_s() -> None:
    given = PolicyActions([3, 14], [0, -1], [1, 2], quality=[0.1, -1])  # type: ignore[arg-type]
    answer = checked_actions(given, TWO, "mine", **LIMITS)
    assert answer.actions.dtype == np.int64 and answer.log_probs.dtype == answer.values.dtype == np.float32
    assert answer.object.tolist() == answer.target.tolist() == [-1, -1]
    assert answer.quality.tolist() == [float(np.float32(0.1)), -1]


def test_rounding_above_zero_is_a_probability_still() -> None:
    given = PolicyActions(np.zeros(2, np.int64), np.full(2, 5e-7, np.float32), np.zeros(2, np.float32))
    assert (checked_actions(given, TWO, "mine", **LIMITS).log_probs > 0).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0], r"policy 'mine': values: expected shape \(2,\), a number for each row, got \(1,\)"),
        ([[1.0], [1.0]], r"expected shape \(2,\), a number for each row, got \(2, 1\)"),
        ([1.0, np.nan], "expected finite numbers, got nan"),
        ([True, False], "expected numbers, got dtype bool"),
        (None, r"expected shape \(2,\), a number for each row, got \(\)"),
    ],
)
def test_values_that_cannot_be(values: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        checked_values(values, TWO, "mine")
