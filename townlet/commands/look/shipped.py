"""What is shipped, a line each: configs, suites and affordances."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from townlet.config.affordances import AffordanceEntry
from townlet.config.load import Resolved, load_config
from townlet.config.shipped import shipped_configs, shipped_file, shipped_root, shipped_suites
from townlet.config.suite import load_suite
from townlet.console.formatting import number

LONGEST = 110  # characters of a line about a config


def shipped_facts() -> dict[str, list[dict[str, Any]]]:
    """The configs, the suites and the affordances that a config has where it names no file of its own."""
    root = shipped_root()
    configs = [_config(path, load_config(root / path)) for path in shipped_configs()]
    suites = [_suite(path) for path in shipped_suites()]
    entries = load_config(root / "examples" / "town.yaml").affordances.affordances
    return {"configs": configs, "suites": suites, "affordances": [_affordance(entry) for entry in entries]}


def _config(path: str, resolved: Resolved) -> dict[str, Any]:
    scenario = resolved.config.scenario
    described = scenario.description if scenario is not None else ""
    width, height = resolved.config.world.grid_size
    return {
        "name": _name(path),
        "path": path,
        "agents": len(resolved.agents),
        "objects": len(resolved.objects),
        "size": [width, height],
        "ticks": scenario.ticks if scenario is not None else None,
        "description": " ".join(described.split()),
    }


def _name(path: str) -> str:
    """What is enough to type: the name alone, or the path where another config has that name."""
    stem = PurePosixPath(path).stem
    return stem if shipped_file(stem) == shipped_root() / path else path


def _suite(path: str) -> dict[str, Any]:
    suite = load_suite(shipped_root() / path)
    runs = sum(len(run.seeds) or 1 for run in suite.runs)
    configs = list(dict.fromkeys(run.config.stem for run in suite.runs))
    return {"name": _name(path), "path": path, "runs": runs, "configs": configs}


def _affordance(entry: AffordanceEntry) -> dict[str, Any]:
    return {
        "name": entry.id,
        "objects": list(entry.types),
        "ticks": entry.duration,
        "effects": {name: value for name, value in sorted(entry.effects.items()) if value},
    }


def line_of_config(facts: dict[str, Any]) -> str:
    """The first sentence of what it says of itself, or what is in it."""
    described = facts["description"]
    if not described:
        width, height = facts["size"]
        people = number(facts["agents"], "agent") if facts["agents"] else "nobody yet (--auto-seed-agents)"
        return f"{people}, {number(facts['objects'], 'object')}, {width} x {height} tiles"
    sentence = described.partition(". ")[0].rstrip(".")
    return sentence if len(sentence) <= LONGEST else f"{sentence[: LONGEST - 3]}..."
