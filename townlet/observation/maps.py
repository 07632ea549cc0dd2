"""The map: what stands around an agent, on `window` x `window` tiles with the agent in the middle.

Row r, column c of a map is the tile `(x - window // 2 + c, y - window // 2 + r)`. The channels stand in
columns.py; the path channels are 0 on walls, where the place hinted at (hints.py) counts as reached, and
everywhere without a hint. Outside the grid everything is 0.

The world's layers have a margin of half a window, so that a map is copied row by row and nothing is
clipped. Indices are unsigned: a signed one costs a test for counting from the end, at every number.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.hints import hint
from townlet.observation.layout import ALL_ALIVE
from townlet.observation.routes import STAY
from townlet.world.geometry import apart, time_of_day
from townlet.world.jit import inlined, inner, rule
from townlet.world.state import NOTHING, STAYS

SELF, AGENTS, OBJECTS, RESERVATIONS = 0, 1, 2, 3  # channels
WALKABLE, PATH_DX = 4, 4  # the first of those that `compact` and `full` add
ONE, TWO, THREE, FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)


@inlined
def copy_four(source, s, target, t):
    """Four numbers, all read before any is written, so that they move as one."""
    a, b, c, d = source[s], source[s + ONE], source[s + TWO], source[s + THREE]
    target[t] = a
    target[t + ONE] = b
    target[t + TWO] = c
    target[t + THREE] = d


@inlined
def fill_channel(flat, at, tiles, value):
    """Write `value` on all tiles of the channel that begins at `at`."""
    for tile in range(tiles):
        flat[at + np.uint64(tile)] = value


@inner
def copy_channel(layer, corner, pitch, maps, at, side):
    """Copy the window whose first tile is `corner` into the channel that begins at `at`.

    Four tiles are copied at a time; the last four of a row overlap those before. Both places count from the
    start of the flat array; `pitch` is the layer's width.
    """
    source, target = layer.flat, maps.flat
    for _ in range(side):
        if side < FOUR:
            for column in range(side):
                target[at + np.uint64(column)] = source[corner + np.uint64(column)]
        else:
            for chunk in range(side // FOUR):
                copy_four(source, corner + FOUR * np.uint64(chunk), target, at + FOUR * np.uint64(chunk))
            copy_four(source, corner + side - FOUR, target, at + side - FOUR)
        corner += pitch
        at += side


@rule
def write_maps(agents, grid, town, window, maps, t, which):
    """The first four channels of slot t, for every agent that is shown."""
    side, pitch = np.uint64(window), np.uint64(grid.agents.shape[1])
    tiles, middle = side * side, (side // TWO) * (side + ONE)
    slots, length, flat = np.uint64(maps.shape[1]), np.uint64(maps.shape[2]) * tiles, maps.flat
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        at = (np.uint64(i) * slots + np.uint64(t)) * length
        corner = np.uint64(agents.y[i]) * pitch + np.uint64(agents.x[i])
        fill_channel(flat, at, tiles, 0.0)
        flat[at + middle] = 1.0
        copy_channel(grid.agents, corner, pitch, maps, at + tiles, side)
        flat[at + tiles + middle] -= np.float32(1.0)
        copy_channel(town.layer_objects, corner, pitch, maps, at + TWO * tiles, side)
        copy_channel(grid.reserved, corner, pitch, maps, at + THREE * tiles, side)


@rule
def write_types(agents, town, window, channel_type, maps, t, which):
    """`compact`: the channels `walkable` and `object:<type>` of slot t."""
    side, pitch = np.uint64(window), np.uint64(town.layer_walkable.shape[1])
    tiles, layer = side * side, np.uint64(town.layer_walkable.size)
    slots, length = np.uint64(maps.shape[1]), np.uint64(maps.shape[2]) * tiles
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        at = (np.uint64(i) * slots + np.uint64(t)) * length + np.uint64(WALKABLE) * tiles
        corner = np.uint64(agents.y[i]) * pitch + np.uint64(agents.x[i])
        copy_channel(town.layer_walkable, corner, pitch, maps, at, side)
        for c in range(channel_type.shape[0]):
            at += tiles
            if channel_type[c] == NOTHING:
                fill_channel(maps.flat, at, tiles, 0.0)
            else:
                first = np.uint64(channel_type[c]) * layer
                copy_channel(town.layer_types, first + corner, pitch, maps, at, side)


@rule
def write_paths(
    clock, agents, queues, running, work, events, town, affordances, people, jobs, buffer, obs, maps, t, which
):
    """`full`: the channels `path_dx` and `path_dy` of slot t."""
    time, side = time_of_day(clock, town), obs.sizes.window[0]
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        goal = hint(
            i, time, agents, queues, running, work, events, town, affordances, people, jobs, buffer, obs
        )
        left, top = np.int64(agents.x[i]) - side // 2, np.int64(agents.y[i]) - side // 2
        for row in range(side):
            for column in range(side):
                step = STAY
                if goal != NOTHING:
                    step = step_at(left + column, top + row, goal // 4, goal % 4, town, obs.step)
                maps[i, t, PATH_DX, row, column] = obs.route[step, 0]
                maps[i, t, PATH_DX + 1, row, column] = obs.route[step, 1]


@inlined
def step_at(x, y, place, radius, town, steps):
    """The direction of the first step from (x, y) to `place`; STAY off the grid and where it is reached."""
    if x < 0 or y < 0 or x >= town.size[0] or y >= town.size[1]:
        return STAY
    if apart(town.place_x[place], town.place_y[place], x, y) <= radius:
        return STAY
    return np.int64(steps[place, y, x])
