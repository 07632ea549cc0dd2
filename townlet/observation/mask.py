"""Which actions are legal to attempt now. An attempt may still be refused.

    wait         always
    move         free, and the tile in that direction is floor (somebody may stand there)
    release      an affordance has run for `option_commit_ticks`, or the agent is in a queue (or reserved)
    chat         free, and another agent is within distance 1
    request k    free; some object is ready for k (events.ready); the wallet covers the price now; and, while
                 a cooldown of the agent runs, one of the ready objects that it can reach is not cooling
    start k      free, and an object within distance 1 offers k: while the agent holds a reservation, the
                 reserved one (that it is legal then says which one that is, and that it is near enough)

Free: no affordance of the agent runs. A schedule may do what the mask forbids: whoever plays it sets the bit
of the action taken. `actions.mask: guided` takes more away.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.layout import ALL_ALIVE
from townlet.world import state as st
from townlet.world.jit import inlined, rule
from townlet.world.preconditions import price


@rule
def write_masks(clock, agents, queues, running, events, grid, town, affordances, commit, masks, t, which):
    """Slot t of the masks, for every agent that is shown; `commit` is option_commit_ticks."""
    now, pad, actions = clock.tick[0], town.size[2], masks.shape[2]
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == st.STAYS):
            continue
        masks[i, t, st.ACTION_WAIT] = True
        if running.affordance[i] != st.NOTHING:
            for action in range(st.ACTION_MOVE, actions):
                masks[i, t, action] = False
            masks[i, t, st.ACTION_RELEASE] = now - running.started[i] >= commit
            continue
        x, y = np.int64(agents.x[i]), np.int64(agents.y[i])
        near = grid.agents[y + pad, x + pad] > 1.0
        for d in range(4):
            v, u = y + pad + st.STEP_Y[d], x + pad + st.STEP_X[d]
            masks[i, t, st.ACTION_MOVE + d] = town.layer_walkable[v, u] > 0.0
            near = near or grid.agents[v, u] > 0.0
        masks[i, t, st.ACTION_RELEASE] = queues.object[i] != st.NOTHING
        masks[i, t, st.ACTION_CHAT] = near
        for k in range(affordances.duration.shape[0]):
            may = events.any_ready[k] and agents.wallet[i] >= price(events, affordances, k)
            masks[i, t, st.ACTION_FIRST_AFFORDANCE + 2 * k] = may
            masks[i, t, st.ACTION_FIRST_AFFORDANCE + 2 * k + 1] = False
        if queues.cooling_until[i] > now:
            mask_cooling(i, x, y, now, clock, events, town, affordances, masks, t)
        mask_starts(i, x, y, queues.reserved[i], town, masks, t)


@inlined
def mask_cooling(i, x, y, now, clock, events, town, affordances, masks, t):
    """Take back the requests for which every ready object is cooling for row i."""
    for k in range(affordances.duration.shape[0]):
        if not masks[i, t, st.ACTION_FIRST_AFFORDANCE + 2 * k]:
            continue
        found, kind = False, affordances.object_type[k]
        for n in range(town.of_type_first[kind], town.of_type_first[kind + 1]):
            o = town.of_type[n]
            reached = town.distance[town.site.place[o], y, x] != st.FAR
            if events.ready[k, o] and clock.cooldown[i, o] <= now and reached:
                found = True
                break
        masks[i, t, st.ACTION_FIRST_AFFORDANCE + 2 * k] = found


@inlined
def mask_starts(i, x, y, reserved, town, masks, t):
    """Set the starts that row i may attempt at (x, y)."""
    tile = y * town.size[0] + x
    for n in range(town.near_first[tile], town.near_first[tile + 1]):
        o = town.near_object[n]
        if reserved != st.NOTHING and o != reserved:
            continue
        kind = town.site.type[o]
        for m in range(town.offers_first[kind], town.offers_first[kind + 1]):
            masks[i, t, st.ACTION_FIRST_AFFORDANCE + 2 * town.offers[m] + 1] = True
