"""Step 7 of a tick: rent.

On the last tick of a day, where a rent is configured, everybody alive pays it: a wallet that holds at least
the rent is charged and the unpaid days start again from 0; otherwise nothing is taken and `unpaid_days`
rises by one. (Two unpaid days in a row evict: see lifecycle.)
"""

from __future__ import annotations

from townlet.world.geometry import time_of_day
from townlet.world.jit import rule
from townlet.world.state import COIN_RENT


@rule
def update(clock, agents, town, rules):
    """Charge the rent if it is due now."""
    rent = rules.rent[0]
    if rent <= 0.0 or time_of_day(clock, town) + 1 != town.size[3]:
        return
    for i in range(agents.alive.size):
        if not agents.alive[i]:
            continue
        if agents.wallet[i] >= rent:
            agents.wallet[i] -= rent
            clock.coins[COIN_RENT] += rent
            agents.unpaid_days[i] = 0
        else:
            agents.unpaid_days[i] += 1
