"""Step 9: who leaves, and who comes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as any_

from tests.plain import lifecycle as plain
from tests.worlds import Person, Scene, Shift, scene
from townlet.generator.start import identity
from townlet.world import state as st
from townlet.world.rules import lifecycle

ROW = [(1, 1), (2, 1), (3, 1), (4, 1)]


def play(s: Scene, tick: int = 5) -> list[int]:
    s.world.clock.tick[0] = tick
    lifecycle.update(s.world.clock, s.world.agents, s.params.town, s.params.rules)
    return s.world.agents.leaving.tolist()


def settle(s: Scene, tick: int) -> None:
    """The pause before `tick` is played."""
    w, p = s.world, s.params
    w.clock.tick[0] = tick
    lifecycle.settle(
        w.clock, w.agents, w.queues, w.running, w.objects, w.ties, w.work, w.events, w.grid, w.script, p.town,
        p.people, p.rules, p.rewards,
    )  # fmt: skip


# --- leaving
def test_a_need_at_the_threshold_for_thirty_ticks_is_a_faint():
    s = scene(agents=[Person(1, 1, (1.0, 1.0, 0.03)), Person(2, 1, (1.0, 0.031, 1.0))])
    for tick in range(29):
        assert play(s, tick) == [st.STAYS, st.STAYS]
    assert play(s, 29) == [st.FAINTED, st.STAYS]
    assert s.world.clock.counts[st.N_FAINT] == 1


def test_one_good_tick_starts_the_countdown_again():
    s = scene(agents=[Person(1, 1, (0.0, 0.0, 0.0))])
    for tick in range(29):
        play(s, tick)
    s.world.agents.need[0] = 0.1
    play(s, 29)
    assert s.world.agents.faint_ticks[0] == 0


@pytest.mark.parametrize("begun", [0, 4])
def test_two_unpaid_days_evict_a_few_a_day_the_earliest_arrivals_first(begun):
    s = scene(agents=ROW, ticks_per_day=10, start_time=begun, rules={"exit_cap": 2})
    s.world.agents.arrival[:] = [7, 2, 3, 4]
    s.world.agents.unpaid_days[:] = [2, 2, 1, 3]
    assert play(s, 9 - begun) == [st.STAYS, st.EVICTED, st.STAYS, st.EVICTED]
    assert s.world.clock.counts[st.N_EVICTION] == 2
    settle(s, 10 - begun)
    assert play(s, 19 - begun)[0] == st.STAYS  # it is still the same count: nobody has begun a new day
    assert play(s, 20 - begun)[0] == st.EVICTED
    assert s.world.clock.exits_today[0] == 1


def test_who_faints_is_not_evicted_as_well():
    s = scene(agents=[Person(1, 1, (0.0, 1.0, 1.0))], rules={"faint_after": 1})
    s.world.agents.unpaid_days[0] = 2
    assert play(s) == [st.FAINTED]
    assert s.world.clock.exits_today[0] == 0


def test_nobody_leaves_with_lifecycle_off():
    s = scene(agents=[Person(1, 1, (0.0, 0.0, 0.0))], rules={"lifecycle_on": False, "faint_after": 1})
    s.world.agents.unpaid_days[0] = 2
    assert play(s) == [st.STAYS]


# --- removal
def busy_town(**rules) -> Scene:
    """Agent 0 uses the bed, 1 holds the stove, 2 waits for the bed, and everybody has ties and coins."""
    s = scene(
        agents=[Person(1, 1, wallet=2.0, job=0), *ROW[1:]], objects=[("bed", 1, 1), ("stove", 1, 1)],
        jobs=[Shift(0, 9)], rules=rules,
    )  # fmt: skip
    w = s.world
    w.running.affordance[0], w.running.object[0], w.running.left[0] = 0, 0, 9
    w.objects.user[0], w.objects.holder[1], w.objects.waiting[0] = 0, 1, 1
    w.queues.object[1], w.queues.reserved[1], w.queues.affordance[1] = 1, 1, 0
    w.queues.object[2], w.queues.affordance[2] = 0, 0
    w.grid.reserved[1 + 5, 1 + 5] = 1.0
    w.objects.last_user[:] = [0, 3]
    w.ties.rivalry[:], w.ties.trust[:] = 0.5, 0.1
    np.fill_diagonal(w.ties.rivalry, 0.0)
    np.fill_diagonal(w.ties.trust, 0.0)
    w.ties.count[:] = 3
    w.ties.chat_reward[:] = w.ties.meal_shared[:] = 4
    w.events.meet_place[:], w.events.met_at[:] = 0, 3
    w.work.on_site[0] = w.work.arrived[0] = w.work.on_roll[0] = True
    w.work.shifts[0], w.work.lateness[0], w.work.withheld[0] = 5, 2, 0.5
    return s


def test_who_leaves_gives_everything_up():
    s = busy_town()
    w = s.world
    w.agents.leaving[0] = st.FAINTED
    settle(s, 6)
    assert w.agents.alive.tolist() == [False, True, True, True]
    assert (w.objects.user[0], w.running.object[0], w.running.affordance[0]) == (
        st.NOBODY,
        st.NOTHING,
        st.NOTHING,
    )
    assert w.grid.reserved[6, 6] == 1.0  # the stove on the same tile is still reserved
    assert w.grid.agents[6, 6] == 0.0
    assert w.objects.last_user.tolist() == [st.NOBODY, 3]
    assert w.ties.count.tolist() == [0, 2, 2, 2]
    assert not w.ties.rivalry[0].any()
    assert not w.ties.trust[:, 0].any()
    assert set(w.ties.chat_reward[0]) == set(w.ties.meal_shared[:, 0]) == {st.NEVER}
    assert w.ties.rivalry[1, 2] == 0.5
    assert (w.agents.wallet[0], w.clock.coins[st.COIN_DEPARTED]) == (0.0, 2.0)
    assert (w.events.meet_place[0], w.agents.leaving[0], w.agents.return_at[0]) == (
        st.NOTHING,
        st.STAYS,
        st.NEVER,
    )
    assert w.clock.slot_freed[0] == 6


def test_a_reservation_and_a_place_in_a_queue_are_given_up():
    s = busy_town()
    w = s.world
    w.agents.leaving[1:3] = st.EVICTED
    settle(s, 6)
    assert w.objects.holder.tolist() == [st.NOBODY, st.NOBODY]
    assert w.objects.waiting.tolist() == [0, 0]
    assert w.queues.object.tolist() == w.queues.reserved.tolist() == [st.NOTHING] * 4
    assert w.grid.reserved[6, 6] == 1.0  # the bed is still in use
    w.agents.leaving[0] = st.FAINTED
    settle(s, 7)
    assert not w.grid.reserved.any()


def test_nothing_happens_in_a_quiet_pause():
    s = busy_town(respawn_delay=3)
    before = {name: array.copy() for name, array in st.world_arrays(s.world).items() if name != "clock.tick"}
    settle(s, 6)
    assert all(
        (before[name] == array).all() for name, array in st.world_arrays(s.world).items() if name in before
    )


# --- newcomers
def test_without_a_delay_nobody_returns():
    s = busy_town()
    s.world.agents.leaving[0] = st.FAINTED
    for tick in range(6, 50):
        settle(s, tick)
    assert s.world.clock.counts[st.N_NEWCOMER] == 0


def test_a_newcomer_takes_the_row_after_the_delay():
    s = busy_town(respawn_delay=3)
    w = s.world
    w.agents.leaving[0] = st.FAINTED
    w.agents.x[0], w.agents.y[0] = 7, 7
    w.grid.agents[6, 6], w.grid.agents[12, 12] = 0.0, 1.0
    alive = []
    for tick in range(6, 11):
        settle(s, tick)
        alive.append(bool(w.agents.alive[0]))
    assert alive == [False, False, False, True, True]  # it misses the ticks 6, 7 and 8
    assert (w.agents.arrival[0], w.agents.born[0], w.clock.arrivals[0]) == (5, 9, 5)
    assert (w.agents.x[0], w.agents.y[0], w.grid.agents[6, 6]) == (1, 1, 1.0)
    assert w.agents.need[0].tolist() == [0.5, 0.5, 0.5]
    assert (w.agents.wallet[0], w.clock.coins[st.COIN_NEWCOMERS]) == (2.0, 2.0)
    assert w.agents.phi[0] == pytest.approx(-1.2)
    assert (w.script.entry[0], w.agents.return_at[0]) == (st.NOTHING, st.NEVER)
    work = w.work
    assert (work.state[0], work.shifts[0], work.lateness[0], work.withheld[0]) == (st.PRE_SHIFT, 0, 0, 0.0)
    assert not (work.on_site[0] or work.arrived[0] or work.on_roll[0] or work.dismissed[0])
    assert (w.agents.last_success[0], w.agents.last_duration[0], w.agents.episode_sum[0]) == (False, 0, 0.0)


def test_nothing_of_the_former_life_is_left():
    """Whatever the row held, it now holds what a world begins with, but for what a newcomer is given."""
    given = {"agents.arrival", "agents.born", "agents.need", "agents.phi", "agents.slot", "work.window"}
    kept = {"agents.alive", "agents.x", "agents.y", "running.object"}
    kept |= {"queues.object", "queues.affordance", "queues.reserved"}
    s = busy_town(respawn_delay=1)
    groups = ("agents.", "queues.", "running.", "work.", "script.", "clock.cooldown")
    rows = {name: array for name, array in st.world_arrays(s.world).items() if name.startswith(groups)}
    for name in rows.keys() - given - kept:
        rows[name][0] = 1
    s.world.agents.leaving[0] = st.FAINTED
    settle(s, 6)
    settle(s, 7)
    fresh = scene(agents=[Person(1, 1, wallet=2.0)], objects=[("bed", 1, 1), ("stove", 1, 1)]).world
    for column in (fresh.queues.since, fresh.queues.deadline, fresh.running.started):
        column[0] = st.NEVER
    expected = st.world_arrays(fresh)
    assert [name for name in rows.keys() - given if (rows[name][0] != expected[name][0]).any()] == []


def test_a_newcomer_who_finds_no_tile_waits_for_one():
    s = scene(size=(2, 1), agents=[(0, 0), (1, 0)], rules={"respawn_delay": 1})
    w = s.world
    w.agents.leaving[0] = st.FAINTED
    settle(s, 6)
    w.grid.agents[5, 5] = 1.0  # somebody steps onto the tile
    settle(s, 7)
    settle(s, 8)
    assert not w.agents.alive[0]
    w.grid.agents[5, 5] = 0.0
    settle(s, 9)
    assert (bool(w.agents.alive[0]), w.agents.born[0]) == (True, 9)


def test_newcomers_arrive_in_the_order_of_rows():
    s = scene(agents=ROW, rules={"respawn_delay": 1})
    s.world.agents.leaving[[2, 0]] = st.FAINTED
    settle(s, 6)
    settle(s, 7)
    assert s.world.agents.arrival.tolist() == [5, 2, 6, 4]


def test_an_identity_is_that_of_the_arrival_number_alone():
    two = [scene(agents=ROW, seed=seed, rules={"respawn_delay": 1}) for seed in (1, 2)]
    for s in two:
        s.world.agents.leaving[0] = st.FAINTED
        settle(s, 6)
        settle(s, 7)
    first, second = (s.world.ties.identity[0] for s in two)
    assert (first == second).all()
    assert (first == identity(5, len(first))).all()  # as at the world's start
    assert (np.abs(first) <= 1).all()
    assert len(set(first.tolist())) == len(first)


# --- against the plain twin
UNIT = any_.sampled_from([0.0, 0.02, 0.03, 0.04, 1.0])
LIFE = any_.builds(
    plain.Life,
    arrival=any_.just(0),
    need=any_.tuples(UNIT, UNIT, UNIT),
    faint_ticks=any_.integers(0, 31),
    unpaid_days=any_.integers(0, 3),
)


@settings(max_examples=25, deadline=None)
@given(
    any_.lists(LIFE, min_size=5, max_size=5),
    any_.permutations(range(1, 6)),
    any_.integers(0, 3),
    any_.integers(0, 3),
)
def test_leaving_as_the_plain_twin(lives, arrivals, cap, exits):
    s = scene(agents=[Person(x, 0, life.need) for x, life in enumerate(lives)], rules={"exit_cap": cap})
    w = s.world
    w.clock.exits_today[0] = exits
    for i, (life, arrival) in enumerate(zip(lives, arrivals, strict=True)):
        life.arrival = arrival
        w.agents.arrival[i], w.agents.faint_ticks[i], w.agents.unpaid_days[i] = (
            arrival, life.faint_ticks, life.unpaid_days,
        )  # fmt: skip
    evicted = plain.leave(lives, 0.03, 30, cap - exits)
    assert play(s) == [life.leaving for life in lives]
    assert w.agents.faint_ticks.tolist() == [life.faint_ticks for life in lives]
    assert w.clock.exits_today[0] == exits + evicted


TILE = any_.tuples(any_.integers(0, 4), any_.integers(0, 3))


@settings(max_examples=25, deadline=None)
@given(any_.sets(TILE, max_size=10), any_.lists(TILE, min_size=1, max_size=9, unique=True))
def test_landing_as_the_plain_twin(walls, people):
    people = [tile for tile in people if tile not in walls]
    if not people:
        return
    s = scene(size=(5, 4), walls=walls, agents=people, rules={"respawn_delay": 1})
    w = s.world
    region = {
        (x, y): int(s.params.town.region[y, x]) for x in range(5) for y in range(4) if (x, y) not in walls
    }
    w.agents.leaving[0] = st.FAINTED
    settle(s, 6)
    w.grid.agents[people[0][1] + 5, people[0][0] + 5] = 1.0  # its tile is taken meanwhile
    settle(s, 7)
    expected = plain.landing(people[0], region, people)
    assert bool(w.agents.alive[0]) == (expected is not None)
    if expected:
        assert (w.agents.x[0], w.agents.y[0]) == expected


@settings(max_examples=25, deadline=None)
@given(
    any_.sampled_from([[st.NEVER, 0, 3, 5], [0, 3, 5], [3, 5]]).flatmap(
        lambda ticks: any_.lists(any_.sampled_from(ticks), min_size=64, max_size=64)
    ),
    any_.integers(0, 64),
    any_.integers(0, 9),
)
def test_slots_as_the_plain_twin(freed, taken, cooldown):
    """The first `taken` slots are in use, or only one where that is more than there are agents."""
    s = scene(
        size=(9, 9),
        agents=[(n % 9, n // 9) for n in range(66)],
        rules={"respawn_delay": 1, "slot_cooldown": cooldown},
    )
    w = s.world
    w.agents.slot[:] = [min(n, max(taken - 1, 0)) for n in range(66)]
    w.agents.leaving[0] = st.FAINTED
    settle(s, 6)
    w.clock.slot_freed[:] = freed
    used = set(w.agents.slot[1:].tolist())
    settle(s, 7)
    assert w.agents.slot[0] == plain.slot(freed, used, cooldown, 7, 67)
