"""Why an action did not do what it says: a code for each reason, and what belongs to it.

Whatever leaves `tick.success` False writes here why. That is only told, to whoever plays a run again: no rule reads
it, no observation and no sample holds it, and it is no part of a world's digest. By code, with what `refusal_by`,
`refusal_object`, `refusal_number` and `refusal_limit` hold besides (NOBODY, NOTHING and 0 where nothing is said):

    busy                object it is busy at; number: ticks left, the present one included
    map_edge, wall
    tile_taken          by: who stands there; number: moves blocked in a row, this one included; limit: how many it
                        takes to pass through (0 = never)
    nothing_to_release
    other_object        object that it queues for, or is busy at: not the one it names
    committed           object; number: the first tick on which it may release
    not_offered         object that it names
    no_object           there is none that offers the affordance
    unreachable         no object that offers it can be reached
    cooling_down        object; number: the first tick on which the agent may be granted it again
    no_power, no_water  object
    no_meals, no_ingredients  object; number: how many it takes; limit: how many it holds (-1 = it keeps none)
    condition           object; number: index of the precondition (Params.town.condition); limit: what was found
    in_use, reserved, behind  a block. by: the user, the holder, who is ahead; object; number: blocks since the
                        reservation was granted, this one included; limit: how many rotate the holder (0 = never)
    not_reserved        object
    none_in_reach       object: the nearest to walk to; number: its distance; limit: the distance needed
    too_far             object, or by; number: distance; limit: the distance needed
    cannot_pay          object; number: coins that it costs; limit: coins that there are
    nobody_near, gone, itself
    declined            by; number: the probability with which the chat would have been good
    waits               by: the user, the holder, who is first; object; number: how many are ahead, with the user or
                        the holder
    waits_for_power, waits_for_water  object; number: how many are ahead
    waits_for_cooldown  object; number: the first tick on which the agent may be granted it

The last four are no refusals: a request that joined a queue in this tick and has not been granted in it.
"""

from __future__ import annotations

import numpy as np

from townlet.world.geometry import apart
from townlet.world.jit import inner
from townlet.world.preconditions import (
    MEAL_AVAILABLE,
    OCCUPIED,
    POWER_ON,
    WALLET,
    WATER_ON,
    compares,
    source,
    stock_available,
)  # fmt: skip
from townlet.world.state import GONE, NOBODY, NOTHING

REASONS = (
    "none", "busy", "map_edge", "wall", "tile_taken", "nothing_to_release", "other_object", "committed",
    "not_offered", "no_object", "unreachable", "cooling_down", "no_power", "no_water", "no_meals", "no_ingredients",
    "condition", "in_use", "reserved", "behind", "not_reserved", "none_in_reach", "too_far", "cannot_pay",
    "nobody_near", "gone", "itself", "declined", "waits", "waits_for_power", "waits_for_water", "waits_for_cooldown",
)  # fmt: skip
(NONE, BUSY, MAP_EDGE, WALL, TILE_TAKEN, NOTHING_TO_RELEASE, OTHER_OBJECT, COMMITTED, NOT_OFFERED, NO_OBJECT,
 UNREACHABLE, COOLING_DOWN, NO_POWER, NO_WATER, NO_MEALS, NO_INGREDIENTS, CONDITION, IN_USE, RESERVED, BEHIND,
 NOT_RESERVED, NONE_IN_REACH, TOO_FAR, CANNOT_PAY, NOBODY_NEAR, CHAT_GONE, ITSELF, DECLINED, WAITS, WAITS_FOR_POWER,
 WAITS_FOR_WATER, WAITS_FOR_COOLDOWN) = range(len(REASONS))  # fmt: skip
WAITING = REASONS[WAITS:]  # of a request that has joined a queue: no refusals

REACH = 1  # tiles between an agent and the object that it uses, or the one that it chats with


@inner
def refuse(tick, a, reason, by, o, number, limit):
    """Note why the action of row `a` did not do what it says: a code, and what belongs to it."""
    tick.refusal[a], tick.refusal_by[a], tick.refusal_object[a] = reason, by, o
    tick.refusal_number[a], tick.refusal_limit[a] = number, limit


@inner
def forget_refusal(tick, a):
    """The action of row `a` did what it says."""
    refuse(tick, a, NONE, NOBODY, NOTHING, 0.0, 0.0)


@inner
def refuse_busy(running, tick, a, left):
    """Row `a` is busy with an affordance for `left` more ticks, the present one included."""
    refuse(tick, a, BUSY, NOBODY, running.object[a], left, 0.0)


@inner
def refuse_block(objects, tick, a, by, o, ghost_after):
    """Row `a` is blocked at object `o` by `by`, or by nobody."""
    reason = NOT_RESERVED
    if objects.user[o] != NOBODY:
        reason = IN_USE
    elif objects.holder[o] != NOBODY:
        reason = RESERVED
    elif by != NOBODY:
        reason = BEHIND
    refuse(tick, a, reason, by, o, objects.blocks[o], ghost_after)


@inner
def refuse_request(clock, agents, objects, events, tick, town, affordances, k, a):
    """No object is meant by a request of row `a` for affordance `k`: what of the nearest, or of them all."""
    kind = affordances.object_type[k]
    o = np.int64(town.nearest[kind, agents.y[a], agents.x[a]])
    if town.of_type_first[kind] == town.of_type_first[kind + 1]:
        refuse(tick, a, NO_OBJECT, NOBODY, NOTHING, 0.0, 0.0)
    elif o == NOTHING:
        refuse(tick, a, UNREACHABLE, NOBODY, NOTHING, 0.0, 0.0)
    elif not refuse_unready(objects, events, tick, town, affordances, k, o, a):
        refuse(tick, a, COOLING_DOWN, NOBODY, o, clock.cooldown[a, o], 0.0)


@inner
def refuse_unready(objects, events, tick, town, affordances, k, o, a):
    """Note what object `o` lacks of what affordance `k` needs of the town (see `preconditions.ready`).

    Whether it lacks something.
    """
    for u in range(2):
        if (affordances.utility_bound[k, u] or town.site.bound[o, u]) and not events.utility[u]:
            refuse(tick, a, NO_POWER + u, NOBODY, o, 0.0, 0.0)
            return True
    for s in range(2):
        takes = affordances.takes[k, s]
        if takes > 0 and source(objects, town, o, s, takes) == NOTHING:
            _refuse_stock(objects, tick, town, o, a, s, takes)
            return True
    for p in range(affordances.pre_first[k], affordances.pre_end[k]):
        fact = town.condition.fact[p]
        if fact == OCCUPIED or fact == WALLET:
            continue
        if fact == POWER_ON or fact == WATER_ON:
            found = events.utility[fact - POWER_ON]
        else:
            found = stock_available(objects, town, o, fact - MEAL_AVAILABLE)
        value = 1.0 if found else 0.0
        if compares(value, town.condition.compare[p], town.condition.value[p]):
            continue
        if found:  # it is there, and must not be
            refuse(tick, a, CONDITION, NOBODY, o, p, value)
        elif fact == POWER_ON or fact == WATER_ON:
            refuse(tick, a, NO_POWER + fact - POWER_ON, NOBODY, o, 0.0, 0.0)
        else:
            _refuse_stock(objects, tick, town, o, a, fact - MEAL_AVAILABLE, 1)
        return True
    return False


@inner
def _refuse_stock(objects, tick, town, o, a, s, takes):
    held = objects.stock[o, s] if town.site.kept[o, s] else np.int64(-1)
    refuse(tick, a, NO_MEALS + s, NOBODY, o, takes, held)


@inner
def refuse_start(agents, objects, events, tick, town, affordances, k, o, a, cost):
    """Row `a` holds the reservation of object `o`, and affordance `k`, which costs `cost` coins, cannot begin."""
    if refuse_unready(objects, events, tick, town, affordances, k, o, a):
        return
    wallet = agents.wallet[a]
    if wallet < cost:
        refuse(tick, a, CANNOT_PAY, NOBODY, o, cost, wallet)
        return
    for p in range(affordances.pre_first[k], affordances.pre_end[k]):
        fact = town.condition.fact[p]
        if fact != OCCUPIED and fact != WALLET:
            continue
        value = np.float64(wallet)
        if fact == OCCUPIED:
            value = 1.0 if objects.user[o] != NOBODY else 0.0
        if not compares(value, town.condition.compare[p], town.condition.value[p]):
            refuse(tick, a, CONDITION, NOBODY, o, p, value)
            return


@inner
def refuse_reach(agents, tick, town, affordances, k, o, a):
    """Row `a` starts affordance `k` where no object is in reach, or at object `o`, which is not the right one."""
    kind = affordances.object_type[k]
    if o != NOTHING and not town.belongs[kind, o]:
        refuse(tick, a, NOT_OFFERED, NOBODY, o, 0.0, 0.0)
        return
    reason = TOO_FAR
    if o == NOTHING:
        reason, o = NONE_IN_REACH, np.int64(town.nearest[kind, agents.y[a], agents.x[a]])
    away = 0
    if o != NOTHING:
        away = apart(agents.x[a], agents.y[a], town.site.x[o], town.site.y[o])
    refuse(tick, a, reason, NOBODY, o, away, REACH)


@inner
def refuse_chat(agents, tick, i):
    """Row `i`, not busy, has nobody to chat with."""
    j = tick.target[i]
    if j == GONE:
        refuse(tick, i, CHAT_GONE, NOBODY, NOTHING, 0.0, 0.0)
    elif j == NOBODY:
        refuse(tick, i, NOBODY_NEAR, NOBODY, NOTHING, 0.0, 0.0)
    elif j == i:
        refuse(tick, i, ITSELF, NOBODY, NOTHING, 0.0, 0.0)
    else:
        away = apart(agents.x[i], agents.y[i], agents.x[j], agents.y[j])
        refuse(tick, i, TOO_FAR, j, NOTHING, away, REACH)
