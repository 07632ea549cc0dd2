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
from townlet.world.geometry import step_toward
from townlet.world.jit import kernel
from townlet.world.state import NOTHING, STEP_X, STEP_Y, Town

STAY = 4
DIRECTIONS = 8  # room for the direction in a code


def first_steps(town: Town) -> U8:
    """[P, H, W]: the direction of the first step of a shortest path from each tile to each place."""
    step = np.empty(town.distance.shape, np.uint8)
    for place in range(len(step)):
        step[place] = _codes(town, np.full(town.wall.shape, place, np.int64)) % DIRECTIONS
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


@kernel
def _fill_codes(distance, place, span, codes):
    height, width = place.shape
    for y in range(height):
        for x in range(width):
            if place[y, x] == NOTHING:
                continue
            direction = step_toward(distance, place[y, x], x, y)
            far = min(np.int64(distance[place[y, x], y, x]), np.int64(span))
            codes[y, x] = far * DIRECTIONS + (STAY if direction == NOTHING else direction)


def _codes(town: Town, place: I64) -> U16:
    """[H, W]: the route code from each tile to its place; of NOTHING, as if there were no way."""
    span = int(town.size[0] + town.size[1])
    codes = np.full(place.shape, span * DIRECTIONS + STAY, np.uint16)
    _fill_codes(town.distance, place, span, codes)
    return codes


def to_nearest(town: Town) -> U16:
    """[H, W, Y]: route codes to the nearest object of each type."""
    types, (height, width) = len(town.layer_types), town.wall.shape
    codes = np.empty((height, width, types), np.uint16)
    for kind in range(types):
        place = np.full((height, width), NOTHING, np.int64)
        found = town.nearest[kind] >= 0
        place[found] = town.site.place[town.nearest[kind][found]]
        codes[..., kind] = _codes(town, place)
    return codes


def to_places(town: Town, places: I64) -> U16:
    """[J, H, W]: route codes to places; of NOTHING, as if there were no way."""
    codes = np.empty((len(places), *town.wall.shape), np.uint16)
    for index, place in enumerate(places):
        codes[index] = _codes(town, np.full(town.wall.shape, place, np.int64))
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
