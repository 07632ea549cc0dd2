"""Step 3 of a tick: reservations that lapse, releases, requests, and who is granted what.

In this order:

1. A reservation lapses when it has not been used by its deadline: its holder leaves the queue.
2. A `release` of an agent that is not busy leaves the queue it is in (success), unless it names another
   object.
3. Requests, by arrival number. The object is the one named, if it offers the affordance, else the nearest
   usable one (see `townlet/world/target_selection.py`). A request fails if the agent is busy or no object
   is meant. At the object it has reserved it is a success and changes nothing. At the object where the
   agent waits already it is a *block* (see `townlet/world/reservations.py`; it may rotate the holder to the
   tail at once). Otherwise the agent leaves its old queue and joins this one: next ticket, since this tick,
   not blocked.
4. Grants. An object that nobody uses or holds and that is not closed goes to the first of those who wait for
   it and are not in cooldown: those who were rotated to the tail for this tick's grants last, then by
   `age_weight` x ticks waited - ticket, then by arrival. It then holds the reservation, with a deadline in
   walking distance + 5 ticks (5 where it cannot walk there), and blocks count from 0 again. Waiting politely:
   whoever waited at least a tick without being blocked since it joined notes the last user, if that one used
   the object after the agent joined, and is alive. The request of this tick that is granted at once is a
   success; one that waits is not.

Why a request waits: the object has a user or a holder; else it is closed; else it cools down for this agent. A block
for which nobody is blamed is refused because the object is closed, or cools down, or went to somebody else.
"""

from __future__ import annotations

import numpy as np

from townlet.world.geometry import next_to_act, rows_follow_arrivals
from townlet.world.jit import inlined, inner, rule
from townlet.world.refusals import (
    COOLING_DOWN,
    NO_POWER,
    NOT_OFFERED,
    NOTHING_TO_RELEASE,
    OTHER_OBJECT,
    RESERVED,
    WAITS,
    WAITS_FOR_COOLDOWN,
    WAITS_FOR_POWER,
    forget_refusal,
    refuse,
    refuse_busy,
    refuse_request,
)  # fmt: skip
from townlet.world.reservations import block, comes_before, count_ahead, leave_queue, mark_reserved
from townlet.world.state import FAR, N_GRANT, N_LAPSE, NOBODY, NOTHING, RELEASE, REQUEST
from townlet.world.target_selection import object_to_request

SPARE_TICKS = 5  # beyond the walk, until a reservation lapses


@rule
def update(clock, agents, queues, running, objects, ties, events, grid, tick, town, affordances, rules):
    """Play the queues of one tick."""
    requests = _give_up(clock, agents, queues, running, objects, grid, tick, town)
    if requests > 0:
        ordered = requests == 1 or rows_follow_arrivals(agents.alive, agents.arrival)
        a = next_to_act(agents.alive, agents.arrival, tick.kind, REQUEST, NOBODY, ordered)
        while a != NOBODY:
            if running.affordance[a] != NOTHING:
                refuse_busy(running, tick, a, running.left[a])
            else:
                o = _object_meant(
                    clock, agents, queues, objects, ties, events, tick, town, affordances, rules, a
                )
                if o != NOTHING:
                    _request(clock, agents, queues, objects, grid, tick, town, rules, a, o)
            a = next_to_act(agents.alive, agents.arrival, tick.kind, REQUEST, a, ordered)
    for a in range(agents.alive.shape[0]):
        o = queues.object[a]
        if (
            o != NOTHING
            and objects.holder[o] == NOBODY
            and objects.user[o] == NOBODY
            and not events.closed[o]
        ):
            if clock.cooldown[a, o] <= clock.tick[0]:  # then somebody will be granted it
                first = _first_in_line(clock, agents, queues, rules, o, a)
                _grant(clock, agents, queues, objects, grid, tick, town, first, o)
    if requests > 0:
        for a in range(agents.alive.shape[0]):
            if tick.kind[a] == REQUEST and not tick.success[a] and queues.object[a] != NOTHING:
                _say_why_it_waits(clock, agents, queues, objects, events, tick, town, affordances, rules, a)


@inlined
def _give_up(clock, agents, queues, running, objects, grid, tick, town):
    """Lapses and releases; returns how many agents request something."""
    now, requests = clock.tick[0], 0
    for i in range(agents.alive.shape[0]):
        if queues.reserved[i] != NOTHING and now > queues.deadline[i]:
            leave_queue(queues, objects, town, grid, i)
            clock.counts[N_LAPSE] += 1
        if tick.kind[i] == REQUEST:
            requests += 1
        elif tick.kind[i] == RELEASE and running.affordance[i] == NOTHING:
            if queues.object[i] == NOTHING:
                refuse(tick, i, NOTHING_TO_RELEASE, NOBODY, NOTHING, 0.0, 0.0)
            elif tick.object[i] == NOTHING or tick.object[i] == queues.object[i]:
                leave_queue(queues, objects, town, grid, i)
                tick.success[i] = True
            else:
                refuse(tick, i, OTHER_OBJECT, NOBODY, queues.object[i], 0.0, 0.0)
    return requests


@inner
def _object_meant(clock, agents, queues, objects, ties, events, tick, town, affordances, rules, a):
    """The object of the request of agent `a`; NOTHING = none, or one that does not offer the affordance."""
    k, named = tick.affordance[a], tick.object[a]
    if named == NOTHING:
        o = object_to_request(
            clock, agents, queues, objects, ties, events, tick, town, affordances, rules, k, a
        )
        if o == NOTHING:
            refuse_request(clock, agents, objects, events, tick, town, affordances, k, a)
        return o
    if town.belongs[affordances.object_type[k], named]:
        return named
    refuse(tick, a, NOT_OFFERED, NOBODY, named, 0.0, 0.0)
    return NOTHING


@inner
def _request(clock, agents, queues, objects, grid, tick, town, rules, a, o):
    """Agent `a`, not busy, requests object `o`."""
    if queues.reserved[a] == o:
        tick.success[a] = True
        return
    if queues.object[a] == o:
        block(clock, agents, queues, objects, grid, tick, town, rules, a, o, clock.tick[0])
        return
    leave_queue(queues, objects, town, grid, a)
    queues.object[a] = o
    queues.affordance[a] = tick.affordance[a]
    queues.since[a] = clock.tick[0]
    queues.ticket[a] = objects.next_ticket[o]
    queues.blocked[a] = False
    objects.next_ticket[o] += 1
    objects.waiting[o] += 1


@inner
def _first_in_line(clock, agents, queues, rules, o, first):
    """The waiter of object `o` that is to be granted it; `first` is one that may be granted it."""
    now = clock.tick[0]
    for b in range(agents.alive.shape[0]):
        if queues.object[b] == o and b != first and clock.cooldown[b, o] <= now:
            if comes_before(agents, queues, rules.age_weight[0], now, b, first):
                first = b
    return first


@inner
def _grant(clock, agents, queues, objects, grid, tick, town, a, o):
    """Give the reservation of object `o` to waiter `a`."""
    now = clock.tick[0]
    walk = np.int64(town.distance[town.site.place[o], agents.y[a], agents.x[a]])
    objects.holder[o] = a
    objects.waiting[o] -= 1
    objects.blocks[o] = 0
    queues.reserved[a] = o
    queues.deadline[a] = now + SPARE_TICKS + (walk if walk != FAR else 0)
    mark_reserved(objects, town, grid, o)
    clock.counts[N_GRANT] += 1
    if tick.kind[a] == REQUEST and (queues.since[a] == now or tick.block_object[a] == o):
        tick.success[a] = True
        forget_refusal(tick, a)
    user = objects.last_user[o]
    if user != NOBODY and user != a and objects.last_used[o] > queues.since[a] and not queues.blocked[a]:
        if agents.alive[user]:
            tick.polite_to[a] = user


@inner
def _say_why_it_waits(clock, agents, queues, objects, events, tick, town, affordances, rules, a):
    """Agent `a`, in a queue, asked in this tick and was granted nothing: it joined the queue, or was blocked."""
    now, o = clock.tick[0], queues.object[a]
    joined = queues.since[a] == now
    if not joined and (tick.block_object[a] != o or tick.block_by[a] != NOBODY):
        return
    ahead = count_ahead(agents, queues, rules.age_weight[0], now, o, a)
    by = objects.user[o] if objects.user[o] != NOBODY else objects.holder[o]
    if joined and by != NOBODY:
        refuse(tick, a, WAITS, by, o, ahead + 1, 0.0)
    elif events.closed[o]:
        k, u = tick.affordance[a], 1
        if (affordances.utility_bound[k, 0] or town.site.bound[o, 0]) and not events.utility[0]:
            u = 0
        refuse(tick, a, (WAITS_FOR_POWER if joined else NO_POWER) + u, NOBODY, o, ahead, 0.0)
    elif clock.cooldown[a, o] > now:
        refuse(tick, a, WAITS_FOR_COOLDOWN if joined else COOLING_DOWN, NOBODY, o, clock.cooldown[a, o], 0.0)
    else:  # it was rotated to the tail, and who came in this tick was granted the object
        refuse(tick, a, RESERVED, by, o, 0.0, rules.ghost_after[0])
