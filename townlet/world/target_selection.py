"""Which object is meant by an action that names none.

A **request** means the nearest object of the affordance's types by walking distance (lowest index on ties)
among the *candidates*: reachable, not closed, meeting the affordance's facts (all but `occupied` and
`wallet`), and not in this agent's cooldown. Avoidance: a candidate that is used, held or waited for by
somebody toward whom the agent's rivalry is above the avoid threshold is passed over while another candidate
remains; not by an agent with a deficit (1 - need) over 0.85. Passing over the nearest one is counted, once.

A **start** means the reserved object if it offers the affordance; else the nearest object within distance 1
(Manhattan, lowest index on ties) that does.
"""

from __future__ import annotations

import numpy as np

from townlet.world.geometry import apart
from townlet.world.jit import inner
from townlet.world.preconditions import ready
from townlet.world.state import FAR, N_AVOIDED, NOBODY, NOTHING, RIVALRY_AVOID

TOO_NEEDY_TO_AVOID = 0.85  # a deficit over this


@inner
def is_candidate(clock, objects, events, town, affordances, k, o, a, x, y):
    """Whether agent `a` at (x, y) may mean object `o` when it requests affordance `k`."""
    return (
        town.distance[town.site.place[o], y, x] != FAR
        and not events.closed[o]
        and clock.cooldown[a, o] <= clock.tick[0]
        and ready(objects, events, town, affordances, k, o)
    )


@inner
def object_to_request(clock, agents, queues, objects, ties, events, tick, town, affordances, rules, k, a):
    """The object that agent `a` means by a request of affordance `k` without one; NOTHING = no candidate."""
    kind = affordances.object_type[k]
    x, y = np.int64(agents.x[a]), np.int64(agents.y[a])
    wary = _is_wary(agents, ties, a)
    nearest = np.int64(town.nearest[kind, y, x])
    if nearest != NOTHING and not wary:
        if is_candidate(clock, objects, events, town, affordances, k, nearest, a, x, y):
            return nearest
    first, first_walk = NOTHING, np.int64(FAR)  # the nearest candidate
    calm, calm_walk = NOTHING, np.int64(FAR)  # the nearest candidate without a rival
    for n in range(town.of_type_first[kind], town.of_type_first[kind + 1]):
        o = town.of_type[n]
        walk = np.int64(town.distance[town.site.place[o], y, x])
        if walk < calm_walk and is_candidate(clock, objects, events, town, affordances, k, o, a, x, y):
            if walk < first_walk:
                first, first_walk = o, walk
            if not (wary and _has_rival(queues, objects, ties, rules.rivalry[0][RIVALRY_AVOID], o, a)):
                calm, calm_walk = o, walk
    if calm == NOTHING or calm == first:
        return first
    tick.avoided[a] += 1
    clock.counts[N_AVOIDED] += 1
    return calm


@inner
def _is_wary(agents, ties, a):
    """Whether an agent avoids at all: it has ties, and no deficit so large that it takes what there is."""
    if ties.count[a] == 0:
        return False
    for n in range(agents.need.shape[1]):
        if 1.0 - agents.need[a, n] > TOO_NEEDY_TO_AVOID:
            return False
    return True


@inner
def _has_rival(queues, objects, ties, threshold, o, a):
    """Whether the user, the holder or a waiter of object `o` is a rival above the threshold."""
    user, holder = objects.user[o], objects.holder[o]
    if user != NOBODY and ties.rivalry[a, user] > threshold:
        return True
    if holder != NOBODY and ties.rivalry[a, holder] > threshold:
        return True
    if objects.waiting[o] > 0:
        for b in range(queues.object.shape[0]):
            if queues.object[b] == o and ties.rivalry[a, b] > threshold:
                return True
    return False


@inner
def object_to_start(agents, queues, town, affordances, k, a):
    """The object that agent `a` means by a start of affordance `k` without one; NOTHING = none in reach."""
    kind, reserved = affordances.object_type[k], queues.reserved[a]
    if reserved != NOTHING and town.belongs[kind, reserved]:
        return reserved
    x, y = np.int64(agents.x[a]), np.int64(agents.y[a])
    tile = y * town.size[0] + x
    found = NOTHING
    for n in range(town.near_first[tile], town.near_first[tile + 1]):
        o = town.near_object[n]
        if town.belongs[kind, o]:
            if apart(x, y, town.site.x[o], town.site.y[o]) == 0:
                return o
            if found == NOTHING:
                found = o
    return found
