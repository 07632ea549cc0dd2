"""The blocks `doing`, `status` and `near`, worked out by hand in small scenes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.observation.towns import HINTS, OFFERS, Buffers, scene
from townlet.generator.generate import GeneratedWorld
from townlet.world import state as st

EXTENDED = {"extended": True}


def alone(**config: Any) -> GeneratedWorld:
    """One agent beside a fridge."""
    return scene(["aF"], objects={"F": "fridge"}, observations=EXTENDED, **config)


# --- doing -----------------------------------------------------------------------------------------
def test_what_runs_and_how_much_of_it_is_left() -> None:
    generated, doing = alone(), [f"doing_{offer['id']}" for offer in OFFERS]
    seen = Buffers(generated).observe()
    assert [seen.feature(name) for name in (*doing, "ticks_left")] == [0] * 6
    generated.world.running.affordance[0], generated.world.running.left[0] = 1, 5
    seen = Buffers(generated).observe()
    assert [seen.feature(name) for name in doing] == [0, 1, 0, 0, 0]
    assert seen.feature("ticks_left") == pytest.approx(5 / 15)  # to eat takes 15


@pytest.mark.parametrize(("until", "left"), [(0, 0), (10, 0), (15, 0.25), (30, 1)])
def test_the_longest_cooldown_is_counted_down(until: int, left: float) -> None:
    generated = alone(queue_fairness={"cooldown_ticks": 20})
    generated.world.clock.tick[0], generated.world.queues.cooling_until[0] = 10, until
    assert Buffers(generated).observe().feature("cooldown_left") == pytest.approx(left)


# --- status ----------------------------------------------------------------------------------------
def test_the_place_in_a_queue_counts_age_and_ticket() -> None:
    generated = scene(
        ["abcF"], agents={"a": "", "b": "", "c": ""}, objects={"F": "fridge"},
        observations={"extended": True}, queue_fairness={"age_priority_weight": 0.5},
    )  # fmt: skip
    queues = generated.world.queues
    generated.world.clock.tick[0] = 10
    queues.object[:], queues.since[:], queues.ticket[:] = 0, [4, 8, 10], [3, 0, 0]  # scores 0, 1, 0
    seen = Buffers(generated).observe()
    places = [seen.feature("queue_position", row) for row in range(3)]
    assert places == pytest.approx([1 / 2, 1, 1 / 3])  # a and c are level: the earlier arrival


def test_who_does_not_wait_has_no_place_in_a_queue() -> None:
    generated = alone()
    assert Buffers(generated).observe().feature("queue_position") == 0
    generated.world.queues.object[0] = generated.world.queues.reserved[0] = 0
    assert Buffers(generated).observe().feature("queue_position") == 0


def test_fainting_is_announced() -> None:
    generated = alone()
    generated.world.agents.faint_ticks[0] = 15
    assert Buffers(generated).observe().feature("faint_countdown") == 15 / int(
        generated.params.rules.faint_after[0]
    )


@pytest.mark.parametrize(("wallet", "lacking"), [(3.0, 0), (2.0, 0), (0.5, 0.75), (0.0, 1)])
def test_the_share_of_the_rent_that_the_wallet_lacks(wallet: float, lacking: float) -> None:
    generated = alone(economy={"rent_per_day": 2.0})
    generated.world.agents.wallet[0] = wallet
    assert Buffers(generated).observe().feature("rent_lacking") == lacking


def test_days_without_rent_count_up_to_the_two_that_evict() -> None:
    generated = alone()
    for days, share in ((0, 0), (1, 0.5), (2, 1), (3, 1)):
        generated.world.agents.unpaid_days[0] = days
        assert Buffers(generated).observe().feature("rent_unpaid") == share


def test_power_water_and_prices_are_those_of_the_town() -> None:
    generated, names = alone(), ("power_on", "water_on", "price_level")
    seen = Buffers(generated).observe()
    assert [seen.feature(name) for name in names] == [1, 1, 0]
    generated.world.events.utility[st.POWER], generated.world.events.price_level[0] = False, 1.5
    seen = Buffers(generated).observe()
    assert [seen.feature(name) for name in names] == [0, 1, 0.5]


def test_the_shift_is_announced_and_counted_down() -> None:
    jobs = {"clerk": {"start_tick": 40, "end_tick": 60, "location": "w"}}
    generated = scene(["a..#w", "....."], agents={"a": "clerk"}, jobs=jobs, observations={"extended": True})
    for tick, starts, ends in ((10, 0.3, 0.5), (40, 0.0, 0.2), (50, 0.9, 0.1), (60, 0.8, 0.0)):
        generated.world.clock.tick[0] = tick
        seen = Buffers(generated).observe()
        assert seen.feature("shift_starts_in") == pytest.approx(starts)
        assert seen.feature("shift_ends_in") == pytest.approx(ends)
    assert [seen.feature(f"job_{part}") for part in ("step_x", "step_y")] == [0, 1]
    assert seen.feature("job_distance") == pytest.approx(6 / 7)
    assert [seen.feature(f"wall_{name}") for name in HINTS] == [1, 0, 0, 1]


def test_without_a_job_no_shift_comes() -> None:
    seen = Buffers(alone()).observe()
    names = ("shift_starts_in", "shift_ends_in", "job_step_x", "job_step_y", "job_distance")
    assert [seen.feature(name) for name in names] == [1, 1, 0, 0, 1]


def test_who_is_dismissed_has_no_job() -> None:
    jobs = {"clerk": {"start_tick": 40, "end_tick": 60, "location": "w"}}
    generated = scene(["a..w"], agents={"a": "clerk"}, jobs=jobs, observations=EXTENDED)
    generated.world.work.dismissed[0] = True
    seen = Buffers(generated).observe()
    assert [seen.feature(name) for name in ("shift_starts_in", "shift_ends_in", "job_distance")] == [1, 1, 1]


# --- near ------------------------------------------------------------------------------------------
def test_what_stands_near_by_type() -> None:
    generated = scene(["a..F", "B..."], objects={"F": "fridge", "B": "bed"}, observations={"extended": True})
    objects = generated.world.objects
    objects.stock[0] = [2, 0]
    objects.holder[0], objects.user[1] = 0, 3
    seen = Buffers(generated).observe()
    near = {
        part: seen.feature(f"near_fridge_{part}")
        for part in ("step_x", "step_y", "distance", "meals", "free")
    }
    assert near == pytest.approx({"step_x": 1, "step_y": 0, "distance": 3 / 6, "meals": 2 / 5, "free": 1})
    assert [seen.feature(f"near_bed_{part}") for part in ("step_y", "free")] == [1, 0]
    assert [seen.feature(f"near_shower_{part}") for part in ("distance", "free")] == [1, 0]
    generated.world.events.closed[0] = True
    assert Buffers(generated).observe().feature("near_fridge_free") == 0


def test_what_another_has_reserved_is_not_free() -> None:
    generated = scene(["aFb"], agents={"a": "", "b": ""}, objects={"F": "fridge"}, observations=EXTENDED)
    generated.world.objects.holder[0] = 1
    seen = Buffers(generated).observe()
    assert [seen.feature("near_fridge_free", row) for row in (0, 1)] == [0, 1]
