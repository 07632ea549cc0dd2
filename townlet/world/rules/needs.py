"""Step 8 of a tick: every need of everybody alive falls by its `decay_rates` entry, not below 0."""

from __future__ import annotations

from townlet.world.jit import rule


@rule
def update(agents, rules):
    """Let needs fall."""
    alive, need, decay = agents.alive, agents.need, rules.need_decay[0]
    for i in range(alive.size):
        if alive[i]:
            for n in range(decay.size):
                need[i, n] = max(0.0, need[i, n] - decay[n])
