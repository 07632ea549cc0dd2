"""Small questions that several rules ask: how far, who is next, what stands here, what time it is.

Coordinates are uint16. They are widened by `np.int64(...)`, never by `int(...)`: compiled, `int` of a uint16
stays unsigned, and `0 - 1` would be 18,446,744,073,709,551,615.
"""

from __future__ import annotations

import numpy as np

from townlet.world.jit import inlined, inner
from townlet.world.state import FAR, NOBODY, NOTHING, STEP_X, STEP_Y


@inlined
def apart(ax, ay, bx, by):
    """Manhattan distance, in tiles, between (ax, ay) and (bx, by), of any integer types."""
    return abs(np.int64(ax) - np.int64(bx)) + abs(np.int64(ay) - np.int64(by))


@inlined
def time_of_day(clock, town):
    """The tick of day of the tick about to be played: 0 on the first of a day."""
    return (clock.tick[0] + town.size[4]) % town.size[3]


@inner
def rows_follow_arrivals(alive, arrival):
    """Whether the living, row by row, are in arrival order: so until a newcomer takes over an early row."""
    latest = np.int64(0)
    for i in range(alive.shape[0]):
        if alive[i]:
            if arrival[i] < latest:
                return False
            latest = arrival[i]
    return True


@inner
def next_to_act(alive, arrival, kinds, kind, row, ordered):
    """The living row after `row` in arrival order whose action is of `kind`, or NOBODY.

    Begin with `row` = NOBODY. `ordered` is rows_follow_arrivals(...), asked once before the loop: then the
    next one is the next row; otherwise it is searched, in a pass over all rows.
    """
    count = alive.shape[0]
    if ordered:
        for i in range(row + 1, count):
            if kinds[i] == kind and alive[i]:
                return i
        return NOBODY
    after = arrival[row] if row != NOBODY else np.int64(0)
    found = NOBODY
    for i in range(count):
        if kinds[i] == kind and alive[i] and arrival[i] > after:
            if found == NOBODY or arrival[i] < arrival[found]:
                found = i
    return found


@inner
def step_toward(distance, place, x, y):
    """The direction that leads one tile nearer to a place: the first of N, S, E, W on a shortest path.

    `distance` is [P, H, W], `x` and `y` int64. NOTHING at the place itself and where it cannot be reached.
    """
    here = distance[place, y, x]
    if here == 0 or here == FAR:
        return NOTHING
    height, width = distance.shape[1], distance.shape[2]
    for d in range(4):
        v, u = y + STEP_Y[d], x + STEP_X[d]
        if 0 <= v < height and 0 <= u < width and distance[place, v, u] < here:
            return d
    return NOTHING


@inner
def nearest_keeping(stock_kept, distance, object_place, kind, least, stock, x, y):
    """The object with the shortest walk from (x, y) that keeps stock `kind` and holds at least `least` of it.

    Lowest index on ties; NOTHING where none can be reached. `x` and `y` are int64.
    """
    found, best = NOTHING, np.int64(FAR)
    for o in range(object_place.shape[0]):
        if stock_kept[o, kind] and stock[o, kind] >= least:
            walk = np.int64(distance[object_place[o], y, x])
            if walk < best:
                found, best = o, walk
    return found
