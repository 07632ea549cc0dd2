"""`needs`: what it does, case by case, in the order of its docstring. Ids: see towns.py."""

from __future__ import annotations

import numpy as np
import pytest

from tests.policy.towns import batch, setting
from townlet.policy.registry import entry

WAIT, NORTH, EAST = 0, 1, 3
EAT, START_EAT, WASH, SLEEP, START_SLEEP, COOK = 7, 8, 9, 11, 12, 13
HELD = {"reservation_active": 1, "path_hint_east": 1}

CASES = {
    "nothing is needed": ({}, WAIT),
    "it walks by the hint": ({"path_hint_north": 1}, NORTH),
    "the hint's tile is not free": ({"path_hint_north": 1, "legal": (0, 2, 3)}, WAIT),
    "it is hungry": ({"need_hunger": 0.4}, EAT),
    "its threshold is not reached": ({"need_hunger": 0.5}, WAIT),
    "the lowest need comes first": ({"need_hunger": 0.4, "need_energy": 0.3}, SLEEP),
    "of two equal needs the first": ({"need_hygiene": 0.3, "need_energy": 0.3}, WASH),
    "what feeds cannot be had, so it cooks": ({"need_hunger": 0.4, "legal": (0, 9, 13)}, COOK),
    "nothing for the lowest can be had": (
        {"need_hunger": 0.1, "need_energy": 0.4, "legal": (0, 9, 11)}, SLEEP,
    ),
    "at work half of the threshold counts": ({"need_hunger": 0.3, "shift_on_time": 1}, WAIT),
    "at work it eats below that": ({"need_hunger": 0.2, "shift_late": 1}, EAT),
    "it waits in a queue": ({"need_hunger": 0.1, "in_queue": 1}, WAIT),
    "it walks to its queue": ({"need_hunger": 0.1, "in_queue": 1, "path_hint_east": 1}, EAST),
    "it holds a reservation and is not there": ({"need_hunger": 0.1, **HELD}, EAST),
    "it holds a reservation and is there": ({"need_hunger": 0.1, **HELD, "legal": (0, 3, 8)}, START_EAT),
    "it starts what serves the lowest": ({"need_energy": 0.2, **HELD, "legal": (0, 8, 12)}, START_SLEEP),
    "it starts what it can": ({"need_energy": 0.2, **HELD, "legal": (0, 8)}, START_EAT),
    "waiting is not allowed": ({**HELD, "legal": (2, 4)}, 2),
    "it is busy": ({"need_hunger": 0.1, "legal": (0, 5)}, WAIT),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_it_does(case: str) -> None:
    seen, action = CASES[case]
    answer = entry("needs").make(setting()).act(batch(seen))
    assert answer.actions.tolist() == [action]
    assert answer.log_probs.tolist() == [0] and answer.values.tolist() == [0]


def test_a_batch_is_its_agents_one_by_one() -> None:
    policy = entry("needs").make(setting())
    seen = [seen for seen, _ in CASES.values()]
    together = policy.act(batch(*seen))
    assert together.actions.tolist() == [action for _, action in CASES.values()]
    assert together.actions.dtype == np.int64 and together.log_probs.dtype == np.float32
    assert policy.act(batch()).actions.shape == (0,)


def test_it_is_deterministic_and_has_no_critic() -> None:
    info = entry("needs").info
    assert info.facts() == {
        "kind": "needs", "digest": None, "log_prob_source": "deterministic", "value_source": "none",
    }  # fmt: skip
    assert entry("needs").make(setting()).values(batch({}, {})).tolist() == [0, 0]
