"""Events: one line for what happened, and no other; what they say is what the world counted."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from tests.crowded.town import crowded
from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.playback.events import KINDS, Event, events_at, events_of
from townlet.playback.playback import Playback
from townlet.rollout.play import build_run, play_segments
from townlet.world.refusals import REASONS, WAITING
from townlet.world.state import COUNTS

TICKS = 2_000
# Of those who hold the reservation: what counts as a failed start.
FAILED = {"no_power", "no_water", "no_meals", "no_ingredients", "cannot_pay", "condition"}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], dict[str, int]]:
    """All that happened in a town in which everything does, and what its clock counted."""
    run = crowded(TICKS, seed=4)
    playback = Playback(captured(run, tmp_path_factory.mktemp("crowd")))
    events = []
    for moment in playback.moments():
        events += events_at(playback, moment)
        counts = moment.world.clock.counts.tolist()
    return events, dict(zip(COUNTS, counts, strict=True))


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Playback:
    return Playback(
        captured(shipped("scenarios/queue_conflict", 100, None), tmp_path_factory.mktemp("queue"))
    )


def lines(events: list[Event]) -> list[str]:
    return [f"{e.tick} {e.agent or 'town'}: {e.what} -> {e.then}" for e in events]


def test_queue_conflict(queue: Playback) -> None:
    """Three want one shower: worked out from the schedules (step .15, queue .25, handover .4; three blocks rotate)."""
    assert lines(list(events_of(queue, 0, 34))) == [
        "0 alice: request use_shower at shower_1 -> granted",
        "0 bob: request use_shower at shower_1 -> waits: 1 ahead (alice) (expected)",
        "0 cora: request use_shower at shower_1 -> waits: 2 ahead (alice) (expected)",
        "1 bob: request use_shower at shower_1 -> refused: reserved by alice (block 1 of 3); rivalry +0.19 (expected)",
        "1 cora: request use_shower at shower_1 -> refused: reserved by alice (block 2 of 3); rivalry +0.19 (expected)",
        "2 bob: request use_shower at shower_1 -> granted; rivalry +0.25",
        "2 alice: reservation of shower_1 -> goes to the tail of the queue, blocked by bob",
        "3 bob: start use_shower at shower_1 -> 30 ticks, -0.20 coins",
        "5 alice: request use_shower at shower_1 -> refused: in use by bob; rivalry +0.19 (expected)",
        "6 cora: request use_shower at shower_1 -> refused: in use by bob; rivalry +0.19 (expected)",
        "32 bob: finish use_shower at shower_1 -> hygiene +0.45, energy -0.03, -0.20 coins",
        "33 cora: use_shower at shower_1 -> granted after 33 ticks in the queue",
        "34 cora: start use_shower at shower_1 -> 30 ticks, -0.20 coins",
    ]


def test_a_span_is_that_part_of_the_whole(queue: Playback) -> None:
    whole = list(events_of(queue))
    assert list(events_of(queue, 2, 33)) == [event for event in whole if 2 <= event.tick <= 33]
    assert whole == sorted(whole, key=lambda event: event.tick)


def test_expected_refusals_are_those_that_the_schedule_labels(queue: Playback) -> None:
    expected = [event for event in events_of(queue) if event.expected]
    assert len(expected) == 6
    assert {event.kind for event in expected} == {"wait", "refused"}


def test_every_kind_happens_in_a_crowd(crowd: tuple[list[Event], dict[str, int]]) -> None:
    events, _ = crowd
    assert {event.kind for event in events} == set(KINDS)


def test_they_are_what_the_world_counts(crowd: tuple[list[Event], dict[str, int]]) -> None:
    events, counts = crowd
    found = Counter(event.kind for event in events)
    by_reason = Counter(event.refused for event in events)
    began = [event for event in events if event.kind == "event" and event.then != "ends"]
    pairs = {
        "ghost_steps": found["ghost"], "rotations": found["rotation"], "lapses": found["lapse"],
        "good_chats": found["chat"], "shared_meals": found["meal"], "faints": found["fainted"],
        "evictions": found["evicted"], "newcomers": found["arrived"], "finished": found["finish"],
        "chats": found["chat"] + by_reason["declined"], "events": len(began),
        "failed_starts": sum(e.refused in FAILED and e.what.startswith("start") for e in events),
    }  # fmt: skip
    assert pairs == {name: counts[name] for name in pairs}


def test_a_refusal_has_its_reason_and_nothing_else_has_one(crowd: tuple[list[Event], dict[str, int]]) -> None:
    events, _ = crowd
    assert {event.refused is not None for event in events if event.kind == "refused"} == {True}
    assert {event.refused for event in events if event.kind != "refused"} == {None}
    assert {event.refused for event in events} <= {None, *REASONS} - set(WAITING)


def test_starts_end_by_finishing_or_by_a_release(crowd: tuple[list[Event], dict[str, int]]) -> None:
    """What somebody finishes is what it started last, at the same object, that many ticks ago."""
    events, _ = crowd
    begun: dict[int, Event] = {}
    for event in events:
        if event.kind == "start":
            begun[event.life] = event
        elif event.kind == "finish":
            start = begun.pop(event.life)
            assert event.what.removeprefix("finish") == start.what.removeprefix("start")
            assert event.tick == start.tick + int(start.then.split()[0]) - 1


def test_the_crowd_is_played_as_it_was(crowd: tuple[list[Event], dict[str, int]]) -> None:
    run = crowded(TICKS, seed=4)
    generated = build_run(run)
    for _ in play_segments(generated, run):
        pass
    assert dict(zip(COUNTS, generated.world.clock.counts.tolist(), strict=True)) == crowd[1]


def test_no_more_than_a_tick_is_held(queue: Playback, tmp_path: Path) -> None:
    """However long the run: memory does not grow with the ticks that went by."""
    events = events_of(queue)
    next(events)
    tracemalloc.start()
    try:
        for _ in events:
            pass
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()
