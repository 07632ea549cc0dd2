"""A rollout inside compiled code: observe, decide, step, record, tick after tick.

`play_segment` plays a whole segment. Where a policy is Python's, the same kernels are called one after another for each
tick (`townlet/rollout/player.py`). The one recorder, its buffers and their slots: `townlet/rollout/buffers.py`.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.encode import observe
from townlet.policy.needs import needs_action
from townlet.policy.uniform import count_legal, uniform_action
from townlet.rollout.acting.networks import act_networks, value_networks
from townlet.rollout.buffers import record_after, record_before
from townlet.world import state as st
from townlet.world.jit import kernel
from townlet.world.rules import schedule
from townlet.world.step import settle, step

ALIVE, LEAVING = 0, 1  # whom `observe` is to write


def waiting_actions(agents: int) -> st.ActionBatch:
    """Everybody waits."""
    return st.ActionBatch(
        action=np.full(agents, st.ACTION_WAIT, np.int64), object=np.full(agents, st.NOTHING, np.int64),
        target=np.full(agents, st.NOBODY, np.int64), quality=np.full(agents, -1.0),
        labelled=np.zeros(agents, np.bool_), log_prob=np.zeros(agents, np.float32),
        value=np.zeros(agents, np.float32),
    )  # fmt: skip


@kernel
def decide(agents, script, people, seed, tick, tables, features, masks, t, batch):
    """Fill `batch` for every living agent that has no schedule and whose policy is compiled.

    The policies see slot `t` of `features` and `masks`, the tick, and nothing else.
    """
    for i in range(agents.alive.shape[0]):
        policy = people.policy[i]
        compiled = policy == st.POLICY_NEEDS or policy == st.POLICY_UNIFORM or policy == st.POLICY_IDLE
        compiled = compiled or policy == st.POLICY_NEEDS_EARLY
        if not agents.alive[i] or script.entry[i] != st.NOTHING or not compiled:
            continue
        batch.object[i] = st.NOTHING
        batch.target[i] = st.NOBODY
        batch.quality[i] = -1.0
        batch.labelled[i] = False
        batch.value[i] = 0.0
        batch.log_prob[i] = 0.0
        batch.action[i] = st.ACTION_WAIT
        if policy == st.POLICY_NEEDS:
            batch.action[i] = needs_action(features, masks, i, t, tables.needs)
        elif policy == st.POLICY_NEEDS_EARLY:
            batch.action[i] = needs_action(features, masks, i, t, tables.needs_early)
        elif policy == st.POLICY_UNIFORM:
            legal = count_legal(masks, i, t)
            batch.action[i] = uniform_action(masks, i, t, legal, seed, tick, agents.arrival[i])
            batch.log_prob[i] = tables.log_table[legal]


@kernel
def play_segment(world, params, observation, tables, batch, out, first, ticks):
    """Play `ticks` ticks into slots first, first + 1, ... of `out`, and write what is seen afterwards behind them."""
    for t in range(first, first + ticks):
        look(world, params, observation, tables, batch, out, t)
        play_tick(world, params, observation, batch, out, t)
        settle(world, params)
    observe_end(world, params, observation, tables, out, first + ticks)


@kernel
def take_stored(agents, script, people, tables, masks, t, actions, args, tick, batch):
    """Fill `batch` with what is stored by arrival number: `actions` [arrivals, T], `args` [arrivals, T, 3].

    Log-probs are computed again from the mask that is seen now (the networks': `act_networks`). False = somebody lives
    of whom nothing is stored.
    """
    known = True
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i]:
            continue
        who = agents.arrival[i] - 1
        if who >= actions.shape[0] or actions[who, tick] < 0 or actions[who, tick] >= masks.shape[2]:
            known = False
            continue
        batch.action[i] = actions[who, tick]
        batch.object[i] = int(args[who, tick, 0])
        batch.target[i] = int(args[who, tick, 1])
        batch.quality[i] = args[who, tick, 2]
        batch.value[i] = 0.0
        batch.log_prob[i] = 0.0
        if script.entry[i] == st.NOTHING and people.policy[i] == st.POLICY_UNIFORM:
            batch.log_prob[i] = tables.log_table[count_legal(masks, i, t)]
    return known


@kernel
def look_again(world, params, observation, tables, actions, args, batch, out, t, tick):
    """Show everybody slot `t`, and fill `batch` with what is stored of a tick; see `take_stored`."""
    observe(world, params, observation, out.map, out.features, out.action_mask, t, ALIVE)
    schedule.direct(
        world.agents, world.queues, world.running, world.grid, world.script, params.town, params.schedule,
        params.people, batch,
    )  # fmt: skip
    known = take_stored(
        world.agents, world.script, params.people, tables, out.action_mask, t, actions, args, tick, batch
    )  # fmt: skip
    if known:
        act_networks(
            world.agents, world.script, params.people, params.town.seed[0], world.clock.tick[0], tables.networks,
            out.map, out.features, out.action_mask, t, True, batch,
        )  # fmt: skip
    return known


@kernel
def replay_segment(world, params, observation, tables, actions, args, batch, out, first, start, ticks):
    """Play stored actions again, from tick `start` on, into slots `first`, ... of `out`; see `take_stored`.

    Returns the number of ticks that could be played.
    """
    for t in range(ticks):
        slot = first + t
        if not look_again(world, params, observation, tables, actions, args, batch, out, slot, start + t):
            return t
        play_tick(world, params, observation, batch, out, slot)
        settle(world, params)
    observe_end(world, params, observation, tables, out, first + ticks)
    return ticks


@kernel
def look(world, params, observation, tables, batch, out, t):
    """Show everybody slot `t`, and fill `batch` for those whom a compiled policy or a schedule decides for."""
    observe(world, params, observation, out.map, out.features, out.action_mask, t, ALIVE)
    decide(
        world.agents, world.script, params.people, params.town.seed[0], world.clock.tick[0], tables,
        out.features, out.action_mask, t, batch,
    )  # fmt: skip
    act_networks(
        world.agents, world.script, params.people, params.town.seed[0], world.clock.tick[0], tables.networks,
        out.map, out.features, out.action_mask, t, False, batch,
    )  # fmt: skip
    schedule.direct(
        world.agents, world.queues, world.running, world.grid, world.script, params.town, params.schedule,
        params.people, batch,
    )  # fmt: skip


@kernel
def play_tick(world, params, observation, batch, out, t):
    """One tick with everybody's action chosen; slot `t` of `out` has been observed already.

    Whoever leaves is shown slot t + 1, and is still there: `settle` comes next.
    """
    record_before(world.agents, batch, out, t)
    step(world, params, batch)
    if record_after(world.agents, world.tick, batch, out, t):
        observe(world, params, observation, out.map, out.features, out.action_mask, t + 1, LEAVING)


@kernel
def observe_end(world, params, observation, tables, out, t):
    """Write what everybody sees behind the last tick, in slot `t`, who that is, and the networks' values of it."""
    observe(world, params, observation, out.map, out.features, out.action_mask, t, ALIVE)
    for i in range(world.agents.alive.shape[0]):
        out.arrival[i, t] = world.agents.arrival[i] if world.agents.alive[i] else 0
        if world.agents.alive[i]:
            out.value_preds[i, t] = 0.0
    value_networks(
        world.agents, world.script, params.people, tables.networks, out.map, out.features, out.action_mask, t,
        out.value_preds,
    )  # fmt: skip
