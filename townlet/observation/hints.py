"""Path hints: toward which place the state of the world sends an agent, whatever its policy intends.

The place, of the first of these that applies, and the Manhattan distance at which it counts as reached:

    an arranged meet that nudges the agent: its place, 2
    the object reserved: 1 (where it can be used)
    the object queued for: 3
    its job's location, from `job_arrival_buffer` ticks before the shift to its end, unless dismissed: 2 (on site)
    the nearest object, by walking distance, that is ready for an affordance that raises the lowest need: 2
    (of equally low needs the first; of equally near objects that of the first affordance in the file, then the lowest)

There is no hint while an affordance runs, once the place is reached, and where no way leads there.
An object is *ready* for an affordance if it is not closed and its preconditions hold; those about `occupied` and
`wallet` are left aside.
"""

from __future__ import annotations

from townlet.observation.columns import PATH_HINT_EAST, PATH_HINT_NORTH, PATH_HINT_SOUTH, PATH_HINT_WEST
from townlet.observation.layout import ALL_ALIVE
from townlet.observation.routes import STAY
from townlet.world.jit import inlined, kernel
from townlet.world.state import (
    EAST,
    FAR,
    INGREDIENTS,
    MEALS,
    NORTH,
    NOTHING,
    POWER,
    SOUTH,
    STAYS,
    WATER,
    WEST,
)

MEET_RADIUS, RESERVED_RADIUS, QUEUED_RADIUS, JOB_RADIUS, NEED_RADIUS = 2, 1, 3, 2, 2
OCCUPIED, POWER_ON, WATER_ON, MEAL_AVAILABLE, INGREDIENTS_AVAILABLE, WALLET = range(6)  # as in FACTS


@kernel
def compares(found, compare, value):
    """`found <compare> value`; compare is an index into COMPARISONS."""
    if compare == 0:
        return found < value
    if compare == 1:
        return found <= value
    if compare == 2:
        return found == value
    if compare == 3:
        return found != value
    if compare == 4:
        return found >= value
    return found > value


@kernel
def has_stock(stock, kept, o, s):
    """Whether stock `s` is there: the object's own if it keeps that kind, else any object's."""
    if kept[o, s]:
        return stock[o, s] > 0
    for other in range(kept.shape[0]):
        if kept[other, s] and stock[other, s] > 0:
            return True
    return False


@inlined
def is_ready(o, k, stock, events, town, affordances):
    """Whether object `o` is open and meets the preconditions of affordance `k` (not `occupied` and `wallet`)."""
    if events.closed[o]:
        return False
    for p in range(affordances.pre_first[k], affordances.pre_first[k + 1]):
        fact = affordances.pre_fact[p]
        if fact == OCCUPIED or fact == WALLET:
            continue
        if fact == POWER_ON:
            found = events.utility[POWER]
        elif fact == WATER_ON:
            found = events.utility[WATER]
        elif fact == MEAL_AVAILABLE:
            found = has_stock(stock, town.stock_kept, o, MEALS)
        else:
            found = has_stock(stock, town.stock_kept, o, INGREDIENTS)
        if not compares(1.0 if found else 0.0, affordances.pre_compare[p], affordances.pre_value[p]):
            return False
    return True


@inlined
def nearest_ready(x, y, k, stock, events, town, affordances):
    """The nearest object that is ready for affordance `k` and can be reached from (x, y); NOTHING."""
    kind = affordances.object_type[k]
    best = int(town.nearest[kind, y, x])
    if best < 0:
        return NOTHING
    if is_ready(best, k, stock, events, town, affordances):
        return best
    best, least = NOTHING, FAR
    for n in range(town.of_type_first[kind], town.of_type_first[kind + 1]):
        o = town.of_type[n]
        walk = int(town.distance[town.object_place[o], y, x])
        if walk < least and is_ready(o, k, stock, events, town, affordances):
            best, least = o, walk
    return best


@inlined
def needed_place(x, y, lowest, stock, events, town, affordances, obs):
    """The place of the nearest object that is ready for an affordance that raises need `lowest`; NOTHING."""
    place, least = NOTHING, FAR
    for n in range(obs.raises_first[lowest], obs.raises_first[lowest + 1]):
        k = obs.raises[n]
        if not events.any_ready[k]:
            continue
        o = nearest_ready(x, y, k, stock, events, town, affordances)
        if o == NOTHING:
            continue
        walk = int(town.distance[town.object_place[o], y, x])
        if walk < least:
            place, least = town.object_place[o], walk
    return place


@kernel
def shift_calls(time, start, length, day, buffer):
    """Whether tick of day `time` lies between `buffer` ticks before the shift and its end."""
    since = time - start if time >= start else time - start + day
    return since < length or (length > 0 and day - since <= buffer)


@kernel
def lowest_need(need, i):
    """The index of row i's lowest need, the first of equals."""
    lowest = 0
    for n in range(1, need.shape[1]):
        if need[i, n] < need[i, lowest]:
            lowest = n
    return lowest


@inlined
def hint(i, time, agents, queues, running, objects, work, events, town, affordances, people, jobs, rules, obs):
    """The place hinted at and the distance at which it is reached; (NOTHING, 0) without a hint."""
    x, y = int(agents.x[i]), int(agents.y[i])
    place, radius = NOTHING, 0
    job = people.job[i]
    if running.affordance[i] != NOTHING:
        pass
    elif events.meet_place[i] != NOTHING:
        place, radius = events.meet_place[i], MEET_RADIUS
    elif queues.reserved[i] != NOTHING:
        place, radius = town.object_place[queues.reserved[i]], RESERVED_RADIUS
    elif queues.object[i] != NOTHING:
        place, radius = town.object_place[queues.object[i]], QUEUED_RADIUS
    elif (
        job != NOTHING
        and jobs.place[job] != NOTHING
        and not work.dismissed[i]
        and shift_calls(time, jobs.start[job], jobs.length[job], town.size[3], rules.arrival_buffer[0])
    ):
        place, radius = jobs.place[job], JOB_RADIUS
    else:
        lowest = lowest_need(agents.need, i)
        place, radius = needed_place(x, y, lowest, objects.stock, events, town, affordances, obs), NEED_RADIUS
    if place != NOTHING and abs(town.place_x[place] - x) + abs(town.place_y[place] - y) <= radius:
        place = NOTHING
    return place, radius


@kernel
def write_hints(
    clock, agents, queues, running, objects, work, events, town, affordances, people, jobs, rules, obs, features, t, which
):
    """The four path hints of slot t, for every agent that is shown."""
    time = clock.tick[0] % town.size[3]
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        place, _ = hint(
            i, time, agents, queues, running, objects, work, events, town, affordances, people, jobs, rules, obs
        )
        step = STAY if place == NOTHING else int(obs.step[place, agents.y[i], agents.x[i]])
        features[i, t, PATH_HINT_NORTH] = 1.0 if step == NORTH else 0.0
        features[i, t, PATH_HINT_SOUTH] = 1.0 if step == SOUTH else 0.0
        features[i, t, PATH_HINT_EAST] = 1.0 if step == EAST else 0.0
        features[i, t, PATH_HINT_WEST] = 1.0 if step == WEST else 0.0
