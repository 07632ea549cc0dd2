"""How `tests/worlds.py` turns what a test says into the arrays of `World` and `Params`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from townlet.vocabulary import COMPARISONS, FACTS
from townlet.world import state as st
from townlet.world.records import column_names

SLOTS, IDENTITY, WINDOW, DAYS = 64, 8, 3, 7
TICK_AT_REST = {
    "action": st.ACTION_WAIT, "kind": st.WAIT, "affordance": -1, "object": -1, "target": -1, "quality": 1.0,
    "duration": 1, "block_object": -1, "block_by": -1, "ghost_through": -1, "polite_to": -1, "finished": -1,
    "chat_with": -1, "taken_over_by": -1, "helped_by": -1, "claim": -1, "refusal_by": -1, "refusal_object": -1,
}  # fmt: skip


def dtypes(group: type) -> dict[str, Any]:
    """The dtype of each field of a group of state.py, read from its annotations."""
    kinds = {"F64": np.float64, "I64": np.int64, "Bool": np.bool_}
    named = {name: getattr(kind, "__forward_arg__", kind) for name, kind in group.__annotations__.items()}
    return {name: kinds[kind] for name, kind in named.items()}


def clear_tick(world: st.World) -> None:
    """`world.tick` as it is before anything has happened in a tick: everybody waits."""
    for name in column_names(world.tick):
        getattr(world.tick, name)[:] = TICK_AT_REST.get(name, 0)


def i64(values: Iterable[int]) -> np.ndarray:
    return np.array(list(values), dtype=np.int64)


def f64(values: Iterable[float]) -> np.ndarray:
    return np.array(list(values), dtype=np.float64)


def place(spot: tuple[int, int] | None, spots: Sequence[tuple[int, int]]) -> int:
    return st.NOTHING if spot is None else spots.index(spot)


def distances(wall: np.ndarray, x: int, y: int) -> np.ndarray:
    """Walking distance of every tile to (x, y), by breadth-first search."""
    far = np.full(wall.shape, st.FAR, dtype=np.uint16)
    far[y, x] = 0
    waiting = deque([(x, y)])
    while waiting:
        cx, cy = waiting.popleft()
        for nx, ny in ((cx, cy - 1), (cx, cy + 1), (cx + 1, cy), (cx - 1, cy)):
            if (
                0 <= nx < wall.shape[1]
                and 0 <= ny < wall.shape[0]
                and not wall[ny, nx]
                and far[ny, nx] == st.FAR
            ):
                far[ny, nx] = far[cy, cx] + 1
                waiting.append((nx, ny))
    return far


def regions(wall: np.ndarray) -> np.ndarray:
    region = np.full(wall.shape, -1, dtype=np.int32)
    for y, x in np.argwhere(~wall):
        if region[y, x] < 0:
            region[distances(wall, x, y) < st.FAR] = region.max() + 1
    return region


def make_town(
    size: tuple[int, int],
    walls: set[tuple[int, int]],
    things: list,
    sets: list[frozenset[str]],
    offers: list,
    spots: Sequence[tuple[int, int]],
    ticks_per_day: int,
    start_time: int,
    pad: int,
    seed: int,
    condition: Any,
) -> st.Town:
    """The map: what the glossary's Town says, by plain loops."""
    width, height = size
    wall = np.zeros((height, width), dtype=np.bool_)
    for x, y in walls:
        wall[y, x] = True
    distance = np.full((len(spots), height, width), st.FAR, dtype=np.uint16)
    for p, (x, y) in enumerate(spots):
        distance[p] = distances(wall, x, y)
    places = [spots.index((thing.x, thing.y)) for thing in things]
    types = [name for one in sets if len(one) == 1 for name in one]
    kinds = [types.index(thing.type) for thing in things]
    belongs = [[thing.type in one for thing in things] for one in sets]
    of_sets = [[o for o in range(len(things)) if row[o]] for row in belongs]
    offered = [[k for k, offer in enumerate(offers) if name in offer.types] for name in types]
    near = [
        [o for o, t in enumerate(things) if abs(t.x - x) + abs(t.y - y) <= 1]
        for y in range(height)
        for x in range(width)
    ]
    nearest = np.full((len(sets), height, width), -1, dtype=np.int16)
    for kind in range(len(sets)):
        shortest = np.full((height, width), st.FAR, dtype=np.uint16)
        for o in of_sets[kind]:
            better = distance[places[o]] < shortest
            nearest[kind][better], shortest[better] = o, distance[places[o]][better]
    inside = (slice(pad, pad + height), slice(pad, pad + width))
    layers = np.zeros((2 + len(types), height + 2 * pad, width + 2 * pad), dtype=np.float32)
    layers[0][inside] = ~wall
    for thing, kind in zip(things, kinds, strict=True):
        layers[1, thing.y + pad, thing.x + pad] += 1
        layers[2 + kind, thing.y + pad, thing.x + pad] = 1
    stock = [(thing.meals, thing.ingredients) for thing in things]
    start = np.array([[s or 0 for s in both] for both in stock], dtype=np.int64).reshape(-1, 2)
    return st.Town(
        size=i64([width, height, pad, ticks_per_day, start_time]),
        seed=i64([seed]),
        wall=wall,
        region=regions(wall),
        distance=distance,
        place_x=i64(x for x, _ in spots),
        place_y=i64(y for _, y in spots),
        site=st.Site(
            type=i64(kinds),
            x=i64(thing.x for thing in things),
            y=i64(thing.y for thing in things),
            place=i64(places),
            kept=np.array([[s is not None for s in both] for both in stock], dtype=np.bool_).reshape(-1, 2),
            start=start,
            full=np.maximum(
                start, np.array([thing.filled for thing in things], dtype=np.int64).reshape(-1, 2)
            ),
            bound=np.array([(thing.power, thing.water) for thing in things], dtype=np.bool_).reshape(-1, 2),
        ),
        condition=condition,
        near_first=i64(np.cumsum([0] + [len(each) for each in near])),
        near_object=i64(o for each in near for o in each),
        belongs=np.array(belongs, dtype=np.bool_).reshape(len(sets), len(things)),
        nearest=nearest,
        of_type_first=i64(np.cumsum([0] + [len(row) for row in of_sets])),
        of_type=i64(o for row in of_sets for o in row),
        offers_first=i64(np.cumsum([0] + [len(row) for row in offered])),
        offers=i64(k for row in offered for k in row),
        layer_objects=np.minimum(layers[1], np.float32(1)),
        layer_walkable=layers[0].copy(),
        layer_types=layers[2:].copy(),
        layer_count=layers[1].copy(),
    )


def make_condition(offers: list) -> Any:
    pre = [each for offer in offers for each in offer.pre]
    return st.Condition(
        fact=i64(FACTS.index(fact) for fact, _, _ in pre),
        compare=i64(COMPARISONS.index(sign) for _, sign, _ in pre),
        value=f64(value for _, _, value in pre),
    )


def make_affordances(offers: list, sets: list[frozenset[str]]) -> st.Affordances:
    first = np.cumsum([0] + [len(o.pre) for o in offers])
    return st.Affordances(
        object_type=i64(sets.index(o.types) for o in offers),
        duration=i64(o.duration for o in offers),
        need=np.array([(o.hunger, o.hygiene, o.energy) for o in offers], dtype=np.float64).reshape(-1, 3),
        money=f64(o.money for o in offers),
        interruptible=np.array([o.interruptible for o in offers], dtype=np.bool_),
        takes=np.array([o.take for o in offers], dtype=np.int64).reshape(-1, 2),
        gives=np.array([o.give for o in offers], dtype=np.int64).reshape(-1, 2),
        shares=np.array([o.shares for o in offers], dtype=np.bool_),
        works=np.array([o.works for o in offers], dtype=np.bool_),
        gives_up=np.array([o.gives_up for o in offers], dtype=np.bool_),
        pre_first=i64(first[:-1]),
        pre_end=i64(first[1:]),
        utility_bound=np.array([(o.power, o.water) for o in offers], dtype=np.bool_).reshape(-1, 2),
    )


def make_people(people: list) -> st.People:
    first = np.cumsum([0] + [len(p.script) for p in people])
    return st.People(
        job=i64(p.job for p in people),
        start_x=i64(p.x for p in people),
        start_y=i64(p.y for p in people),
        start_wallet=f64(p.wallet for p in people),
        home_personality=np.array([p.personality for p in people], dtype=np.float64).reshape(-1, 3),
        policy=np.full(len(people), st.POLICY_OUTSIDE, dtype=np.int64),
        script_first=i64(first[:-1]),
        script_end=i64(first[1:]),
    )


def make_schedule(people: list, names: tuple[str, ...], spots: Sequence[tuple[int, int]]) -> st.Schedule:
    entries = [entry for person in people for entry in person.script]
    return st.Schedule(
        kind=i64(e.kind for e in entries),
        affordance=i64(st.NOTHING if e.affordance is None else names.index(e.affordance) for e in entries),
        object=i64(e.object for e in entries),
        place=i64(place(e.place, spots) for e in entries),
        target=i64(e.target for e in entries),
        quality=f64(e.quality for e in entries),
        labelled=np.array([e.labelled for e in entries], dtype=np.bool_),
        ticks=i64(e.ticks for e in entries),
        until=i64(e.until for e in entries),
    )


def make_jobs(jobs: Sequence, spots: Sequence[tuple[int, int]]) -> st.Jobs:
    return st.Jobs(
        start=i64(j.start for j in jobs),
        length=i64(j.length for j in jobs),
        wage=f64(j.wage for j in jobs),
        penalty=f64(j.penalty for j in jobs),
        place=i64(place(j.place, spots) for j in jobs),
    )


def make_events(events: Sequence, names: tuple[str, ...], spots: Sequence[tuple[int, int]]) -> st.EventSpecs:
    return st.EventSpecs(
        kind=i64(e.kind for e in events),
        name_hash=i64(e.name_hash for e in events),
        probability=f64(e.probability for e in events),
        cooldown=i64(e.cooldown for e in events),
        duration_low=i64(e.duration[0] for e in events),
        duration_high=i64(e.duration[1] for e in events),
        magnitude_low=f64(e.magnitude[0] for e in events),
        magnitude_high=f64(e.magnitude[1] for e in events),
        hits=np.array([[name in e.hits for name in names] for e in events], dtype=np.bool_).reshape(
            len(events), len(names)
        ),
        place=i64(place(e.place, spots) for e in events),
    )


def make_rules(given: Mapping[str, Any], rivalry: Mapping[int, float]) -> st.Rules:
    """The defaults of a config, at rest: nothing decays, no cooldown, no ghost steps."""
    ties = f64([0.15, 0.0, 0.0, 1.0, 0.7, 1.5, 0.4, 0.25])
    for index, value in rivalry.items():
        ties[index] = value
    values: dict[str, Any] = {
        "need_decay": [[0.0, 0.0, 0.0]], "faint_threshold": 0.03, "faint_after": 30, "lifecycle_on": True,
        "exit_cap": 2, "respawn_delay": 0, "rent": 0.0, "restock_ingredients": 2, "cooldown": 0,
        "ghost_after": 0, "age_weight": 0.1, "commit_ticks": 0, "max_edges": 6, "ties_on": True,
        "chat_rewards": True, "avoid_rewards": True, "social": [[0.01, 0.3, 0.2, 0.005]], "grace": 5,
        "absent_cutoff": 30, "max_absent": 3, "enforce_jobs": False, "arrival_buffer": 20,
        "thresholds": [[0.4, 0.4, 0.4]], "slot_cooldown": 0, "event_limits": [[1, 0, 0, 0, 1440, 1]],
    }  # fmt: skip
    return st.Rules(**filled(st.Rules, {**values, "rivalry": [ties]}, given))


def make_rewards(given: Mapping[str, Any]) -> st.RewardParams:
    values: dict[str, Any] = {
        "weights": [[1.0, 0.6, 0.8]], "centred": False, "survival": 0.002, "wage": 0.01, "punctuality": 0.05,
        "late_tick": 0.005, "absence": 0.2, "faint": -1.0, "eviction": -2.0, "clip_per_tick": 1.0,
        "episode_cap": np.inf, "death_ticks": 10, "shaping_on": False, "gamma": 0.99,
    }  # fmt: skip
    return st.RewardParams(**filled(st.RewardParams, values, given))


def filled(group: type, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """`values` with `given` over them, as arrays of the dtypes that the glossary names, at least one long."""
    unknown = set(given) - set(values)
    assert not unknown, f"no such field: {unknown}"
    merged = {**values, **given}
    found = {name: np.atleast_1d(np.array(merged[name], dtype=kind)) for name, kind in dtypes(group).items()}
    nested = {name for name, value in values.items() if isinstance(value, list)}
    return {name: array.reshape(1, -1) if name in nested else array for name, array in found.items()}


def make_world(people: list, things: list, params: st.Params, tick: int) -> st.World:
    """Everybody at the start of life, nothing begun; the shaping potential is that of the start needs."""
    town, count = (
        params.town,
        (len(people), len(things), len(params.affordances.duration), len(params.events.kind)),
    )
    agents, objects, offers, events = count
    need = np.array([p.need for p in people], dtype=np.float64).reshape(-1, 3)
    width, height, pad = (int(each) for each in town.size[:3])
    grid = st.Grid(*(np.zeros((height + 2 * pad, width + 2 * pad), dtype=np.float32) for _ in range(2)))
    for person in people:
        grid.agents[person.y + pad, person.x + pad] += 1
    clock = st.Clock(
        tick=i64([tick]),
        arrivals=i64([agents]),
        exits_today=i64([0]),
        counts=np.zeros(len(st.COUNTS), dtype=np.int64),
        coins=np.zeros(len(st.CHARGES), dtype=np.float64),
        cooldown=np.zeros((agents, objects), dtype=np.int64),
        slot_freed=np.full(SLOTS, st.NEVER),
    )
    clock.coins[st.COIN_START] = sum(p.wallet for p in people)
    lives = st.Agents(
        alive=np.ones(agents, dtype=np.bool_),
        arrival=np.arange(1, agents + 1),
        born=np.zeros(agents, dtype=np.int64),
        x=np.array([p.x for p in people], dtype=np.uint16),
        y=np.array([p.y for p in people], dtype=np.uint16),
        need=need,
        wallet=f64(p.wallet for p in people),
        faint_ticks=np.zeros(agents, dtype=np.int64),
        unpaid_days=np.zeros(agents, dtype=np.int64),
        leaving=np.zeros(agents, dtype=np.uint8),
        return_at=np.full(agents, st.NEVER),
        slot=np.arange(agents) % SLOTS,
        personality=params.people.home_personality.copy(),
        phi=f64(-float(np.dot(params.rewards.weights[0], 1.0 - row)) for row in need),
        episode_sum=np.zeros(agents),
        last_action=np.zeros(agents, dtype=np.int64),
        last_success=np.zeros(agents, dtype=np.bool_),
        last_duration=np.zeros(agents, dtype=np.int64),
        blocked_moves=np.zeros(agents, dtype=np.int64),
    )
    queues = st.Queues(
        **{name: np.full(agents, st.NOTHING) for name in ("object", "affordance", "reserved")},
        **{
            name: np.zeros(agents, dtype=np.int64)
            for name in ("since", "ticket", "deadline", "cooling_until")
        },
        rotated=np.full(agents, st.NEVER),
        blocked=np.zeros(agents, dtype=np.bool_),
    )
    running = st.Activity(
        affordance=np.full(agents, st.NOTHING),
        object=np.full(agents, st.NOTHING),
        left=np.zeros(agents, dtype=np.int64),
        started=np.zeros(agents, dtype=np.int64),
    )
    used = st.Objects(
        **{name: np.full(objects, st.NOBODY) for name in ("user", "holder", "last_user")},
        **{name: np.zeros(objects, dtype=np.int64) for name in ("next_ticket", "waiting", "blocks")},
        stock=town.site.start.copy(),
        last_used=np.full(objects, st.NEVER),
    )
    return st.World(
        clock, lives, queues, running, used, make_ties(agents), make_work(agents),
        make_happenings(events, offers, agents, objects, int(params.rules.event_limits[0][5])), grid,
        make_script(params.people), make_tick(agents),
    )  # fmt: skip


def make_ties(agents: int) -> st.Ties:
    return st.Ties(
        **{name: np.zeros((agents, agents)) for name in ("trust", "familiarity", "rivalry")},
        count=np.zeros(agents, dtype=np.int64),
        identity=np.zeros((agents, IDENTITY), dtype=np.float32),
        **{name: np.full((agents, agents), st.NEVER) for name in ("chat_reward", "meal_shared")},
    )


def make_work(agents: int) -> st.Employment:
    return st.Employment(
        state=np.full(agents, st.PRE_SHIFT),
        **{name: np.zeros(agents, dtype=np.bool_) for name in ("on_roll", "arrived", "on_site", "dismissed")},
        withheld=np.zeros(agents),
        lateness=np.zeros(agents, np.int64), shifts=np.zeros(agents, np.int64),
        window=np.full(agents, WINDOW),
        missed=np.zeros((agents, 14), dtype=np.bool_),
        absences=np.full((agents, DAYS), st.NEVER),
    )  # fmt: skip


def make_happenings(events: int, offers: int, agents: int, objects: int, window: int) -> st.Events:
    return st.Events(
        start_at=np.full(events, st.NEVER),
        **{name: np.zeros(events, dtype=np.int64) for name in ("until", "ready_at", "duration")},
        magnitude=np.ones(events),
        recent=np.full(max(1, window), st.NEVER),
        recent_next=i64([0]),
        price=np.ones(offers),
        price_level=np.ones(1),
        utility=np.ones(2, dtype=np.bool_),
        meet_place=np.full(agents, st.NOTHING),
        met_at=np.full(agents, st.NEVER),
        ready=np.zeros((offers, objects), dtype=np.bool_),
        any_ready=np.zeros(offers, dtype=np.bool_),
        stale=np.ones(1, dtype=np.bool_),
        closed=np.zeros(objects, dtype=np.bool_),
    )


def make_script(people: Any) -> st.ScheduleCursor:
    first = people.script_first
    entry = np.where(first < people.script_end, first, st.NOTHING).astype(np.int64)
    return st.ScheduleCursor(entry=entry, ticks=np.zeros(len(entry), dtype=np.int64))


def make_tick(agents: int) -> st.StepScratch:
    shapes = {"terms": (agents, len(st.TERMS))}
    return st.StepScratch(
        **{
            name: np.full(shapes.get(name, (agents,)), TICK_AT_REST.get(name, 0), dtype=kind)
            for name, kind in dtypes(st.StepScratch).items()
        }
    )
