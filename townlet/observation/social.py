"""What an agent feels toward others: the two rivalry columns, the social snippet and its aggregates.

A tie counts where trust, familiarity or rivalry is not zero. Friends are ties with trust + familiarity > 0, strongest
sum first; rivals are ties with rivalry > 0, strongest first; of equals the lower row. A slot shows the other's hashed
identity, then trust, familiarity, rivalry; a slot with nobody is all zeros. Sums run over the ties by row.
"""

from __future__ import annotations

import numpy as np

from townlet.observation.columns import RIVALRY_AVOID_COUNT, RIVALRY_MAX
from townlet.observation.layout import AGGREGATES, ALL_ALIVE, SOCIAL_SLOTS
from townlet.world.jit import kernel
from townlet.world.state import NOTHING, RIVALRY_AVOID, STAYS


@kernel
def write_social(agents, ties, limits, obs, features, t, which):
    """All social columns of slot t, for every agent that is shown; `limits` is Rules.rivalry."""
    most_friends, most_rivals = obs.top[0], obs.top[1]
    slots, totals = obs.column[SOCIAL_SLOTS], obs.column[AGGREGATES]
    width = agents.identity.shape[1] + 3
    row = np.empty(most_friends + most_rivals, np.int64)  # who stands in a slot,
    strength = np.empty(most_friends + most_rivals, np.float64)  # and how strong that tie is
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i] or (which != ALL_ALIVE and agents.leaving[i] == STAYS):
            continue
        for c in range((most_friends + most_rivals) * width):
            features[i, t, slots + c] = 0.0
        friends, rivals, seen, avoided = 0, 0, 0, 0
        trust_sum, trust_max, rivalry_sum, rivalry_max = 0.0, -1.0, 0.0, 0.0
        for j in range(agents.alive.shape[0]):
            if seen == ties.count[i]:
                break
            trust, familiarity, rivalry = ties.trust[i, j], ties.familiarity[i, j], ties.rivalry[i, j]
            if trust == 0.0 and familiarity == 0.0 and rivalry == 0.0:
                continue
            seen += 1
            trust_sum += trust
            rivalry_sum += rivalry
            trust_max, rivalry_max = max(trust_max, trust), max(rivalry_max, rivalry)
            if trust + familiarity > 0.0:
                friends = enter(row, strength, 0, friends, most_friends, j, trust + familiarity)
            if rivalry > 0.0:
                rivals = enter(row, strength, most_friends, rivals, most_rivals, j, rivalry)
                avoided += 1 if rivalry > limits[RIVALRY_AVOID] else 0
        features[i, t, RIVALRY_MAX] = rivalry_max
        features[i, t, RIVALRY_AVOID_COUNT] = avoided
        for slot in range(friends):
            write_slot(features, i, t, slots + slot * width, row[slot], agents.identity, ties)
        for slot in range(most_friends, most_friends + rivals):
            write_slot(features, i, t, slots + slot * width, row[slot], agents.identity, ties)
        if totals != NOTHING:
            features[i, t, totals] = trust_sum / seen if seen > 0 else 0.0
            features[i, t, totals + 1] = trust_max if seen > 0 else 0.0
            features[i, t, totals + 2] = rivalry_sum / seen if seen > 0 else 0.0
            features[i, t, totals + 3] = rivalry_max


@kernel
def enter(row, strength, first, filled, most, j, value):
    """Put row j among the `filled` strongest that begin at `first`; returns how many there are now, at most `most`."""
    at = first + filled
    if filled == most:
        if most == 0 or value <= strength[at - 1]:
            return filled
        at -= 1
    while at > first and value > strength[at - 1]:
        row[at], strength[at] = row[at - 1], strength[at - 1]
        at -= 1
    row[at], strength[at] = j, value
    return min(most, filled + 1)


@kernel
def write_slot(features, i, t, start, j, identity, ties):
    """One slot of the snippet: who, and what i feels toward it."""
    size = identity.shape[1]
    for d in range(size):
        features[i, t, start + d] = identity[j, d]
    features[i, t, start + size] = ties.trust[i, j]
    features[i, t, start + size + 1] = ties.familiarity[i, j]
    features[i, t, start + size + 2] = ties.rivalry[i, j]
