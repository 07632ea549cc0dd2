"""What follows from the rest of the state, counted from scratch: the layers of the grid and the waiting."""

from __future__ import annotations

from townlet.world.state import NOBODY, NOTHING, Params, World


def living(world: World) -> list[int]:
    """Rows of the living by arrival number."""
    rows = [i for i in range(len(world.agents.alive)) if world.agents.alive[i]]
    return sorted(rows, key=lambda i: int(world.agents.arrival[i]))


def tile_of(world: World, row: int) -> tuple[int, int]:
    return int(world.agents.x[row]), int(world.agents.y[row])


def waiters(world: World, o: int) -> list[int]:
    """Who queues for object `o` without holding its reservation."""
    queues = world.queues
    return [i for i in range(len(queues.object)) if queues.object[i] == o and queues.reserved[i] != o]


def recount(world: World, params: Params) -> None:
    """Write `objects.waiting` and both layers of the grid."""
    pad = int(params.town.size[2])
    site, objects = params.town.site, world.objects
    world.grid.agents[:] = 0
    for row in living(world):
        x, y = tile_of(world, row)
        world.grid.agents[y + pad, x + pad] += 1
    world.grid.reserved[:] = 0
    for o in range(len(objects.user)):
        objects.waiting[o] = len(waiters(world, o))
        if objects.user[o] != NOBODY or objects.holder[o] != NOBODY:
            world.grid.reserved[int(site.y[o]) + pad, int(site.x[o]) + pad] = 1


def leave(world: World, row: int) -> None:
    """Out of the queue, whether waiting or with the reservation."""
    queues, o = world.queues, int(world.queues.object[row])
    if o == NOTHING:
        return
    if world.objects.holder[o] == row:
        world.objects.holder[o] = NOBODY
    queues.object[row] = queues.affordance[row] = queues.reserved[row] = NOTHING
    queues.blocked[row] = False
