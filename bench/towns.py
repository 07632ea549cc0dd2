"""Towns of any number of agents, made of `configs/examples/town.yaml`, in which everybody lives for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from townlet.config.shipped import find_shipped
from townlet.planning.plan import Request, plan
from townlet.run import Run

STANDARD = 8  # agents, where their number is not the question


def write_town(folder: Path, agents: int = STANDARD, *, extended: bool = False) -> Path:
    """Write the config of a town of so many agents.

    The agents are the shipped town's, again and again, under other names and wherever there is room. What they see is
    the plain `hybrid` observation, or (`extended`) all that the shipped town shows.
    """
    config: dict[str, Any] = yaml.safe_load(find_shipped("examples/town.yaml").read_text(encoding="utf-8"))
    config["features"]["systems"] = {"lifecycle": "off"}
    if not extended:
        del config["observations"], config["features"]["observations"]
    config["scenario"]["agents"] = people(config, agents)
    path = folder / f"town_of_{agents}{'_extended' if extended else ''}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def people(config: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """So many agents: those of the config, again and again, under other names and wherever there is room."""
    originals = config["scenario"]["agents"]
    return [
        _without_position(originals[number % len(originals)]) | {"id": f"agent_{number + 1}"}
        for number in range(count)
    ]


def _without_position(agent: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in agent.items() if key != "position"}


def request(config: Path, ticks: int, runs: int = 1) -> Request:
    """A capture of so many runs of a config under `needs`, as a data set."""
    seeds = tuple(range(runs))
    return Request((str(config),), ticks=ticks, seeds=seeds, policy="needs", as_data_set=True)


def runs_of(config: Path, ticks: int, runs: int = 1) -> tuple[Run, ...]:
    return tuple(plan(request(config, ticks, runs)).playable())
