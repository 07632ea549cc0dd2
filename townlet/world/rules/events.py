"""Step 1 of a tick: perturbations. Price spikes, blackouts, outages and arranged meets begin and end.

On the first tick of a day (tick 0 included) every event e draws whether it is due, and when:

    due when draw(day, 0) < probability      start_at = first tick of the day + int(draw(day, 1) *
    ticks_per_day)

A run that begins within a day plans that whole day: what was due before is over, and does not happen.

Draws are named by (seed, day, hash of the event's name). In every tick, what ends does so first: an event
holds on the ticks from its start to `until - 1`. Then each event whose `start_at` is this tick begins, in
the config's order, if all of this holds (else it does not happen today): tick >= grace; its own cooldown is
over (tick >= ready_at); fewer than `max_concurrent` events hold; the latest start of any event is at least
`global cooldown` ticks ago; and fewer than `most` events began in the last `window` ticks, this one
included. When it begins:

    duration  = max(1, low + int(draw(day, 2) * (high - low + 1)))     until = tick + duration
    magnitude = low + draw(day, 3) * (high - low)                      ready_at = until + cooldown

An arranged meet needs a pair: of the agents who live, are not being nudged and were not nudged within the
last `per agent cooldown` ticks, the two with the largest rivalry[i, j] + rivalry[j, i] > 0 (of equal pairs
the one with the lowest rows). Both are nudged to its place until it ends. Without a pair, or while another
meet to the same place holds, it does not happen.

While they hold, a price spike multiplies the price of what it hits (and the price level) by its magnitude, up
to HIGHEST, a blackout turns the power off, an outage the water.
"""

from __future__ import annotations

from townlet.world import state as st
from townlet.world.geometry import time_of_day
from townlet.world.jit import inner, rule
from townlet.world.rng import USE_EVENT, draw

HIGHEST = 1e38  # of price factors: nobody can pay it, and it is still a number as float32
MAX_CONCURRENT, GLOBAL_COOLDOWN, AGENT_COOLDOWN, GRACE, WINDOW, MOST = range(6)  # of Rules.event_limits


@rule
def update(clock, agents, ties, events, town, specs, rules):
    """Plan the day on its first tick; end and begin what is due on this one."""
    count = specs.kind.size
    if count == 0:
        return
    now, day_length, time = clock.tick[0], town.size[3], time_of_day(clock, town)
    day = (now + town.size[4]) // day_length
    if now == 0 or time == 0:
        plan_day(events, specs, town.seed[0], day, day_length, now - time)
    changed = False
    for e in range(count):
        if events.until[e] == now and events.duration[e] > 0:
            changed = True
            if specs.kind[e] == st.ARRANGED_MEET:
                end_meet(events, specs.place[e])
    for e in range(count):
        if events.start_at[e] == now and may_begin(events, e, now, rules.event_limits[0]):
            if specs.kind[e] != st.ARRANGED_MEET or gather(
                agents, ties, events, specs.place[e], now, rules.event_limits[0]
            ):
                begin(events, specs, e, town.seed[0], now, day)
                clock.counts[st.N_EVENT] += 1
                changed = True
    if changed:
        apply_active(events, specs, now)


@inner
def plan_day(events, specs, seed, day, day_length, midnight):
    """Draw for every event whether it is due today, and when; `midnight` is the day's first tick."""
    for e in range(specs.kind.size):
        events.start_at[e] = st.NEVER
        if draw(seed, day, specs.name_hash[e], USE_EVENT, 0) < specs.probability[e]:
            into = int(draw(seed, day, specs.name_hash[e], USE_EVENT, 1) * day_length)
            events.start_at[e] = midnight + into


@inner
def may_begin(events, e, now, limits):
    """Whether event `e`, due now, is allowed to begin."""
    if now < limits[GRACE] or now < events.ready_at[e]:
        return False
    active = 0
    for other in range(events.until.size):
        if events.until[other] > now:
            active += 1
    latest, lately = st.NEVER, 0
    for r in range(events.recent.size):
        latest = max(latest, events.recent[r])
        if events.recent[r] > now - limits[WINDOW]:
            lately += 1
    paused = now - latest < limits[GLOBAL_COOLDOWN]
    return active < limits[MAX_CONCURRENT] and lately < limits[MOST] and not paused


@inner
def begin(events, specs, e, seed, now, day):
    """Event `e` begins: draw how long and how strong, and note it."""
    name = specs.name_hash[e]
    low, high = specs.duration_low[e], specs.duration_high[e]
    duration = max(1, low + int(draw(seed, day, name, USE_EVENT, 2) * (high - low + 1)))
    least, span = specs.magnitude_low[e], specs.magnitude_high[e] - specs.magnitude_low[e]
    events.duration[e] = duration
    events.magnitude[e] = least + draw(seed, day, name, USE_EVENT, 3) * span
    events.until[e] = now + duration
    events.ready_at[e] = now + duration + specs.cooldown[e]
    events.recent[events.recent_next[0]] = now
    events.recent_next[0] = (events.recent_next[0] + 1) % events.recent.size


@inner
def apply_active(events, specs, now):
    """Prices and utilities as the events that hold now leave them."""
    for k in range(events.price.size):
        events.price[k] = 1.0
    events.price_level[0] = 1.0
    events.utility[st.POWER], events.utility[st.WATER] = True, True
    for e in range(specs.kind.size):
        if events.until[e] <= now:
            continue
        if specs.kind[e] == st.BLACKOUT:
            events.utility[st.POWER] = False
        elif specs.kind[e] == st.OUTAGE:
            events.utility[st.WATER] = False
        elif specs.kind[e] == st.PRICE_SPIKE:
            events.price_level[0] = min(HIGHEST, events.price_level[0] * events.magnitude[e])
            for k in range(events.price.size):
                if specs.hits[e, k]:
                    events.price[k] = min(HIGHEST, events.price[k] * events.magnitude[e])
    events.stale[0] = True


@inner
def gather(agents, ties, events, place, now, limits):
    """Nudge the two strongest rivals to `place`; False where there is no such pair or the place is taken."""
    first, second, most = st.NOBODY, st.NOBODY, 0.0
    for i in range(agents.alive.size):
        if events.meet_place[i] == place:
            return False
        if not may_be_nudged(agents, events, i, now, limits[AGENT_COOLDOWN]):
            continue
        for j in range(i + 1, agents.alive.size):
            rivalry = ties.rivalry[i, j] + ties.rivalry[j, i]
            if rivalry > most and may_be_nudged(agents, events, j, now, limits[AGENT_COOLDOWN]):
                first, second, most = i, j, rivalry
    if first == st.NOBODY:
        return False
    for i in (first, second):
        events.meet_place[i] = place
        events.met_at[i] = now
    return True


@inner
def may_be_nudged(agents, events, i, now, cooldown):
    """Whether row `i` lives, is not being nudged, and was not nudged lately."""
    return agents.alive[i] and events.meet_place[i] == st.NOTHING and now - events.met_at[i] >= cooldown


@inner
def end_meet(events, place):
    """Nobody is nudged to `place` any more."""
    for i in range(events.meet_place.size):
        if events.meet_place[i] == place:
            events.meet_place[i] = st.NOTHING
