"""Queues, written from the docstrings of `rules/queues.py` and `reservations.py`, never from their code."""

from __future__ import annotations

from tests.plain.derived import leave, living, recount, tile_of, waiters
from tests.plain.readiness import object_to_request, walk
from townlet.world import state as st


def update(world: st.World, params: st.Params) -> None:
    now, queues, tick = int(world.clock.tick[0]), world.queues, world.tick
    busy = {row for row in living(world) if world.running.affordance[row] != st.NOTHING}
    for row in living(world):
        if queues.reserved[row] != st.NOTHING and now > queues.deadline[row]:
            leave(world, row)
            world.clock.counts[st.N_LAPSE] += 1
    for row in living(world):
        if tick.kind[row] == st.RELEASE and row not in busy and queues.object[row] != st.NOTHING:
            if tick.object[row] in (st.NOTHING, queues.object[row]):
                leave(world, row)
                tick.success[row] = True
    asked: dict[int, int] = {}
    for row in living(world):
        if tick.kind[row] == st.REQUEST and row not in busy:
            o = object_meant(world, params, row)
            if o != st.NOTHING:
                asked[row] = o
                ask(world, params, row, o)
    for o in range(len(world.objects.user)):
        grant(world, params, o, asked)
    recount(world, params)


def object_meant(world: st.World, params: st.Params, row: int) -> int:
    k, named = int(world.tick.affordance[row]), int(world.tick.object[row])
    if named == st.NOTHING:
        return object_to_request(world, params, k, row)
    return named if params.town.belongs[params.affordances.object_type[k], named] else st.NOTHING


def ask(world: st.World, params: st.Params, row: int, o: int) -> None:
    queues = world.queues
    if queues.reserved[row] == o:
        world.tick.success[row] = True
    elif queues.object[row] == o:
        block(world, params, row, o, int(world.clock.tick[0]))
    else:
        leave(world, row)
        queues.object[row], queues.affordance[row] = o, world.tick.affordance[row]
        queues.blocked[row] = False
        queues.since[row], queues.ticket[row] = world.clock.tick[0], world.objects.next_ticket[o]
        world.objects.next_ticket[o] += 1


def rank(world: st.World, params: st.Params, row: int) -> tuple[bool, float, int]:
    """Waiters sort by this, the first in line first."""
    now, queues = int(world.clock.tick[0]), world.queues
    score = float(params.rules.age_weight[0]) * (now - int(queues.since[row])) - int(queues.ticket[row])
    return bool(queues.rotated[row] == now), -score, int(world.agents.arrival[row])


def blamed(world: st.World, params: st.Params, row: int, o: int) -> int:
    if world.objects.user[o] != st.NOBODY:
        return int(world.objects.user[o])
    if world.objects.holder[o] != st.NOBODY:
        return int(world.objects.holder[o])
    line = sorted(waiters(world, o), key=lambda i: rank(world, params, i))
    if row in line:
        line = line[: line.index(row)]
    return line[0] if line else st.NOBODY


def block(world: st.World, params: st.Params, row: int, o: int, grants_at: int) -> None:
    tick, objects, queues = world.tick, world.objects, world.queues
    by = blamed(world, params, row, o)
    tick.block_object[row], tick.block_by[row] = o, by
    tick.block_waiting[row] = len(set(waiters(world, o)) - {row, by})
    queues.blocked[row] = True
    objects.blocks[o] += 1
    world.clock.counts[st.N_BLOCK] += 1
    limit, holder = int(params.rules.ghost_after[0]), int(objects.holder[o])
    if holder != st.NOBODY and limit > 0 and objects.blocks[o] >= limit:
        objects.holder[o] = st.NOBODY
        queues.reserved[holder] = st.NOTHING
        queues.ticket[holder] = objects.next_ticket[o]
        objects.next_ticket[o] += 1
        queues.rotated[holder] = grants_at
        objects.blocks[o] = 0
        tick.block_rotated[row] = True
        world.clock.counts[st.N_ROTATION] += 1


def grant(world: st.World, params: st.Params, o: int, asked: dict[int, int]) -> None:
    now, objects, queues = int(world.clock.tick[0]), world.objects, world.queues
    if objects.user[o] != st.NOBODY or objects.holder[o] != st.NOBODY or world.events.closed[o]:
        return
    line = [row for row in waiters(world, o) if world.clock.cooldown[row, o] <= now]
    if not line:
        return
    row = min(line, key=lambda i: rank(world, params, i))
    far = walk(params, o, tile_of(world, row))
    objects.holder[o], queues.reserved[row] = row, o
    queues.deadline[row] = now + 5 + (0 if far == st.FAR else far)
    objects.blocks[o] = 0
    world.clock.counts[st.N_GRANT] += 1
    if asked.get(row) == o:
        world.tick.success[row] = True
    last = int(objects.last_user[o])
    since = int(queues.since[row])
    if last not in (st.NOBODY, row) and world.agents.alive[last] and not queues.blocked[row]:
        if now > since and objects.last_used[o] > since:
            world.tick.polite_to[row] = last
