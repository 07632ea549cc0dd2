"""Step 4 of a tick: releases, starts, and the ticks of what is under way.

In this order:

1. A `release` of an agent that is busy ends it early if at least `commit_ticks` ticks have passed since its
   start, or at any time if the agent follows a schedule; otherwise, or if it names another object, it fails.
   An affordance that is interruptible gives its effects on needs and money x ticks played / duration (the
   tick of the release is not played), any other gives none, and neither gives stock. The object is free, with
   no cooldown, and remembers its last user.
2. Starts, by arrival number. The object is the one named, if it offers the affordance, else the one
   reserved, else the nearest within reach (see `townlet/world/target_selection.py`). A start fails if the
   agent is busy, or there is no object, or it stands more than one tile away. Without the reservation it is
   a *block* if somebody uses or holds the object or waits for it (not counting the agent; see
   `townlet/world/reservations.py`; a holder that it rotates has lost the reservation at once), and on an
   idle object it simply fails. With the reservation it fails, counted, if a precondition does not hold or
   the wallet does not reach the price (see `townlet/world/preconditions.py`); then an affordance whose fail
   hook says so makes the agent leave the queue. Otherwise it takes its stock and begins: the agent leaves
   the queue as the object's user.
3. Every affordance under way plays a tick, that of the start included. In the last one its effects apply:
   needs are clamped to [0, 1]; a price is paid as far as the wallet goes; earnings are added; stock goes to
   the used object if it keeps that kind, else to the nearest one that does. The object is free and remembers
   its last user, and for this agent it cools down: it may be granted again from the tick 1 + `cooldown` later
   on.
"""

from __future__ import annotations

from townlet.world import state as st
from townlet.world.geometry import apart, nearest_keeping, next_to_act, rows_follow_arrivals, time_of_day
from townlet.world.jit import inner, kernel, rule
from townlet.world.preconditions import may_begin, price, ready, source
from townlet.world.refusals import (
    COMMITTED,
    NOT_RESERVED,
    OTHER_OBJECT,
    REACH,
    refuse,
    refuse_busy,
    refuse_reach,
    refuse_start,
)  # fmt: skip
from townlet.world.reservations import block, leave_queue, mark_reserved
from townlet.world.target_selection import object_to_start


@rule
def update(clock, agents, queues, running, objects, events, grid, script, tick, town, affordances, rules):
    """Play the affordances of one tick."""
    starts = 0
    for i in range(agents.alive.shape[0]):
        if tick.kind[i] == st.START:
            starts += 1
        elif tick.kind[i] == st.RELEASE and running.affordance[i] != st.NOTHING:
            _release(clock, agents, running, objects, events, grid, script, tick, town, affordances, rules, i)
    if starts > 0:
        ordered = starts == 1 or rows_follow_arrivals(agents.alive, agents.arrival)
        a = next_to_act(agents.alive, agents.arrival, tick.kind, st.START, st.NOBODY, ordered)
        while a != st.NOBODY:
            _start(clock, agents, queues, running, objects, events, grid, tick, town, affordances, rules, a)
            a = next_to_act(agents.alive, agents.arrival, tick.kind, st.START, a, ordered)
    for i in range(agents.alive.shape[0]):
        if running.affordance[i] != st.NOTHING:
            running.left[i] -= 1
            if running.left[i] == 0:
                _end(clock, agents, queues, running, objects, events, grid, tick, town, affordances, rules, i)


@inner
def _release(clock, agents, running, objects, events, grid, script, tick, town, affordances, rules, a):
    """End what agent `a` is busy with before its time."""
    k, o = running.affordance[a], running.object[a]
    if clock.tick[0] - running.started[a] < rules.commit_ticks[0] and script.entry[a] == st.NOTHING:
        refuse(tick, a, COMMITTED, st.NOBODY, o, running.started[a] + rules.commit_ticks[0], 0.0)
        return
    if tick.object[a] != st.NOTHING and tick.object[a] != o:
        refuse(tick, a, OTHER_OBJECT, st.NOBODY, o, 0.0, 0.0)
        return
    if affordances.interruptible[k]:
        played = affordances.duration[k] - running.left[a]
        _apply(clock, agents, events, affordances, k, a, played / affordances.duration[k])
    _free(clock, running, objects, grid, town, a)
    tick.success[a] = True


@inner
def _start(clock, agents, queues, running, objects, events, grid, tick, town, affordances, rules, a):
    """Agent `a` starts something, or is blocked, or fails."""
    k, o = tick.affordance[a], tick.object[a]
    if running.affordance[a] != st.NOTHING:
        refuse_busy(running, tick, a, running.left[a])
        return
    if o == st.NOTHING:
        o = object_to_start(agents, queues, town, affordances, k, a)
    if (
        o == st.NOTHING
        or not town.belongs[affordances.object_type[k], o]
        or apart(agents.x[a], agents.y[a], town.site.x[o], town.site.y[o]) > REACH
    ):
        refuse_reach(agents, tick, town, affordances, k, o, a)
        return
    if objects.holder[o] != a:
        others = objects.waiting[o] - (1 if queues.object[a] == o else 0)
        if others > 0 or objects.user[o] != st.NOBODY or objects.holder[o] != st.NOBODY:
            block(clock, agents, queues, objects, grid, tick, town, rules, a, o, clock.tick[0] + 1)
        else:
            refuse(tick, a, NOT_RESERVED, st.NOBODY, o, 0.0, 0.0)
        return
    cost = price(events, affordances, k)
    if ready(objects, events, town, affordances, k, o) and may_begin(
        agents, objects, town, affordances, k, o, a, cost
    ):
        _begin(clock, queues, running, objects, events, grid, tick, town, affordances, k, o, a)
        return
    refuse_start(agents, objects, events, tick, town, affordances, k, o, a, cost)
    clock.counts[st.N_FAILED_START] += 1
    if affordances.gives_up[k]:
        leave_queue(queues, objects, town, grid, a)


@inner
def _begin(clock, queues, running, objects, events, grid, tick, town, affordances, k, o, a):
    """Agent `a`, who holds the reservation of object `o`, begins affordance `k` there."""
    for s in range(2):
        if affordances.takes[k, s] > 0:
            objects.stock[source(objects, town, o, s, affordances.takes[k, s]), s] -= affordances.takes[k, s]
            events.stale[0] = True
    leave_queue(queues, objects, town, grid, a)
    objects.user[o] = a
    mark_reserved(objects, town, grid, o)
    running.affordance[a], running.object[a] = k, o
    running.left[a], running.started[a] = affordances.duration[k], clock.tick[0]
    tick.duration[a] = affordances.duration[k]
    tick.success[a] = True


@inner
def _end(clock, agents, queues, running, objects, events, grid, tick, town, affordances, rules, a):
    """The last tick of what agent `a` is busy with."""
    k, o = running.affordance[a], running.object[a]
    _apply(clock, agents, events, affordances, k, a, 1.0)
    for s in range(2):
        if affordances.gives[k, s] > 0:
            to = o
            if not town.site.kept[o, s]:
                to = nearest_keeping(
                    town.site.kept, town.distance, town.site.place, s, 0, objects.stock,
                    town.site.x[o], town.site.y[o],
                )  # fmt: skip
            if to != st.NOTHING:
                objects.stock[to, s] += affordances.gives[k, s]
                events.stale[0] = True
    _free(clock, running, objects, grid, town, a)
    usable = clock.tick[0] + 1 + rules.cooldown[0]
    clock.cooldown[a, o] = usable
    queues.cooling_until[a] = max(queues.cooling_until[a], usable)
    tick.finished[a] = k
    clock.counts[st.N_FINISHED] += 1


@inner
def _apply(clock, agents, events, affordances, k, a, share):
    """Give agent `a` a share of the effects of affordance `k` on needs and money."""
    for n in range(agents.need.shape[1]):
        if affordances.need[k, n] != 0.0:
            agents.need[a, n] = min(1.0, max(0.0, agents.need[a, n] + affordances.need[k, n] * share))
    money = affordances.money[k]
    if money > 0.0:
        agents.wallet[a] += money * share
        clock.coins[st.COIN_EARNINGS] += money * share
    elif money < 0.0:
        paid = min(agents.wallet[a], price(events, affordances, k) * share)
        agents.wallet[a] -= paid
        clock.coins[st.COIN_PRICES] += paid


@inner
def _free(clock, running, objects, grid, town, a):
    """Agent `a` is busy no longer: its object is free and remembers it."""
    o = running.object[a]
    running.affordance[a], running.object[a], running.left[a] = st.NOTHING, st.NOTHING, 0
    objects.user[o] = st.NOBODY
    objects.last_user[o], objects.last_used[o] = a, clock.tick[0]
    mark_reserved(objects, town, grid, o)


@kernel
def refresh(objects, events, town, affordances):
    """Compute `events.closed`, `events.ready` and `events.any_ready` again if `events.stale`.

    An object is closed while every affordance of its type, or the object itself, is bound to a utility that is
    off (one with no affordance never is). It is ready for an affordance that it offers if it is not closed and `ready`
    (townlet/world/preconditions.py).
    """
    if not events.stale[0]:
        return
    events.stale[0] = False
    for o in range(town.site.type.shape[0]):
        first, last = town.offers_first[town.site.type[o]], town.offers_first[town.site.type[o] + 1]
        closed = first < last
        for n in range(first, last):
            if not _without_power_or_water(events, town, affordances, town.offers[n], o):
                closed = False
        events.closed[o] = closed
    for k in range(affordances.object_type.shape[0]):
        kind = affordances.object_type[k]
        events.any_ready[k] = False
        for n in range(town.of_type_first[kind], town.of_type_first[kind + 1]):
            o = town.of_type[n]
            events.ready[k, o] = not events.closed[o] and ready(objects, events, town, affordances, k, o)
            if events.ready[k, o]:
                events.any_ready[k] = True


@inner
def _without_power_or_water(events, town, affordances, k, o):
    """Whether affordance `k`, or object `o`, is bound to a utility that is off."""
    for u in range(2):
        if (affordances.utility_bound[k, u] or town.site.bound[o, u]) and not events.utility[u]:
            return True
    return False


@kernel
def restock(clock, objects, events, town, rules):
    """On the first tick of each day but the first: meals are filled up, `restock_ingredients` raw ones added.

    Both up to what the object is filled up to. An object that gets something is counted once.
    """
    if clock.tick[0] == 0 or time_of_day(clock, town) != 0:
        return
    for o in range(objects.stock.shape[0]):
        added = False
        for s in range(2):
            full, there = town.site.full[o, s], objects.stock[o, s]
            fresh = full if s == st.MEALS else min(full, there + rules.restock_ingredients[0])
            if town.site.kept[o, s] and fresh > there:
                objects.stock[o, s] = fresh
                added = True
        if added:
            clock.counts[st.N_RESTOCK] += 1
            events.stale[0] = True
