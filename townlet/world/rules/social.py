"""Step 5 of a tick: what agents come to feel toward each other. `townlet/world/relations.py` says how a change
is applied.

First all ties fade by a tick. Then what has just happened, each kind over all rows in order, as changes of
trust / familiarity / rivalry (`step` is increment_per_conflict, `both ways` = the tie from i to j first,
then from j to i):

- i was blocked by j, both ways: 0 / -.05 / +amount; amount = step * (1 + queue_length_boost * others
  waiting), and + handover_boost * step if the block rotated the queue. Over an affordance that is work,
  each side's amount is multiplied by 1 + .3 * max(0, its ambition).
- i passed through j by a ghost step, both ways: 0 / -.05 / +step * ghost_step_boost.
- i waited politely until j had finished, both ways: +.05 / +.05 / -.05.
- Shared meal: i < j both eat in this tick, at most two tiles apart, both ways: +.10 / +.25 / 0, once an
  overlap of two meals (which is named by the later of their two start ticks). Who eats its last tick still
  counts.
- Chats, in the order of arrival numbers. The partner is the explicit target if it lives and is at most one
  tile away, else the nearest agent within one tile (one on the same tile first, then the lowest arrival
  number). A busy agent, or one with nobody there, has failed and nothing else happens. Otherwise the chat
  is good with probability

      p = .7 * (1 + .3 * trust) * (1 + .2 * familiarity), held in [0, 1], of the tie from i to j,

  i.e. if draw(seed, tick, arrival number, chat) < p. Good, with quality q in [0, 1]: both ways +.05q /
  +.10q + .02 * max(0, the owner's extroversion) / 0. Otherwise both ways 0 / -.05 / +.05.

Social rewards: a good chat gives both sides base * (1 + coeff_trust * trust + coeff_fam * familiarity) of
their own tie after the change, once a pair in 60 ticks (`chat_rewards`); each object passed over because of
a rival gives C2_avoid_conflict (`avoid_rewards`).

`work_ties`, right after employment: an agent that became absent feels toward the colleague who took its
shift over -.10 / 0 / +.30 * (1 + .3 * max(0, ambition)); one that arrived late toward the colleague who
helped +.20 / +.10 / -.10.
"""

from __future__ import annotations

from townlet.world import state as st
from townlet.world.geometry import apart, next_to_act, rows_follow_arrivals
from townlet.world.jit import inner, rule
from townlet.world.refusals import DECLINED, refuse, refuse_busy, refuse_chat
from townlet.world.relations import AMBITION, EXTROVERSION, change_tie, fade
from townlet.world.rng import USE_CHAT, draw

CHAT_REWARD_PAUSE = 60  # ticks between two rewarded chats of a pair
TABLE = 2  # tiles within which two that eat share a meal
CHAT_BASE, CHAT_TRUST, CHAT_FAMILIARITY, AVOIDED = range(4)  # of Rules.social


@rule
def update(clock, agents, running, ties, tick, town, affordances, rules):
    """Fade ties, then apply the tick's conflicts, courtesies, meals and chats."""
    fade(ties, agents.personality, rules)
    alive, chats, eaters, avoided = agents.alive, 0, 0, 0
    conflicts = False
    for i in range(alive.size):
        if (
            tick.block_by[i] != st.NOBODY
            or tick.ghost_through[i] != st.NOBODY
            or tick.polite_to[i] != st.NOBODY
        ):
            conflicts = True
        chats += tick.kind[i] == st.CHAT and alive[i]
        avoided += tick.avoided[i]
        if running.affordance[i] != st.NOTHING or tick.finished[i] != st.NOTHING:
            eaters += eats_since(running, tick, affordances, clock.tick[0], i) != st.NEVER
    if conflicts:
        apply_conflicts(agents, ties, tick, affordances, rules)
    if eaters > 1:
        share_meals(clock, agents, running, ties, tick, affordances, rules)
    if chats > 0:
        ordered = rows_follow_arrivals(alive, agents.arrival)
        i = next_to_act(alive, agents.arrival, tick.kind, st.CHAT, st.NOBODY, ordered)
        while i != st.NOBODY:
            hold_chat(clock, agents, running, ties, tick, town, rules, i)
            i = next_to_act(alive, agents.arrival, tick.kind, st.CHAT, i, ordered)
    if avoided > 0 and rules.avoid_rewards[0]:
        for i in range(alive.size):
            tick.social[i] += rules.social[0][AVOIDED] * tick.avoided[i]


@inner
def apply_conflicts(agents, ties, tick, affordances, rules):
    """Blocks, then ghost steps, then polite waits."""
    step, feelings = rules.rivalry[0][st.RIVALRY_STEP], agents.personality
    for i in range(agents.alive.size):
        j = tick.block_by[i]
        if j != st.NOBODY:
            amount = step * (1.0 + rules.rivalry[0][st.RIVALRY_QUEUE] * tick.block_waiting[i])
            if tick.block_rotated[i]:
                amount += rules.rivalry[0][st.RIVALRY_HANDOVER] * step
            k = tick.affordance[i]
            work = k != st.NOTHING and affordances.works[k]
            change_tie(ties, feelings, rules, i, j, 0.0, -0.05, at_work(feelings, i, amount, work))
            change_tie(ties, feelings, rules, j, i, 0.0, -0.05, at_work(feelings, j, amount, work))
    for i in range(agents.alive.size):
        j = tick.ghost_through[i]
        if j != st.NOBODY:
            change_both(ties, feelings, rules, i, j, 0.0, -0.05, step * rules.rivalry[0][st.RIVALRY_GHOST])
    for i in range(agents.alive.size):
        j = tick.polite_to[i]
        if j != st.NOBODY:
            change_both(ties, feelings, rules, i, j, 0.05, 0.05, -0.05)


@inner
def change_both(ties, personality, rules, i, j, trust, familiarity, rivalry):
    """The same change of the tie from `i` to `j` and of the one from `j` to `i`."""
    change_tie(ties, personality, rules, i, j, trust, familiarity, rivalry)
    change_tie(ties, personality, rules, j, i, trust, familiarity, rivalry)


@inner
def at_work(personality, i, amount, work):
    """A conflict's rivalry as `i` takes it: an ambitious one takes a conflict over work harder."""
    return amount * (1.0 + 0.3 * max(0.0, personality[i, AMBITION])) if work else amount


@inner
def eats_since(running, tick, affordances, now, i):
    """The start tick of the meal that `i` eats in this tick, its last one included; NEVER = none."""
    k = running.affordance[i]
    if k != st.NOTHING:
        return running.started[i] if affordances.shares[k] else st.NEVER
    k = tick.finished[i]
    if k != st.NOTHING and affordances.shares[k]:
        return now - affordances.duration[k] + 1
    return st.NEVER


@inner
def share_meals(clock, agents, running, ties, tick, affordances, rules):
    """Every new overlap of two meals within two tiles."""
    now, x, y, count = clock.tick[0], agents.x, agents.y, agents.alive.size
    for i in range(count):
        since = eats_since(running, tick, affordances, now, i)
        if since == st.NEVER:
            continue
        for j in range(i + 1, count):
            other = eats_since(running, tick, affordances, now, j)
            overlap = max(since, other)
            if (
                other == st.NEVER
                or ties.meal_shared[i, j] == overlap
                or apart(x[i], y[i], x[j], y[j]) > TABLE
            ):
                continue
            ties.meal_shared[i, j] = overlap
            clock.counts[st.N_SHARED] += 1
            change_both(ties, agents.personality, rules, i, j, 0.10, 0.25, 0.0)


@inner
def partner(agents, tick, i):
    """Whom `i` chats with; NOBODY where nobody is near enough."""
    x, y = agents.x, agents.y
    j = tick.target[i]
    if j == st.GONE:
        return st.NOBODY
    if j != st.NOBODY:
        return j if j != i and agents.alive[j] and apart(x[i], y[i], x[j], y[j]) <= 1 else st.NOBODY
    found, nearest = st.NOBODY, 2
    for j in range(agents.alive.size):
        if j == i or not agents.alive[j]:
            continue
        distance = apart(x[i], y[i], x[j], y[j])
        if distance < nearest or (
            distance == nearest and distance < 2 and agents.arrival[j] < agents.arrival[found]
        ):
            found, nearest = j, distance
    return found


@inner
def hold_chat(clock, agents, running, ties, tick, town, rules, i):
    """The chat that `i` begins: is there a partner, is it good, what it changes and earns."""
    if running.affordance[i] != st.NOTHING:
        refuse_busy(running, tick, i, running.left[i] + 1)
        return
    j = partner(agents, tick, i)
    if j == st.NOBODY:
        refuse_chat(agents, tick, i)
        return
    now, feelings = clock.tick[0], agents.personality
    clock.counts[st.N_CHAT] += 1
    p = 0.7 * (1.0 + 0.3 * ties.trust[i, j]) * (1.0 + 0.2 * ties.familiarity[i, j])
    if draw(town.seed[0], now, agents.arrival[i], USE_CHAT, 0) >= min(1.0, max(0.0, p)):
        change_both(ties, feelings, rules, i, j, 0.0, -0.05, 0.05)
        refuse(tick, i, DECLINED, j, st.NOTHING, min(1.0, max(0.0, p)), 0.0)
        return
    clock.counts[st.N_GOOD_CHAT] += 1
    tick.success[i] = True
    tick.chat_with[i] = j
    quality = tick.quality[i]
    for a, b in ((i, j), (j, i)):
        warmth = 0.10 * quality + 0.02 * max(0.0, feelings[a, EXTROVERSION])
        change_tie(ties, feelings, rules, a, b, 0.05 * quality, warmth, 0.0)
    first, second = min(i, j), max(i, j)
    if rules.chat_rewards[0] and now - ties.chat_reward[first, second] >= CHAT_REWARD_PAUSE:
        ties.chat_reward[first, second] = now
        tick.social[i] += chat_reward(ties, rules, i, j)
        tick.social[j] += chat_reward(ties, rules, j, i)


@inner
def chat_reward(ties, rules, i, j):
    """What a good chat is worth to `i`."""
    social = rules.social[0]
    liked = 1.0 + social[CHAT_TRUST] * ties.trust[i, j] + social[CHAT_FAMILIARITY] * ties.familiarity[i, j]
    return social[CHAT_BASE] * liked


@rule
def work_ties(agents, ties, tick, rules):
    """What absence and lateness of this tick do to ties."""
    feelings = agents.personality
    for i in range(agents.alive.size):
        j = tick.taken_over_by[i]
        if j != st.NOBODY:
            change_tie(ties, feelings, rules, i, j, -0.10, 0.0, at_work(feelings, i, 0.30, True))
        j = tick.helped_by[i]
        if j != st.NOBODY:
            change_tie(ties, feelings, rules, i, j, 0.20, 0.10, -0.10)
