"""Affordances: hand-computed."""

from __future__ import annotations

import pytest

from tests.world.play import queue, refresh, restock, tick, use
from tests.worlds import RELEASE, WAIT, Entry, Offer, Person, Scene, Thing, request, scene, start
from townlet.world import state as st

EAT = Offer("fridge", 3, hunger=0.4, money=-0.5, take=(1, 0), pre=(("meal_available", "==", 1),))
SLEEP = Offer("bed", 10, energy=0.8, interruptible=True)


def kitchen(offer: Offer = EAT, **more) -> Scene:
    """One hungry agent beside a fridge, who has reserved it."""
    person = more.pop("person", Person(2, 2, need=(0.5, 0.5, 0.5), wallet=2.0))
    things = more.pop("objects", [Thing(offer.type, 2, 3, meals=2, ingredients=1)])
    town = scene(agents=[person, (7, 7)], objects=things, offers={"do": offer}, **more)
    tick(town, {0: request("do")}, refresh, queue, use)
    assert town.world.queues.reserved[0] == 0
    return town


def finish(town: Scene, ticks: int) -> st.World:
    for _ in range(ticks):
        tick(town, {}, refresh, queue, use)
    return town.world


def test_effects_apply_in_the_last_tick() -> None:
    town = kitchen(rules={"cooldown": 4})
    world = tick(town, {0: start("do")}, refresh, queue, use)  # tick 1, the first of three
    assert world.tick.success[0]
    assert world.tick.duration[0] == 3
    assert world.objects.user[0] == 0
    assert world.objects.holder[0] == st.NOBODY
    assert world.queues.object[0] == world.queues.reserved[0] == st.NOTHING
    assert world.objects.stock[0].tolist() == [1, 1]
    assert world.running.left[0] == 2
    assert world.agents.need[0].tolist() == [0.5, 0.5, 0.5]
    tick(town, {}, refresh, queue, use)
    assert world.agents.wallet[0] == 2.0
    tick(town, {}, refresh, queue, use)  # tick 3, the last
    assert world.agents.need[0].tolist() == [0.9, 0.5, 0.5]
    assert world.agents.wallet[0] == 1.5
    assert world.clock.coins[st.COIN_PRICES] == 0.5
    assert world.tick.finished.tolist() == [0, st.NOTHING]
    assert world.running.affordance[0] == st.NOTHING
    assert world.objects.user[0] == st.NOBODY
    assert (world.objects.last_user[0], world.objects.last_used[0]) == (0, 3)
    assert world.clock.cooldown[0, 0] == world.queues.cooling_until[0] == 8
    assert world.grid.reserved.sum() == 0
    assert world.clock.counts[st.N_FINISHED] == 1


def test_a_duration_of_one_ends_on_the_tick_of_its_start() -> None:
    world = tick(kitchen(Offer("bench", 1, energy=0.25)), {0: start("do")}, refresh, queue, use)
    assert world.tick.finished[0] == 0
    assert world.agents.need[0, 2] == 0.75


def test_needs_are_clamped() -> None:
    town = kitchen(Offer("bench", 1, hunger=0.9, energy=-0.9))
    assert tick(town, {0: start("do")}, refresh, queue, use).agents.need[0].tolist() == [1.0, 0.5, 0.0]


def test_prices_follow_the_price_level_and_the_wallet() -> None:
    town = kitchen()
    world = tick(town, {0: start("do")}, refresh, queue, use)
    world.events.price[0] = 3.0
    world.agents.wallet[1] = 0.0
    finish(town, 2)
    assert world.agents.wallet[0] == 0.5  # 2.0 - 3 x 0.5
    town = kitchen()
    world = tick(town, {0: start("do")}, refresh, queue, use)
    world.events.price[0] = 100.0  # more than there is: all of it
    finish(town, 2)
    assert world.agents.wallet[0] == 0.0
    assert world.clock.coins[st.COIN_PRICES] == 2.0


def test_earnings() -> None:
    world = tick(kitchen(Offer("desk", 1, money=0.75)), {0: start("do")}, refresh, queue, use)
    assert world.agents.wallet[0] == 2.75
    assert world.clock.coins[st.COIN_EARNINGS] == 0.75


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        (Offer("fridge", 3, money=-2.5), "the wallet does not reach the price"),
        (Offer("fridge", 3, pre=(("wallet", ">", 2),)), "the wallet is not over 2"),
        (Offer("fridge", 3, pre=(("occupied", "==", 1),)), "nobody uses it"),
        (Offer("fridge", 3, take=(3, 0)), "there are two meals"),
        (Offer("fridge", 3, power=True), "the power is off"),
        (Offer("fridge", 3, pre=(("power_on", "!=", 0),)), "the power is off"),
        (Offer("fridge", 3, pre=(("ingredients_available", "<", 1),)), "there is an ingredient"),
    ],
)
@pytest.mark.parametrize("gives_up", [False, True])
def test_a_start_fails_without_its_preconditions(offer: Offer, why: str, gives_up: bool) -> None:
    easy = Offer("fridge", 3)
    town = scene(
        agents=[Person(2, 2, wallet=2.0)],
        objects=[Thing("fridge", 2, 3, meals=2, ingredients=1)],
        offers={"easy": easy, "do": Offer(**{**vars(offer), "gives_up": gives_up})},
    )
    tick(town, {0: request("easy")}, refresh, queue, use)
    town.world.events.utility[0] = False
    world = tick(town, {0: start("do")}, queue, use)
    assert world.running.affordance[0] == st.NOTHING, why
    assert not world.tick.success[0]
    assert world.clock.counts[st.N_FAILED_START] == 1
    assert world.queues.reserved[0] == (st.NOTHING if gives_up else 0)
    assert world.clock.counts[st.N_BLOCK] == 0


def test_a_start_out_of_reach_fails() -> None:
    town = scene(agents=[(2, 2)], objects=[("bed", 3, 3)], offers={"do": SLEEP})
    tick(town, {0: request("do")}, refresh, queue, use)
    for action in (start("do"), start("do", 0)):
        world = tick(town, {0: action}, refresh, queue, use)
        assert not world.tick.success[0]
        assert world.clock.counts[st.N_FAILED_START] == world.clock.counts[st.N_BLOCK] == 0


def test_a_start_on_an_idle_object_without_reservation_fails_quietly() -> None:
    town = scene(agents=[(2, 2)], objects=[("bed", 2, 3)], offers={"do": SLEEP})
    world = tick(town, {0: start("do")}, refresh, queue, use)
    assert not world.tick.success[0]
    assert world.tick.block_object[0] == st.NOTHING


def test_a_start_without_the_reservation_is_a_block() -> None:
    town = scene(agents=[(2, 2), (1, 3), (3, 3)], objects=[("bed", 2, 3)], offers={"do": SLEEP})
    tick(town, {0: request("do"), 1: request("do")}, refresh, queue, use)
    world = tick(town, {0: start("do"), 2: start("do")}, refresh, queue, use)
    assert world.tick.success.tolist()[:1] == [True]
    assert world.tick.block_by.tolist() == [st.NOBODY, st.NOBODY, 0]
    assert world.tick.block_waiting[2] == 1
    assert world.objects.user[0] == 0


def test_a_start_may_rotate_a_holder_who_starts_too_late() -> None:
    """By arrival number: 1 blocks and takes the reservation away before 2, who holds it, starts."""
    town = scene(
        agents=[(2, 2), (1, 3)], objects=[("bed", 2, 3)], offers={"do": SLEEP}, rules={"ghost_after": 1}
    )
    tick(town, {1: request("do")}, refresh, queue, use)
    world = tick(town, {0: start("do"), 1: start("do")}, refresh, queue, use)  # tick 1
    assert world.tick.block_rotated.tolist() == [True, False]
    assert world.clock.counts[st.N_ROTATION] == 1
    assert world.objects.user[0] == world.objects.holder[0] == st.NOBODY
    assert world.objects.waiting[0] == 1
    assert world.grid.reserved.sum() == 0
    assert world.tick.block_object[1] == st.NOTHING  # alone in the queue of an idle object: it simply fails
    assert tick(town, {}, refresh, queue, use).objects.holder[0] == 1  # nobody else waits


def test_after_such_a_rotation_the_next_grant_passes_over_the_holder() -> None:
    town = scene(
        agents=[(2, 2), (1, 3), (3, 3)], objects=[("bed", 2, 3)], offers={"do": SLEEP},
        rules={"ghost_after": 1, "age_weight": 1.0},
    )  # fmt: skip
    tick(town, {1: request("do")}, refresh, queue, use)
    tick(town, {2: request("do")}, refresh, queue, use)
    tick(town, {0: start("do")}, refresh, queue, use)
    assert tick(town, {}, refresh, queue, use).objects.holder[0] == 2


def test_a_release_of_something_interruptible_gives_its_share() -> None:
    town = kitchen(SLEEP)
    tick(town, {0: start("do")}, refresh, queue, use)  # tick 1
    for _ in range(4):
        tick(town, {}, refresh, queue, use)  # ticks 2 to 5: five are played
    world = tick(town, {0: RELEASE}, refresh, queue, use)
    assert world.tick.success[0]
    assert world.agents.need[0, 2] == 0.5 + 0.8 * 0.5
    assert world.running.affordance[0] == st.NOTHING
    assert (world.objects.last_user[0], world.objects.last_used[0]) == (0, 6)
    assert world.clock.cooldown[0, 0] == 0
    assert world.tick.finished[0] == st.NOTHING


def test_a_release_of_anything_else_gives_nothing() -> None:
    town = kitchen(Offer("bed", 10, energy=0.8, money=-1.0, give=(5, 0)))
    tick(town, {0: start("do")}, refresh, queue, use)
    world = tick(town, {0: RELEASE}, refresh, queue, use)
    assert world.tick.success[0]
    assert world.agents.need[0, 2] == 0.5
    assert world.agents.wallet[0] == 2.0
    assert world.objects.stock[0].tolist() == [2, 1]


def test_a_share_of_a_price_is_paid() -> None:
    town = kitchen(Offer("bed", 4, money=-1.0, interruptible=True))
    tick(town, {0: start("do")}, refresh, queue, use)
    world = tick(town, {0: RELEASE}, refresh, queue, use)
    assert world.agents.wallet[0] == 1.75
    assert world.clock.coins[st.COIN_PRICES] == 0.25


def test_commitment_holds_a_policy_but_not_a_schedule() -> None:
    for script, expected in (((), False), ((Entry(st.WAIT),), True)):
        person = Person(2, 2, need=(0.5, 0.5, 0.5), wallet=2.0, script=script)
        town = kitchen(SLEEP, person=person, rules={"commit_ticks": 3})
        tick(town, {0: start("do")}, refresh, queue, use)
        assert tick(town, {0: RELEASE}, refresh, queue, use).tick.success[0] == expected
        if not expected:
            tick(town, {0: RELEASE}, refresh, queue, use)
            assert tick(town, {0: RELEASE}, refresh, queue, use).tick.success[
                0
            ]  # three ticks after the start


def test_stock_goes_to_the_used_object_or_to_the_nearest_that_keeps_it() -> None:
    things = [
        Thing("stove", 2, 3, ingredients=1),
        Thing("fridge", 7, 0, meals=0),
        Thing("fridge", 4, 3, meals=0),
    ]
    cook = Offer("stove", 1, take=(0, 1), give=(1, 2))
    world = tick(kitchen(cook, objects=things), {0: start("do")}, refresh, queue, use)
    assert world.objects.stock.tolist() == [[0, 2], [0, 0], [1, 0]]
    assert world.events.stale[0]


def test_what_is_taken_comes_from_the_nearest_where_the_used_object_keeps_none() -> None:
    things = [Thing("table", 2, 3), Thing("fridge", 3, 3, meals=1), Thing("fridge", 7, 0, meals=2)]
    town = kitchen(Offer("table", 1, take=(2, 0)), objects=things)
    assert tick(town, {0: start("do")}, refresh, queue, use).objects.stock[:, 0].tolist() == [0, 1, 0]


def test_a_start_means_the_reserved_object_then_the_nearest_within_reach() -> None:
    things = [("bed", 2, 3), ("bed", 2, 2), ("bed", 6, 6)]
    town = scene(agents=[(2, 2), (6, 7)], objects=things, offers={"do": SLEEP})
    tick(town, {1: request("do", 1)}, refresh, queue, use)
    world = tick(town, {0: start("do")}, refresh, queue, use)
    assert world.tick.block_object[0] == 1  # it stands on this one, which somebody has reserved
    tick(town, {0: request("do", 0)}, refresh, queue, use)
    assert tick(town, {0: start("do")}, refresh, queue, use).running.object[0] == 0


def test_refresh_closes_what_lacks_a_utility() -> None:
    offers = {
        "wash": Offer("shower", 3, power=True, water=True),
        "look": Offer("stove", 1),
        "cook": Offer("stove", 3, power=True),
        "eat": EAT,
    }
    things = [
        ("shower", 1, 1),
        ("stove", 2, 2),
        Thing("fridge", 3, 3, meals=0),
        Thing("fridge", 4, 4, meals=1),
        ("sofa", 5, 5),
    ]
    town = scene(objects=things, offers=offers)
    world = tick(town, {}, refresh)
    assert world.events.closed.tolist() == [False] * 5
    assert world.events.any_ready.tolist() == [True] * 4
    assert world.events.ready[3].tolist() == [False, False, False, True, False]
    world.events.utility[0] = False
    assert tick(town, {}, refresh).events.any_ready.tolist() == [True] * 4  # nobody said that it is stale
    world.events.stale[0] = True
    tick(town, {}, refresh)
    assert world.events.closed.tolist() == [True, False, False, False, False]
    assert world.events.any_ready.tolist() == [False, True, False, True]
    assert not world.events.stale[0]


def test_restock() -> None:
    things = [
        Thing("fridge", 1, 1, meals=5),
        Thing("stove", 2, 2, ingredients=3),
        Thing("stove", 3, 3, ingredients=3),
    ]
    town = scene(objects=things, ticks_per_day=10, rules={"restock_ingredients": 2})
    world = town.world
    world.events.stale[0] = False
    world.objects.stock[:] = [[1, 0], [0, 0], [0, 7]]
    for now in range(10):
        assert world.clock.tick[0] == now
        assert tick(town, {}, restock).objects.stock.tolist() == [[1, 0], [0, 0], [0, 7]]
    assert not world.events.stale[0]
    tick(town, {0: WAIT}, restock)  # the first tick of the second day
    assert world.objects.stock.tolist() == [[5, 0], [0, 2], [0, 7]]
    assert world.clock.counts[st.N_RESTOCK] == 2
    assert world.events.stale[0]
