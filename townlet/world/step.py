"""One tick of the town: the order of this file is the specification.

`step` is the only kernel that moves the world. Each rule takes the parts of it that it may touch.
"""

from __future__ import annotations

from townlet.world import state as st
from townlet.world.jit import kernel
from townlet.world.refusals import forget_refusal
from townlet.world.rules import (
    affordances,
    economy,
    employment,
    events,
    lifecycle,
    movement,
    needs,
    queues,
    rewards,
    schedule,
    social,
)


@kernel
def kind_of(action):
    """The kind of an action id."""
    if action >= st.ACTION_FIRST_AFFORDANCE:
        return st.REQUEST if (action - st.ACTION_FIRST_AFFORDANCE) % 2 == 0 else st.START
    if action == st.ACTION_WAIT:
        return st.WAIT
    if action < st.ACTION_RELEASE:
        return st.MOVE
    return st.RELEASE if action == st.ACTION_RELEASE else st.CHAT


@kernel
def row_of(agents, number):
    """The row on which the agent with arrival number `number` + 1 lives; GONE = nowhere any more."""
    if number < agents.alive.shape[0] and agents.arrival[number] == number + 1:
        return number if agents.alive[number] else st.GONE
    for i in range(agents.alive.shape[0]):
        if agents.arrival[i] == number + 1 and agents.alive[i]:
            return i
    return st.GONE


@kernel
def begin(agents, tick, batch):
    """Take over what everybody does and forget what the last tick noted."""
    for i in range(agents.alive.shape[0]):
        action = batch.action[i] if agents.alive[i] else st.ACTION_WAIT
        kind = kind_of(action)
        tick.action[i] = action
        tick.kind[i] = kind
        tick.affordance[i] = (action - st.ACTION_FIRST_AFFORDANCE) // 2 if kind >= st.REQUEST else st.NOTHING
        tick.object[i] = batch.object[i]
        tick.target[i] = st.NOBODY if batch.target[i] < 0 else row_of(agents, batch.target[i])
        tick.quality[i] = batch.quality[i] if batch.quality[i] >= 0.0 else 1.0
        tick.success[i] = kind == st.WAIT
        tick.duration[i] = 1
        tick.block_object[i] = st.NOTHING
        tick.block_by[i] = st.NOBODY
        tick.block_waiting[i] = 0
        tick.block_rotated[i] = False
        tick.ghost_through[i] = st.NOBODY
        tick.polite_to[i] = st.NOBODY
        tick.avoided[i] = 0
        tick.finished[i] = st.NOTHING
        tick.chat_with[i] = st.NOBODY
        tick.social[i] = 0.0
        tick.late[i] = False
        tick.absent[i] = False
        tick.taken_over_by[i] = st.NOBODY
        tick.helped_by[i] = st.NOBODY
        forget_refusal(tick, i)


@kernel
def finish(clock, agents, tick):
    """Remember what was done, for the next observation, and move the clock on."""
    for i in range(agents.alive.shape[0]):
        if agents.alive[i]:
            agents.last_action[i] = tick.action[i]
            agents.last_success[i] = tick.success[i]
            agents.last_duration[i] = tick.duration[i]
    clock.tick[0] += 1


@kernel
def step(world, params, batch):
    """Play one tick: everybody has seen its observation and has chosen."""
    clock, agents, queue, running, objects, ties, work, now, grid, script, tick = world
    town, offers, people, plan, jobs, specs, rules, pay = params
    begin(agents, tick, batch)
    affordances.restock(clock, objects, now, town, rules)
    events.update(clock, agents, ties, now, town, specs, rules)
    affordances.refresh(objects, now, town, offers)
    movement.update(clock, agents, queue, running, grid, tick, town, rules)
    queues.update(clock, agents, queue, running, objects, ties, now, grid, tick, town, offers, rules)
    affordances.update(clock, agents, queue, running, objects, now, grid, script, tick, town, offers, rules)
    social.update(clock, agents, running, ties, tick, town, offers, rules)
    employment.update(clock, agents, work, tick, town, people, jobs, rules)
    social.work_ties(agents, ties, tick, rules)
    economy.update(clock, agents, town, rules)
    needs.update(agents, rules)
    lifecycle.update(clock, agents, town, rules)
    rewards.update(clock, agents, work, tick, town, rules, pay)
    schedule.advance(agents, queue, running, grid, script, tick, town, plan, people)
    finish(clock, agents, tick)
    affordances.refresh(objects, now, town, offers)


@kernel
def settle(world, params):
    """Remove who left in the last tick and bring the newcomers who are due: after the last look of the departed."""
    clock, agents, queue, running, objects, ties, work, now, grid, script, _ = world
    lifecycle.settle(
        clock, agents, queue, running, objects, ties, work, now, grid, script, params.town, params.people, params.rules,
        params.rewards,
    )  # fmt: skip
