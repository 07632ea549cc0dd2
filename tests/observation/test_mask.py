"""Masks, what is legal to attempt, in small scenes that were worked out by hand."""

from __future__ import annotations

from tests.observation.towns import Buffers, scene


def test_a_free_agent_may_walk_wait_and_request_what_is_ready() -> None:
    generated = scene(["a.F", "#.."], objects={"F": "fridge"})
    assert Buffers(generated).observe().legal() == ["wait", "move east", "request eat", "request snack"]


def test_beside_an_object_it_may_be_started_and_beside_somebody_one_may_chat() -> None:
    generated = scene(["aF", "b."], agents={"a": "", "b": ""}, objects={"F": "fridge"})
    legal = Buffers(generated).observe().legal()
    assert [action for action in legal if action.startswith(("start", "chat"))] == [
        "chat",
        "start eat",
        "start snack",
    ]


def test_a_reservation_leaves_only_the_reserved_object_to_start() -> None:
    generated = scene(["FaB..G"], objects={"F": "fridge", "B": "bed", "G": "fridge"})
    queues = generated.world.queues

    def starts() -> list[str]:
        return [action for action in Buffers(generated).observe().legal() if action.startswith("start")]

    assert starts() == ["start eat", "start snack", "start rest"]
    queues.object[0] = queues.reserved[0] = 1
    assert starts() == ["start rest"]
    queues.object[0] = queues.reserved[0] = 2
    assert starts() == []
    assert "release" in Buffers(generated).observe().legal()


def test_a_busy_agent_may_wait_and_after_a_while_release() -> None:
    generated = scene(["aF"], objects={"F": "fridge"}, policy_runtime={"option_commit_ticks": 3})
    generated.world.running.affordance[0], generated.world.running.started[0] = 1, 10
    for tick, legal in ((11, ["wait"]), (12, ["wait"]), (13, ["wait", "release"])):
        generated.world.clock.tick[0] = tick
        assert Buffers(generated).observe().legal() == legal


def test_what_one_cannot_pay_now_is_not_legal() -> None:
    generated = scene(["a.S"], objects={"S": "shower"})
    agents, events, wash = generated.world.agents, generated.world.events, 0
    for wallet, price, legal in ((0.5, 1.0, True), (0.49, 1.0, False), (0.5, 1.1, False)):
        agents.wallet[0], events.price[wash] = wallet, price
        assert ("request wash" in Buffers(generated).observe().legal()) is legal


def test_a_request_needs_one_ready_object_that_is_not_cooling() -> None:
    generated = scene(["F.a.G"], objects={"F": "fridge", "G": "fridge"})
    queues, clock = generated.world.queues, generated.world.clock
    clock.cooldown[0] = [20, 15]
    queues.cooling_until[0] = 20
    for tick, legal in ((14, False), (15, True), (20, True)):
        clock.tick[0] = tick
        assert ("request eat" in Buffers(generated).observe().legal()) is legal
