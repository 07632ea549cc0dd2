"""A town in which everything happens, often: what it is like stands in town.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from townlet.config.load import Resolved, load_config
from townlet.run import Run, canonical_json

TOWN = Path(__file__).resolve().parent / "town.yaml"
STAGES = ("OFF", "A", "B", "C1", "C2", "C3")  # of relationships


def crowded(ticks: int, stage: str = "C3", seen: str = "hybrid", **more: Any) -> Run:
    """A run of the town; who is not said to act by `needs` acts at random. `more` are fields of the run."""
    facts = load_config(TOWN).to_json_dict()
    facts["config"]["features"]["systems"]["observations"] = seen
    social = stage if stage.startswith("C") else "OFF"
    facts["config"]["features"]["stages"] = {"relationships": stage, "social_rewards": social}
    text = canonical_json(Resolved.from_json_dict(facts).to_json_dict())
    fields = {"name": "crowded", "seed": 0, "policy": "uniform", **more}
    return Run(ticks=ticks, config_json=text, **fields)
