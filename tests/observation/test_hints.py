"""Path hints in small scenes that were worked out by hand."""

from __future__ import annotations

import pytest

from tests.observation.towns import Buffers, hints, scene


def test_the_lowest_need_sends_to_the_nearest_object_that_is_ready() -> None:
    generated = scene(["F....a......B"], objects={"F": "fridge", "B": "bed"})
    generated.world.agents.need[0] = [0.4, 0.9, 0.3]
    assert hints(Buffers(generated).observe()) == ["east"]  # tired: to the bed
    generated.world.agents.need[0] = [0.2, 0.9, 0.3]
    assert hints(Buffers(generated).observe()) == ["west"]  # hungry: to the fridge
    generated.world.agents.need[0] = [0.5, 0.5, 0.5]
    assert hints(Buffers(generated).observe()) == ["west"]  # equally low: the first
    generated.world.agents.need[0] = [0.9, 0.1, 0.9]
    assert hints(Buffers(generated).observe()) == []  # there is no shower


def test_an_object_that_is_not_ready_is_passed_over() -> None:
    generated = scene(["F....a......G"], objects={"F": "fridge", "G": "fridge"})
    generated.world.agents.need[0] = [0.1, 0.9, 0.9]
    ready, eat, snack = generated.world.events.ready, 1, 2
    ready[[eat, snack], 0] = False
    assert hints(Buffers(generated).observe()) == ["east"]
    ready[[eat, snack], 1] = False
    generated.world.events.any_ready[[eat, snack]] = False
    assert hints(Buffers(generated).observe()) == []


def test_a_meet_comes_before_the_reserved_object_before_the_queue_before_the_job() -> None:
    jobs = {"clerk": {"start_tick": 0, "end_tick": 50, "location": "w"}}
    generated = scene(
        ["......f", "...a...", "e.....w"],
        agents={"a": "clerk"}, objects={"e": "bed", "f": "fridge"}, jobs=jobs,
        behavior={"job_arrival_buffer": 10},
    )  # fmt: skip
    queues, bed, fridge = generated.world.queues, 0, 1
    generated.world.agents.x[0], generated.world.agents.y[0] = 3, 1
    assert hints(Buffers(generated).observe()) == ["south"]  # to work, at (6, 2): south is tried before east
    queues.object[0] = fridge
    assert hints(Buffers(generated).observe()) == ["north"]
    queues.object[0] = queues.reserved[0] = bed
    assert hints(Buffers(generated).observe()) == ["south"]
    generated.world.events.meet_place[0] = int(generated.params.town.site.place[fridge])
    assert hints(Buffers(generated).observe()) == ["north"]
    generated.world.running.affordance[0] = 0
    assert hints(Buffers(generated).observe()) == []


@pytest.mark.parametrize(
    ("tick", "called"),
    [(0, False), (29, False), (30, True), (40, True), (59, True), (60, False), (130, True)],
)
def test_the_job_calls_from_the_buffer_before_the_shift_to_its_end(tick: int, called: bool) -> None:
    jobs = {"clerk": {"start_tick": 40, "end_tick": 60, "location": "w"}}
    generated = scene(["a......w"], agents={"a": "clerk"}, jobs=jobs, behavior={"job_arrival_buffer": 10})
    generated.world.clock.tick[0] = tick
    assert hints(Buffers(generated).observe()) == (["east"] if called else [])
    generated.world.work.dismissed[0] = True
    assert hints(Buffers(generated).observe()) == []


def test_a_shift_may_run_over_midnight() -> None:
    jobs = {"guard": {"start_tick": 95, "end_tick": 5, "location": "w"}}
    generated = scene(["a......w"], agents={"a": "guard"}, jobs=jobs, behavior={"job_arrival_buffer": 0})
    for tick, called in ((94, False), (95, True), (99, True), (100, True), (104, True), (105, False)):
        generated.world.clock.tick[0] = tick
        assert hints(Buffers(generated).observe()) == (["east"] if called else []), tick


def test_hints_end_where_the_place_is_reached() -> None:
    generated = scene(["a.....F"], objects={"F": "fridge"})
    agents, queues = generated.world.agents, generated.world.queues
    agents.need[0] = [0.1, 0.9, 0.9]
    ends: dict[str, int] = {}
    for state, (waits, holds) in {"needs": (-1, -1), "queues": (0, -1), "reserved": (0, 0)}.items():
        queues.object[0], queues.reserved[0] = waits, holds
        for x in range(7):
            agents.x[0] = x
            if not hints(Buffers(generated).observe()):
                ends[state] = 6 - x
                break
    assert ends == {"needs": 2, "queues": 3, "reserved": 1}
