"""Ways through the town as tables, computed once: which step comes next, and how far it is.

A *route code* packs the way from a tile to a place: `distance * 8 + direction`. The distance is in tiles,
at most width + height; the direction is that of the first step of a shortest path (NORTH, SOUTH, EAST,
WEST, in this order where several are shortest) or STAY (there already, or no way there: then the distance
is width + height).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from townlet.arrays import F32, I64, U8, U16
from townlet.world.jit import kernel
from townlet.world.state import FAR, STEP_X, STEP_Y, Town

STAY = 4
DIRECTIONS = 8  # room for the direction in a code


@kernel
def _fill_steps(distance, step):
    places, height, width = distance.shape
    for p in range(places):
        for y in range(height):
            for x in range(width):
                step[p, y, x] = STAY
                here = np.int64(distance[p, y, x])
                if here == FAR or here == 0:
                    continue
                for d in range(4):
                    v, u = y + STEP_Y[d], x + STEP_X[d]
                    if 0 <= v < height and 0 <= u < width and distance[p, v, u] == here - 1:
                        step[p, y, x] = d
                        break


def first_steps(distance: U16) -> U8:
    """[P, H, W]: the direction of the first step of a shortest path from each tile to each place."""
    step = np.full(distance.shape, STAY, np.uint8)
    _fill_steps(distance, step)
    return step


def table(town: Town) -> F32:
    """[codes, 3]: what a route code means: step x, step y, distance / (width + height)."""
    span = int(town.size[0] + town.size[1])
    meaning = np.zeros(((span + 1) * DIRECTIONS, 3), np.float64)
    for code in range(len(meaning)):
        direction = code % DIRECTIONS
        if direction < STAY:
            meaning[code, :2] = STEP_X[direction], STEP_Y[direction]
        meaning[code, 2] = (code // DIRECTIONS) / span
    return meaning.astype(np.float32)


def _code(distance: np.ndarray, direction: np.ndarray, span: int) -> U16:
    return (np.minimum(distance.astype(np.int64), span) * DIRECTIONS + direction).astype(np.uint16)


def to_nearest(town: Town, step: U8) -> U16:
    """[H, W, Y]: route codes to the nearest object of each type."""
    types, height, width = town.nearest.shape
    span = height + width
    y, x = np.ogrid[:height, :width]
    codes = np.full((height, width, types), span * DIRECTIONS + STAY, np.uint16)
    for kind in range(types):
        found = town.nearest[kind] >= 0
        if found.any():
            place = town.site.place[np.maximum(town.nearest[kind], 0)]
            code = _code(town.distance[place, y, x], step[place, y, x], span)
            codes[..., kind] = np.where(found, code, codes[..., kind])
    return codes


def to_places(town: Town, step: U8, places: I64) -> U16:
    """[J, H, W]: route codes to places; of NOTHING, as if there were no way."""
    height, width = town.wall.shape
    span = height + width
    codes = np.full((len(places), height, width), span * DIRECTIONS + STAY, np.uint16)
    for index, place in enumerate(places):
        if place >= 0:
            codes[index] = _code(town.distance[place], step[place], span)
    return codes


def targets(town: Town, types: Sequence[int]) -> F32:
    """[H, W, 3 * types]: `<type>_dx`, `_dy`, `_dist` of the nearest object of each type, by tile.

    0, 0, 1 where there is none, or the type is NOTHING.
    """
    height, width = town.wall.shape
    y, x = np.mgrid[:height, :width]
    found = np.zeros((height, width, len(types), 3), np.float64)
    found[..., 2] = 1.0
    for index, kind in enumerate(types):
        if kind < 0 or not (town.nearest[kind] >= 0).any():
            continue
        reached = town.nearest[kind] >= 0
        o = np.maximum(town.nearest[kind], 0)
        walk = town.distance[town.site.place[o], y, x].astype(np.float64) / (width + height)
        way = [(town.site.x[o] - x) / width, (town.site.y[o] - y) / height, np.minimum(walk, 1.0)]
        found[reached, index] = np.stack(way, axis=-1)[reached]
    return found.reshape(height, width, -1).astype(np.float32)
