"""Path hints: toward which place the state of the world sends an agent, whatever its policy intends.

The place, of the first of these that applies, and the Manhattan distance at which it counts as reached:

    an arranged meet that nudges the agent: its place, 2
    the object reserved: 1 (where it can be used)
    the object queued for: 3
    its job's location, from `job_arrival_buffer` ticks before the shift to its end, unless dismissed: 2
    the nearest object, by walking distance, that is ready for an affordance that raises the lowest need: 2

Of equally low needs the first counts; of equally near objects that of the first affordance in the file, then
the one with the lowest index.

There is no hint while an affordance runs, once the place is reached, and where no way leads there.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.columns import PATH_HINT_NORTH
from townlet.observation.layout import ALL_ALIVE
from townlet.world.geometry import apart, step_toward, time_of_day
from townlet.world.jit import inlined, inner, rule
from townlet.world.state import FAR, NOTHING, STAYS

MEET_RADIUS, RESERVED_RADIUS, QUEUED_RADIUS, JOB_RADIUS, NEED_RADIUS = 2, 1, 3, 2, 2


@inner
def shift_calls(time, start, length, day, buffer):
    """Whether tick of day `time` lies between `buffer` ticks before the shift and its end."""
    since = time - start if time >= start else time - start + day
    return since < length or (length > 0 and day - since <= buffer)


@inner
def lowest_need(need, i):
    """The index of row i's lowest need, the first of equals."""
    lowest = 0
    for n in range(1, need.shape[1]):
        if need[i, n] < need[i, lowest]:
            lowest = n
    return lowest


@inlined
def needed_place(x, y, lowest, events, town, affordances, obs):
    """The place of the nearest object that is ready for an affordance that raises need `lowest`; NOTHING."""
    place, least = NOTHING, np.int64(FAR)
    for n in range(obs.raises_first[lowest], obs.raises_first[lowest + 1]):
        k = obs.raises[n]
        kind = affordances.object_type[k]
        nearest = np.int64(town.nearest[kind, y, x])
        if nearest == NOTHING or not events.any_ready[k]:
            continue
        if events.ready[k, nearest]:
            walk = np.int64(town.distance[town.site.place[nearest], y, x])
            if walk < least:
                place, least = town.site.place[nearest], walk
            continue
        for m in range(town.of_type_first[kind], town.of_type_first[kind + 1]):
            o = town.of_type[m]
            walk = np.int64(town.distance[town.site.place[o], y, x])
            if walk < least and events.ready[k, o]:
                place, least = town.site.place[o], walk
    return place


@inlined
def hint(i, time, agents, queues, running, work, events, town, affordances, people, jobs, buffer, obs):
    """The place hinted at, times 4, plus the distance at which it is reached; NOTHING without a hint.

    `time` is the tick of day, `buffer` job_arrival_buffer.
    """
    if running.affordance[i] != NOTHING:
        return NOTHING
    x, y, job = np.int64(agents.x[i]), np.int64(agents.y[i]), people.job[i]
    if events.meet_place[i] != NOTHING:
        place, radius = events.meet_place[i], MEET_RADIUS
    elif queues.reserved[i] != NOTHING:
        place, radius = town.site.place[queues.reserved[i]], RESERVED_RADIUS
    elif queues.object[i] != NOTHING:
        place, radius = town.site.place[queues.object[i]], QUEUED_RADIUS
    elif (
        job != NOTHING
        and jobs.place[job] != NOTHING
        and not work.dismissed[i]
        and shift_calls(time, jobs.start[job], jobs.length[job], town.size[3], buffer)
    ):
        place, radius = jobs.place[job], JOB_RADIUS
    else:
        place = needed_place(x, y, lowest_need(agents.need, i), events, town, affordances, obs)
        radius = NEED_RADIUS
    if place == NOTHING or apart(town.place_x[place], town.place_y[place], x, y) <= radius:
        return NOTHING
    return place * 4 + radius


@rule
def write_hints(
    clock, agents, queues, running, work, events, town, affordances, people, jobs, buffer, obs,
    features, t, which,
):  # fmt: skip
    """The four path hints of slot t, for every agent that is shown."""
    time = time_of_day(clock, town)
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        goal = hint(
            i, time, agents, queues, running, work, events, town, affordances, people, jobs, buffer, obs
        )
        step = np.int64(NOTHING)
        if goal != NOTHING:
            step = step_toward(town.distance, goal // 4, np.int64(agents.x[i]), np.int64(agents.y[i]))
        for d in range(4):
            features[i, t, PATH_HINT_NORTH + d] = 1.0 if step == d else 0.0
