"""Buffers: their sizes, and the pool that uses them again only when nobody holds the frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.rollout.scenes.towns import three
from townlet.generator.generate import GeneratedWorld, generate
from townlet.rollout.buffers import TIME_MAJOR, BufferPool, frames, tick_bytes
from townlet.samples import GROUP_ARRAYS, OPTIONAL_ARRAYS


@pytest.fixture
def generated(tmp_path: Path) -> GeneratedWorld:
    return generate(three(tmp_path), seed=0)


def test_what_is_seen_has_a_slot_more_than_ticks(generated: GeneratedWorld) -> None:
    out = frames(generated, 5)
    seen = {"map", "features", "action_mask", "arrival", "value_preds"}
    assert {name for name, array in out._asdict().items() if array.shape[:2] == (3, 6)} == seen
    assert {name for name, array in out._asdict().items() if array.shape[:2] == (3, 5)} == {
        *out._fields
    } - seen
    assert {*TIME_MAJOR, "tick"} == {*GROUP_ARRAYS}


def test_the_bytes_of_a_tick(generated: GeneratedWorld) -> None:
    """Of what there was from the start: it decides where rollouts are cut, and no capture is to be cut otherwise."""
    later = {*OPTIONAL_ARRAYS, "given"}
    longer, long = (
        sum(array.nbytes for name, array in frames(generated, ticks)._asdict().items() if name not in later)
        for ticks in (7, 6)
    )
    assert tick_bytes(generated) == longer - long


def test_the_pool_gives_the_same_buffers_again(generated: GeneratedWorld) -> None:
    pool = BufferPool()
    places = [pool.take(4, generated).map.ctypes.data for _ in range(2)]
    assert places[0] == places[1]
    held = pool.take(4, generated).rewards[0]
    assert not np.shares_memory(pool.take(4, generated).rewards, held)
    assert pool.take(5, generated).rewards.shape == (3, 5)
