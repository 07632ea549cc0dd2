"""Movement, written from the docstring of `townlet/world/rules/movement.py` and never from its code."""

from __future__ import annotations

from collections import Counter

from tests.plain.derived import living, recount, tile_of
from tests.plain.refusals import busy, refuse
from townlet.world.rng import USE_MOVE_TIE, draw
from townlet.world.state import ACTION_MOVE, MOVE, N_GHOST, NOTHING, STEP_X, STEP_Y, Params, World

Tile = tuple[int, int]


def update(world: World, params: Params) -> None:
    agents, tick = world.agents, world.tick
    width, height = int(params.town.size[0]), int(params.town.size[1])
    wants: dict[int, Tile] = {}
    for row in living(world):
        if tick.kind[row] != MOVE:
            continue
        if world.running.affordance[row] != NOTHING:
            busy(world, row)
            continue
        direction = int(tick.action[row]) - ACTION_MOVE
        x, y = tile_of(world, row)
        x, y = x + STEP_X[direction], y + STEP_Y[direction]
        if not (0 <= x < width and 0 <= y < height):
            refuse(world, row, "map_edge")
        elif params.town.wall[y, x]:
            refuse(world, row, "wall")
        else:
            wants[row] = (x, y)
    for row in range(len(agents.alive)):
        if tick.kind[row] != MOVE:
            agents.blocked_moves[row] = 0
    while takes := round_of(world, params, wants):
        for row in takes:
            go(world, row, wants.pop(row))
    after = int(params.rules.ghost_after[0])
    ghosts = [row for row in wants if after > 0 and agents.blocked_moves[row] >= after]
    standing = {row: min(i for i in living(world) if tile_of(world, i) == wants[row]) for row in wants}
    for row, tile in wants.items():
        if row in ghosts:
            tick.ghost_through[row] = standing[row]
            world.clock.counts[N_GHOST] += 1
            go(world, row, tile)
        else:
            agents.blocked_moves[row] += 1
            so_far = int(agents.blocked_moves[row])
            refuse(world, row, "tile_taken", by=standing[row], number=so_far, limit=after)
    recount(world, params)


def round_of(world: World, params: Params, wants: dict[int, Tile]) -> list[int]:
    """Who moves in this round: the best claimant of every tile on which nobody stands."""
    standing = Counter(tile_of(world, row) for row in living(world))
    best = []
    for tile in set(wants.values()):
        if standing[tile] == 0:
            best.append(
                min((row for row in wants if wants[row] == tile), key=lambda row: rank(world, params, row))
            )
    return best


def rank(world: World, params: Params, row: int) -> tuple[int, float, int]:
    now, seed = int(world.clock.tick[0]), int(params.town.seed[0])
    arrival = int(world.agents.arrival[row])
    waited = now - int(world.queues.since[row]) if world.queues.object[row] != NOTHING else 0
    return -waited, draw(seed, now, arrival, USE_MOVE_TIE, 0), arrival


def go(world: World, row: int, tile: Tile) -> None:
    world.agents.x[row], world.agents.y[row] = tile
    world.agents.blocked_moves[row] = 0
    world.tick.success[row] = True
