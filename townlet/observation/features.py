"""The features: what an agent knows of itself, and the numbers that are tables by tile.

Columns, units and meanings stand in columns.py. Numbers are computed in float64 and cast when they are
written.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.columns import (
    ATTENDANCE_RATIO,
    CTX_RESET_FLAG,
    EMBEDDING_SLOT_NORM,
    EPISODE_PROGRESS,
    IN_QUEUE,
    LAST_ACTION_DURATION,
    LAST_ACTION_ID_HASH,
    LAST_ACTION_SUCCESS,
    LATENESS_COUNTER,
    NEED_HUNGER,
    ON_SHIFT,
    RESERVATION_ACTIVE,
    SHIFT_PRE,
    TIME_COS,
    TIME_SIN,
    WAGES_WITHHELD,
    WALLET,
)
from townlet.observation.layout import ALL_ALIVE, NEARBY, PERSONALITY, TARGETS
from townlet.world.jit import rule
from townlet.world.shared_terms import attendance
from townlet.world.state import NOTHING, STAYS

SHIFT_STATES = 5


@rule
def write_self(clock, agents, queues, work, town, obs, features, t, which):
    """The columns that are always there, but rivalry and path hints, in slot t, for every agent shown."""
    now, day = clock.tick[0], town.size[3]
    period, max_slots = obs.sizes.period[0], obs.sizes.max_slots[0]
    time = ((now + town.size[4]) % period) * obs.time.shape[0] // period
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        for n in range(3):
            features[i, t, NEED_HUNGER + n] = agents.need[i, n]
        features[i, t, WALLET] = agents.wallet[i]
        features[i, t, LATENESS_COUNTER] = work.lateness[i]
        features[i, t, ON_SHIFT] = work.on_site[i]
        features[i, t, ATTENDANCE_RATIO] = attendance(work, i)
        features[i, t, WAGES_WITHHELD] = work.withheld[i]
        for state in range(SHIFT_STATES):
            features[i, t, SHIFT_PRE + state] = 1.0 if work.state[i] == state else 0.0
        features[i, t, TIME_SIN] = obs.time[time, 0]
        features[i, t, TIME_COS] = obs.time[time, 1]
        features[i, t, EMBEDDING_SLOT_NORM] = agents.slot[i] / max_slots
        age = now - agents.born[i]
        features[i, t, CTX_RESET_FLAG] = 1.0 if age == 0 else 0.0
        features[i, t, EPISODE_PROGRESS] = age / day if age < day else 1.0
        features[i, t, LAST_ACTION_ID_HASH] = obs.action_hash[agents.last_action[i]]
        features[i, t, LAST_ACTION_SUCCESS] = agents.last_success[i]
        features[i, t, LAST_ACTION_DURATION] = agents.last_duration[i]
        reserved = queues.reserved[i] != NOTHING
        features[i, t, RESERVATION_ACTIVE] = 1.0 if reserved else 0.0
        features[i, t, IN_QUEUE] = 1.0 if queues.object[i] != NOTHING and not reserved else 0.0


@rule
def write_targets(agents, obs, features, t, which):
    """The block `targets`: a row of a table by tile."""
    start = obs.sizes.block[0, TARGETS]
    for i in range(agents.alive.shape[0]):
        if agents.alive[i] and (which == ALL_ALIVE or agents.leaving[i] != STAYS):
            for c in range(obs.target.shape[2]):
                features[i, t, start + c] = obs.target[agents.y[i], agents.x[i], c]


@rule
def write_personality(agents, obs, features, t, which):
    """The block `personality`."""
    start = obs.sizes.block[0, PERSONALITY]
    for i in range(agents.alive.shape[0]):
        if agents.alive[i] and (which == ALL_ALIVE or agents.leaving[i] != STAYS):
            for c in range(agents.personality.shape[1]):
                features[i, t, start + c] = agents.personality[i, c]


@rule
def write_nearby(agents, grid, town, obs, features, t, which):
    """The block `nearby` (compact): counts over the tiles of the map, and the nearest other agent on it."""
    start, side = obs.sizes.block[0, NEARBY], obs.sizes.window[0]
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        # The layers' margin is half a window: a tile's number on the grid is that of its window on a layer.
        top, left = np.int64(agents.y[i]), np.int64(agents.x[i])
        others, objects, reserved, nearest = -1, 0, 0, side
        for row in range(top, top + side):
            for column in range(left, left + side):
                here = np.int64(grid.agents[row, column])
                away = abs(row - top - side // 2) + abs(column - left - side // 2)
                others += here
                objects += np.int64(town.layer_count[row, column])
                reserved += np.int64(grid.reserved[row, column])
                if (here > 1 or (here == 1 and away > 0)) and away < nearest:
                    nearest = away
        tiles = side * side if obs.sizes.normalize[0] else 1
        features[i, t, start] = others / tiles
        features[i, t, start + 1] = objects / tiles
        features[i, t, start + 2] = reserved / tiles
        features[i, t, start + 3] = nearest / (side if obs.sizes.normalize[0] else 1)
