"""Places in queues and reservations: what several rules do to them.

An agent is in at most one queue. It *waits* there, or it *holds* the reservation: then it is no longer
counted among the waiting. `objects.waiting`, `objects.holder` and the grid's layer of reservations change
here and with the start and end of an affordance, together with what they are counted from.
"""

from __future__ import annotations

from townlet.world.jit import inner
from townlet.world.refusals import refuse_block
from townlet.world.state import N_BLOCK, N_ROTATION, NOBODY, NOTHING


@inner
def mark_reserved(objects, town, grid, o):
    """Write the layer of reservations at object `o`: 1 while an object of this tile is held or used."""
    width, pad = town.size[0], town.size[2]
    x, y = town.site.x[o], town.site.y[o]
    tile = y * width + x
    taken = False
    for n in range(town.near_first[tile], town.near_first[tile + 1]):
        other = town.near_object[n]
        if town.site.x[other] == x and town.site.y[other] == y:
            if objects.holder[other] != NOBODY or objects.user[other] != NOBODY:
                taken = True
    grid.reserved[y + pad, x + pad] = 1.0 if taken else 0.0


@inner
def leave_queue(queues, objects, town, grid, a):
    """Take agent `a` out of the queue it is in, if any: its reservation is given back, or its place."""
    o = queues.object[a]
    if o == NOTHING:
        return
    held = queues.reserved[a] == o
    queues.object[a] = NOTHING
    queues.affordance[a] = NOTHING
    queues.reserved[a] = NOTHING
    queues.blocked[a] = False
    if held:
        objects.holder[o] = NOBODY
        mark_reserved(objects, town, grid, o)
    else:
        objects.waiting[o] -= 1


@inner
def comes_before(agents, queues, age_weight, tick, a, b):
    """Whether waiter `a` comes before waiter `b` of the same queue.

    First whoever was not rotated to the tail for this tick's grants; then the larger `age_weight` x ticks
    waited - ticket; then the earlier arrival.
    """
    a_last, b_last = queues.rotated[a] == tick, queues.rotated[b] == tick
    if a_last != b_last:
        return b_last
    a_score = age_weight * (tick - queues.since[a]) - queues.ticket[a]
    b_score = age_weight * (tick - queues.since[b]) - queues.ticket[b]
    if a_score != b_score:
        return a_score > b_score
    return agents.arrival[a] < agents.arrival[b]


@inner
def count_ahead(agents, queues, age_weight, tick, o, a):
    """How many wait for object `o` before waiter `a`."""
    count = 0
    for b in range(queues.object.shape[0]):
        if b != a and queues.object[b] == o and queues.reserved[b] != o:
            count += comes_before(agents, queues, age_weight, tick, b, a)
    return count


@inner
def whoever_is_ahead(agents, queues, age_weight, tick, o, a):
    """Who waits for object `o` before agent `a`, or first if `a` does not wait there; NOBODY."""
    first = NOBODY
    for b in range(queues.object.shape[0]):
        if b != a and queues.object[b] == o and queues.reserved[b] != o:
            if first == NOBODY or comes_before(agents, queues, age_weight, tick, b, first):
                first = b
    if first != NOBODY and queues.object[a] == o and comes_before(agents, queues, age_weight, tick, a, first):
        return NOBODY
    return first


@inner
def block(clock, agents, queues, objects, grid, tick, town, rules, a, o, grants_at):
    """Agent `a` is blocked at object `o`: it asked again while waiting, or started without the reservation.

    Blamed is the user, else the holder of the reservation, else whoever is ahead (none: nobody is blamed, and
    it is still a block). *Others waiting* are the waiters without these two. The block that makes
    `ghost_after` of them since the reservation was granted, whoever they came from, rotates a holder who has
    not started to the tail: it loses the reservation, draws a new ticket and comes last in the grants of tick
    `grants_at` (the next ones).
    """
    now, ghost_after = clock.tick[0], rules.ghost_after[0]
    by = objects.user[o] if objects.user[o] != NOBODY else objects.holder[o]
    if by == NOBODY:
        by = whoever_is_ahead(agents, queues, rules.age_weight[0], now, o, a)
    waiting = objects.waiting[o]
    if queues.object[a] == o and queues.reserved[a] != o:
        waiting -= 1
    if by != NOBODY and queues.object[by] == o and queues.reserved[by] != o:
        waiting -= 1
    tick.block_object[a], tick.block_by[a], tick.block_waiting[a] = o, by, waiting
    queues.blocked[a] = True
    objects.blocks[o] += 1
    clock.counts[N_BLOCK] += 1
    refuse_block(objects, tick, a, by, o, ghost_after)
    holder = objects.holder[o]
    if holder != NOBODY and 0 < ghost_after <= objects.blocks[o]:
        _rotate(clock, queues, objects, holder, o, grants_at)
        mark_reserved(objects, town, grid, o)
        tick.block_rotated[a] = True


@inner
def _rotate(clock, queues, objects, holder, o, grants_at):
    objects.holder[o] = NOBODY
    objects.waiting[o] += 1
    objects.blocks[o] = 0
    queues.reserved[holder] = NOTHING
    queues.ticket[holder] = objects.next_ticket[o]
    queues.rotated[holder] = grants_at
    objects.next_ticket[o] += 1
    clock.counts[N_ROTATION] += 1
