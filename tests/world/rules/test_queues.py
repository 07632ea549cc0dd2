"""Queues: hand-computed. One shower, agents around it, an affordance `wash` of three ticks."""

from __future__ import annotations

from typing import Any

from tests.world.play import queue, tick, use
from tests.worlds import RELEASE, WAIT, Offer, Person, Scene, Thing, request, scene, start
from townlet.world import state as st

WASH = request("wash")


def bathroom(agents: int = 3, **more: Any) -> Scene:
    people = [(3, 2), (2, 3), (4, 3), (3, 4)][:agents]
    things = more.pop("objects", [("shower", 3, 3)])
    return scene(agents=people, objects=things, offers={"wash": Offer("shower", 3)}, **more)


def test_the_first_is_granted_and_the_others_wait() -> None:
    town = bathroom()
    world = tick(town, {0: WASH, 1: WASH, 2: WASH}, queue)
    assert world.tick.success.tolist() == [True, False, False]
    assert world.objects.holder[0] == 0
    assert world.objects.waiting[0] == 2
    assert world.queues.reserved.tolist() == [0, st.NOTHING, st.NOTHING]
    assert world.queues.ticket.tolist() == [0, 1, 2]
    assert world.grid.reserved[3 + 5, 3 + 5] == 1
    assert world.clock.counts[st.N_GRANT] == 1
    assert world.clock.counts[st.N_BLOCK] == 0


def test_requests_of_a_tick_queue_by_arrival_number() -> None:
    town = bathroom()
    town.world.agents.arrival[:] = [9, 4, 7]
    world = tick(town, {0: WASH, 1: WASH, 2: WASH}, queue)
    assert world.objects.holder[0] == 1
    assert world.queues.ticket.tolist() == [2, 0, 1]


def test_a_request_works_at_any_distance_and_gives_the_walk_plus_five_ticks() -> None:
    town = scene(agents=[(0, 0)], objects=[("shower", 6, 7)], offers={"wash": Offer("shower", 3)}, tick=100)
    world = tick(town, {0: WASH}, queue)
    assert world.queues.deadline[0] == 100 + 13 + 5


def test_a_reservation_lapses_after_its_deadline() -> None:
    town = bathroom(1)
    tick(town, {0: WASH}, queue)  # granted in tick 0, deadline 1 + 5
    for _ in range(6):
        assert tick(town, {}, queue).queues.reserved[0] == 0
    world = tick(town, {}, queue)
    assert world.queues.object[0] == st.NOTHING
    assert world.objects.holder[0] == st.NOBODY
    assert world.grid.reserved[3 + 5, 3 + 5] == 0
    assert world.clock.counts[st.N_LAPSE] == 1


def test_a_lapse_grants_the_next_in_the_same_tick() -> None:
    town = bathroom(2)
    tick(town, {0: WASH, 1: WASH}, queue)
    town.world.queues.deadline[0] = 0
    world = tick(town, {}, queue)
    assert world.objects.holder[0] == 1
    assert not world.tick.success[1]  # it did not request in this tick


def test_release_leaves_the_queue() -> None:
    town = bathroom(2)
    tick(town, {0: WASH, 1: WASH}, queue)
    world = tick(town, {0: RELEASE, 1: RELEASE}, queue)
    assert world.queues.object.tolist() == [st.NOTHING, st.NOTHING]
    assert world.objects.waiting[0] == 0
    assert world.tick.success.tolist() == [True, True]
    assert not tick(town, {0: RELEASE}, queue).tick.success[0]


def test_an_agent_is_in_one_queue_at_a_time() -> None:
    town = bathroom(2, objects=[("shower", 3, 3), ("shower", 6, 6)])
    tick(town, {0: request("wash", 0), 1: request("wash", 0)}, queue)
    world = tick(town, {0: request("wash", 1)}, queue)
    assert world.queues.object.tolist() == [1, 0]
    assert world.objects.holder.tolist() == [1, 0]
    assert world.objects.waiting.tolist() == [0, 0]


def test_asking_for_what_one_holds_changes_nothing() -> None:
    town = bathroom(1)
    tick(town, {0: WASH}, queue)
    world = tick(town, {0: WASH}, queue)
    assert world.tick.success[0]
    assert world.queues.since[0] == 0
    assert world.clock.counts[st.N_BLOCK] == 0


def test_asking_again_while_waiting_is_a_block_by_the_holder() -> None:
    town = bathroom()
    tick(town, {0: WASH, 1: WASH, 2: WASH}, queue)
    world = tick(town, {2: WASH}, queue)
    assert world.tick.block_object.tolist() == [st.NOTHING, st.NOTHING, 0]
    assert world.tick.block_by[2] == 0
    assert world.tick.block_waiting[2] == 1  # agent 1
    assert world.queues.blocked.tolist() == [False, False, True]
    assert world.objects.blocks[0] == 1
    assert not world.tick.success[2]


def test_without_holder_or_user_whoever_is_ahead_is_blamed() -> None:
    town = bathroom()
    town.world.events.closed[0] = True
    this = request("wash", 0)
    tick(town, {0: this, 1: this, 2: this}, queue)
    assert town.world.objects.holder[0] == st.NOBODY
    world = tick(town, {0: this, 2: this}, queue)
    assert world.tick.block_by[2] == 0
    assert world.tick.block_waiting[2] == 1
    assert world.tick.block_object[0] == 0  # the first in line is blocked as well, but by nobody
    assert world.tick.block_by[0] == st.NOBODY


def test_blocks_rotate_a_holder_who_has_not_started() -> None:
    town = bathroom(rules={"ghost_after": 2})
    tick(town, {0: WASH, 1: WASH, 2: WASH}, queue)
    tick(town, {2: WASH}, queue)
    world = tick(town, {1: WASH}, queue)  # the second block on the shower, by somebody else
    assert world.tick.block_rotated.tolist() == [False, True, False]
    assert world.tick.block_by[1] == 0
    assert world.objects.holder[0] == 1
    assert world.queues.reserved.tolist() == [st.NOTHING, 0, st.NOTHING]
    assert world.queues.ticket[0] == 3
    assert world.objects.blocks[0] == 0
    assert world.tick.success[1]  # its request of this tick is granted
    assert world.clock.counts[st.N_ROTATION] == 1


def test_nobody_is_rotated_with_zero() -> None:
    town = bathroom(2, rules={"ghost_after": 0})
    tick(town, {0: WASH, 1: WASH}, queue)
    for _ in range(5):
        world = tick(town, {1: WASH}, queue)
    assert world.objects.holder[0] == 0
    assert world.objects.blocks[0] == 5


def test_who_is_rotated_comes_last_even_when_old() -> None:
    """With age weight 1 an early comer would come first again: not in the tick of the rotation."""
    town = bathroom(2, rules={"ghost_after": 1, "age_weight": 1.0})
    tick(town, {0: WASH}, queue)
    tick(town, {1: WASH}, queue)
    world = tick(town, {1: WASH}, queue)
    assert world.objects.holder[0] == 1


def test_age_overtakes_tickets() -> None:
    """9 ticks and ticket 2 against 4 and ticket 1: weight 0.1 gives 0.9 - 2 < 0.4 - 1, weight 1 7 > 3."""
    for weight, first in ((0.1, 1), (1.0, 0)):
        town = bathroom(2, rules={"age_weight": weight}, tick=9)
        queues, world = town.world.queues, town.world
        queues.object[:], queues.affordance[:] = 0, 0
        queues.since[:], queues.ticket[:] = [0, 5], [2, 1]
        world.objects.waiting[0] = 2
        assert tick(town, {}, queue).objects.holder[0] == first


def test_a_cooldown_is_skipped_over() -> None:
    town = bathroom(2, tick=50)
    town.world.clock.cooldown[0, 0] = town.world.queues.cooling_until[0] = 52
    assert tick(town, {0: request("wash", 0)}, queue).objects.holder[0] == st.NOBODY  # tick 50
    assert tick(town, {1: request("wash", 0)}, queue).objects.holder[0] == 1  # tick 51
    tick(town, {1: RELEASE}, queue)  # tick 52: the cooldown is over
    assert town.world.objects.holder[0] == 0


def test_a_closed_object_is_not_granted() -> None:
    town = bathroom(1)
    town.world.events.closed[0] = True
    assert tick(town, {0: request("wash", 0)}, queue).objects.holder[0] == st.NOBODY
    town.world.events.closed[0] = False
    assert tick(town, {}, queue).objects.holder[0] == 0


def test_waiting_politely_is_noted() -> None:
    town = bathroom(2)
    tick(town, {0: WASH, 1: WASH}, queue)  # tick 0
    tick(town, {0: start("wash")}, queue, use)  # ticks 1, 2, 3: agent 0 washes
    tick(town, {}, queue, use)
    tick(town, {}, queue, use)
    world = tick(town, {}, queue, use)  # tick 4
    assert world.queues.reserved[1] == 0
    assert world.tick.polite_to.tolist() == [st.NOBODY, 0]


def test_who_was_blocked_did_not_wait_politely() -> None:
    town = bathroom(2)
    tick(town, {0: WASH, 1: WASH}, queue)
    tick(town, {0: start("wash"), 1: WASH}, queue, use)
    for _ in range(3):
        world = tick(town, {}, queue, use)
    assert world.queues.reserved[1] == 0
    assert world.tick.polite_to[1] == st.NOBODY


def test_a_request_means_the_nearest_usable_object() -> None:
    """Nearest by walking: the wall puts the shower beside the agent eight tiles away."""
    walls = [(2, y) for y in range(7)]
    things = [("shower", 3, 0), ("shower", 1, 4), ("shower", 0, 7)]
    town = scene(agents=[(1, 0)], walls=walls, objects=things, offers={"wash": Offer("shower", 3)})
    assert tick(town, {0: WASH}, queue).queues.object[0] == 1
    town.world.events.closed[1] = True
    town.world.clock.cooldown[0, 2] = town.world.queues.cooling_until[0] = 99
    assert tick(town, {0: WASH}, queue).queues.object[0] == 0


def test_a_request_without_any_object_fails() -> None:
    offers = {"wash": Offer("shower", 3), "eat": Offer("fridge", 2, pre=(("meal_available", "==", 1),))}
    town = scene(objects=[Thing("fridge", 3, 3, meals=0)], offers=offers)
    for action in (WASH, request("eat"), request("wash", 0)):
        world = tick(town, {0: action}, queue)
        assert world.queues.object[0] == st.NOTHING
        assert not world.tick.success[0]


def test_who_is_busy_does_not_request() -> None:
    town = bathroom(1, objects=[("shower", 3, 3), ("shower", 6, 6)])
    tick(town, {0: WASH}, queue)
    tick(town, {0: start("wash")}, queue, use)
    world = tick(town, {0: request("wash", 1)}, queue)
    assert world.queues.object[0] == st.NOTHING
    assert not world.tick.success[0]


def rivals(hunger: float = 1.0) -> Scene:
    """Two showers; agent 1 holds the nearer one, and agent 0 cannot stand agent 1."""
    town = scene(
        agents=[Person(3, 2, need=(hunger, 1.0, 1.0)), (2, 3)],
        objects=[("shower", 3, 3), ("shower", 3, 7)],
        offers={"wash": Offer("shower", 3)},
        rivalry={st.RIVALRY_AVOID: 0.7},
    )
    town.world.ties.rivalry[0, 1], town.world.ties.count[0] = 0.71, 1
    tick(town, {1: WASH}, queue)
    return town


def test_a_rival_is_avoided_and_counted() -> None:
    world = tick(town := rivals(), {0: WASH}, queue)
    assert world.queues.object.tolist() == [1, 0]
    assert world.tick.avoided[0] == 1
    assert world.clock.counts[st.N_AVOIDED] == 1
    assert world.objects.holder.tolist() == [1, 0]
    town.world.ties.rivalry[0, 1] = 0.7  # not above the threshold any more
    assert tick(town, {0: WASH}, queue).queues.object[0] == 0


def test_a_rival_is_not_avoided_in_need_or_where_nothing_else_is() -> None:
    assert tick(rivals(hunger=0.1), {0: WASH}, queue).queues.object[0] == 0  # a deficit of 0.9
    town = rivals()
    town.world.events.closed[1] = True
    world = tick(town, {0: WASH, 1: WAIT}, queue)
    assert world.queues.object[0] == 0
    assert world.clock.counts[st.N_AVOIDED] == 0
