"""What an agent feels toward others, worked out by hand: friends, rivals, sums, and the two columns of rivalry."""

from __future__ import annotations

import numpy as np
import pytest

from tests.observation.towns import Buffers, scene
from townlet.generator.generate import GeneratedWorld

NAMES = dict.fromkeys("abcde", "")


def five(**snippet: object) -> GeneratedWorld:
    """Five agents in a row; a's ties are all zero. Identities are 0.1, 0.2, ... (`embed_dim` 1)."""
    generated = scene(["abcde"], agents=NAMES, observations={"social_snippet": {"embed_dim": 1, **snippet}})
    generated.world.ties.identity[:] = [[0.1], [0.2], [0.3], [0.4], [0.5]]
    return generated


def slots(seen: Buffers, count: int) -> list[list[float]]:
    """By slot: identity, trust, familiarity, rivalry."""
    return [[seen.feature(f"social_slot{n}_d{d}") for d in range(4)] for n in range(count)]


def test_the_strongest_friends_and_rivals_fill_the_slots() -> None:
    names = dict.fromkeys("abcde", "")
    generated = scene(["abcde"], agents=names, observations={"social_snippet": {"embed_dim": 1}})
    ties = generated.world.ties
    ties.trust[0], ties.familiarity[0] = [0, 0.1, 0.3, -0.5, 0.2], [0, 0.1, 0.1, 0.0, 0.2]
    ties.rivalry[0], ties.count[0] = [0, 0.8, 0, 0.2, 0.9], 4
    ties.identity[:] = [[0.1], [0.2], [0.3], [0.4], [0.5]]
    seen = Buffers(generated).observe()
    slots = [[seen.feature(f"social_slot{n}_d{d}") for d in range(4)] for n in range(4)]
    assert np.allclose(
        slots, [[0.3, 0.3, 0.1, 0], [0.5, 0.2, 0.2, 0.9], [0.5, 0.2, 0.2, 0.9], [0.2, 0.1, 0.1, 0.8]]
    )  # c and e are equally close friends; c stands first
    assert seen.feature("rivalry_max") == seen.feature("social_rivalry_max") == pytest.approx(0.9)
    assert seen.feature("rivalry_avoid_count") == 2
    assert seen.feature("social_trust_mean") == pytest.approx(0.1 / 4)
    assert seen.feature("social_trust_max") == pytest.approx(0.3)


def test_without_ties_everything_is_zero() -> None:
    seen = Buffers(five(), fill=7.0).observe()
    assert slots(seen, 4) == [[0] * 4] * 4
    names = ("social_trust_mean", "social_trust_max", "social_rivalry_mean", "social_rivalry_max")
    assert [seen.feature(name) for name in (*names, "rivalry_max", "rivalry_avoid_count")] == [0] * 6


def test_empty_slots_are_zero_and_friends_come_before_rivals() -> None:
    generated = five(top_friends=2, top_rivals=1)
    ties = generated.world.ties
    ties.trust[0], ties.rivalry[0], ties.count[0] = [0, 0, 0.5, 0, 0], [0, 0, 0, 0.25, 0], 2
    seen = Buffers(generated, fill=7.0).observe()
    assert np.allclose(slots(seen, 3), [[0.3, 0.5, 0, 0], [0, 0, 0, 0], [0.4, 0, 0, 0.25]])


def test_who_is_distrusted_is_no_friend_but_counts_in_the_mean() -> None:
    generated = five()
    ties = generated.world.ties
    ties.trust[0], ties.familiarity[0], ties.count[0] = [0, -0.5, 0.25, 0, 0], [0, 0.5, 0, 0, 0], 2
    seen = Buffers(generated, fill=7.0).observe()
    assert np.allclose(slots(seen, 2), [[0.3, 0.25, 0, 0], [0, 0, 0, 0]])  # b: -0.5 + 0.5 is not above 0
    assert seen.feature("social_trust_mean") == pytest.approx(-0.125)
    assert seen.feature("social_trust_max") == pytest.approx(0.25)


def test_of_equal_rivals_the_lower_row_comes_first_and_only_those_above_the_threshold_are_avoided() -> None:
    generated = five(top_friends=0, top_rivals=2)
    ties = generated.world.ties
    ties.rivalry[0], ties.count[0] = [0, 0.7, 0.75, 0, 0.75], 3  # conflict.rivalry.avoid_threshold is 0.7
    seen = Buffers(generated).observe()
    assert np.allclose(slots(seen, 2), [[0.3, 0, 0, 0.75], [0.5, 0, 0, 0.75]])
    assert seen.feature("rivalry_avoid_count") == 2
    assert seen.feature("social_rivalry_mean") == pytest.approx(2.2 / 3)


def test_ties_are_directed() -> None:
    generated = five()
    generated.world.ties.trust[0, 1], generated.world.ties.count[0] = 0.5, 1
    seen = Buffers(generated).observe()
    assert seen.feature("social_trust_max", row=0) == 0.5
    assert seen.feature("social_trust_max", row=1) == 0
