"""Step 3 of a tick: reservations that lapse, releases, requests, and who is granted what.

In this order:

1. A reservation lapses when it has not been used by its deadline: its holder leaves the queue.
2. A `release` of an agent that is not busy leaves the queue it is in (success), unless it names another
   object.
3. Requests, by arrival number. The object is the one named, if it offers the affordance, else the nearest
   usable one (see `world/choice.py`). A request fails if the agent is busy or no object is meant. At the
   object it has reserved it is a success and changes nothing. At the object where the agent waits already it
   is a *block* (see `world/reservations.py`; it may rotate the holder to the tail at once). Otherwise the
   agent leaves its old queue and joins this one: next ticket, since this tick, not blocked.
4. Grants. An object that nobody uses or holds and that is not closed goes to the first of those who wait for
   it and are not in cooldown: those who were rotated to the tail for this tick's grants last, then by
   `age_weight` x ticks waited - ticket, then by arrival. It then holds the reservation, with a deadline in
   walking distance + 5 ticks (5 where it cannot walk there), and blocks count from 0 again. Waiting politely:
   whoever waited at least a tick without being blocked since it joined notes the last user, if that one used
   the object after the agent joined, and is alive. The request of this tick that is granted at once is a
   success; one that waits is not.
"""

from __future__ import annotations

import numpy as np

from townlet.world.geometry import next_to_act, rows_follow_arrivals
from townlet.world.jit import inlined, inner, rule
from townlet.world.reservations import block, comes_before, leave_queue, mark_reserved
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
            if running.affordance[a] == NOTHING:
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
        elif tick.kind[i] == RELEASE and queues.object[i] != NOTHING and running.affordance[i] == NOTHING:
            if tick.object[i] == NOTHING or tick.object[i] == queues.object[i]:
                leave_queue(queues, objects, town, grid, i)
                tick.success[i] = True
    return requests


@inner
def _object_meant(clock, agents, queues, objects, ties, events, tick, town, affordances, rules, a):
    """The object of the request of agent `a`; NOTHING = none, or one that does not offer the affordance."""
    k, named = tick.affordance[a], tick.object[a]
    if named == NOTHING:
        return object_to_request(
            clock, agents, queues, objects, ties, events, tick, town, affordances, rules, k, a
        )
    return named if town.belongs[affordances.object_type[k], named] else NOTHING


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
    user = objects.last_user[o]
    if user != NOBODY and user != a and objects.last_used[o] > queues.since[a] and not queues.blocked[a]:
        if agents.alive[user]:
            tick.polite_to[a] = user
