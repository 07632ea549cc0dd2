"""Buffers that grow while Python steps, and forget what was taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rollout.scenes.towns import three
from townlet.generator.generate import generate
from townlet.rollout.recording import LEAST_TICKS, Recording


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(generate(three(tmp_path), seed=0))


def played(recording: Recording, ticks: int) -> Recording:
    """Everybody lives on; the reward is the tick."""
    for _ in range(ticks):
        out, now = recording.out, recording.now
        out.arrival[:, now], out.rewards[:, now] = [1, 2, 3], recording.start + now
        recording.advance()
        recording.out.arrival[:, recording.now] = [1, 2, 3]
    return recording


def test_frames_stay_until_they_are_taken(recording: Recording) -> None:
    assert recording.episodes() == []
    played(recording, 3)
    assert recording.episodes() == [(1, 0, 0, 3), (2, 1, 0, 3), (3, 2, 0, 3)]
    recording.take(2)
    assert recording.episodes() == [(1, 0, 0, 3), (3, 2, 0, 3)]
    assert played(recording, 2).episodes() == [(1, 0, 0, 5), (2, 1, 3, 5), (3, 2, 0, 5)]


def test_buffers_grow_and_lose_nothing(recording: Recording) -> None:
    ticks = 5 * LEAST_TICKS + 3
    played(recording, ticks)
    assert (recording.start, recording.now) == (0, ticks)
    assert recording.out.rewards[1, :ticks].tolist() == list(range(ticks))


def test_what_was_taken_is_forgotten(recording: Recording) -> None:
    for _ in range(20):
        played(recording, LEAST_TICKS)
        for arrival in (1, 2, 3):
            recording.take(arrival)
    assert recording.out.rewards.shape[1] <= 2 * LEAST_TICKS
    assert recording.start + recording.now == 20 * LEAST_TICKS


def test_a_copy_goes_its_own_way(recording: Recording) -> None:
    played(recording, 4)
    other = recording.copy()
    recording.take(1)
    played(other, 2)
    assert (recording.now, other.now) == (4, 6)
    assert other.out.rewards[0, :6].tolist() == [0, 1, 2, 3, 4, 5]
    assert [life[0] for life in recording.episodes()] == [2, 3]
