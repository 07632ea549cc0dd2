"""What an agent needs to know to act well: the blocks `doing`, `status` and `near` (observations.extended).

Columns, units and meanings stand in columns.py. The place in a queue is that of the next grant (see
world/reservations.py), cooldowns left aside.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.columns import (
    COOLDOWN_LEFT,
    FAINT_COUNTDOWN,
    JOB_STEP_X,
    POWER_ON,
    PRICE_LEVEL,
    QUEUE_POSITION,
    RENT_LACKING,
    RENT_UNPAID,
    SHIFT_ENDS_IN,
    SHIFT_STARTS_IN,
    TICKS_LEFT,
    WALL_EAST,
    WALL_NORTH,
    WALL_SOUTH,
    WALL_WEST,
    WATER_ON,
)
from townlet.observation.layout import ALL_ALIVE, DOING, STATUS
from townlet.observation.routes import STAY
from townlet.world.geometry import time_of_day
from townlet.world.jit import inner, kernel, rule
from townlet.world.reservations import comes_before
from townlet.world.rules.lifecycle import UNPAID_DAYS
from townlet.world.state import NOBODY, NOTHING, POWER, STAYS, WATER


@rule
def write_doing(clock, agents, queues, running, affordances, rules, obs, features, t, which):
    """The one-hot of the running affordance, what is left of it, and of the longest cooldown."""
    first, status = obs.sizes.block[0, DOING], obs.sizes.block[0, STATUS]
    now, cooldown = clock.tick[0], rules.cooldown[0]
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        for k in range(affordances.duration.shape[0]):
            features[i, t, first + k] = 0.0
        left, k = 0.0, running.affordance[i]
        if k != NOTHING:
            features[i, t, first + k] = 1.0
            left = running.left[i] / affordances.duration[k]
        cooling = queues.cooling_until[i] - now
        features[i, t, status + TICKS_LEFT] = left
        features[i, t, status + COOLDOWN_LEFT] = cooling / cooldown if cooling > 0 and cooldown > 0 else 0.0


@inner
def queue_place(i, agents, queues, now, age_weight):
    """The place (1 = next) of row i among those who wait for the same object; 0 = it does not wait."""
    o = queues.object[i]
    if o == NOTHING or queues.reserved[i] != NOTHING:
        return 0
    place = 1
    for j in range(queues.object.shape[0]):
        if j != i and queues.object[j] == o and queues.reserved[j] == NOTHING:
            place += 1 if comes_before(agents, queues, age_weight, now, j, i) else 0
    return place


@rule
def write_status(clock, agents, queues, events, rules, obs, features, t, which):
    """Queue, fainting, rent, utilities and prices."""
    first, now, rent = obs.sizes.block[0, STATUS], clock.tick[0], rules.rent[0]
    power = 1.0 if events.utility[POWER] else 0.0
    water = 1.0 if events.utility[WATER] else 0.0
    price_level = events.price_level[0] - 1.0
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        place = queue_place(i, agents, queues, now, rules.age_weight[0])
        features[i, t, first + QUEUE_POSITION] = 1.0 / place if place > 0 else 0.0
        features[i, t, first + FAINT_COUNTDOWN] = agents.faint_ticks[i] / rules.faint_after[0]
        lacking = rent - agents.wallet[i]
        features[i, t, first + RENT_LACKING] = lacking / rent if lacking > 0.0 else 0.0
        features[i, t, first + RENT_UNPAID] = min(1.0, agents.unpaid_days[i] / UNPAID_DAYS)
        features[i, t, first + POWER_ON] = power
        features[i, t, first + WATER_ON] = water
        features[i, t, first + PRICE_LEVEL] = price_level


@rule
def write_shift(clock, agents, work, town, people, jobs, obs, features, t, which):
    """The ticks to the shift, the way to the job, and the walls around."""
    first, day, pad = obs.sizes.block[0, STATUS], town.size[3], town.size[2]
    time = time_of_day(clock, town)
    nowhere = (obs.route.shape[0] - 8) + STAY
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        x, y = np.int64(agents.x[i]), np.int64(agents.y[i])
        job, starts_in, ends_in, route = people.job[i], day, day, nowhere
        if job != NOTHING and not work.dismissed[i] and jobs.length[job] > 0:
            starts_in = (jobs.start[job] - time + day) % day
            ends_in = (starts_in + jobs.length[job]) % day
        if job != NOTHING and not work.dismissed[i]:
            route = np.int64(obs.job_route[job, y, x])
        features[i, t, first + SHIFT_STARTS_IN] = starts_in / day
        features[i, t, first + SHIFT_ENDS_IN] = ends_in / day
        for c in range(3):
            features[i, t, first + JOB_STEP_X + c] = obs.route[route, c]
        floor = town.layer_walkable
        features[i, t, first + WALL_NORTH] = 1.0 - floor[y + pad - 1, x + pad]
        features[i, t, first + WALL_SOUTH] = 1.0 - floor[y + pad + 1, x + pad]
        features[i, t, first + WALL_EAST] = 1.0 - floor[y + pad, x + pad + 1]
        features[i, t, first + WALL_WEST] = 1.0 - floor[y + pad, x + pad - 1]


@rule
def write_near(agents, objects, closed, town, obs, features, t, which):
    """The nearest object of every type: the way, its stock, whether it is free."""
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        x, y = agents.x[i], agents.y[i]
        for kind in range(obs.near.first.shape[0]):
            route, first = obs.near_route[y, x, kind], obs.near.first[kind]
            for c in range(3):
                features[i, t, first + c] = obs.route[route, c]
            o = np.int64(town.nearest[kind, y, x])
            for s in range(2):
                column = obs.near.stock[kind, s]
                if column != NOTHING:
                    share = 0.0
                    if o != NOTHING and town.site.kept[o, s]:
                        share = objects.stock[o, s] / max(1, town.site.full[o, s])
                    features[i, t, column] = share
            free = o != NOTHING and not closed[o] and objects.user[o] == NOBODY
            free = free and (objects.holder[o] == NOBODY or objects.holder[o] == i)
            features[i, t, obs.near.free[kind]] = 1.0 if free else 0.0


@kernel
def write_extended(
    clock, agents, queues, running, objects, work, events, town, affordances, people, jobs, rules, obs,
    features, t, which,
):  # fmt: skip
    """All three blocks of slot t, for every agent that is shown."""
    write_doing(clock, agents, queues, running, affordances, rules, obs, features, t, which)
    write_status(clock, agents, queues, events, rules, obs, features, t, which)
    write_shift(clock, agents, work, town, people, jobs, obs, features, t, which)
    write_near(agents, objects, events.closed, town, obs, features, t, which)
