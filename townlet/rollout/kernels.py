"""A segment of a rollout, inside compiled code: observe, decide, step, record, tick after tick.

Buffers have one slot more than ticks: slot t holds what is seen before acting at t, and what is seen after a life's
last step stands in the slot behind it (free in any case: a newcomer never arrives the tick after a departure).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from townlet.arrays import F32, I16, I32, I64, Bool
from townlet.observation.encode import observe
from townlet.observation.layout import Layout
from townlet.policy.needs import NeedsTable, needs_action
from townlet.policy.uniform import count_legal, uniform_action
from townlet.world import state as st
from townlet.world.jit import kernel, spliced
from townlet.world.rules import schedule
from townlet.world.step import settle, step

ALIVE, LEAVING = 0, 1  # whom `observe` is to write


class Frames(NamedTuple):
    """What a segment of T ticks records, by row. Letters as in world/state.py; U actions, R terms, F features."""

    map: F32  # [A, T + 1, C, W, W]
    features: F32  # [A, T + 1, F]
    action_mask: Bool  # [A, T + 1, U]
    arrival: I32  # [A, T + 1]  arrival number of who lives on the row at the slot; 0 = nobody
    actions: I64  # [A, T]
    old_log_probs: F32  # [A, T]
    value_preds: F32  # [A, T + 1]
    rewards: F32  # [A, T]
    dones: Bool  # [A, T]
    action_args: F32  # [A, T, 3]  object, target, quality; -1 = not named
    reward_terms: F32  # [A, T, R]
    positions: I16  # [A, T, 2]  before acting
    mismatch: Bool  # [A, T]  a schedule's label `blocked` was wrong


class PolicyTables(NamedTuple):
    """What the built-in policies know before they see anything."""

    needs: NeedsTable
    log_table: F32  # [U + 1]  log-prob of one action of n


def frames(agents: int, ticks: int, layout: Layout, actions: int) -> Frames:
    """Buffers for a segment; their content is undefined until a segment is played."""
    return Frames(
        map=np.empty((agents, ticks + 1, *layout.map_shape), np.float32),
        features=np.empty((agents, ticks + 1, len(layout.feature_names)), np.float32),
        action_mask=np.empty((agents, ticks + 1, actions), np.bool_),
        arrival=np.zeros((agents, ticks + 1), np.int32),
        actions=np.empty((agents, ticks), np.int64),
        old_log_probs=np.empty((agents, ticks), np.float32),
        value_preds=np.zeros((agents, ticks + 1), np.float32),
        rewards=np.empty((agents, ticks), np.float32),
        dones=np.empty((agents, ticks), np.bool_),
        action_args=np.empty((agents, ticks, 3), np.float32),
        reward_terms=np.empty((agents, ticks, len(st.TERMS)), np.float32),
        positions=np.empty((agents, ticks, 2), np.int16),
        mismatch=np.empty((agents, ticks), np.bool_),
    )


def waiting_actions(agents: int) -> st.ActionBatch:
    """Everybody waits."""
    return st.ActionBatch(
        action=np.full(agents, st.ACTION_WAIT, np.int64), object=np.full(agents, st.NOTHING, np.int64),
        target=np.full(agents, st.NOBODY, np.int64), quality=np.full(agents, -1.0),
        labelled=np.zeros(agents, np.bool_), log_prob=np.zeros(agents, np.float32),
        value=np.zeros(agents, np.float32),
    )  # fmt: skip


@kernel
def decide(agents, script, people, seed, tick, deciders, features, masks, t, choice):
    """Fill `choice` for every living agent whom neither a schedule nor somebody outside decides for.

    The built-in policies see slot `t` of `features` and `masks`, the tick, and nothing else.
    """
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or script.entry[i] != st.NOTHING or people.policy[i] == st.POLICY_OUTSIDE:
            continue
        choice.object[i] = st.NOTHING
        choice.target[i] = st.NOBODY
        choice.quality[i] = -1.0
        choice.labelled[i] = False
        choice.value[i] = 0.0
        if people.policy[i] == st.POLICY_NEEDS:
            choice.action[i] = needs_action(features, masks, i, t, deciders.needs)
            choice.log_prob[i] = 0.0
        else:
            legal = count_legal(masks, i, t)
            choice.action[i] = uniform_action(masks, i, t, legal, seed, tick, agents.arrival[i])
            choice.log_prob[i] = deciders.log_table[legal]


@kernel
def record_before(agents, choice, out, t):
    """Write slot `t` of everything that is known before the tick is played. The bit of the action taken is set."""
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i]:
            out.arrival[i, t] = 0
            continue
        out.arrival[i, t] = agents.arrival[i]
        out.action_mask[i, t, choice.action[i]] = True
        out.actions[i, t] = choice.action[i]
        out.old_log_probs[i, t] = choice.log_prob[i]
        out.value_preds[i, t] = choice.value[i]
        out.action_args[i, t, 0] = choice.object[i]
        out.action_args[i, t, 1] = choice.target[i]
        out.action_args[i, t, 2] = choice.quality[i]
        out.positions[i, t, 0] = agents.x[i]
        out.positions[i, t, 1] = agents.y[i]


@kernel
def record_after(agents, tick, choice, out, t):
    """Write what the tick brought those who lived in it; whether anybody leaves."""
    leaving = False
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i]:
            continue
        out.rewards[i, t] = tick.reward[i]
        for r in range(tick.terms.shape[1]):
            out.reward_terms[i, t, r] = tick.terms[i, r]
        gone = agents.leaving[i] != st.STAYS
        leaving |= gone
        out.dones[i, t] = gone
        out.mismatch[i, t] = choice.labelled[i] and tick.success[i]
        if gone:
            out.value_preds[i, t + 1] = 0.0
    return leaving


@kernel
def play_segment(world, params, observation, deciders, choice, out, first, ticks):
    """Play `ticks` ticks into slots first, first + 1, ... of `out`, and write what is seen afterwards behind them."""
    for t in range(first, first + ticks):
        observe(world, params, observation, out.map, out.features, out.action_mask, t, ALIVE)
        decide(
            world.agents, world.script, params.people, params.town.seed[0], world.clock.tick[0], deciders,
            out.features, out.action_mask, t, choice,
        )  # fmt: skip
        schedule.direct(
            world.agents, world.queues, world.running, world.grid, world.script, params.town, params.schedule,
            params.people, choice,
        )  # fmt: skip
        act(world, params, observation, choice, out, t)
    observe_end(world, params, observation, out, first + ticks)


@kernel
def take_stored(agents, script, people, deciders, masks, t, actions, args, tick, choice):
    """Fill `choice` with what is stored by arrival number: `actions` [arrivals, T], `args` [arrivals, T, 3].

    Log-probs are computed again from the mask that is seen now. False = somebody lives of whom nothing is stored.
    """
    known = True
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i]:
            continue
        who = agents.arrival[i] - 1
        if who >= actions.shape[0] or actions[who, tick] < 0 or actions[who, tick] >= masks.shape[2]:
            known = False
            continue
        choice.action[i] = actions[who, tick]
        choice.object[i] = int(args[who, tick, 0])
        choice.target[i] = int(args[who, tick, 1])
        choice.quality[i] = args[who, tick, 2]
        choice.value[i] = 0.0
        choice.log_prob[i] = 0.0
        if script.entry[i] == st.NOTHING and people.policy[i] == st.POLICY_UNIFORM:
            choice.log_prob[i] = deciders.log_table[count_legal(masks, i, t)]
    return known


@kernel
def replay_segment(world, params, observation, deciders, actions, args, choice, out, start, ticks):
    """Play stored actions again, from tick `start` on, into slots 0, 1, ... of `out`; see `take_stored`.

    Returns the number of ticks that could be played.
    """
    for t in range(ticks):
        observe(world, params, observation, out.map, out.features, out.action_mask, t, ALIVE)
        schedule.direct(
            world.agents, world.queues, world.running, world.grid, world.script, params.town, params.schedule,
            params.people, choice,
        )  # fmt: skip
        known = take_stored(
            world.agents,
            world.script,
            params.people,
            deciders,
            out.action_mask,
            t,
            actions,
            args,
            start + t,
            choice,
        )
        if not known:
            return t
        act(world, params, observation, choice, out, t)
    observe_end(world, params, observation, out, ticks)
    return ticks


@spliced
def observe_end(world, params, observation, out, t):
    """Write what everybody sees behind the last tick, in slot `t`, and who that is."""
    observe(world, params, observation, out.map, out.features, out.action_mask, t, ALIVE)
    for i in range(world.agents.alive.shape[0]):
        out.arrival[i, t] = world.agents.arrival[i] if world.agents.alive[i] else 0
        if world.agents.alive[i]:
            out.value_preds[i, t] = 0.0


@spliced
def act(world, params, observation, choice, out, t):
    """One tick with everybody's choice made; slot `t` of `out` has been observed already."""
    record_before(world.agents, choice, out, t)
    step(world, params, choice)
    if record_after(world.agents, world.tick, choice, out, t):
        observe(world, params, observation, out.map, out.features, out.action_mask, t + 1, LEAVING)
    settle(world, params)
