"""Draws: the published answers of Philox4x32-10, pinned draws of our own, a plain twin, and are they uniform."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as any_

from townlet.world import rng
from townlet.world.rng import draw, philox

WORD = 0xFFFFFFFF

# Random123's kat_vectors, `philox4x32 10`: counter, key, answer.
KNOWN_ANSWERS = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]

# seed, tick, who, use, index -> draw. What is captured hangs on them: they never change.
PINNED: list[tuple[tuple[int, int, int, int, int], float]] = [
    ((0, 0, 1, 1, 0), 0.4346072090036843),
    ((0, 0, 1, 2, 0), 0.633524972127469),
    ((0, 1, 1, 2, 0), 0.3836638272551327),
    ((0, 0, 2, 2, 0), 0.9486890659725513),
    ((7, 1439, 10, 4, 0), 0.4775207237283634),
    ((7, 1439, 10, 4, 1), 0.8949468021137107),
    ((1, 0, 1234567, 3, 3), 0.34352951858451497),
    ((9223372036854775807, 2147483647, 2147483647, 7, 7), 0.8326296376921363),
    ((4294967296, 0, 1, 1, 0), 0.6869187098242417),
    ((0, 4294967296, 1, 1, 0), 0.940742514825687),
]


def plain_philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Ten rounds, in whole numbers of any size, as the paper has them."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c0, 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c2, 2**32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def plain_draw(seed: int, tick: int, who: int, use: int, index: int) -> float:
    """Key: the seed. Counter: the tick's low word, who, "TWNL", and what for (with the tick's high word)."""
    last = (use + (index << 8) + ((tick >> 32) << 24)) & WORD
    a, b, _, _ = plain_philox((tick & WORD, who, 0x54574E4C, last), (seed & WORD, seed >> 32))
    return ((a << 32 | b) >> 11) / 2**53


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_the_published_answers(counter: tuple, key: tuple, answer: tuple) -> None:
    assert tuple(int(word) for word in philox(*map(np.uint64, (*counter, *key)))) == answer
    assert plain_philox(counter, key) == answer


@pytest.mark.parametrize(("name", "value"), PINNED)
def test_draws_never_change(name: tuple, value: float) -> None:
    assert draw(*name) == value


def test_uses_are_never_renumbered() -> None:
    assert {name: use for name, use in vars(rng).items() if name.startswith("USE_")} == {
        "USE_MOVE_TIE": 1, "USE_CHAT": 2, "USE_EVENT": 3, "USE_POLICY": 4, "USE_PLACEMENT": 5,
        "USE_PERSONALITY": 6, "USE_IDENTITY": 7, "USE_START": 8,
    }  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    any_.integers(0, 2**63 - 1), any_.integers(0, 2**40), any_.integers(0, 2**31 - 1),
    any_.integers(1, 255), any_.integers(0, 2**15),
)  # fmt: skip
def test_draws_are_those_of_the_plain_twin(seed: int, tick: int, who: int, use: int, index: int) -> None:
    drawn = draw(seed, tick, who, use, index)
    assert drawn == plain_draw(seed, tick, who, use, index)
    assert 0.0 <= drawn < 1.0


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """[seeds, ticks, agents, uses, indices]: neighbours in every part of the name."""
    names = itertools.product(range(4), range(60), range(1, 13), range(1, 5), range(3))
    return np.array([draw(*name) for name in names]).reshape(4, 60, 12, 4, 3)


def test_no_two_names_draw_the_same(drawn: np.ndarray) -> None:
    assert len(np.unique(drawn)) == drawn.size


def test_draws_are_uniform(drawn: np.ndarray) -> None:
    """Mean, variance, and counts in 64 boxes, each within what one in some ten thousand would leave."""
    n = drawn.size
    assert abs(drawn.mean() - 0.5) < 4 * math.sqrt(1 / 12 / n)
    assert abs(drawn.var() - 1 / 12) < 4 * math.sqrt(1 / 180 / n)
    boxes = np.histogram(drawn, bins=64, range=(0, 1))[0]
    chi_square = float(((boxes - n / 64) ** 2 / (n / 64)).sum())
    assert 63 - 4 * math.sqrt(126) < chi_square < 63 + 4 * math.sqrt(126)


@pytest.mark.parametrize("axis", range(5), ids=["seed", "tick", "agent", "use", "index"])
def test_neighbours_know_nothing_of_each_other(drawn: np.ndarray, axis: int) -> None:
    moved = np.moveaxis(drawn, axis, 0)
    left, right = moved[:-1].ravel(), moved[1:].ravel()
    assert abs(np.corrcoef(left, right)[0, 1]) < 4 / math.sqrt(left.size)
    assert abs((left < right).mean() - 0.5) < 4 * 0.5 / math.sqrt(left.size)


def test_every_bit_is_set_half_of_the_time(drawn: np.ndarray) -> None:
    bits = (drawn.ravel() * 2.0**53).astype(np.uint64)
    shares = [float(((bits >> np.uint64(bit)) & np.uint64(1)).mean()) for bit in range(53)]
    assert max(abs(share - 0.5) for share in shares) < 4.5 * 0.5 / math.sqrt(drawn.size)
