"""What the seed draws of the start (`scenario.starts`): needs, wallets and the time of day.

Draws are named (seed, 0, arrival number, USE_START, index): index n for the n-th need, then the wallet; the time of day
is the town's, arrival number 0. Tiles are drawn where things without a position are placed (`placement.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from townlet.config.schema import ScenarioAgent, Starts
from townlet.vocabulary import NEEDS
from townlet.world.rng import USE_START, draw

WALLET = len(NEEDS)


def started(agents: Sequence[ScenarioAgent], starts: Starts | None, seed: int) -> tuple[ScenarioAgent, ...]:
    """The scenario's agents, with the needs and wallets that a seed draws for them."""
    if starts is None or (starts.needs is None and starts.wallet is None):
        return tuple(agents)
    return tuple(_started(agent, starts, seed, row + 1) for row, agent in enumerate(agents))


def _started(agent: ScenarioAgent, starts: Starts, seed: int, arrival: int) -> ScenarioAgent:
    drawn: dict[str, Any] = {}
    if starts.needs is not None:
        ranges = {NEEDS.index(need): ends for need, ends in starts.needs.items()}
        found = {NEEDS[n]: _between(ends, seed, arrival, n) for n, ends in ranges.items()}
        drawn["needs"] = {**agent.needs, **found}
    if starts.wallet is not None:
        drawn["wallet"] = _between(starts.wallet, seed, arrival, WALLET)
    return agent.model_copy(update=drawn)


def _between(ends: Any, seed: int, arrival: int, index: int) -> float:
    """A number from `ends.min` to `ends.max`, all equally likely."""
    return min(ends.max, ends.min + draw(seed, 0, arrival, USE_START, index) * (ends.max - ends.min))


def start_time(starts: Starts | None, seed: int) -> int:
    """The tick of day at tick zero; 0 where it is not drawn."""
    if starts is None or starts.tick_of_day is None:
        return 0
    ends = starts.tick_of_day
    return ends.min + int(draw(seed, 0, 0, USE_START, 0) * (ends.max - ends.min + 1))
