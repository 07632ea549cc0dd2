"""Affordances, written from the docstring of `townlet/world/rules/affordances.py` and never from its code."""

from __future__ import annotations

from tests.plain import refusals
from tests.plain.derived import leave, living, recount, waiters
from tests.plain.queues import block
from tests.plain.readiness import away, closed, may_begin, nearest_with, object_to_start, price, ready, source
from townlet.world import state as st


def update(world: st.World, params: st.Params) -> None:
    rows = range(len(world.agents.alive))
    for row in rows:
        if world.tick.kind[row] == st.RELEASE and world.running.affordance[row] != st.NOTHING:
            release(world, params, row)
    for row in living(world):
        if world.tick.kind[row] == st.START:
            begin(world, params, row)
    for row in rows:
        if world.running.affordance[row] != st.NOTHING:
            world.running.left[row] -= 1
            if world.running.left[row] == 0:
                end(world, params, row)
    recount(world, params)


def release(world: st.World, params: st.Params, row: int) -> None:
    running, offers = world.running, params.affordances
    k, o = int(running.affordance[row]), int(running.object[row])
    passed = int(world.clock.tick[0]) - int(running.started[row])
    scripted = world.script.entry[row] != st.NOTHING
    if not (scripted or passed >= params.rules.commit_ticks[0]):
        free_at = int(running.started[row]) + int(params.rules.commit_ticks[0])
        refusals.refuse(world, row, "committed", o=o, number=free_at)
        return
    if world.tick.object[row] not in (st.NOTHING, o):
        refusals.refuse(world, row, "other_object", o=o)
        return
    if offers.interruptible[k]:
        duration = int(offers.duration[k])
        effects(world, params, k, row, (duration - int(running.left[row])) / duration)
    free(world, row)
    world.tick.success[row] = True


def begin(world: st.World, params: st.Params, row: int) -> None:
    k, o = int(world.tick.affordance[row]), int(world.tick.object[row])
    objects, running, offers = world.objects, world.running, params.affordances
    if running.affordance[row] != st.NOTHING:
        refusals.busy(world, row)
        return
    if o == st.NOTHING:
        o = object_to_start(world, params, k, row)
    if (
        o == st.NOTHING
        or not params.town.belongs[offers.object_type[k], o]
        or away(params, world, row, o) > 1
    ):
        refusals.out_of_reach(world, params, k, o, row)
        return
    if objects.holder[o] != row:
        taken = objects.user[o] != st.NOBODY or objects.holder[o] != st.NOBODY
        if taken or set(waiters(world, o)) - {row}:
            block(world, params, row, o, int(world.clock.tick[0]) + 1)
        else:
            refusals.refuse(world, row, "not_reserved", o=o)
        recount(world, params)
        return
    if not (ready(world, params, k, o) and may_begin(world, params, k, o, row)):
        refusals.start(world, params, k, o, row)
        world.clock.counts[st.N_FAILED_START] += 1
        if offers.gives_up[k]:
            leave(world, row)
        recount(world, params)
        return
    for s in range(2):
        amount = int(offers.takes[k, s])
        if amount > 0:
            objects.stock[source(world, params, o, s, amount), s] -= amount
            world.events.stale[0] = True
    leave(world, row)
    objects.user[o] = row
    running.affordance[row], running.object[row] = k, o
    running.left[row], running.started[row] = offers.duration[k], world.clock.tick[0]
    world.tick.duration[row] = offers.duration[k]
    world.tick.success[row] = True
    recount(world, params)


def end(world: st.World, params: st.Params, row: int) -> None:
    k, o = int(world.running.affordance[row]), int(world.running.object[row])
    site, offers = params.town.site, params.affordances
    effects(world, params, k, row, 1.0)
    for s in range(2):
        amount = int(offers.gives[k, s])
        if amount > 0:
            there = (int(site.x[o]), int(site.y[o]))
            to = o if site.kept[o, s] else nearest_with(world, params, there, s, 0)
            if to != st.NOTHING:
                world.objects.stock[to, s] += amount
                world.events.stale[0] = True
    free(world, row)
    again = int(world.clock.tick[0]) + 1 + int(params.rules.cooldown[0])
    world.clock.cooldown[row, o] = again
    world.queues.cooling_until[row] = max(int(world.queues.cooling_until[row]), again)
    world.tick.finished[row] = k
    world.clock.counts[st.N_FINISHED] += 1


def effects(world: st.World, params: st.Params, k: int, row: int, share: float) -> None:
    agents, offers = world.agents, params.affordances
    for n in range(3):
        agents.need[row][n] = min(
            1.0, max(0.0, float(agents.need[row][n]) + float(offers.need[k][n]) * share)
        )
    money = float(offers.money[k])
    if money > 0:
        agents.wallet[row] += money * share
        world.clock.coins[st.COIN_EARNINGS] += money * share
    else:
        paid = min(float(agents.wallet[row]), price(world, params, k) * share)
        agents.wallet[row] -= paid
        world.clock.coins[st.COIN_PRICES] += paid


def free(world: st.World, row: int) -> None:
    o = int(world.running.object[row])
    world.running.affordance[row] = world.running.object[row] = st.NOTHING
    world.running.left[row] = 0
    world.objects.user[o] = st.NOBODY
    world.objects.last_user[o], world.objects.last_used[o] = row, world.clock.tick[0]


def refresh(world: st.World, params: st.Params) -> None:
    if not world.events.stale[0]:
        return
    world.events.stale[0] = False
    site, offers = params.town.site, params.affordances
    for o in range(len(site.type)):
        world.events.closed[o] = closed(world, params, o)
    for k in range(len(offers.object_type)):
        for o in range(len(site.type)):
            if params.town.belongs[offers.object_type[k], o]:
                world.events.ready[k, o] = not world.events.closed[o] and ready(world, params, k, o)
        world.events.any_ready[k] = world.events.ready[k].any()


def restock(world: st.World, params: st.Params) -> None:
    now, day, begun = int(world.clock.tick[0]), int(params.town.size[3]), int(params.town.size[4])
    if now == 0 or (now + begun) % day:
        return
    site, stock = params.town.site, world.objects.stock
    for o in range(len(site.type)):
        before = stock[o].copy()
        if site.kept[o, 0]:
            stock[o, 0] = max(stock[o, 0], site.full[o, 0])
        if site.kept[o, 1] and stock[o, 1] < site.full[o, 1]:
            stock[o, 1] = min(site.full[o, 1], stock[o, 1] + params.rules.restock_ingredients[0])
        if (before != stock[o]).any():
            world.clock.counts[st.N_RESTOCK] += 1
            world.events.stale[0] = True
