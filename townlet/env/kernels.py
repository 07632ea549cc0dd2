"""A tick of a town that a caller steps: one call of compiled code for all that happens between two of its decisions."""

from __future__ import annotations

import numpy as np

from townlet.observation.encode import observe
from townlet.observation.maps import fill_channel
from townlet.rollout.kernels import LEAVING, look
from townlet.world import state as st
from townlet.world.jit import kernel
from townlet.world.step import settle, step

SOMEBODY_LEFT, SOMEBODY_CAME, DESERTED = 1, 2, 4  # what `play_tick` says, added up


@kernel
def first_refused(given, acts, masks, fails):
    """The first row whose agent the caller decides for and that is given no action of the space, or, unless such an
    action may fail, one that its mask forbids; -1 = there is none."""
    for n in range(acts.shape[0]):
        action = given.action[n]
        if not acts[n]:
            continue
        if action < 0 or action >= masks.shape[1] or not (fails or masks[n, action]):
            return n
    return -1


@kernel
def take_given(agents, script, people, given, first, batch):
    """Fill `batch` for those whom the caller decides for; `first` is the town's first row."""
    for i in range(agents.alive.shape[0]):
        if agents.alive[i] and script.entry[i] == st.NOTHING and people.policy[i] == st.POLICY_OUTSIDE:
            batch.action[i] = given.action[first + i]
            batch.object[i] = given.object[first + i]
            batch.target[i] = given.target[first + i]
            batch.quality[i] = given.quality[first + i]
            batch.labelled[i] = False
            batch.log_prob[i] = 0.0
            batch.value[i] = 0.0


@kernel
def tell_before(agents, batch, masks, first, told):
    """What is known before the tick is played: who lives, and does what."""
    for i in range(agents.alive.shape[0]):
        n, alive = first + i, agents.alive[i]
        action = batch.action[i] if alive else st.ACTION_WAIT
        told.lived[n] = agents.arrival[i] if alive else 0
        told.action[n] = action
        told.log_prob[n] = batch.log_prob[i] if alive else 0.0
        told.value[n] = batch.value[i] if alive else 0.0
        told.off_mask[n] = alive and not masks[i, 0, action]


@kernel
def tell_after(agents, tick, first, told):
    """What the tick brought those who lived in it; whether anybody leaves."""
    leaving = False
    for i in range(agents.alive.shape[0]):
        n, alive = first + i, agents.alive[i]
        told.reward[n] = tick.reward[i] if alive else 0.0
        for r in range(tick.terms.shape[1]):
            told.terms[n, r] = tick.terms[i, r] if alive else 0.0
        told.left[n] = agents.leaving[i] if alive else st.STAYS
        leaving |= told.left[n] != st.STAYS
    return leaving


@kernel
def show_nothing(seen, i):
    """Zeros on a row on which nobody lives; it may wait, so that there is an action to draw."""
    length = np.uint64(seen.map.shape[2] * seen.map.shape[3] * seen.map.shape[4])
    fill_channel(seen.map.flat, np.uint64(i) * length, length, 0.0)
    for f in range(seen.features.shape[2]):
        seen.features[i, 0, f] = 0.0
    for u in range(seen.action_mask.shape[2]):
        seen.action_mask[i, 0, u] = u == st.ACTION_WAIT


@kernel
def show(world, params, observation, tables, batch, seen, told, first):
    """Show everybody the town before its next tick, and tell who is there and whom the caller decides for.

    Returns what there is to say of it: SOMEBODY_CAME, DESERTED (nobody lives, and nobody is due).
    """
    look(world, params, observation, tables, batch, seen, 0)
    agents, deserted, came = world.agents, True, False
    for i in range(agents.alive.shape[0]):
        n, alive = first + i, agents.alive[i]
        told.arrival[n] = agents.arrival[i] if alive else 0
        decides = world.script.entry[i] == st.NOTHING and params.people.policy[i] == st.POLICY_OUTSIDE
        told.acts[n] = alive and decides
        deserted = deserted and not alive and agents.return_at[i] == st.NEVER
        came |= alive and agents.born[i] == world.clock.tick[0]
        if not alive:
            show_nothing(seen, i)
        for u in range(told.mask.shape[1]):
            told.mask[n, u] = seen.action_mask[i, 0, u]
    return (SOMEBODY_CAME if came else 0) + (DESERTED if deserted else 0)


@kernel
def play_tick(world, params, observation, tables, batch, given, seen, last, told, first):
    """Play a tick with what the caller has `given`, and show everybody the town after it.

    `seen.action_mask` holds what was allowed before. Who leaves is shown the town in `last` and then is gone; who is
    due comes.
    """
    agents = world.agents
    take_given(agents, world.script, params.people, given, first, batch)
    tell_before(agents, batch, seen.action_mask, first, told)
    step(world, params, batch)
    leaving = tell_after(agents, world.tick, first, told)
    if leaving:
        observe(world, params, observation, last.map, last.features, last.action_mask, 0, LEAVING)
    settle(world, params)
    said = show(world, params, observation, tables, batch, seen, told, first)
    return said + (SOMEBODY_LEFT if leaving else 0)
