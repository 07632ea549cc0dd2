"""The map: what stands around an agent, on `window` x `window` tiles with the agent in the middle.

Row r, column c of a map is the tile `(x - window // 2 + c, y - window // 2 + r)`. Channels:

    self          1 in the middle
    agents        other agents on the tile
    objects       1 where an object stands
    reservations  1 where an object is reserved or in use
    path_dx/dy    (full) the next step of a shortest path from the tile to the place hinted at (see hints.py): -1, 0, 1
                  east and south; 0 on walls, where the place counts as reached, and everywhere without a hint
    walkable      (compact) 1 on floor
    object:<type> (compact) 1 where an object of the type stands

Outside the grid everything is 0. The world's layers have a margin of half a window, so that a map is copied row by row
and nothing is clipped. Indices are unsigned: a signed one costs a test for counting from the end, at every number.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.hints import hint
from townlet.observation.layout import ALL_ALIVE
from townlet.observation.routes import STAY
from townlet.world.jit import inlined, kernel
from townlet.world.state import NOTHING, STAYS

MAP_CHANNELS = 4  # of every observation; the others follow
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
def copy_square(layer, corner, pitch, flat, at, side):
    """Copy `side` rows of `side` numbers, four at a time; the last four of a row overlap those before."""
    for row in range(side):
        source, target = corner + np.uint64(row) * pitch, at + np.uint64(row) * side
        if side < FOUR:
            for column in range(side):
                flat[target + np.uint64(column)] = layer[source + np.uint64(column)]
        else:
            for chunk in range(side // FOUR):
                copy_four(layer, source + FOUR * np.uint64(chunk), flat, target + FOUR * np.uint64(chunk))
            copy_four(layer, source + side - FOUR, flat, target + side - FOUR)


@kernel
def write_maps(agents, grid, town, window, maps, t, which):
    """The first four channels of slot t, for every agent that is shown."""
    side, pad = np.uint64(window), np.uint64(town.size[2])
    half, tiles, pitch = side // TWO, side * side, np.uint64(grid.agents.shape[1])
    flat, here = maps.reshape(maps.size), grid.agents.reshape(grid.agents.size)
    objects, reserved = town.layer_objects.reshape(here.size), grid.reserved.reshape(here.size)
    slots, length = np.uint64(maps.shape[1]), np.uint64(maps.shape[2]) * tiles
    middle = half * side + half
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        at = (np.uint64(i) * slots + np.uint64(t)) * length
        corner = (np.uint64(agents.y[i]) + pad - half) * pitch + np.uint64(agents.x[i]) + pad - half
        for tile in range(tiles):
            flat[at + np.uint64(tile)] = 0.0
        flat[at + middle] = 1.0
        at += tiles
        copy_square(here, corner, pitch, flat, at, side)
        flat[at + middle] -= np.float32(1.0)
        copy_square(objects, corner, pitch, flat, at + tiles, side)
        copy_square(reserved, corner, pitch, flat, at + TWO * tiles, side)


@kernel
def write_types(agents, town, window, channel_type, maps, t, which):
    """`compact`: the channels `walkable` and `object:<type>` of slot t."""
    side, pad, first = np.uint64(window), np.uint64(town.size[2]), np.uint64(MAP_CHANNELS)
    half, tiles, pitch = side // TWO, side * side, np.uint64(town.layer_walkable.shape[1])
    flat, floor = maps.reshape(maps.size), town.layer_walkable.reshape(town.layer_walkable.size)
    types = town.layer_types.reshape(town.layer_types.size)
    slots, length, layer = np.uint64(maps.shape[1]), np.uint64(maps.shape[2]) * tiles, np.uint64(floor.size)
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        at = (np.uint64(i) * slots + np.uint64(t)) * length + first * tiles
        corner = (np.uint64(agents.y[i]) + pad - half) * pitch + np.uint64(agents.x[i]) + pad - half
        copy_square(floor, corner, pitch, flat, at, side)
        for c in range(channel_type.shape[0]):
            at += tiles
            if channel_type[c] == NOTHING:
                for tile in range(tiles):
                    flat[at + np.uint64(tile)] = 0.0
            else:
                copy_square(types, np.uint64(channel_type[c]) * layer + corner, pitch, flat, at, side)


@kernel
def write_paths(
    clock, agents, queues, running, objects, work, events, town, affordances, people, jobs, rules, obs, maps, t, which
):
    """`full`: the channels `path_dx` and `path_dy` of slot t."""
    time, half = clock.tick[0] % town.size[3], obs.window[0] // 2
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        place, radius = hint(
            i, time, agents, queues, running, objects, work, events, town, affordances, people, jobs, rules, obs
        )
        left, top = int(agents.x[i]) - half, int(agents.y[i]) - half
        for row in range(obs.window[0]):
            for column in range(obs.window[0]):
                step = step_at(left + column, top + row, place, radius, town, obs.step)
                maps[i, t, MAP_CHANNELS, row, column] = obs.route[step, 0]
                maps[i, t, MAP_CHANNELS + 1, row, column] = obs.route[step, 1]


@inlined
def step_at(x, y, place, radius, town, steps):
    """The direction of the first step from tile (x, y) to `place`; STAY off the grid, on walls and where it is reached."""
    if place == NOTHING or x < 0 or y < 0 or x >= town.size[0] or y >= town.size[1]:
        return STAY
    if abs(town.place_x[place] - x) + abs(town.place_y[place] - y) <= radius:
        return STAY
    return int(steps[place, y, x])
