"""Step 1: perturbations."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain import events as plain
from tests.worlds import Happening, Offer, Scene, scene
from townlet.world.rng import USE_EVENT, draw
from townlet.world.rules import events
from townlet.world.rules.events import HIGHEST
from townlet.world.state import ARRANGED_MEET, BLACKOUT, N_EVENT, NOTHING, OUTAGE, POWER, PRICE_SPIKE, WATER

DAY = 20
ANYTIME = [9, 0, 0, 0, 1, 9]  # limits that let nearly everything happen
OFFERS = {"eat": Offer("fridge"), "wash": Offer("shower")}


def play(s: Scene, tick: int) -> None:
    world, params = s.world, s.params
    world.clock.tick[0] = tick
    events.update(
        world.clock, world.agents, world.ties, world.events, params.town, params.events, params.rules
    )


def starts(s: Scene, ticks: int) -> list[int]:
    """The ticks on which an event began."""
    began = []
    for tick in range(ticks):
        before = s.world.clock.counts[N_EVENT]
        play(s, tick)
        began += [tick] * int(s.world.clock.counts[N_EVENT] - before)
    return began


def due(seed: int, name: int, day: int) -> int:
    return day * DAY + int(draw(seed, day, name, USE_EVENT, 1) * DAY)


def one(*happenings: Happening, limits: list[int] = ANYTIME, **more) -> Scene:
    return scene(events=happenings, ticks_per_day=DAY, rules={"event_limits": limits}, **more)


def test_a_certain_event_begins_every_day_at_the_drawn_tick():
    assert starts(one(Happening(BLACKOUT, name_hash=5)), 5 * DAY) == [due(7, 5, day) for day in range(5)]


def test_a_run_that_begins_within_a_day_has_what_is_left_of_it():
    hour = due(7, 5, 0)
    later = [due(7, 5, day) for day in range(1, 4)]
    for begun in (hour, hour + 1):
        found = starts(one(Happening(BLACKOUT, name_hash=5), start_time=begun), 4 * DAY - begun)
        assert found == [tick - begun for tick in ([hour] if begun == hour else []) + later]


def test_an_impossible_event_never_begins():
    assert starts(one(Happening(BLACKOUT, probability=0.0)), 5 * DAY) == []


def test_draws_are_named_by_the_hash_of_the_events_name():
    both = starts(one(Happening(BLACKOUT, name_hash=5), Happening(OUTAGE, name_hash=6)), DAY)
    assert sorted(both) == sorted([due(7, 5, 0), due(7, 6, 0)])


@pytest.mark.parametrize(("kind", "utility"), [(BLACKOUT, POWER), (OUTAGE, WATER)])
def test_a_utility_is_off_while_its_event_holds(kind, utility):
    s = one(Happening(kind, duration=(3, 3), name_hash=5))
    off = []
    for tick in range(DAY):
        s.world.events.stale[0] = False
        play(s, tick)
        if not s.world.events.utility[utility]:
            off.append(tick)
        assert s.world.events.utility[1 - utility]
        assert s.world.events.stale[0] == (tick in (due(7, 5, 0), due(7, 5, 0) + 3))
    first = due(7, 5, 0)
    assert off == [first, first + 1, first + 2]


def test_a_price_spike_raises_the_price_of_what_it_hits():
    s = one(
        Happening(PRICE_SPIKE, magnitude=(2.5, 2.5), duration=(2, 2), hits=("wash",), name_hash=5),
        offers=OFFERS,
    )
    first = due(7, 5, 0)
    seen = []
    for tick in range(DAY):
        play(s, tick)
        seen.append((*s.world.events.price.tolist(), float(s.world.events.price_level[0])))
    assert seen == [(1.0, 2.5, 2.5) if first <= tick < first + 2 else (1.0, 1.0, 1.0) for tick in range(DAY)]


def test_prices_stay_numbers():
    """Six spikes of 10^9 at once: as float32, too, the price is finite."""
    spikes = [
        Happening(PRICE_SPIKE, magnitude=(1e9, 1e9), duration=(DAY, DAY), hits=("eat",), name_hash=n)
        for n in range(6)
    ]
    s = one(*spikes, offers=OFFERS)
    for tick in range(DAY):
        play(s, tick)
    assert s.world.events.price.tolist() == [HIGHEST, 1.0]
    assert np.isfinite(np.float32(s.world.events.price_level[0]))


def test_an_event_over_midnight_keeps_its_magnitude():
    s = one(Happening(PRICE_SPIKE, magnitude=(1.0, 2.0), duration=(30, 30), hits=("eat",)), offers=OFFERS)
    first = due(7, 1, 0)
    prices = set()
    for tick in range(first + 30):
        play(s, tick)
        if tick >= first:
            prices.add(float(s.world.events.price[0]))
    assert prices == {1.0 + draw(7, 0, 1, USE_EVENT, 3)}


def test_limits():
    always = Happening(BLACKOUT, name_hash=5)
    days = [due(7, 5, day) for day in range(6)]
    assert starts(one(always, limits=[9, 0, 0, days[1] + 1, 1, 9]), 6 * DAY) == days[2:]  # grace
    assert starts(one(always, limits=[9, 0, 0, days[1], 1, 9]), 6 * DAY) == days[1:]
    assert starts(one(always, limits=[9, 0, 0, 0, 1, 0]), 6 * DAY) == []  # most in a window
    assert starts(one(always, limits=[9, 0, 0, 0, 10 * DAY, 2]), 6 * DAY) == days[:2]
    assert starts(one(always, limits=[9, 10 * DAY, 0, 0, 1, 9]), 6 * DAY) == days[:1]  # global cooldown
    lasting = Happening(BLACKOUT, name_hash=5, duration=(10 * DAY, 10 * DAY))
    assert starts(one(lasting, limits=[1, 0, 0, 0, 1, 9]), 6 * DAY) == days[:1]  # most at a time, and its own
    cooling = Happening(BLACKOUT, name_hash=5, cooldown=2 * DAY)
    began = starts(one(cooling), 6 * DAY)
    assert began[0] == days[0]
    assert all(later - earlier >= 2 * DAY + 1 for earlier, later in pairwise(began))


def meet(agents: int = 4, **more) -> Scene:
    return one(
        Happening(ARRANGED_MEET, duration=(3, 3), place=(5, 5), name_hash=5),
        agents=[(x, 1) for x in range(agents)],
        **more,
    )


def test_the_strongest_rivals_are_nudged_until_the_meet_ends():
    s, first = meet(), due(7, 5, 0)
    s.world.ties.rivalry[0, 1] = 0.6
    s.world.ties.rivalry[3, 2] = 0.4
    s.world.ties.rivalry[2, 3] = 0.3
    nudged = []
    for tick in range(first + 4):
        play(s, tick)
        nudged.append(s.world.events.meet_place.tolist())
    place = s.places.index((5, 5))
    together = [NOTHING, NOTHING, place, place]
    assert nudged[first - 1 :] == [[NOTHING] * 4, together, together, together, [NOTHING] * 4]


def test_without_rivals_there_is_no_meet():
    assert starts(meet(), DAY) == []


def test_the_dead_and_the_lately_nudged_are_not_invited():
    s = meet(limits=[9, 0, 5 * DAY, 0, 1, 9])
    s.world.ties.rivalry[0, 1], s.world.ties.rivalry[1, 2] = 0.9, 0.5
    s.world.agents.alive[0] = False
    assert starts(s, 4 * DAY) == [due(7, 5, 0)]
    assert s.world.events.met_at.tolist()[1:3] == [due(7, 5, 0)] * 2


def test_a_place_hosts_one_meet_at_a_time():
    for places, meets in [([(5, 5), (5, 5)], 1), ([(5, 5), (6, 6)], 2)]:
        twice = [Happening(ARRANGED_MEET, duration=(DAY, DAY), place=place, name_hash=5) for place in places]
        s = one(*twice, agents=[(x, 1) for x in range(4)])
        s.world.ties.rivalry[0, 1], s.world.ties.rivalry[2, 3] = 0.6, 0.4
        assert len(starts(s, DAY)) == meets
        assert (s.world.events.meet_place != NOTHING).sum() == 2 * meets


SPEC = st.builds(
    plain.Spec,
    kind=st.integers(0, 3),
    probability=st.sampled_from([0.0, 0.5, 1.0]),
    cooldown=st.integers(0, 15),
    duration=st.tuples(st.integers(0, 4), st.integers(4, 25)),
    magnitude=st.tuples(st.floats(0.5, 1), st.floats(1, 3)),
    hits=st.tuples(st.booleans(), st.booleans()),
    place=st.integers(0, 1),
)
LIMITS = st.builds(
    plain.Limits,
    concurrent=st.integers(1, 4),
    pause=st.integers(0, 10),
    agent_pause=st.integers(0, 30),
    grace=st.integers(0, 30),
    window=st.integers(1, 40),
    most=st.integers(0, 4),
)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(SPEC, min_size=1, max_size=4),
    LIMITS,
    st.integers(0, 99),
    st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=16, max_size=16),
    st.sampled_from([0, 1, 13, DAY - 1]),
)
def test_as_the_plain_twin(specs, limits, seed, rivalry, begun):
    places = [(5, 5), (6, 6)]
    happenings = [
        Happening(
            spec.kind, spec.probability, spec.cooldown, spec.duration, spec.magnitude,
            tuple(name for name, hit in zip(OFFERS, spec.hits, strict=True) if hit),
            places[spec.place], name_hash=n + 1,
        )
        for n, spec in enumerate(specs)
    ]  # fmt: skip
    limited = [
        limits.concurrent, limits.pause, limits.agent_pause, limits.grace, limits.window, limits.most,
    ]  # fmt: skip
    s = one(
        *happenings,
        limits=limited,
        agents=[(x, 1) for x in range(4)],
        offers=OFFERS,
        seed=seed,
        start_time=begun,
        places=places,
    )
    s.world.ties.rivalry[:] = [rivalry[4 * i : 4 * i + 4] for i in range(4)]
    draws = [
        partial(lambda name, day, index: draw(seed, day, name, USE_EVENT, index), n + 1)
        for n in range(len(specs))
    ]
    town = plain.Town(specs, draws, limits, DAY, begun)
    where = [s.places.index(place) for place in places]
    for tick in range(6 * DAY):
        play(s, tick)
        town.play(tick, s.world.ties.rivalry.tolist(), [True] * 4)
        found = s.world.events
        assert (found.price.tolist(), float(found.price_level[0])) == town.prices(tick, 2)
        assert found.utility.tolist() == town.utilities(tick)
        expected = [where[place] if place >= 0 else NOTHING for place in town.meeting(tick, 4)]
        assert found.meet_place.tolist() == expected
    assert s.world.clock.counts[N_EVENT] == len(town.starts)
