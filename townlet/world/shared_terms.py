"""Numbers about one agent that more than one rule, or a rule and the observation, read."""

from __future__ import annotations

from townlet.world.jit import kernel


@kernel
def potential(need, weights, i):
    """The shaping potential of row `i`: -sum over needs n, in order, of weights[n] * (1 - need[i, n]).

    need [A, N] float64, weights [N] float64 -> float64 <= 0, 0 for who lacks nothing.
    """
    lacking = 0.0
    for n in range(weights.size):
        lacking += weights[n] * (1.0 - need[i, n])
    return 0.0 - lacking


@kernel
def attendance(work, i):
    """The share of row `i`'s last `window` counted shifts that were not missed; 1 before the first.

    float64 in [0, 1].
    """
    counted = min(work.shifts[i], work.window[i])
    if counted == 0:
        return 1.0
    attended = 0
    for w in range(counted):
        if not work.missed[i, w]:
            attended += 1
    return attended / counted
