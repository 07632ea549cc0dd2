"""Whether a town can begin as `scenario.starts` says."""

from __future__ import annotations

from collections.abc import Iterator

from townlet.config.checking.floor import AUTO_SEEDED, Floor, Mistake
from townlet.config.schema import Config

PATH = ("scenario", "starts")


def start_mistakes(config: Config) -> Iterator[Mistake]:
    """What does not fit the day, the floor or the number of agents; each mistake with its path in the config."""
    starts = config.scenario.starts if config.scenario is not None else None
    if config.scenario is None or starts is None:
        return
    day = config.world.ticks_per_day
    if starts.tick_of_day is not None and starts.tick_of_day.max >= day:
        message = f"expected ticks of day from 0 to {day - 1}, got max {starts.tick_of_day.max}"
        yield (*PATH, "tick_of_day"), message
    if starts.positions is None or isinstance(starts.positions, str):
        return
    floor, path = Floor(config), (*PATH, "positions")
    strange = [tile for tile in starts.positions if not floor.is_floor(tile)]
    if strange:
        yield (
            path,
            f"expected floor tiles inside the {floor.width}x{floor.height} grid, got {list(strange[0])}",
        )
        return
    different = len(set(starts.positions))
    agents = len(config.scenario.agents) or len(AUTO_SEEDED)
    if different < len(starts.positions):
        yield path, f"expected tiles that differ, got {len(starts.positions)} of which {different} do"
    elif different < agents:
        yield path, f"expected a tile of its own for each of {agents} agents, got {different}"
