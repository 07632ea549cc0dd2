"""Blocks: where they end, and that their digests say what a sample's beginnings are."""

from __future__ import annotations

import numpy as np
import pytest

from tests.samples import make_sample
from townlet.dataset.format.blocks import (
    BLOCK,
    DIGITS,
    EXPERIENCE,
    BeginningDigests,
    block_digests,
    block_ends,
)
from townlet.samples import ARRAYS, array_digest


@pytest.mark.parametrize(
    ("first", "steps", "ends"),
    [
        (0, 1, (1,)),
        (0, 8, (8,)),
        (0, 9, (8, 9)),
        (0, 300, (8, 32, 128, 256, 300)),
        (5, 10, (3, 10)),
        (8, 24, (24,)),
        (100, 200, (28, 156, 200)),
        (128, 128, (128,)),
        (130, 300, (126, 254, 300)),
        (2**31 - 2, 1, (1,)),
    ],
)
def test_ends(first: int, steps: int, ends: tuple[int, ...]) -> None:
    assert block_ends(first, steps) == ends


def test_what_is_covered() -> None:
    """All that happens, tick by tick; not what a policy says of itself, nor what is seen after the end."""
    left_out = {"old_log_probs", "value_preds", "final_map", "final_features", "final_action_mask"}
    assert set(EXPERIENCE) == set(ARRAYS) - left_out


def test_pieces_give_what_the_whole_gives() -> None:
    array = np.random.default_rng(0).random((40, 3), np.float32)
    data = array.reshape(-1).view(np.uint8).data
    for sizes in ([480], [12] * 40, [1] * 480, [100, 280, 100]):
        digests = BeginningDigests(12, (8, 32, 40))
        start = 0
        for size in sizes:
            digests.update(data[start : start + size])
            start += size
        assert [found.hex() for found in digests.found] == [array_digest(array[:n]) for n in (8, 32, 40)]
        assert digests.hexdigest() == array_digest(array)


def test_digests_of_beginnings() -> None:
    """A longer sample with the same beginning has the same digests up to it, and a change shows from its block on."""
    whole = make_sample(BLOCK + 40).arrays()
    ends = block_ends(0, BLOCK + 40)
    digests = block_digests(whole, ends)
    assert len(digests) == DIGITS * len(ends)
    part = {name: whole[name][:32] for name in EXPERIENCE}
    assert block_digests(part, block_ends(0, 32)) == digests[: 2 * DIGITS]
    for name in EXPERIENCE:
        array = whole[name].copy()
        array.reshape(len(array), -1).view(np.uint8)[10, 0] ^= 1
        other = block_digests({**whole, name: array}, ends)
        same = [digests[n : n + DIGITS] == other[n : n + DIGITS] for n in range(0, len(digests), DIGITS)]
        assert same == [True, False, False, False], name
