"""What an agent feels toward others: the two rivalry columns, the social snippet and its aggregates.

A tie counts where trust, familiarity or rivalry is not zero. Friends are ties with trust + familiarity > 0,
strongest sum first; rivals are ties with rivalry > 0, strongest first; of equals the lower row. A slot
shows the other's hashed identity, then trust, familiarity, rivalry; a slot with nobody is all zeros. Sums
run over the ties by row.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.columns import RIVALRY_AVOID_COUNT, RIVALRY_MAX
from townlet.observation.layout import AGGREGATES, ALL_ALIVE, SOCIAL_SLOTS
from townlet.world.jit import inlined, inner, rule
from townlet.world.state import NOTHING, RIVALRY_AVOID, STAYS


@rule
def write_social(agents, ties, limits, obs, features, t, which):
    """All social columns of slot t, for every agent that is shown; `limits` is Rules.rivalry."""
    most_friends, most_rivals = obs.sizes.friends[0], obs.sizes.rivals[0]
    width = ties.identity.shape[1] + 3
    friend, totals = obs.sizes.block[0, SOCIAL_SLOTS], obs.sizes.block[0, AGGREGATES]
    rival = friend + most_friends * width
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        for c in range((most_friends + most_rivals) * width):
            features[i, t, np.uint64(friend) + np.uint64(c)] = 0.0
        friends, rivals, seen, avoided = 0, 0, 0, 0
        trust_sum, trust_max, rivalry_sum, rivalry_max = 0.0, -1.0, 0.0, 0.0
        for j in range(agents.alive.shape[0]):
            if seen == ties.count[i]:
                break
            trust, rivalry = ties.trust[i, j], ties.rivalry[i, j]
            warmth = trust + ties.familiarity[i, j]
            if trust == 0.0 and rivalry == 0.0 and warmth == 0.0:
                continue
            seen += 1
            trust_sum += trust
            rivalry_sum += rivalry
            trust_max, rivalry_max = max(trust_max, trust), max(rivalry_max, rivalry)
            avoided += 1 if rivalry > limits[RIVALRY_AVOID] else 0
            if warmth > 0.0:
                friends = enter(features, i, t, friend, width, friends, most_friends, j, ties, True)
            if rivalry > 0.0:
                rivals = enter(features, i, t, rival, width, rivals, most_rivals, j, ties, False)
        features[i, t, RIVALRY_MAX] = rivalry_max
        features[i, t, RIVALRY_AVOID_COUNT] = avoided
        show(features, i, t, friend, width, friends, ties)
        show(features, i, t, rival, width, rivals, ties)
        if totals != NOTHING:
            write_totals(features, i, t, totals, seen, trust_sum, trust_max, rivalry_sum, rivalry_max)


@inlined
def write_totals(features, i, t, first, ties, trust_sum, trust_max, rivalry_sum, rivalry_max):
    """The block `aggregates` of an agent with so many ties."""
    features[i, t, first] = trust_sum / ties if ties > 0 else 0.0
    features[i, t, first + 1] = trust_max if ties > 0 else 0.0
    features[i, t, first + 2] = rivalry_sum / ties if ties > 0 else 0.0
    features[i, t, first + 3] = rivalry_max


@inner
def strength(ties, i, j, friendly):
    """How strong a friendship, or a rivalry, the tie from i to j is."""
    return ties.trust[i, j] + ties.familiarity[i, j] if friendly else ties.rivalry[i, j]


@inner
def enter(features, i, t, start, width, filled, most, j, ties, friendly):
    """Put row j in its place among the `filled` strongest; returns how many there are now, at most `most`.

    Until they are shown, the first number of a slot holds the row of who stands in it: a kernel has no list
    of its own.
    """
    value = strength(ties, i, j, friendly)
    at = min(filled, most)
    while at > 0:
        before = int(features[i, t, start + (at - 1) * width])
        if strength(ties, i, before, friendly) >= value:
            break
        if at < most:
            features[i, t, start + at * width] = before
        at -= 1
    if at < most:
        features[i, t, start + at * width] = j
    return min(most, filled + 1)


@inlined
def show(features, i, t, start, width, filled, ties):
    """Fill the slots with who stands in them and what i feels toward them."""
    for slot in range(filled):
        first = start + slot * width
        j = int(features[i, t, first])
        for d in range(width - 3):
            features[i, t, np.uint64(first) + np.uint64(d)] = ties.identity[j, d]
        features[i, t, first + width - 3] = ties.trust[i, j]
        features[i, t, first + width - 2] = ties.familiarity[i, j]
        features[i, t, first + width - 1] = ties.rivalry[i, j]
