"""Path hints and masks in small scenes that were worked out by hand."""

from __future__ import annotations

import pytest

from tests.observation.towns import Buffers, hints, scene


# --- hints -----------------------------------------------------------------------------------------
def test_the_lowest_need_sends_to_the_nearest_object_that_is_ready() -> None:
    built = scene(["F....a......B"], objects={"F": "fridge", "B": "bed"})
    built.world.agents.need[0] = [0.4, 0.9, 0.3]
    assert hints(Buffers(built).observe()) == ["east"]  # tired: to the bed
    built.world.agents.need[0] = [0.2, 0.9, 0.3]
    assert hints(Buffers(built).observe()) == ["west"]  # hungry: to the fridge
    built.world.agents.need[0] = [0.5, 0.5, 0.5]
    assert hints(Buffers(built).observe()) == ["west"]  # equally low: the first
    built.world.agents.need[0] = [0.9, 0.1, 0.9]
    assert hints(Buffers(built).observe()) == []  # there is no shower


def test_an_object_that_is_not_ready_is_passed_over() -> None:
    built = scene(["F....a......G"], objects={"F": "fridge", "G": "fridge"})
    built.world.agents.need[0] = [0.1, 0.9, 0.9]
    ready, eat, snack = built.world.events.ready, 1, 2
    ready[[eat, snack], 0] = False
    assert hints(Buffers(built).observe()) == ["east"]
    ready[[eat, snack], 1] = False
    built.world.events.any_ready[[eat, snack]] = False
    assert hints(Buffers(built).observe()) == []


def test_a_meet_comes_before_the_reserved_object_before_the_queue_before_the_job() -> None:
    jobs = {"clerk": {"start_tick": 0, "end_tick": 50, "location": "w"}}
    built = scene(
        ["......f", "...a...", "e.....w"],
        agents={"a": "clerk"}, objects={"e": "bed", "f": "fridge"}, jobs=jobs,
        behavior={"job_arrival_buffer": 10},
    )  # fmt: skip
    queues, bed, fridge = built.world.queues, 0, 1
    built.world.agents.x[0], built.world.agents.y[0] = 3, 1
    assert hints(Buffers(built).observe()) == ["south"]  # to work, at (6, 2): south is tried before east
    queues.object[0] = fridge
    assert hints(Buffers(built).observe()) == ["north"]
    queues.object[0] = queues.reserved[0] = bed
    assert hints(Buffers(built).observe()) == ["south"]
    built.world.events.meet_place[0] = int(built.params.town.site.place[fridge])
    assert hints(Buffers(built).observe()) == ["north"]
    built.world.running.affordance[0] = 0
    assert hints(Buffers(built).observe()) == []


@pytest.mark.parametrize(
    ("tick", "called"),
    [(0, False), (29, False), (30, True), (40, True), (59, True), (60, False), (130, True)],
)
def test_the_job_calls_from_the_buffer_before_the_shift_to_its_end(tick: int, called: bool) -> None:
    jobs = {"clerk": {"start_tick": 40, "end_tick": 60, "location": "w"}}
    built = scene(["a......w"], agents={"a": "clerk"}, jobs=jobs, behavior={"job_arrival_buffer": 10})
    built.world.clock.tick[0] = tick
    assert hints(Buffers(built).observe()) == (["east"] if called else [])
    built.world.work.dismissed[0] = True
    assert hints(Buffers(built).observe()) == []


def test_a_shift_may_run_over_midnight() -> None:
    jobs = {"guard": {"start_tick": 95, "end_tick": 5, "location": "w"}}
    built = scene(["a......w"], agents={"a": "guard"}, jobs=jobs, behavior={"job_arrival_buffer": 0})
    for tick, called in ((94, False), (95, True), (99, True), (100, True), (104, True), (105, False)):
        built.world.clock.tick[0] = tick
        assert hints(Buffers(built).observe()) == (["east"] if called else []), tick


def test_hints_end_where_the_place_is_reached() -> None:
    built = scene(["a.....F"], objects={"F": "fridge"})
    agents, queues = built.world.agents, built.world.queues
    agents.need[0] = [0.1, 0.9, 0.9]
    ends: dict[str, int] = {}
    for state, (waits, holds) in {"needs": (-1, -1), "queues": (0, -1), "reserved": (0, 0)}.items():
        queues.object[0], queues.reserved[0] = waits, holds
        for x in range(7):
            agents.x[0] = x
            if not hints(Buffers(built).observe()):
                ends[state] = 6 - x
                break
    assert ends == {"needs": 2, "queues": 3, "reserved": 1}


# --- mask ------------------------------------------------------------------------------------------
def test_a_free_agent_may_walk_wait_and_request_what_is_ready() -> None:
    built = scene(["a.F", "#.."], objects={"F": "fridge"})
    assert Buffers(built).observe().legal() == ["wait", "move east", "request eat", "request snack"]


def test_beside_an_object_it_may_be_started_and_beside_somebody_one_may_chat() -> None:
    built = scene(["aF", "b."], agents={"a": "", "b": ""}, objects={"F": "fridge"})
    legal = Buffers(built).observe().legal()
    assert [action for action in legal if action.startswith(("start", "chat"))] == [
        "chat",
        "start eat",
        "start snack",
    ]


def test_a_reservation_leaves_only_the_reserved_object_to_start() -> None:
    built = scene(["FaB..G"], objects={"F": "fridge", "B": "bed", "G": "fridge"})
    queues = built.world.queues

    def starts() -> list[str]:
        return [action for action in Buffers(built).observe().legal() if action.startswith("start")]

    assert starts() == ["start eat", "start snack", "start rest"]
    queues.object[0] = queues.reserved[0] = 1
    assert starts() == ["start rest"]
    queues.object[0] = queues.reserved[0] = 2
    assert starts() == []
    assert "release" in Buffers(built).observe().legal()


def test_a_busy_agent_may_wait_and_after_a_while_release() -> None:
    built = scene(["aF"], objects={"F": "fridge"}, policy_runtime={"option_commit_ticks": 3})
    built.world.running.affordance[0], built.world.running.started[0] = 1, 10
    for tick, legal in ((11, ["wait"]), (12, ["wait"]), (13, ["wait", "release"])):
        built.world.clock.tick[0] = tick
        assert Buffers(built).observe().legal() == legal


def test_what_one_cannot_pay_now_is_not_legal() -> None:
    built = scene(["a.S"], objects={"S": "shower"})
    agents, events, wash = built.world.agents, built.world.events, 0
    for wallet, price, legal in ((0.5, 1.0, True), (0.49, 1.0, False), (0.5, 1.1, False)):
        agents.wallet[0], events.price[wash] = wallet, price
        assert ("request wash" in Buffers(built).observe().legal()) is legal


def test_a_request_needs_one_ready_object_that_is_not_cooling() -> None:
    built = scene(["F.a.G"], objects={"F": "fridge", "G": "fridge"})
    queues, clock = built.world.queues, built.world.clock
    clock.cooldown[0] = [20, 15]
    queues.cooling_until[0] = 20
    for tick, legal in ((14, False), (15, True), (20, True)):
        clock.tick[0] = tick
        assert ("request eat" in Buffers(built).observe().legal()) is legal
