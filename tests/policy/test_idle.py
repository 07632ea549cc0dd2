"""`idle`: waits, whatever it sees."""

from __future__ import annotations

from tests.policy.towns import batch, setting
from townlet.policy.registry import entry
from townlet.world import state as st


def test_it_waits() -> None:
    answer = entry("idle").make(setting()).act(batch({"legal": (0, 1, 8)}, {"legal": (0,)}))
    assert answer.actions.tolist() == [st.ACTION_WAIT, st.ACTION_WAIT]
    assert answer.log_probs.tolist() == [0, 0] and answer.values.tolist() == [0, 0]


def test_its_log_probs_are_those_of_one_that_does_not_draw() -> None:
    assert entry("idle").info.log_prob_source == "deterministic"
