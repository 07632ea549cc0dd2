"""What agents see in small scenes that were worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.observation.towns import Buffers, town
from townlet.generator.generate import Built
from townlet.observation.layout import LEAVERS
from townlet.world import state as st


def scene(
    rows: list[str],
    *,
    agents: dict[str, str] | None = None,
    objects: dict[str, str] | None = None,
    **config: Any,
) -> Built:
    """A town drawn as a map: a letter of `agents` or `objects` stands where an agent or object does.

    `agents` gives a job ("" = none) by letter, `objects` a type.
    """
    agents, objects = agents or {"a": ""}, objects or {}
    at = {mark: [x, y] for y, row in enumerate(rows) for x, mark in enumerate(row)}
    floor = "\n".join("".join("#" if mark == "#" else "." for mark in row) for row in rows)
    jobs = config.pop("jobs", {})
    _, built = town(
        {
            **config,
            "world": {"map": floor, "ticks_per_day": 100},
            "jobs": {name: {**job, "location": at[job["location"]]} for name, job in jobs.items()},
            "scenario": {
                "objects": [{"id": m, "type": kind, "position": at[m]} for m, kind in objects.items()],
                "agents": [{"id": m, "position": at[m], "job": job or None} for m, job in agents.items()],
            },
        }
    )
    return built


SMALL = {"hybrid": {"local_window": 3}}
HINTS = ("north", "south", "east", "west")


def hints(seen: Buffers, row: int = 0) -> list[str]:
    return [name for name in HINTS if seen.feature(f"path_hint_{name}", row)]


# --- map -------------------------------------------------------------------------------------------
def test_the_map_shows_what_is_around_and_nothing_beyond_the_edge() -> None:
    built = scene(["ab.", "F.."], agents={"a": "", "b": ""}, objects={"F": "fridge"}, observations=SMALL)
    built.world.grid.reserved[1 + 1, 0 + 1] = 1
    seen = Buffers(built).observe()
    assert seen.channel("self") == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert seen.channel("agents") == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert seen.channel("objects") == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert seen.channel("reservations") == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert seen.channel("agents", row=1) == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert seen.channel("objects", row=1) == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_who_was_passed_through_is_seen_on_the_own_tile() -> None:
    built = scene(["ab"], agents={"a": "", "b": ""}, observations=SMALL)
    built.world.agents.x[1], built.world.grid.agents[1, 1:3] = 0, [2, 0]
    assert Buffers(built).observe().channel("agents")[1] == [0, 1, 0]


def test_only_the_leavers_are_shown_when_asked_for() -> None:
    built = scene(["ab"], agents={"a": "", "b": ""}, observations=SMALL)
    built.world.agents.leaving[1] = st.FAINTED
    seen = Buffers(built, fill=7.0).observe(t=2, which=LEAVERS)
    assert (seen.maps[0] == 7).all() and (seen.features[0] == 7).all()
    assert (seen.maps[1, :2] == 7).all() and (seen.maps[1, 2] <= 1).all()


def test_full_shows_the_way_from_every_tile() -> None:
    """Around a wall, to the fridge; within two tiles of it there is no step any more."""
    built = scene(
        ["a#...",
         "..#.F",
         "....."],
        objects={"F": "fridge"},
        features={"systems": {"observations": "full"}},
        observations={"hybrid": {"local_window": 11}},
    )  # fmt: skip
    built.world.agents.need[0] = [0.1, 0.5, 0.5]
    seen = Buffers(built).observe()
    east = np.array(seen.channel("path_dx"))[5:8, 5:10]
    south = np.array(seen.channel("path_dy"))[5:8, 5:10]
    assert east.tolist() == [[0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 0]]
    assert south.tolist() == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert hints(seen) == ["south"]


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


# --- features --------------------------------------------------------------------------------------
def test_the_strongest_friends_and_rivals_fill_the_slots() -> None:
    names = dict.fromkeys("abcde", "")
    built = scene(["abcde"], agents=names, observations={"social_snippet": {"embed_dim": 1}})
    ties = built.world.ties
    ties.trust[0], ties.familiarity[0] = [0, 0.1, 0.3, -0.5, 0.2], [0, 0.1, 0.1, 0.0, 0.2]
    ties.rivalry[0], ties.count[0] = [0, 0.8, 0, 0.2, 0.9], 4
    ties.identity[:] = [[0.1], [0.2], [0.3], [0.4], [0.5]]
    seen = Buffers(built).observe()
    slots = [[seen.feature(f"social_slot{n}_d{d}") for d in range(4)] for n in range(4)]
    assert np.allclose(
        slots, [[0.3, 0.3, 0.1, 0], [0.5, 0.2, 0.2, 0.9], [0.5, 0.2, 0.2, 0.9], [0.2, 0.1, 0.1, 0.8]]
    )  # c and e are equally close friends; c stands first
    assert seen.feature("rivalry_max") == seen.feature("social_rivalry_max") == pytest.approx(0.9)
    assert seen.feature("rivalry_avoid_count") == 2
    assert seen.feature("social_trust_mean") == pytest.approx(0.1 / 4)
    assert seen.feature("social_trust_max") == pytest.approx(0.3)


def test_a_life_begins_with_a_reset_and_progresses_by_the_day() -> None:
    built = scene(["a"])
    clock, born = built.world.clock, built.world.agents.born
    born[0] = 30
    for tick, reset, progress in ((30, 1, 0.0), (31, 0, 0.01), (80, 0, 0.5), (130, 0, 1.0), (999, 0, 1.0)):
        clock.tick[0] = tick
        seen = Buffers(built).observe()
        assert seen.feature("ctx_reset_flag") == reset
        assert seen.feature("episode_progress") == pytest.approx(progress)


def test_the_place_in_a_queue_counts_age_and_ticket() -> None:
    built = scene(
        ["abcF"], agents={"a": "", "b": "", "c": ""}, objects={"F": "fridge"},
        observations={"extended": True}, queue_fairness={"age_priority_weight": 0.5},
    )  # fmt: skip
    queues = built.world.queues
    built.world.clock.tick[0] = 10
    queues.object[:], queues.since[:], queues.ticket[:] = 0, [4, 8, 10], [3, 0, 0]  # scores 0, 1, 0
    seen = Buffers(built).observe()
    places = [seen.feature("queue_position", row) for row in range(3)]
    assert places == pytest.approx([1 / 2, 1, 1 / 3])  # a and c are level: the earlier arrival


def test_the_shift_is_announced_and_counted_down() -> None:
    jobs = {"clerk": {"start_tick": 40, "end_tick": 60, "location": "w"}}
    built = scene(["a..#w", "....."], agents={"a": "clerk"}, jobs=jobs, observations={"extended": True})
    for tick, starts, ends in ((10, 0.3, 0.5), (40, 0.0, 0.2), (50, 0.9, 0.1), (60, 0.8, 0.0)):
        built.world.clock.tick[0] = tick
        seen = Buffers(built).observe()
        assert seen.feature("shift_starts_in") == pytest.approx(starts)
        assert seen.feature("shift_ends_in") == pytest.approx(ends)
    assert [seen.feature(f"job_{part}") for part in ("step_x", "step_y")] == [0, 1]
    assert seen.feature("job_distance") == pytest.approx(6 / 7)
    assert [seen.feature(f"wall_{name}") for name in HINTS] == [1, 0, 0, 1]


def test_what_stands_near_by_type() -> None:
    built = scene(["a..F", "B..."], objects={"F": "fridge", "B": "bed"}, observations={"extended": True})
    objects = built.world.objects
    objects.stock[0] = [2, 0]
    objects.holder[0], objects.user[1] = 0, 3
    seen = Buffers(built).observe()
    near = {
        part: seen.feature(f"near_fridge_{part}")
        for part in ("step_x", "step_y", "distance", "meals", "free")
    }
    assert near == pytest.approx({"step_x": 1, "step_y": 0, "distance": 3 / 6, "meals": 2 / 5, "free": 1})
    assert [seen.feature(f"near_bed_{part}") for part in ("step_y", "free")] == [1, 0]
    assert [seen.feature(f"near_shower_{part}") for part in ("distance", "free")] == [1, 0]
    built.world.events.closed[0] = True
    assert Buffers(built).observe().feature("near_fridge_free") == 0
