"""Queues, written from the docstrings of `rules/queues.py` and `reservations.py`, never from their code."""

from __future__ import annotations

from tests.plain import refusals
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
        if tick.kind[row] == st.RELEASE and row not in busy:
            if queues.object[row] == st.NOTHING:
                refusals.refuse(world, row, "nothing_to_release")
            elif tick.object[row] in (st.NOTHING, queues.object[row]):
                leave(world, row)
                tick.success[row] = True
            else:
                refusals.refuse(world, row, "other_object", o=int(queues.object[row]))
    asked: dict[int, int] = {}
    for row in living(world):
        if tick.kind[row] == st.REQUEST and row in busy:
            refusals.busy(world, row)
        elif tick.kind[row] == st.REQUEST:
            o = object_meant(world, params, row)
            if o != st.NOTHING:
                asked[row] = o
                ask(world, params, row, o)
    for o in range(len(world.objects.user)):
        grant(world, params, o, asked)
    for row, o in asked.items():
        if not tick.success[row] and (
            tick.block_object[row] == st.NOTHING or tick.block_by[row] == st.NOBODY
        ):
            say_why(world, params, row, o)
    recount(world, params)


def object_meant(world: st.World, params: st.Params, row: int) -> int:
    k, named = int(world.tick.affordance[row]), int(world.tick.object[row])
    if named == st.NOTHING:
        o = object_to_request(world, params, k, row)
        if o == st.NOTHING:
            refusals.no_candidate(world, params, k, row)
        return o
    if params.town.belongs[params.affordances.object_type[k], named]:
        return named
    refusals.refuse(world, row, "not_offered", o=named)
    return st.NOTHING


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
    if objects.user[o] != st.NOBODY:
        why = "in_use"
    elif holder != st.NOBODY:
        why = "reserved"
    else:
        why = "behind" if by != st.NOBODY else "not_reserved"
    refusals.refuse(world, row, why, by=by, o=o, number=int(objects.blocks[o]), limit=limit)
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
        refusals.refuse(world, row, "none")
    last = int(objects.last_user[o])
    since = int(queues.since[row])
    if last not in (st.NOBODY, row) and world.agents.alive[last] and not queues.blocked[row]:
        if now > since and objects.last_used[o] > since:
            world.tick.polite_to[row] = last


def say_why(world: st.World, params: st.Params, row: int, o: int) -> None:
    """Who asked in this tick for object `o` waits, or is blocked and nobody is to blame."""
    joined = world.queues.since[row] == world.clock.tick[0]
    line = sorted(waiters(world, o), key=lambda i: rank(world, params, i))
    ahead = line.index(row)
    taken_by = int(world.objects.user[o] if world.objects.user[o] != st.NOBODY else world.objects.holder[o])
    usable = int(world.clock.cooldown[row, o])
    if joined and taken_by != st.NOBODY:
        refusals.refuse(world, row, "waits", by=taken_by, o=o, number=ahead + 1)
    elif world.events.closed[o]:
        off = refusals.dark(world, params, int(world.tick.affordance[row]), o)[0]
        refusals.refuse(world, row, f"waits_for_{off}" if joined else f"no_{off}", o=o, number=ahead)
    elif usable > world.clock.tick[0]:
        refusals.refuse(world, row, "waits_for_cooldown" if joined else "cooling_down", o=o, number=usable)
    else:
        refusals.refuse(world, row, "reserved", by=taken_by, o=o, limit=int(params.rules.ghost_after[0]))
