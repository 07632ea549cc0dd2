"""Step 10 of a tick: what everybody alive gets for what has just happened, term by term.

With deficits d = 1 - need, in float64, sums from left to right:

survival     survival_tick
needs        `penalty`: -sum of w * d * d; `centred`: 0.5 * sum of w * (1 - d * d) / sum of w; over the
             needs in order
wages        wage_rate, if on site in a shift
punctuality  punctuality_bonus * attendance ratio, if on site in a shift
social       the tick's social rewards; 0 while a deficit is over .85
lateness     -late_tick_penalty while late, and -absence_penalty on the tick that a shift is missed
guardrail    takes the sum of the above down to 0, where it is positive and death is near (below)
clip         takes what is left into [-clip, clip]
cap          takes off what would bring the episode's positive rewards (after the clip) over
             clip_per_episode
terminal     faint_penalty or eviction_penalty, if the agent leaves now
shaping      where on: gamma * phi' - phi; phi = -sum of w * d (see `potential`), phi' = 0 if the agent leaves
             now

The reward is what is left after the cap + (terminal + shaping). Death is near while lifecycle is on and one
of these countdowns ends within no_positive_within_death_ticks: a faint in progress (faint_after -
faint_ticks ticks are left); one unpaid day and a wallet below the rent (ticks to the next time the rent is
due); two unpaid days (0 ticks if the agent is evicted now; where the day's evictions are used up, the ticks
to the next day).
"""

from __future__ import annotations

from townlet.world import state as st
from townlet.world.geometry import time_of_day
from townlet.world.jit import inner, rule
from townlet.world.shared_terms import attendance, potential

PRESSING = 0.85  # a deficit above this makes social rewards worthless


@rule
def update(clock, agents, work, tick, town, rules, rewards):
    """Write `tick.terms` and `tick.reward`."""
    alive, terms = agents.alive, tick.terms
    weights, sum_of_weights = rewards.weights[0], 0.0
    for n in range(weights.size):
        sum_of_weights += weights[n]
    time = time_of_day(clock, town)
    for i in range(alive.size):
        if not alive[i]:
            continue
        worst, from_needs = needs_term(agents.need, weights, rewards.centred[0], sum_of_weights, i)
        terms[i, st.SURVIVAL] = rewards.survival[0]
        terms[i, st.NEED_TERM] = from_needs
        work_terms(work, tick, rewards, i)
        terms[i, st.SOCIAL] = 0.0 if worst > PRESSING else tick.social[i]
        earned = 0.0
        for term in range(st.GUARDRAIL):
            earned += terms[i, term]
        doomed = earned > 0.0 and death_is_near(agents, rules, rewards.death_ticks[0], time, town.size[3], i)
        tick.reward[i] = limit(agents, terms, rewards, i, earned, doomed)
        tick.reward[i] += leave_and_shape(agents, terms, rewards, i)


@inner
def needs_term(need, weights, centred, sum_of_weights, i):
    """The largest deficit, and the term of both forms."""
    worst, lost, kept = 0.0, 0.0, 0.0
    for n in range(weights.size):
        d = 1.0 - need[i, n]
        worst = max(worst, d)
        lost += weights[n] * d * d
        kept += weights[n] * (1.0 - d * d)
    return worst, 0.5 * kept / sum_of_weights if centred else 0.0 - lost


@inner
def work_terms(work, tick, rewards, i):
    """Wages, punctuality and lateness."""
    on_site = work.on_site[i]
    tick.terms[i, st.WAGES] = rewards.wage[0] if on_site else 0.0
    ratio = attendance(work, i) if on_site else 0.0
    tick.terms[i, st.PUNCTUALITY] = rewards.punctuality[0] * ratio
    lateness = 0.0
    if tick.late[i]:
        lateness -= rewards.late_tick[0]
    if tick.absent[i]:
        lateness -= rewards.absence[0]
    tick.terms[i, st.LATENESS] = lateness


@inner
def death_is_near(agents, rules, within, time, day_length, i):
    """Whether a countdown to a faint or an eviction ends within `within` ticks."""
    if not rules.lifecycle_on[0]:
        return False
    if agents.faint_ticks[i] > 0 and rules.faint_after[0] - agents.faint_ticks[i] <= within:
        return True
    if agents.unpaid_days[i] == 0 or rules.rent[0] <= 0.0 or rules.exit_cap[0] == 0:
        return False
    if agents.unpaid_days[i] > 1:
        return agents.leaving[i] == st.EVICTED or day_length - time <= within
    left = day_length - 1 - time if time < day_length - 1 else day_length
    return agents.wallet[i] < rules.rent[0] and left <= within


@inner
def limit(agents, terms, rewards, i, earned, doomed):
    """Guardrail, clip and the episode's cap, in this order. Returns what is left of `earned`."""
    clip = rewards.clip_per_tick[0]
    left = 0.0 if doomed else earned
    terms[i, st.GUARDRAIL] = left - earned
    clipped = min(clip, max(-clip, left))
    terms[i, st.CLIP] = clipped - left
    room = rewards.episode_cap[0] - agents.episode_sum[i]
    capped = max(0.0, room) if clipped > 0.0 and clipped > room else clipped
    terms[i, st.CAP] = capped - clipped
    if capped > 0.0:
        agents.episode_sum[i] += capped
    return capped


@inner
def leave_and_shape(agents, terms, rewards, i):
    """The terminal penalty and potential shaping: what no limit applies to."""
    leaving, terminal, shaping = agents.leaving[i], 0.0, 0.0
    if leaving == st.FAINTED:
        terminal = rewards.faint[0]
    elif leaving == st.EVICTED:
        terminal = rewards.eviction[0]
    if rewards.shaping_on[0]:
        phi = potential(agents.need, rewards.weights[0], i) if leaving == st.STAYS else 0.0
        shaping = rewards.gamma[0] * phi - agents.phi[i]
        agents.phi[i] = phi
    terms[i, st.TERMINAL] = terminal
    terms[i, st.SHAPING] = shaping
    return terminal + shaping
