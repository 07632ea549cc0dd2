"""Schedules: what a scripted agent does (`direct`, before a tick), and how it goes on (`advance`, after).

A schedule is a list of entries that begins again after its last one. An entry is one tick, or `ticks` of
them, or lasts `until` something is so:

    kind     until     what it does on each of its ticks           over when
    wait     -         waits                                       `ticks` are played
    wait     granted   waits                                       it holds a reservation, or is in no queue
    wait     finished  waits                                       it is not busy
    move     arrived   goes a tile toward the position             it stands there, or beside it while
                                                                   somebody else stands there
    move     -         the same, and waits where it has arrived    `ticks` are played
    request  -         requests, on each tick                      `ticks` are played
    request  granted   requests, then waits in the queue           it holds the reservation
    start    -         starts, on each tick                        `ticks` are played
    start    finished  starts, then waits while that runs          the last tick of this affordance is played
    release  -         releases, on each tick                      `ticks` are played
    chat     -         chats, on each tick                         `ticks` are played

A move goes along a shortest path, by the first of north, south, east, west that lies on one; it tries again
if somebody blocks it, and waits where there is no path. To request again while waiting is a block: `until:
granted` does not, but requests again when it is not in the queue of what it requests (the named object's,
else any that it joined for this affordance). A start until finished that fails is tried again on the next
tick. A release ends what the agent is busy with, at any time; if it is not busy it leaves its queue.

Whether an entry is over is looked at after each of its ticks; the next entry has the next tick. An entry
with `until` of which that is so already when its turn comes takes no tick (a move to where the agent
stands), unless it is so for all entries of the schedule: then each takes a tick, waiting. So every tick has
one action, and no entry takes a tick that it does not need. Nothing is repeated or left out but as said
here. A label (`blocked: true`) goes with the attempts of its entry, not with the waits in between. A
newcomer has no schedule.
"""

from __future__ import annotations

import numpy as np

from townlet.world import state as st
from townlet.world.geometry import apart, step_toward
from townlet.world.jit import inner, rule


@rule
def direct(agents, queues, running, grid, script, town, schedule, people, batch):
    """Write the choice of everybody alive that follows a schedule; called again, it writes the same."""
    for i in range(agents.alive.shape[0]):
        if script.entry[i] != st.NOTHING and agents.alive[i]:
            _skip(agents, queues, running, grid, script, town, schedule, people, i)
            e = script.entry[i]
            over = script.ticks[i] == 0 and _holds(agents, queues, running, grid, town, schedule, e, i)
            action = st.ACTION_WAIT
            if not over:
                action = _action(agents, queues, running, grid, town, schedule, e, i)
            _write(schedule, batch, e, action, i)


@rule
def advance(agents, queues, running, grid, script, tick, town, schedule, people):
    """A tick has been played: whose entry is over goes on to the next one."""
    for i in range(agents.alive.shape[0]):
        e = script.entry[i]
        if e == st.NOTHING or not agents.alive[i]:
            continue
        script.ticks[i] += 1
        if schedule.until[e] == st.UNTIL_TICKS:
            over = script.ticks[i] >= schedule.ticks[e]
        elif schedule.until[e] == st.UNTIL_FINISHED and schedule.kind[e] == st.START:
            over = tick.finished[i] == schedule.affordance[e]
        else:
            over = _holds(agents, queues, running, grid, town, schedule, e, i)
        if over:
            script.entry[i] = _next(people, e, i)
            script.ticks[i] = 0


@inner
def _next(people, e, i):
    """The entry after entry `e` of agent `i`."""
    return e + 1 if e + 1 < people.script_end[i] else people.script_first[i]


@inner
def _skip(agents, queues, running, grid, script, town, schedule, people, i):
    """Go on from an entry that has not begun and takes no tick to one that does; if none does, stay."""
    e = script.entry[i]
    if script.ticks[i] > 0 or schedule.until[e] == st.UNTIL_TICKS:
        return
    for _ in range(people.script_end[i] - people.script_first[i]):
        if not _holds(agents, queues, running, grid, town, schedule, e, i):
            script.entry[i] = e
            return
        e = _next(people, e, i)


@inner
def _holds(agents, queues, running, grid, town, schedule, e, i):
    """Whether what entry `e` of agent `i` lasts until is so; not for `ticks` and starts until finished."""
    until, kind = schedule.until[e], schedule.kind[e]
    if until == st.UNTIL_ARRIVED:
        return _has_arrived(agents, grid, town, schedule.place[e], i)
    if until == st.UNTIL_GRANTED and kind == st.WAIT:
        return queues.reserved[i] != st.NOTHING or queues.object[i] == st.NOTHING
    if until == st.UNTIL_GRANTED:
        return queues.reserved[i] != st.NOTHING and _is_queued(queues, schedule, e, i)
    return until == st.UNTIL_FINISHED and kind == st.WAIT and running.affordance[i] == st.NOTHING


@inner
def _has_arrived(agents, grid, town, place, i):
    """Whether agent `i` stands on a place, or beside it while somebody else is there."""
    x, y, pad = town.place_x[place], town.place_y[place], town.size[2]
    away = apart(agents.x[i], agents.y[i], x, y)
    return away == 0 or (away == 1 and grid.agents[y + pad, x + pad] > 0.0)


@inner
def _is_queued(queues, schedule, e, i):
    """Whether agent `i` is in the queue (or has the reservation) of what entry `e` requests."""
    if schedule.object[e] != st.NOTHING:
        return queues.object[i] == schedule.object[e]
    return queues.object[i] != st.NOTHING and queues.affordance[i] == schedule.affordance[e]


@inner
def _action(agents, queues, running, grid, town, schedule, e, i):
    """The id of what agent `i` does now on entry `e`."""
    kind, until = schedule.kind[e], schedule.until[e]
    if kind == st.MOVE:
        if _has_arrived(agents, grid, town, schedule.place[e], i):
            return st.ACTION_WAIT
        x, y = np.int64(agents.x[i]), np.int64(agents.y[i])
        d = step_toward(town.distance, schedule.place[e], x, y)
        return st.ACTION_WAIT if d == st.NOTHING else st.ACTION_MOVE + d
    if kind == st.REQUEST:
        if until == st.UNTIL_GRANTED and _is_queued(queues, schedule, e, i):
            return st.ACTION_WAIT
        return st.ACTION_FIRST_AFFORDANCE + 2 * schedule.affordance[e]
    if kind == st.START:
        if until == st.UNTIL_FINISHED and running.affordance[i] == schedule.affordance[e]:
            return st.ACTION_WAIT
        return st.ACTION_FIRST_AFFORDANCE + 2 * schedule.affordance[e] + 1
    if kind == st.RELEASE:
        return st.ACTION_RELEASE
    return st.ACTION_CHAT if kind == st.CHAT else st.ACTION_WAIT


@inner
def _write(schedule, batch, e, action, i):
    """Choose `action`; what the entry names, and its label, go along unless it only waits."""
    attempt = action != st.ACTION_WAIT
    batch.action[i] = action
    batch.object[i] = schedule.object[e] if attempt else st.NOTHING
    batch.target[i] = schedule.target[e] if attempt else st.NOBODY
    batch.quality[i] = schedule.quality[e] if action == st.ACTION_CHAT else -1.0
    batch.labelled[i] = attempt and schedule.labelled[e]
    batch.log_prob[i] = 0.0
    batch.value[i] = 0.0
