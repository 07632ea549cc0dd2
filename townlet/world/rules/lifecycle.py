"""Step 9 of a tick: who leaves (`update`), and after the tick their removal and the newcomers (`settle`).

`update`, while lifecycle is on: `faint_ticks` counts the ticks in a row that end with any need at or below
the faint threshold; at faint_after the agent leaves (fainted). Of the others, those with two or more unpaid
days leave (evicted), the lowest arrival number first, while fewer than exit_cap evictions happened on this
day.

`settle` runs when the tick is over, `clock.tick` is already the next one, and everybody's last observation
is written. Who leaves is removed: its object, queue, reservation, ties (both directions), nudge, schedule
and embedding slot are given up, its coins leave the town with it. With a respawn delay > 0, a newcomer
takes the row `delay` ticks later: who left after tick t misses the ticks t + 1 .. t + delay. Newcomers, in
the order of rows, get the next arrival number, the row's start tile (where it is taken, the nearest free
floor tile of the same region: Manhattan, then row by row; without any, they wait for one), needs of 0.5,
the start wallet, job and personality, no schedule, no ties, no past.

A newcomer's embedding slot is the lowest that nobody uses and whose cooldown is over (slot_freed + cooldown
<= tick); else of those that nobody uses the one freed longest ago (lowest first); else (arrival number - 1)
modulo their number.
"""

from __future__ import annotations

import numpy as np

from townlet.world import state as st
from townlet.world.geometry import time_of_day
from townlet.world.jit import inner, rule
from townlet.world.reservations import leave_queue, mark_reserved
from townlet.world.rng import USE_IDENTITY, draw
from townlet.world.shared_terms import potential

UNPAID_DAYS = 2  # that evict
HALF_FULL = 0.5  # a newcomer's needs


@rule
def update(clock, agents, town, rules):
    """Mark who leaves at the end of this tick."""
    if not rules.lifecycle_on[0]:
        return
    if clock.exits_today[0] > 0 and time_of_day(clock, town) == 0:
        clock.exits_today[0] = 0
    alive, need, faint_ticks = agents.alive, agents.need, agents.faint_ticks
    threshold, due = rules.faint_threshold[0], 0
    for i in range(alive.size):
        if not alive[i]:
            continue
        least = need[i, 0]
        for n in range(1, need.shape[1]):
            least = min(least, need[i, n])
        faint_ticks[i] = faint_ticks[i] + 1 if least <= threshold else 0
        if faint_ticks[i] >= rules.faint_after[0]:
            agents.leaving[i] = st.FAINTED
            clock.counts[st.N_FAINT] += 1
        elif agents.unpaid_days[i] >= UNPAID_DAYS:
            due += 1
    for _ in range(min(due, rules.exit_cap[0] - clock.exits_today[0])):
        evict_next(clock, agents)


@inner
def evict_next(clock, agents):
    """Of those who owe two days' rent and stay so far, the one with the lowest arrival number is evicted."""
    found = st.NOBODY
    for i in range(agents.alive.size):
        if agents.alive[i] and agents.leaving[i] == st.STAYS and agents.unpaid_days[i] >= UNPAID_DAYS:
            if found == st.NOBODY or agents.arrival[i] < agents.arrival[found]:
                found = i
    agents.leaving[found] = st.EVICTED
    clock.exits_today[0] += 1
    clock.counts[st.N_EVICTION] += 1


@rule
def settle(
    clock, agents, queues, running, objects, ties, work, events, grid, script, town, people, rules, rewards
):
    """Remove who leaves and bring who is due; `clock.tick` is the next tick already."""
    now = clock.tick[0]
    departures, arrivals = False, False
    for i in range(agents.alive.size):
        departures |= agents.leaving[i] != st.STAYS
        arrivals |= agents.return_at[i] != st.NEVER
    if departures:
        for i in range(agents.alive.size):
            if agents.leaving[i] != st.STAYS:
                give_up_objects(queues, running, objects, grid, town, i)
                forget_ties(ties, i)
                remove(clock, agents, events, grid, script, town, rules, i, now)
    if arrivals:
        for i in range(agents.alive.size):
            if agents.return_at[i] != st.NEVER and agents.return_at[i] <= now:
                tile = free_tile(grid, town, people, i)
                if tile != st.NOTHING:
                    arrive(clock, agents, ties, grid, town, people, rules, rewards, i, tile, now)
                    begin_life(clock, queues, running, work, i)


@inner
def remove(clock, agents, events, grid, script, town, rules, i, now):
    """The row is nobody's now."""
    pad = town.size[2]
    grid.agents[np.int64(agents.y[i]) + pad, np.int64(agents.x[i]) + pad] -= 1
    clock.coins[st.COIN_DEPARTED] += agents.wallet[i]
    agents.wallet[i] = 0.0
    agents.alive[i] = False
    agents.leaving[i] = st.STAYS
    clock.slot_freed[agents.slot[i]] = now
    if rules.respawn_delay[0] > 0:
        agents.return_at[i] = now + rules.respawn_delay[0]
    events.meet_place[i] = st.NOTHING
    events.met_at[i] = st.NEVER
    script.entry[i] = st.NOTHING
    script.ticks[i] = 0


@inner
def give_up_objects(queues, running, objects, grid, town, i):
    """Free what `i` uses or has reserved, and take it out of its queue."""
    used = running.object[i]
    if used != st.NOTHING:
        objects.user[used] = st.NOBODY
        mark_reserved(objects, town, grid, used)
    running.affordance[i], running.object[i], running.left[i] = st.NOTHING, st.NOTHING, 0
    leave_queue(queues, objects, town, grid, i)
    for o in range(objects.last_user.size):
        if objects.last_user[o] == i:
            objects.last_user[o] = st.NOBODY


@inner
def forget_ties(ties, i):
    """Nobody feels anything toward who left, nor the other way round."""
    for j in range(ties.count.size):
        if ties.trust[j, i] != 0.0 or ties.familiarity[j, i] != 0.0 or ties.rivalry[j, i] != 0.0:
            ties.count[j] -= 1
        for a, b in ((i, j), (j, i)):
            ties.trust[a, b] = 0.0
            ties.familiarity[a, b] = 0.0
            ties.rivalry[a, b] = 0.0
            ties.chat_reward[a, b] = st.NEVER
            ties.meal_shared[a, b] = st.NEVER
    ties.count[i] = 0


@inner
def free_tile(grid, town, people, i):
    """The tile (y * width + x) on which a newcomer of row `i` appears; NOTHING where none is free."""
    width, height, pad = town.size[0], town.size[1], town.size[2]
    home_x, home_y = people.start_x[i], people.start_y[i]
    home, found, nearest = town.region[home_y, home_x], st.NOTHING, width + height
    for y in range(height):
        for x in range(width):
            distance = abs(x - home_x) + abs(y - home_y)
            if distance < nearest and town.region[y, x] == home and grid.agents[y + pad, x + pad] == 0.0:
                found, nearest = y * width + x, distance
    return found


@inner
def arrive(clock, agents, ties, grid, town, people, rules, rewards, i, tile, now):
    """A newcomer takes row `i`."""
    clock.arrivals[0] += 1
    clock.counts[st.N_NEWCOMER] += 1
    clock.coins[st.COIN_NEWCOMERS] += people.start_wallet[i]
    x, y, pad = tile % town.size[0], tile // town.size[0], town.size[2]
    grid.agents[y + pad, x + pad] += 1
    agents.x[i], agents.y[i] = x, y
    agents.arrival[i] = clock.arrivals[0]
    agents.born[i] = now
    agents.return_at[i] = st.NEVER
    agents.wallet[i] = people.start_wallet[i]
    for n in range(agents.need.shape[1]):
        agents.need[i, n] = HALF_FULL
    for p in range(agents.personality.shape[1]):
        agents.personality[i, p] = people.home_personality[i, p]
    for d in range(ties.identity.shape[1]):
        ties.identity[i, d] = 2.0 * draw(0, 0, agents.arrival[i], USE_IDENTITY, d) - 1.0
    agents.slot[i] = free_slot(clock, agents, rules.slot_cooldown[0], i, now)
    agents.phi[i] = potential(agents.need, rewards.weights[0], i)
    agents.episode_sum[i] = 0.0
    agents.faint_ticks[i], agents.unpaid_days[i], agents.blocked_moves[i] = 0, 0, 0
    agents.last_action[i], agents.last_success[i], agents.last_duration[i] = st.ACTION_WAIT, False, 0
    agents.alive[i] = True


@inner
def free_slot(clock, agents, cooldown, i, now):
    """The embedding slot of the newcomer of row `i`, which is not yet alive."""
    oldest = st.NOTHING
    for slot in range(clock.slot_freed.size):
        in_use = False
        for j in range(agents.alive.size):
            in_use |= agents.alive[j] and agents.slot[j] == slot
        if in_use:
            continue
        if clock.slot_freed[slot] + cooldown <= now:
            return slot
        if oldest == st.NOTHING or clock.slot_freed[slot] < clock.slot_freed[oldest]:
            oldest = slot
    return oldest if oldest != st.NOTHING else (agents.arrival[i] - 1) % clock.slot_freed.size


@inner
def begin_life(clock, queues, running, work, i):
    """Nothing of the former life is left in queues, cooldowns and work."""
    queues.since[i], queues.ticket[i], queues.rotated[i] = st.NEVER, 0, st.NEVER
    queues.blocked[i], queues.deadline[i], queues.cooling_until[i] = False, st.NEVER, 0
    for o in range(clock.cooldown.shape[1]):
        clock.cooldown[i, o] = 0
    running.started[i] = st.NEVER
    work.state[i] = st.PRE_SHIFT
    work.on_roll[i], work.arrived[i], work.on_site[i], work.dismissed[i] = False, False, False, False
    work.withheld[i], work.lateness[i], work.shifts[i] = 0.0, 0, 0
    for w in range(work.missed.shape[1]):
        work.missed[i, w] = False
    for d in range(work.absences.shape[1]):
        work.absences[i, d] = st.NEVER
