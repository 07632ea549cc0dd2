"""Why actions had no success, written from the docstring of `townlet/world/refusals.py`, never from its code."""

from __future__ import annotations

from tests.plain.derived import tile_of
from tests.plain.readiness import SIGNS, away, conditions, fact, objects_of_type, price, source, walk
from townlet.world import state as st
from townlet.world.refusals import REASONS


def refuse(
    world: st.World,
    row: int,
    reason: str,
    by: int = st.NOBODY,
    o: int = st.NOTHING,
    number: float = 0.0,
    limit: float = 0.0,
) -> None:
    tick = world.tick
    tick.refusal[row], tick.refusal_by[row], tick.refusal_object[row] = REASONS.index(reason), by, o
    tick.refusal_number[row], tick.refusal_limit[row] = number, limit


def busy(world: st.World, row: int) -> None:
    running = world.running
    refuse(world, row, "busy", o=int(running.object[row]), number=int(running.left[row]))


def no_candidate(world: st.World, params: st.Params, k: int, row: int) -> None:
    """A request means no object: what of the nearest that can be reached."""
    there = objects_of_type(params, int(params.affordances.object_type[k]))
    reached = [o for o in there if walk(params, o, tile_of(world, row)) < st.FAR]
    if not reached:
        refuse(world, row, "unreachable" if there else "no_object")
        return
    o = min(reached, key=lambda o: (walk(params, o, tile_of(world, row)), o))
    if not unready(world, params, k, o, row):
        refuse(world, row, "cooling_down", o=o, number=int(world.clock.cooldown[row, o]))


def dark(world: st.World, params: st.Params, k: int, o: int) -> list[str]:
    """The utilities that affordance or object are bound to, and that are off."""
    bound = params.affordances.utility_bound[k] | params.town.site.bound[o]
    return [name for u, name in enumerate(("power", "water")) if bound[u] and not world.events.utility[u]]


def unready(world: st.World, params: st.Params, k: int, o: int, row: int) -> bool:
    off = dark(world, params, k, o)
    if off:
        refuse(world, row, f"no_{off[0]}", o=o)
        return True
    for s in range(2):
        amount = int(params.affordances.takes[k, s])
        if amount > 0 and source(world, params, o, s, amount) == st.NOTHING:
            short(world, params, o, row, s, amount)
            return True
    for index, (name, sign, value) in enumerate(conditions(params, k)):
        if name in ("occupied", "wallet"):
            continue
        found = fact(world, params, name, o, row)
        if SIGNS[sign](found, value):
            continue
        if found:
            p = int(params.affordances.pre_first[k]) + index
            refuse(world, row, "condition", o=o, number=p, limit=found)
        elif name in ("power_on", "water_on"):
            refuse(world, row, "no_power" if name == "power_on" else "no_water", o=o)
        else:
            short(world, params, o, row, ("meal_available", "ingredients_available").index(name), 1)
        return True
    return False


def short(world: st.World, params: st.Params, o: int, row: int, s: int, amount: int) -> None:
    held = int(world.objects.stock[o, s]) if params.town.site.kept[o, s] else -1
    refuse(world, row, ("no_meals", "no_ingredients")[s], o=o, number=amount, limit=held)


def start(world: st.World, params: st.Params, k: int, o: int, row: int) -> None:
    """With the reservation, a start does not begin."""
    if unready(world, params, k, o, row):
        return
    wallet, cost = float(world.agents.wallet[row]), price(world, params, k)
    if wallet < cost:
        refuse(world, row, "cannot_pay", o=o, number=cost, limit=wallet)
        return
    for index, (name, sign, value) in enumerate(conditions(params, k)):
        if name in ("occupied", "wallet") and not SIGNS[sign](fact(world, params, name, o, row), value):
            p = int(params.affordances.pre_first[k]) + index
            refuse(world, row, "condition", o=o, number=p, limit=fact(world, params, name, o, row))
            return


def out_of_reach(world: st.World, params: st.Params, k: int, o: int, row: int) -> None:
    there = objects_of_type(params, int(params.affordances.object_type[k]))
    if o != st.NOTHING:
        if o in there:
            refuse(world, row, "too_far", o=o, number=away(params, world, row, o), limit=1)
        else:
            refuse(world, row, "not_offered", o=o)
        return
    reached = [o for o in there if walk(params, o, tile_of(world, row)) < st.FAR]
    o = min(reached, key=lambda o: (walk(params, o, tile_of(world, row)), o), default=st.NOTHING)
    refuse(world, row, "none_in_reach", o=o, number=away(params, world, row, o) if reached else 0, limit=1)
