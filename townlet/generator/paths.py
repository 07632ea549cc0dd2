"""Walking distances, computed once: walls are respected, agents are not (they move)."""

from __future__ import annotations

import numpy as np

from townlet.arrays import I32, I64, U16, Bool
from townlet.world.jit import kernel
from townlet.world.state import FAR, STEP_X, STEP_Y


def distance_fields(wall: Bool, place_x: I64, place_y: I64, distance: U16) -> None:
    """Fill `distance` [P, H, W] (uint16) with the walking distance, in tiles, from every tile to each place.

    Breadth first over floor tiles in four directions; FAR where the place cannot be reached, and on walls.
    """
    fill_distances(wall, place_x, place_y, np.empty(wall.size, np.int64), distance)


@kernel
def fill_distances(wall, place_x, place_y, frontier, distance):
    """See `distance_fields`; `frontier` [H * W] int64 is scratch space."""
    height, width = wall.shape
    for p in range(place_x.shape[0]):
        field = distance[p]
        field[:] = FAR
        head, tail = 0, 1
        field[place_y[p], place_x[p]] = 0
        frontier[0] = place_y[p] * width + place_x[p]
        while head < tail:
            y, x = frontier[head] // width, frontier[head] % width
            head += 1
            for d in range(4):
                v, u = y + STEP_Y[d], x + STEP_X[d]
                if 0 <= v < height and 0 <= u < width and not wall[v, u] and field[v, u] == FAR:
                    field[v, u] = field[y, x] + 1
                    frontier[tail] = v * width + u
                    tail += 1


def regions(wall: Bool, region: I32) -> None:
    """Number the connected pieces of floor 0, 1, ... in row-major order of their first tile; walls get -1."""
    number_regions(wall, np.empty(wall.size, np.int64), region)


@kernel
def number_regions(wall, frontier, region):
    """See `regions`; `frontier` [H * W] int64 is scratch space."""
    height, width = wall.shape
    region[:] = -1
    found = 0
    for start in range(height * width):
        if wall[start // width, start % width] or region[start // width, start % width] >= 0:
            continue
        head, tail = 0, 1
        frontier[0] = start
        region[start // width, start % width] = found
        while head < tail:
            y, x = frontier[head] // width, frontier[head] % width
            head += 1
            for d in range(4):
                v, u = y + STEP_Y[d], x + STEP_X[d]
                if 0 <= v < height and 0 <= u < width and not wall[v, u] and region[v, u] < 0:
                    region[v, u] = found
                    frontier[tail] = v * width + u
                    tail += 1
        found += 1


@kernel
def nearest_objects(distance, object_place, belongs, nearest):
    """Fill `nearest` [Z, H, W] (int16): the object of each set with the shortest walk, the lowest index on ties.

    `belongs` [Z, O] bool says which objects a set has; -1 where it has none, or none can be reached.
    """
    sets, height, width = nearest.shape
    nearest[:] = -1
    for t in range(sets):
        for o in range(object_place.shape[0]):
            if not belongs[t, o]:
                continue
            field = distance[object_place[o]]
            for y in range(height):
                for x in range(width):
                    if field[y, x] == FAR:
                        continue
                    best = nearest[t, y, x]
                    if best < 0 or field[y, x] < distance[object_place[best], y, x]:
                        nearest[t, y, x] = o
