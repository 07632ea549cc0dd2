"""`uniform`: every legal action, equally likely; the draw is named by seed, tick and arrival number."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from tests.policy.towns import batch, setting
from townlet.policy.registry import entry
from townlet.world.rng import USE_POLICY, draw


@pytest.fixture
def uniform():
    return entry("uniform").make(setting())


def test_the_draw_picks_the_action(uniform) -> None:
    legal = (0, 3, 4, 7)
    seen = batch({"legal": legal, "arrival": 5}, tick=9, seed=2)
    picked = legal[int(draw(2, 9, 5, USE_POLICY, 0) * 4)]
    answer = uniform.act(seen)
    assert answer.actions.tolist() == [picked]
    assert answer.log_probs[0] == np.float32(-math.log(4)) and answer.values.tolist() == [0]
    assert seen.draws.tolist() == [draw(2, 9, 5, USE_POLICY, 0)]


def test_all_legal_actions_are_as_likely(uniform) -> None:
    legal = (0, 1, 6, 14)
    seen = batch(*({"legal": legal, "arrival": number} for number in range(1, 2001)))
    counts = Counter(uniform.act(seen).actions.tolist())
    assert set(counts) == set(legal)
    assert all(430 < count < 570 for count in counts.values())  # 500 +- 3.6 standard deviations


def test_one_legal_action_is_certain(uniform) -> None:
    answer = uniform.act(batch({"legal": (0,)}))
    assert (answer.actions.tolist(), answer.log_probs.tolist()) == ([0], [0])


def test_who_else_is_there_changes_nothing(uniform) -> None:
    agents = [{"arrival": number} for number in (4, 2, 9)]
    together = uniform.act(batch(*agents)).actions.tolist()
    assert together == [uniform.act(batch(agent)).actions[0] for agent in agents]


def test_its_log_probs_are_said_to_be_its_own() -> None:
    assert entry("uniform").info.log_prob_source == "uniform over the mask"
