"""With `actions.mask: guided`, of what is legal only what keeps to what the agent has begun.

It is the one mask there is: every policy reads it, samples store it, and the log-probs of `uniform` count it. In this
order:

    an affordance runs     wait; and, where `actions.guided_release` is true, the affordance is interruptible and
                           `option_commit_ticks` is not 0, release as soon as it is legal
    a reservation is held  the starts that are legal (all are at the reserved object), and nothing else; where none
                           is, the step of a shortest way to the reserved object, not to a meeting that the path
                           hint may show. If the last action was a move that failed, the other legal moves too. Wait
                           only where neither a start is legal nor a way leads there
    in a queue             wait, and the move that the path hint shows; after `actions.queue_patience` ticks in the
                           queue release too
    free                   the requests, moves, wait and chat that are legal, on shift too; no start

Never empty: where waiting is not in the mask a start or a move is. `needs` acts by it without being told: what it
would do is in the mask, but while an agent with a reservation is called to a meeting.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.columns import PATH_HINT_NORTH
from townlet.observation.layout import ALL_ALIVE
from townlet.world import state as st
from townlet.world.geometry import step_toward
from townlet.world.jit import inlined, rule


@rule
def guide_masks(clock, agents, queues, running, town, affordances, obs, features, masks, t, which):
    """Take out of slot t of the masks, which hold what is legal, what a guided agent does not do.

    The path hints of slot t have been written.
    """
    now, actions = clock.tick[0], masks.shape[2]
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == st.STAYS):
            continue
        k = running.affordance[i]
        if k != st.NOTHING:
            if not (obs.sizes.release[0] and affordances.interruptible[k]):
                masks[i, t, st.ACTION_RELEASE] = False
        elif queues.reserved[i] != st.NOTHING:
            hold_on(agents, queues, town, masks, t, i)
        elif queues.object[i] != st.NOTHING:
            for action in range(st.ACTION_CHAT, actions):
                masks[i, t, action] = False
            for d in range(4):
                if features[i, t, PATH_HINT_NORTH + d] == 0.0:
                    masks[i, t, st.ACTION_MOVE + d] = False
            masks[i, t, st.ACTION_RELEASE] = now - queues.since[i] >= obs.sizes.patience[0]
        else:
            for start in range(st.ACTION_FIRST_AFFORDANCE + 1, actions, 2):
                masks[i, t, start] = False


@inlined
def hold_on(agents, queues, town, masks, t, i):
    """Row i holds a reservation: it starts, or goes where it can."""
    may_start = False
    for request in range(st.ACTION_FIRST_AFFORDANCE, masks.shape[2], 2):
        masks[i, t, request] = False
        may_start = may_start or masks[i, t, request + 1]
    masks[i, t, st.ACTION_RELEASE] = False
    masks[i, t, st.ACTION_CHAT] = False
    place = town.site.place[queues.reserved[i]]
    step = np.int64(st.NOTHING)
    if not may_start:
        step = step_toward(town.distance, place, np.int64(agents.x[i]), np.int64(agents.y[i]))
    last = agents.last_action[i]
    failed = st.ACTION_MOVE <= last and last < st.ACTION_RELEASE and not agents.last_success[i]
    for d in range(4):
        if step != d and (may_start or not failed):
            masks[i, t, st.ACTION_MOVE + d] = False
    masks[i, t, st.ACTION_WAIT] = not may_start and step == st.NOTHING
