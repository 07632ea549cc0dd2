"""How long a request would take in plain Python: what decides whether it waits for the compiler.

It is found from the resolved configs alone. Nothing here builds a world, which would already need compiled code.
"""

from __future__ import annotations

from collections.abc import Iterable

from townlet.config.load import Resolved
from townlet.planning.plan import requested_runs
from townlet.planning.request import Request

# Seconds, measured on shipped and made towns of 2 to 64 agents, plain and extended observations (1.1 to 2.4 ms).
AGENT_STEP = 1.6e-3
NETWORK_STEP, NETWORK_BYTE = 1e-3, 2.5e-9  # that a network adds to it, and each byte of its model
TILE_OF_A_FIELD = (
    7e-6  # of one of a world's distance fields: there is one for each place that somebody walks to
)
WORLDS_OF_A_PLAN = 2  # that are built for a config before its runs are played
MOST = 4.0  # from here on, compiling pays


def interpreted_seconds(request: Request) -> float:
    """Seconds of one core that playing all runs would take. Raises what `plan` raises for these configs."""
    total = 0.0
    for resolved, ticks, seeds, network_bytes in requested_runs(request):
        step = agent_step(network_bytes)
        worlds = WORLDS_OF_A_PLAN + seeds
        total += seeds * ticks * len(resolved.agents) * step + worlds * _fields(resolved) * TILE_OF_A_FIELD
    return total


def agent_step(network_bytes: int) -> float:
    """Seconds of a step of one agent. `network_bytes`: of the model that decides for it; 0 = none does."""
    return AGENT_STEP + (NETWORK_STEP + network_bytes * NETWORK_BYTE if network_bytes else 0.0)


def _fields(resolved: Resolved) -> int:
    """Tiles of all distance fields: at most one a thing, a job's place, a meeting and a place of a schedule."""
    width, height = resolved.config.world.grid_size
    scenario, file = resolved.config.scenario, resolved.affordances
    things = {thing.id for thing in (*file.objects, *(scenario.objects if scenario else ()))}
    walked = {entry.position for agent in resolved.agents for entry in agent.schedule or () if entry.position}
    meetings = resolved.config.perturbations.events
    return width * height * sum(map(_length, (things, walked, resolved.config.jobs, meetings)))


def _length(some: Iterable[object]) -> int:
    return len(list(some))
