"""Small worlds for tests, written down by hand: `scene(agents=[(1, 1)], objects=[("bed", 2, 1)], ...)`.

Builds the arrays of `World` and `Params` directly (distance fields and lists by plain search, not by the code
under test), so that a rule can be tested without a config. What is not named is at rest: needs full, wallets
1 coin, no jobs, no events, no prices, no cooldown, no ghost steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests import world_arrays as arrays
from townlet.world import state as st
from townlet.world.state import Params, World


# --- what a test says -----------------------------------------------------------------------------
@dataclass(frozen=True)
class Offer:
    """An affordance. `pre` are (fact, comparison, value), all as in the affordance file."""

    type: str
    duration: int = 1
    hunger: float = 0.0
    hygiene: float = 0.0
    energy: float = 0.0
    money: float = 0.0
    interruptible: bool = False
    take: tuple[int, int] = (0, 0)  # meals, raw ingredients
    give: tuple[int, int] = (0, 0)
    shares: bool = False
    works: bool = False
    gives_up: bool = False
    pre: tuple[tuple[str, str, float], ...] = ()
    power: bool = False
    water: bool = False
    also: tuple[str, ...] = ()  # other types that offer it

    @property
    def types(self) -> frozenset[str]:
        return frozenset((self.type, *self.also))


@dataclass(frozen=True)
class Thing:
    """An object; a stock of None is not kept, and `filled` is what a day fills it up to, if that is more."""

    type: str
    x: int
    y: int
    meals: int | None = None
    ingredients: int | None = None
    filled: tuple[int, int] = (0, 0)
    power: bool = False  # whether it needs it
    water: bool = False


@dataclass(frozen=True)
class Person:
    x: int
    y: int
    need: tuple[float, float, float] = (1.0, 1.0, 1.0)
    wallet: float = 1.0
    job: int = st.NOTHING
    personality: tuple[float, float, float] = (0.0, 0.0, 0.0)
    script: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A schedule entry; `place` is the position of a move, `affordance` a name."""

    kind: int
    affordance: str | None = None
    object: int = st.NOTHING
    place: tuple[int, int] | None = None
    target: int = st.NOBODY
    quality: float = 1.0
    labelled: bool = False
    ticks: int = 1
    until: int = st.UNTIL_TICKS


@dataclass(frozen=True)
class Shift:
    start: int
    length: int
    wage: float = 0.0
    penalty: float = 0.0
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class Happening:
    """A perturbation event; `hits` are the affordances whose price rises."""

    kind: int
    probability: float = 1.0
    cooldown: int = 0
    duration: tuple[int, int] = (1, 1)
    magnitude: tuple[float, float] = (1.0, 1.0)
    hits: tuple[str, ...] = ()
    place: tuple[int, int] | None = None
    name_hash: int = 1


@dataclass(frozen=True)
class Action:
    kind: int
    direction: int = 0
    affordance: str | None = None
    object: int = st.NOTHING
    target: int = st.NOBODY
    quality: float = 1.0


WAIT = Action(st.WAIT)
RELEASE = Action(st.RELEASE)
NORTH, SOUTH, EAST, WEST = (Action(st.MOVE, direction) for direction in range(4))


def request(affordance: str, object: int = st.NOTHING) -> Action:
    return Action(st.REQUEST, affordance=affordance, object=object)


def start(affordance: str, object: int = st.NOTHING) -> Action:
    return Action(st.START, affordance=affordance, object=object)


def chat(target: int = st.NOBODY, quality: float = 1.0) -> Action:
    return Action(st.CHAT, target=target, quality=quality)


@dataclass(frozen=True)
class Scene:
    world: World
    params: Params
    offers: tuple[str, ...] = ()  # the affordances' names
    places: tuple[tuple[int, int], ...] = field(default=())

    def affordance(self, name: str | None) -> int:
        return st.NOTHING if name is None else self.offers.index(name)

    def begin(self, actions: Mapping[int, Action] | None = None) -> None:
        """Clear `world.tick` and write what agents have chosen; who is not named waits."""
        arrays.clear_tick(self.world)
        for row, action in (actions or {}).items():
            self.choose(row, action)

    def choose(self, row: int, action: Action) -> None:
        tick, k = self.world.tick, self.affordance(action.affordance)
        tick.kind[row] = action.kind
        tick.action[row] = action_id(action.kind, action.direction, k)
        tick.affordance[row] = k
        tick.object[row] = action.object
        tick.target[row] = action.target
        tick.quality[row] = action.quality


def action_id(kind: int, direction: int, affordance: int) -> int:
    """The catalogue's id of an action (see state.py)."""
    if kind in (st.REQUEST, st.START):
        return st.ACTION_FIRST_AFFORDANCE + 2 * affordance + (kind == st.START)
    return {
        st.WAIT: st.ACTION_WAIT,
        st.MOVE: st.ACTION_MOVE + direction,
        st.RELEASE: st.ACTION_RELEASE,
        st.CHAT: st.ACTION_CHAT,
    }[kind]


# --- what it becomes ------------------------------------------------------------------------------
def scene(
    *,
    size: tuple[int, int] = (8, 8),
    walls: Iterable[tuple[int, int]] = (),
    agents: Sequence[Person | tuple[int, int]] = ((1, 1),),
    objects: Sequence[Thing | tuple[str, int, int]] = (),
    offers: Mapping[str, Offer] | None = None,
    jobs: Sequence[Shift] = (),
    events: Sequence[Happening] = (),
    places: Sequence[tuple[int, int]] = (),
    ticks_per_day: int = 1440,
    start_time: int = 0,
    pad: int = 5,
    seed: int = 7,
    tick: int = 0,
    rules: Mapping[str, Any] | None = None,
    rivalry: Mapping[int, float] | None = None,
    rewards: Mapping[str, Any] | None = None,
) -> Scene:
    """A world at tick `tick` with these people and things, rows being arrival numbers 1, 2, ... in order.

    `rules` and `rewards` name fields of the groups of that name, `rivalry` gives values by RIVALRY_* index.
    """
    people = [each if isinstance(each, Person) else Person(*each) for each in agents]
    things = [each if isinstance(each, Thing) else Thing(*each) for each in objects]
    offers = dict(offers or {})
    sets = type_sets(list(offers.values()), [t.type for t in things])
    wanted = [(t.x, t.y) for t in things] + [j.place for j in jobs] + [e.place for e in events]
    wanted += [entry.place for person in people for entry in person.script] + list(places)
    spots = tuple(dict.fromkeys(place for place in wanted if place is not None))
    town = arrays.make_town(
        size,
        set(walls),
        things,
        sets,
        list(offers.values()),
        spots,
        ticks_per_day,
        start_time,
        pad,
        seed,
        arrays.make_condition(list(offers.values())),
    )
    names = tuple(offers)
    params = Params(
        town=town,
        affordances=arrays.make_affordances(list(offers.values()), sets),
        people=arrays.make_people(people),
        schedule=arrays.make_schedule(people, names, spots),
        jobs=arrays.make_jobs(jobs, spots),
        events=arrays.make_events(events, names, spots),
        rules=arrays.make_rules(rules or {}, rivalry or {}),
        rewards=arrays.make_rewards(rewards or {}),
    )
    world = arrays.make_world(people, things, params, tick)
    return Scene(world, params, names, spots)


def type_sets(offers: Sequence[Offer], object_types: Iterable[str]) -> list[frozenset[str]]:
    """Every type alone, then the sets of several types that share an offer."""
    types = [o.type for o in offers] + list(object_types) + [name for o in offers for name in o.also]
    several = [o.types for o in offers if o.also]
    return list(dict.fromkeys([*(frozenset([name]) for name in types), *several]))
