"""Movement, queues and affordances against their plain twins: some ticks of any actions in any small town.

After every rule all arrays are compared, exactly; after every tick the invariants hold. Town and actions are written
by Hypothesis as plain numbers, so that a failure shrinks to a small one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as any_

from tests.plain import affordances as plain_affordances
from tests.plain import movement as plain_movement
from tests.plain import queues as plain_queues
from tests.world.play import move, queue, refresh, restock, use
from tests.worlds import Action, Entry, Offer, Person, Scene, Thing, scene
from townlet.world import state as st
from townlet.world.invariants import violations
from townlet.world.state import COIN_START, NOTHING, World, copy_world, world_arrays

OFFERS = {
    "eat": Offer(
        "fridge", 2, hunger=0.4, money=-0.4, take=(1, 0), shares=True, pre=(("meal_available", "==", 1),)
    ),
    "cook": Offer("stove", 3, energy=-0.3, take=(0, 1), give=(2, 0), power=True, gives_up=True),
    "shop": Offer("stove", 1, money=-0.3, give=(1, 2), interruptible=True, pre=(("wallet", ">=", 0.7),)),
    "sit": Offer(
        "bench", 5, energy=0.3, hunger=-0.1, money=0.2, interruptible=True, pre=(("occupied", "==", 0),)
    ),
    "tidy": Offer("bench", 2, also=("stove", "fridge"), hygiene=0.2),
    "rest": Offer("fridge", 2, also=("bench",), energy=0.1),
    "dine": Offer("bench", 1, hunger=0.9, take=(2, 0), money=-0.2),
}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
KINDS = (st.WAIT, st.MOVE, st.MOVE, st.RELEASE, st.REQUEST, st.START, st.START)
KINDS_IN_A_CROWD = (*KINDS[:3], *(st.REQUEST,) * 5, *(st.START,) * 6, st.RELEASE)
PAIRS = (
    (restock, plain_affordances.restock),
    (refresh, plain_affordances.refresh),
    (move, plain_movement.update),
    (queue, plain_queues.update),
    (use, plain_affordances.update),
)


@dataclass(frozen=True)
class Story:
    """A town and what happens in it."""

    size: tuple[int, int]
    walls: list[int]  # tiles, row-major
    tiles: list[int]  # of the agents
    things: list[tuple[int, int, int]]  # type, tile, stock
    rules: tuple[int, int, float, int]  # ghost_after, cooldown, age weight, commitment
    people: list[tuple[float, float, bool, int]]  # need, wallet, has a schedule, arrival
    rivals: list[tuple[int, int]]
    ticks: list[list[tuple[int, int, int, int]]]  # kind, direction, affordance, object by tick and agent
    outages: list[int]  # which utilities are off, by tick


@any_.composite
def stories(draw) -> Story:
    def numbers(high: int, low: int = 0):
        return any_.integers(low, high)

    width, height = draw(numbers(5, 2)), draw(numbers(4, 2))
    count = draw(numbers(min(5, width * height), 1))
    tile = numbers(width * height - 1)
    action = any_.tuples(any_.sampled_from(KINDS), numbers(3), numbers(len(OFFERS) - 1), numbers(4, NOTHING))
    length = draw(numbers(12, 1))
    return Story(
        size=(width, height),
        walls=draw(any_.lists(tile, max_size=3)),
        tiles=draw(any_.lists(tile, min_size=count, max_size=count, unique=True)),
        things=draw(any_.lists(any_.tuples(numbers(2), tile, numbers(2)), min_size=1, max_size=5)),
        rules=(draw(numbers(3)), draw(numbers(4)), draw(any_.sampled_from([0.0, 0.1, 1.0])), draw(numbers(3))),
        people=draw(
            any_.lists(
                any_.tuples(
                    any_.sampled_from([0.1, 0.5, 1.0]),
                    any_.sampled_from([0.0, 0.5, 3.0]),
                    any_.booleans(),
                    numbers(9, 1),
                ),
                min_size=count, max_size=count, unique_by=lambda person: person[3],
            )
        ),
        rivals=draw(any_.lists(any_.tuples(numbers(count - 1), numbers(count - 1)), max_size=4)),
        ticks=draw(
            any_.lists(any_.lists(action, min_size=count, max_size=count), min_size=length, max_size=length)
        ),
        outages=draw(any_.lists(numbers(3), min_size=length, max_size=length)),
    )  # fmt: skip


def town_of(story: Story) -> Scene:
    """The town of a story; agents keep the floor that they stand on, and the last of several is dead."""
    width = story.size[0]
    spots = [(tile % width, tile // width) for tile in range(width * story.size[1])]
    walls = {spots[tile] for tile in story.walls} - {spots[tile] for tile in story.tiles}
    walls -= {spots[tile] for _, tile, _ in story.things}
    stocks = [(None, None), (2, None), (1, 1)]
    kinds = ("fridge", "stove", "bench")
    things = [
        Thing(kinds[kind], *spots[tile], *stocks[stock], filled=(stock, 2), power=kind == 2 and tile % 2 == 0)
        for kind, tile, stock in story.things
    ]
    people = [
        Person(
            *spots[tile], need=(need, need, need), wallet=wallet, script=(Entry(st.WAIT),) if scripted else ()
        )
        for tile, (need, wallet, scripted, _) in zip(story.tiles, story.people, strict=True)
    ]
    ghost_after, cooldown, age_weight, commit = story.rules
    rules = {
        "ghost_after": ghost_after,
        "cooldown": cooldown,
        "age_weight": age_weight,
        "commit_ticks": commit,
    }
    town = scene(
        size=story.size, walls=walls, agents=people, objects=things, offers=OFFERS, rules=rules, tick=3,
        ticks_per_day=5, start_time=len(story.people) % 5,
    )  # fmt: skip
    agents, ties = town.world.agents, town.world.ties
    agents.arrival[:] = [arrival for *_, arrival in story.people]
    town.world.clock.arrivals[0] = 9
    for i, j in story.rivals:
        if i != j:
            ties.rivalry[i, j], ties.count[i] = 0.9, len(people)
    if len(people) > 3:
        bury(town, len(people) - 1)
    return town


def bury(town: Scene, row: int) -> None:
    world, pad = town.world, int(town.params.town.size[2])
    world.agents.alive[row] = False
    world.grid.agents[int(world.agents.y[row]) + pad, int(world.agents.x[row]) + pad] -= 1
    world.clock.coins[COIN_START] -= world.agents.wallet[row]
    world.agents.wallet[row] = 0.0
    world.script.entry[row] = NOTHING
    world.ties.rivalry[row], world.ties.rivalry[:, row] = 0.0, 0.0


def choose(town: Scene, chosen: list[tuple[int, int, int, int]]) -> None:
    """Everybody alive does what the story says; an object that there is not is left to the world."""
    town.begin()
    there = len(town.world.objects.user)
    for row, (kind, direction, offer, thing) in enumerate(chosen):
        if town.world.agents.alive[row]:
            named = thing if thing < there else NOTHING
            affordance = list(OFFERS)[offer] if kind in (st.REQUEST, st.START) else None
            town.choose(row, Action(kind, direction, affordance, named if kind != st.MOVE else NOTHING))


def assert_same(world: World, plain: World, after: str) -> None:
    expected = world_arrays(plain)
    for name, array in world_arrays(world).items():
        if not np.array_equal(array, expected[name]):
            np.testing.assert_array_equal(array, expected[name], err_msg=f"{name} after {after}")


def crowd(seed: int) -> Story:
    """Many ticks in a room so small that nearly everything is within reach, over few affordances: quarrels."""
    rng = np.random.default_rng(seed)
    count, length = int(rng.integers(3, 7)), 24
    width, height = int(rng.integers(2, 5)), 3
    offers = rng.choice(len(OFFERS), 2, replace=False)
    kinds = rng.choice(KINDS_IN_A_CROWD, (length, count))
    kinds[:, : rng.integers(3)] = st.MOVE  # who walks about and gets in the way, six ticks in each direction
    named = np.where(rng.random((length, count)) < 0.2, rng.integers(0, 3, (length, count)), NOTHING)
    return Story(
        size=(width, height),
        walls=[int(rng.integers(width * height))],
        tiles=rng.choice(width * height, count, replace=False).tolist(),
        things=[(kind, int(rng.integers(width * height)), kind + 1 if kind < 2 else 0) for kind in (0, 1, 1, 2, 2)],
        rules=(int(rng.integers(4)), int(rng.integers(3)), float(rng.choice([0.1, 1.0])), int(rng.integers(3))),
        people=[
            (float(rng.choice([0.1, 0.5, 1.0])), float(rng.choice([0.5, 3.0])), bool(rng.random() < 0.3), int(arrival))
            for arrival in rng.permutation(9)[:count] + 1
        ],
        rivals=[(int(i), int(j)) for i, j in rng.integers(0, count, (5, 2))],
        ticks=[
            [
                (int(kinds[t, i]), (t // 6 + i) % 4, int(rng.choice(offers)), int(named[t, i]))
                for i in range(count)
            ]
            for t in range(length)
        ],
        outages=rng.choice([0, 0, 0, 1], length).tolist(),
    )  # fmt: skip


def play_both(story: Story) -> World:
    """Play a story with the rules and with their twins, and compare; returns the world."""
    town = town_of(story)
    params, plain = town.params, copy_world(town.world)
    for chosen, off in zip(story.ticks, story.outages, strict=True):
        choose(town, chosen)
        choose(Scene(plain, params, town.offers), chosen)
        for world in (town.world, plain):
            world.events.utility[:] = [not off & 1, not off & 2]
            world.events.stale[0] = True
            world.events.price[:] = 1.0 + off
        for rule, twin in PAIRS:
            rule(town.world, params)
            twin(plain, params)
            assert_same(town.world, plain, after=f"{rule.__name__} in tick {town.world.clock.tick[0]}")
        for world in (town.world, plain):
            world.clock.tick[0] += 1
        assert violations(town.world, params) == []
    return town.world


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(stories())
def test_the_rules_do_what_their_plain_twins_do(story: Story) -> None:
    play_both(story)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(any_.integers(0, 2**32 - 1))
def test_in_a_crowd_as_well(seed: int) -> None:
    play_both(crowd(seed))


@pytest.mark.campaign
@settings(max_examples=250, deadline=None)
@given(any_.integers(0, 2**32 - 1))
def test_in_many_crowds(seed: int) -> None:
    play_both(crowd(seed))


@pytest.mark.campaign
def test_crowds_come_to_everything_that_is_counted() -> None:
    """What the twins are compared on does happen."""
    counts = np.sum([play_both(crowd(seed)).clock.counts for seed in range(8)], axis=0)
    happens = "ghost_steps rotations blocks lapses grants avoided failed_starts finished restocks"
    expected = happens.split()
    assert {name for name, n in zip(st.COUNTS, counts, strict=True) if n > 0} == set(expected)
