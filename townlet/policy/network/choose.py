"""An action of a network's logits: drawn from their distribution over the legal actions, or the likeliest.

With l = logit / temperature of the legal actions in float64, the probability of an action is exp(l - max) / sum. The
draw named (seed, tick, arrival number, USE_POLICY) picks the first action, by id, at which the sum of those before it
and its own passes draw * sum. The log-prob is l - max - log(sum), rounded to float32. Greedy takes the lowest id of the
highest logit, with log-prob 0. What the mask forbids has no part in it.
"""

from __future__ import annotations

import numpy as np

from townlet.policy.network.elementary import exp, log
from townlet.world.jit import inlined, inner, kernel
from townlet.world.rng import USE_POLICY, draw

LARGEST = 3.4028234663852886e38  # of float32


@inlined
def is_finite(number):
    """Whether a float32 number is neither infinite nor NaN."""
    return -LARGEST <= number <= LARGEST


@inner
def highest(logits, r, masks, i, t):
    """The lowest id of the legal action with the highest logit of `logits[r]`; -1 where one is not finite."""
    best = -1
    for u in range(masks.shape[2]):
        if masks[i, t, u]:
            if not is_finite(logits[r, u]):
                return -1
            if best < 0 or logits[r, u] > logits[r, best]:
                best = u
    return best


@inner
def weigh(logits, r, masks, i, t, best, temperature, chance):
    """Fill `chance` [U] with exp((logit - highest logit) / temperature) of the legal actions, else 0; their sum."""
    top, total = np.float64(logits[r, best]) / temperature, 0.0
    for u in range(masks.shape[2]):
        chance[u] = 0.0
        if masks[i, t, u]:
            chance[u] = exp(np.float64(logits[r, u]) / temperature - top)
            total += chance[u]
    return total


@inner
def pick(chance, left):
    """The first action at which the sum of chances passes `left`; the last possible one where rounding lets none."""
    action, passed = 0, 0.0
    for u in range(chance.shape[0]):
        if chance[u] > 0.0:
            action = u
            passed += chance[u]
            if left < passed:
                break
    return action


@kernel
def choose(table, n, r, masks, i, t, seed, tick, arrival, given):
    """The action of network n for row i, whose logits stand in `table.logits[r]`, and its log-prob.

    `given` is an action that was chosen before, of which only the log-prob is asked; -1 = choose. Logits or a value
    that are not finite set `table.fault[n]`, and the action is then to wait.
    """
    best = highest(table.logits, r, masks, i, t)
    if best < 0 or not is_finite(table.value[r]):
        table.fault[n] = True
        return 0, np.float32(0.0)
    if table.greedy[n]:
        return (best if given < 0 else given), np.float32(0.0)
    heat = table.temperature[n]
    total = weigh(table.logits, r, masks, i, t, best, heat, table.chance)
    action = given
    if given < 0:
        action = pick(table.chance, draw(seed, tick, arrival, USE_POLICY, 0) * total)
    apart = np.float64(table.logits[r, action]) / heat - np.float64(table.logits[r, best]) / heat
    return action, np.float32(apart - log(total))


@kernel
def choose_rows(table, n, masks, count, first, seed, tick, arrival, given, actions, log_probs):
    """`choose` for rows first, first + 1, ... of a batch, masks [B, 1, U]: fills `actions` [B] and `log_probs` [B].

    `given`: the actions were chosen before, only their log-probs are asked.
    """
    for r in range(count):
        b = first + r
        chosen = actions[b] if given else -1
        actions[b], log_probs[b] = choose(table, n, r, masks, b, 0, seed, tick, arrival[b], chosen)
