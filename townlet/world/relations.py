"""How one event changes what one agent feels toward another, and how feelings fade. Ties are directed.

A change of (trust, familiarity, rivalry) of the tie from `i` to `j`, with `f` the forgiveness of `i` (zero
unless personality is switched on): a negative change of trust or familiarity and a positive change of
rivalry are first multiplied by `1 - 0.5 f`. Then the change is added; trust and familiarity are held in
[-1, 1]. Rivalry, where there is any before or the change is positive, is held in [min_value, max_value].
While `ties_on` is False only rivalry moves.

An agent keeps at most `max_edges` rivals (rivalry > 0) and as many friends (trust + familiarity > 0): a
change that makes it one too many drops the weakest at once (of equals the one in the highest row): a
dropped rival's rivalry, a dropped friend's trust and familiarity, become 0.

Fading, once a tick: trust and familiarity go toward 0 by `decay_per_tick` and stop there. Rivalry falls by
`decay_per_tick * (1 + 0.5 f)`, not below min_value.
"""

from __future__ import annotations

from townlet.world.jit import inner
from townlet.world.state import RIVALRY_DECAY, RIVALRY_MAX, RIVALRY_MIN

EXTROVERSION, FORGIVENESS, AMBITION = 0, 1, 2  # columns of Agents.personality


@inner
def change_tie(ties, personality, rules, i, j, trust, familiarity, rivalry):
    """Apply one event's change to the tie from row `i` to row `j` (see above). personality [A, 3] float64."""
    milder = 1.0 - 0.5 * personality[i, FORGIVENESS]
    empty = is_empty(ties, i, j)
    if rules.ties_on[0]:
        ties.trust[i, j] = moved(ties.trust[i, j], trust if trust >= 0.0 else trust * milder)
        ties.familiarity[i, j] = moved(
            ties.familiarity[i, j], familiarity if familiarity >= 0.0 else familiarity * milder
        )
    change = rivalry * milder if rivalry > 0.0 else rivalry
    if change > 0.0 or ties.rivalry[i, j] > 0.0:
        raised = max(rules.rivalry[0][RIVALRY_MIN], ties.rivalry[i, j] + change)
        ties.rivalry[i, j] = min(rules.rivalry[0][RIVALRY_MAX], raised)
    if is_empty(ties, i, j) != empty:
        ties.count[i] += 1 if empty else -1
    if ties.count[i] > rules.max_edges[0]:
        drop_weakest_rival(ties, i, rules.max_edges[0])
        drop_weakest_friend(ties, i, rules.max_edges[0])


@inner
def is_empty(ties, i, j):
    """Whether `i` feels nothing toward `j`."""
    return ties.trust[i, j] == 0.0 and ties.familiarity[i, j] == 0.0 and ties.rivalry[i, j] == 0.0


@inner
def moved(value, change):
    """`value + change`, held in [-1, 1]."""
    return min(1.0, max(-1.0, value + change))


@inner
def drop_weakest_rival(ties, i, most):
    """Where `i` has more than `most` rivals, forget the weakest rivalry."""
    rivals, weakest = 0, -1
    for j in range(ties.count.size):
        if ties.rivalry[i, j] > 0.0:
            rivals += 1
            if weakest < 0 or ties.rivalry[i, j] <= ties.rivalry[i, weakest]:
                weakest = j
    if rivals > most:
        ties.rivalry[i, weakest] = 0.0
        if is_empty(ties, i, weakest):
            ties.count[i] -= 1


@inner
def drop_weakest_friend(ties, i, most):
    """Where `i` has more than `most` friends, forget the weakest one's trust and familiarity."""
    friends, weakest, least = 0, -1, 0.0
    for j in range(ties.count.size):
        warmth = ties.trust[i, j] + ties.familiarity[i, j]
        if warmth > 0.0:
            friends += 1
            if weakest < 0 or warmth <= least:
                weakest, least = j, warmth
    if friends > most:
        ties.trust[i, weakest] = 0.0
        ties.familiarity[i, weakest] = 0.0
        if is_empty(ties, i, weakest):
            ties.count[i] -= 1


@inner
def fade(ties, personality, rules):
    """Fade every tie by one tick and recount the rows that have any."""
    step, floor = rules.rivalry[0][RIVALRY_DECAY], rules.rivalry[0][RIVALRY_MIN]
    count, ties_on = ties.count, rules.ties_on[0]
    for i in range(count.size):
        if count[i] == 0:
            continue
        fall = step * (1.0 + 0.5 * personality[i, FORGIVENESS])
        if ties_on:
            count[i] = fade_row(ties.trust, ties.familiarity, ties.rivalry, i, step, fall, floor)
        else:
            count[i] = fade_rivalry(ties.rivalry, i, fall, floor)


@inner
def fade_row(trust, familiarity, rivalry, i, step, fall, floor):
    """Fade row `i` of all three, without branches (it runs in vectors); returns how many ties are left."""
    left = 0
    for j in range(trust.shape[1]):
        t, f, r = trust[i, j], familiarity[i, j], rivalry[i, j]
        t -= max(-step, min(step, t))
        f -= max(-step, min(step, f))
        r = max(floor, r - fall) if r > 0.0 else 0.0
        trust[i, j], familiarity[i, j], rivalry[i, j] = t, f, r
        left += 1 if (t != 0.0) | (f != 0.0) | (r != 0.0) else 0
    return left


@inner
def fade_rivalry(rivalry, i, fall, floor):
    """Fade row `i` of rivalry alone; returns how many ties are left."""
    left = 0
    for j in range(rivalry.shape[1]):
        r = max(floor, rivalry[i, j] - fall) if rivalry[i, j] > 0.0 else 0.0
        rivalry[i, j] = r
        left += 1 if r != 0.0 else 0
    return left
