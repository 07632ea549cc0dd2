"""`needs-early`: what `needs` would do with thresholds of 0.9, whatever the config's are."""

from __future__ import annotations

import numpy as np

from tests.policy.towns import batch, setting
from townlet.policy.needs import table_of
from townlet.policy.needs_early import early_table
from townlet.policy.registry import entry

WAIT, EAT, SLEEP = 0, 7, 11
SEEN = (
    ({"need_hunger": 0.89}, EAT),
    ({"need_hunger": 0.91}, WAIT),
    ({"need_hunger": 0.8, "need_energy": 0.7}, SLEEP),
    ({"need_hunger": 0.46, "shift_on_time": 1}, WAIT),  # at work half of it counts
    ({"need_hunger": 0.44, "shift_late": 1}, EAT),
)


def test_what_it_does() -> None:
    answer = entry("needs-early").make(setting()).act(batch(*(seen for seen, _ in SEEN)))
    assert answer.actions.tolist() == [action for _, action in SEEN]
    assert not answer.log_probs.any() and not answer.values.any()
    assert entry("needs-early").info.kind == "needs-early"


def test_nothing_but_the_thresholds_differs() -> None:
    own, early = table_of(setting()), early_table(setting())
    assert early.threshold.tolist() == [0.9] * 3 != own.threshold.tolist()
    assert np.array_equal(own.column, early.column) and np.array_equal(own.serves, early.serves)
