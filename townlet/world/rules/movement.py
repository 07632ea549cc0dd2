"""Step 2 of a tick: who wants to go one tile north, south, east or west.

A move of an agent that is busy with an affordance fails, and so does one off the grid or into a wall: its
count of blocked moves stays as it is. The others claim the tile they want. A tile with nobody on it takes its
best claimant: the longest wait in a queue (ticks since joining, 0 outside of queues), then the smaller draw
(seed, tick, arrival number, USE_MOVE_TIE), then the earlier arrival. The tile that was left can be taken in
turn, and so on until nobody moves any more: chains move, swaps and circles do not. Who moved has success, and
no blocked moves any more.

Who is left over has been blocked by somebody. If `ghost_after` > 0 and it had been blocked in `ghost_after`
moves in a row before this one, it makes a ghost step: all at once they go onto the tiles they want, although
somebody stands there; `ghost_through` is the lowest row among those who stood there before the ghost steps;
success, counted, and no blocked moves any more. Otherwise its blocked moves grow by one; who is in the way is
the lowest row among those who stood there before the ghost steps. Any other action than a move sets them to 0.
"""

from __future__ import annotations

import numpy as np

from townlet.world.jit import inlined, inner, rule
from townlet.world.refusals import MAP_EDGE, TILE_TAKEN, WALL, refuse, refuse_busy
from townlet.world.rng import USE_MOVE_TIE, draw
from townlet.world.state import ACTION_MOVE, MOVE, N_GHOST, NOBODY, NOTHING, STEP_X, STEP_Y


@rule
def update(clock, agents, queues, running, grid, tick, town, rules):
    """Move everybody who can move."""
    if not _claim(agents, running, tick, town):
        return
    moved = True
    while moved:
        moved = False
        for i in range(agents.alive.shape[0]):
            if tick.claim[i] >= 0 and _is_free(grid, town, tick.claim[i]):
                if _wins(clock, agents, queues, grid, tick, town, i):
                    _go(agents, grid, tick, town, i)
                    moved = True
    _ghost_steps(clock, agents, grid, tick, town, rules.ghost_after[0])


@inlined
def _claim(agents, running, tick, town):
    """Write the tile that each agent wants (row-major index, -1 = none); whether anybody wants one."""
    width, height = town.size[0], town.size[1]
    some = False
    for i in range(agents.alive.shape[0]):
        tick.claim[i] = -1
        if tick.kind[i] != MOVE:
            agents.blocked_moves[i] = 0
            continue
        if not agents.alive[i]:
            continue
        if running.affordance[i] != NOTHING:
            refuse_busy(running, tick, i, running.left[i])
            continue
        d = tick.action[i] - ACTION_MOVE
        x, y = np.int64(agents.x[i]) + STEP_X[d], np.int64(agents.y[i]) + STEP_Y[d]
        if not (0 <= x < width and 0 <= y < height):
            refuse(tick, i, MAP_EDGE, NOBODY, NOTHING, 0.0, 0.0)
        elif town.wall[y, x]:
            refuse(tick, i, WALL, NOBODY, NOTHING, 0.0, 0.0)
        else:
            tick.claim[i] = y * width + x
            some = True
    return some


@inlined
def _is_free(grid, town, tile):
    width, pad = town.size[0], town.size[2]
    return grid.agents[tile // width + pad, tile % width + pad] == 0.0


@inlined
def _wins(clock, agents, queues, grid, tick, town, i):
    """Whether agent `i` is the best claimant of the tile it wants."""
    tile, width, pad = tick.claim[i], town.size[0], town.size[2]
    y, x = tile // width + pad, tile % width + pad
    beside = grid.agents[y - 1, x] + grid.agents[y + 1, x] + grid.agents[y, x + 1] + grid.agents[y, x - 1]
    if beside == 1.0:  # only the agent itself stands where a claimant can stand
        return True
    for j in range(agents.alive.shape[0]):
        if tick.claim[j] == tile and j != i and _comes_first(clock, agents, queues, town, j, i):
            return False
    return True


@inner
def _comes_first(clock, agents, queues, town, a, b):
    """Whether claimant `a` of a tile comes before claimant `b`."""
    now, seed = clock.tick[0], town.seed[0]
    a_waits = now - queues.since[a] if queues.object[a] != NOTHING else np.int64(0)
    b_waits = now - queues.since[b] if queues.object[b] != NOTHING else np.int64(0)
    if a_waits != b_waits:
        return a_waits > b_waits
    a_draw = draw(seed, now, agents.arrival[a], USE_MOVE_TIE, 0)
    b_draw = draw(seed, now, agents.arrival[b], USE_MOVE_TIE, 0)
    if a_draw != b_draw:
        return a_draw < b_draw
    return agents.arrival[a] < agents.arrival[b]


@inlined
def _go(agents, grid, tick, town, i):
    """Put agent `i` on the tile it claims."""
    width, pad = town.size[0], town.size[2]
    tile = tick.claim[i]
    grid.agents[agents.y[i] + pad, agents.x[i] + pad] -= 1.0
    agents.y[i] = tile // width
    agents.x[i] = tile % width
    grid.agents[tile // width + pad, tile % width + pad] += 1.0
    agents.blocked_moves[i] = 0
    tick.claim[i] = -1
    tick.success[i] = True


@inner
def _who_stands(agents, width, tile):
    """The lowest row on a tile; NOBODY."""
    for j in range(agents.alive.shape[0]):
        if agents.alive[j] and agents.y[j] * width + agents.x[j] == tile:
            return j
    return NOBODY


@inner
def _ghost_steps(clock, agents, grid, tick, town, ghost_after):
    """Let through who has been blocked long enough, all at once; the others have been blocked once more."""
    width, some = town.size[0], False
    for i in range(agents.alive.shape[0]):
        if tick.claim[i] < 0:
            continue
        by = _who_stands(agents, width, tick.claim[i])
        if not 0 < ghost_after <= agents.blocked_moves[i]:
            agents.blocked_moves[i] += 1
            tick.claim[i] = -1
            refuse(tick, i, TILE_TAKEN, by, NOTHING, agents.blocked_moves[i], ghost_after)
            continue
        some = True
        clock.counts[N_GHOST] += 1
        tick.ghost_through[i] = by
    if some:
        for i in range(agents.alive.shape[0]):
            if tick.claim[i] >= 0:
                _go(agents, grid, tick, town, i)
