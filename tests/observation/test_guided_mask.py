"""Guided masks, in small scenes that were worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.observation.towns import Buffers, scene
from townlet.generator.generate import GeneratedWorld
from townlet.world import state as st

MOVE_EAST, MOVE_NORTH = 3, 1
REQUESTS = ["request eat", "request snack"]


def guided(rows: list[str], *, actions: dict[str, Any] | None = None, **facts: Any) -> GeneratedWorld:
    return scene(rows, actions={"mask": "guided", **(actions or {})}, **facts)


def legal(generated: GeneratedWorld, row: int = 0) -> list[str]:
    return Buffers(generated).observe().legal(row)


def reserve(generated: GeneratedWorld, o: int, row: int = 0) -> None:
    queues = generated.world.queues
    queues.object[row] = queues.reserved[row] = o


def test_who_is_free_may_request_walk_and_chat_and_start_nothing() -> None:
    generated = guided(["baF", "..."], agents={"a": "", "b": ""}, objects={"F": "fridge"})
    assert legal(generated) == ["wait", "move south", "move east", "move west", "chat", *REQUESTS]


def test_with_a_reservation_only_the_way_to_it_is_left() -> None:
    generated = guided(["a.F", ".#.", "..."], objects={"F": "fridge"})
    reserve(generated, 0)
    assert legal(generated) == ["move east"]


def test_beside_the_reserved_object_only_its_starts_are_left() -> None:
    generated = guided(["aFB", "..."], objects={"F": "fridge", "B": "bed"})
    reserve(generated, 0)
    assert legal(generated) == ["start eat", "start snack"]
    reserve(generated, 1)  # behind the fridge: objects can be walked over
    assert legal(generated) == ["move east"]


def test_the_way_leads_to_the_reserved_object_not_to_a_meeting() -> None:
    generated = guided(["F...a...B"], objects={"F": "fridge", "B": "bed"})
    town, events = generated.params.town, generated.world.events
    events.meet_place[0] = town.site.place[1]
    reserve(generated, 0)
    seen = Buffers(generated).observe()
    assert seen.feature("path_hint_east") == 1 and seen.legal() == ["move west"]


def test_after_a_move_that_failed_the_other_moves_are_allowed() -> None:
    generated = guided(["..#", "a.F", "..."], objects={"F": "fridge"})
    agents = generated.world.agents
    reserve(generated, 0)
    every_move = ["move north", "move south", "move east"]
    for action, success, left in (
        (MOVE_EAST, False, every_move),
        (MOVE_EAST, True, ["move east"]),
        (st.ACTION_CHAT, False, ["move east"]),
        (st.ACTION_RELEASE, False, ["move east"]),
        (MOVE_NORTH, False, every_move),
    ):
        agents.last_action[0], agents.last_success[0] = action, success
        assert legal(generated) == left
    agents.x[0] = 1  # beside it: nothing but its starts, whatever failed
    assert legal(generated) == ["start eat", "start snack"]


def test_where_no_way_leads_to_the_reserved_object_waiting_is_left() -> None:
    generated = guided(["a.#.F"], objects={"F": "fridge"})
    reserve(generated, 0)
    assert legal(generated) == ["wait"]
    generated.world.agents.last_action[0], generated.world.agents.last_success[0] = MOVE_EAST, False
    assert legal(generated) == ["wait", "move east"]


def test_in_a_queue_one_waits_or_walks_on_and_leaves_it_after_a_while() -> None:
    generated = guided(["a.....F"], objects={"F": "fridge"}, actions={"queue_patience": 4})
    queues, clock = generated.world.queues, generated.world.clock
    queues.object[0], queues.since[0] = 0, 10
    for tick, left in ((10, []), (13, []), (14, ["release"]), (15, ["release"])):
        clock.tick[0] = tick
        assert legal(generated) == ["wait", "move east", *left]
    generated.world.agents.x[0] = 4  # two tiles away: near enough to wait there
    assert legal(generated) == ["wait", "release"]


@pytest.mark.parametrize(
    ("release", "commit", "busy_with", "left"),
    [
        (False, 3, "rest", ["wait"]),
        (True, 3, "rest", ["wait", "release"]),
        (True, 3, "eat", ["wait"]),  # not interruptible
        (True, 0, "rest", ["wait"]),  # no commitment is set
        (True, 9, "rest", ["wait"]),  # it has not run long enough
    ],
)
def test_what_runs_is_let_run(release: bool, commit: int, busy_with: str, left: list[str]) -> None:
    generated = guided(
        ["aB"], objects={"B": "bed"}, actions={"guided_release": release},
        policy_runtime={"option_commit_ticks": commit},
    )  # fmt: skip
    generated.world.clock.tick[0] = 13
    running = generated.world.running
    running.affordance[0] = generated.names.affordances.index(busy_with)
    running.started[0] = 10
    assert legal(generated) == left


def test_it_is_off_where_nothing_is_said() -> None:
    generated = scene(["aF"], objects={"F": "fridge"})
    assert legal(generated) == [
        "wait",
        "move east",
        "request eat",
        "start eat",
        "request snack",
        "start snack",
    ]
