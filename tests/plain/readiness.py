"""Facts, prices and the choice of objects, written from the docstrings of `readiness.py` and `choice.py`."""

from __future__ import annotations

import operator

from tests.plain.derived import tile_of
from townlet.vocabulary import COMPARISONS, FACTS
from townlet.world import state as st

SIGNS = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


def objects_of_type(params: st.Params, kind: int) -> list[int]:
    return [o for o in range(len(params.town.site.type)) if params.town.belongs[kind, o]]


def walk(params: st.Params, o: int, tile: tuple[int, int]) -> int:
    return int(params.town.distance[params.town.site.place[o], tile[1], tile[0]])


def conditions(params: st.Params, k: int) -> list[tuple[str, str, float]]:
    offers, given = params.affordances, params.town.condition
    return [
        (FACTS[given.fact[p]], COMPARISONS[given.compare[p]], float(given.value[p]))
        for p in range(offers.pre_first[k], offers.pre_end[k])
    ]


def fact(world: st.World, params: st.Params, name: str, o: int, row: int) -> float:
    kept, stock = params.town.site.kept, world.objects.stock
    if name == "wallet":
        return float(world.agents.wallet[row])
    if name == "occupied":
        return float(world.objects.user[o] != st.NOBODY)
    if name in ("power_on", "water_on"):
        return float(world.events.utility[("power_on", "water_on").index(name)])
    s = ("meal_available", "ingredients_available").index(name)
    where = [o] if kept[o, s] else [other for other in range(len(kept)) if kept[other, s]]
    return float(any(stock[other, s] > 0 for other in where))


def nearest_with(world: st.World, params: st.Params, tile: tuple[int, int], s: int, least: int) -> int:
    """The nearest object that keeps stock `s` and holds `least` of it; NOTHING."""
    kept, stock = params.town.site.kept, world.objects.stock
    found = [
        o for o in range(len(kept)) if kept[o, s] and stock[o, s] >= least and walk(params, o, tile) < st.FAR
    ]
    return min(found, key=lambda o: (walk(params, o, tile), o), default=st.NOTHING)


def source(world: st.World, params: st.Params, o: int, s: int, amount: int) -> int:
    if params.town.site.kept[o, s]:
        return o if world.objects.stock[o, s] >= amount else st.NOTHING
    site = params.town.site
    return nearest_with(world, params, (int(site.x[o]), int(site.y[o])), s, amount)


def without_utility(world: st.World, params: st.Params, k: int, o: int) -> bool:
    bound = params.affordances.utility_bound[k] | params.town.site.bound[o]
    return any(bound[u] and not world.events.utility[u] for u in range(2))


def ready(world: st.World, params: st.Params, k: int, o: int) -> bool:
    offers = params.affordances
    if without_utility(world, params, k, o):
        return False
    for s in range(2):
        amount = int(offers.takes[k, s])
        if amount > 0 and source(world, params, o, s, amount) == st.NOTHING:
            return False
    return all(
        SIGNS[sign](fact(world, params, name, o, 0), value)
        for name, sign, value in conditions(params, k)
        if name not in ("occupied", "wallet")
    )


def price(world: st.World, params: st.Params, k: int) -> float:
    return max(0.0, -float(params.affordances.money[k]) * float(world.events.price[k]))


def may_begin(world: st.World, params: st.Params, k: int, o: int, row: int) -> bool:
    if float(world.agents.wallet[row]) < price(world, params, k):
        return False
    return all(
        SIGNS[sign](fact(world, params, name, o, row), value)
        for name, sign, value in conditions(params, k)
        if name in ("occupied", "wallet")
    )


def closed(world: st.World, params: st.Params, o: int) -> bool:
    offers = params.affordances
    own = [k for k in range(len(offers.object_type)) if params.town.belongs[offers.object_type[k], o]]
    return bool(own) and all(without_utility(world, params, k, o) for k in own)


def object_to_request(world: st.World, params: st.Params, k: int, row: int) -> int:
    now, tile = int(world.clock.tick[0]), tile_of(world, row)
    candidates = [
        o
        for o in objects_of_type(params, int(params.affordances.object_type[k]))
        if walk(params, o, tile) < st.FAR and not world.events.closed[o] and ready(world, params, k, o)
        and world.clock.cooldown[row, o] <= now
    ]  # fmt: skip
    candidates.sort(key=lambda o: (walk(params, o, tile), o))
    if not candidates:
        return st.NOTHING
    needy = any(1.0 - float(need) > 0.85 for need in world.agents.need[row])
    calm = [o for o in candidates if needy or not has_rival(world, params, o, row)]
    if not calm or calm[0] == candidates[0]:
        return candidates[0]
    world.tick.avoided[row] += 1
    world.clock.counts[st.N_AVOIDED] += 1
    return calm[0]


def has_rival(world: st.World, params: st.Params, o: int, row: int) -> bool:
    there = {int(world.objects.user[o]), int(world.objects.holder[o])} - {st.NOBODY}
    there |= {i for i in range(len(world.queues.object)) if world.queues.object[i] == o}
    return any(world.ties.rivalry[row, i] > params.rules.rivalry[0][st.RIVALRY_AVOID] for i in there)


def object_to_start(world: st.World, params: st.Params, k: int, row: int) -> int:
    reserved = int(world.queues.reserved[row])
    kind = int(params.affordances.object_type[k])
    if reserved != st.NOTHING and params.town.belongs[kind, reserved]:
        return reserved
    near = [(away(params, world, row, o), o) for o in objects_of_type(params, kind)]
    return min((pair for pair in near if pair[0] <= 1), default=(0, st.NOTHING))[1]


def away(params: st.Params, world: st.World, row: int, o: int) -> int:
    x, y = tile_of(world, row)
    return abs(x - int(params.town.site.x[o])) + abs(y - int(params.town.site.y[o]))
