"""Folders of trainings, as `townlet train ppo` leaves them, for tests without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from townlet.config.load import load_config
from townlet.run import Run, canonical_json

TICKS = 30


def make_folder(place: Path, **told: Any) -> Path:
    """A training of `tiny` with three iterations, and no model yet."""
    folder = place / "training"
    folder.mkdir()
    resolved = load_config("tiny")
    run = Run(name="tiny", seed=0, ticks=TICKS, config_json=canonical_json(resolved.to_json_dict()))
    towns = {"tiny": {"config": run.config_digest, "ticks": TICKS, "ignore_schedules": False}}
    facts = {"settings": {"gamma": 0.995, "hidden": [8, 8], "ticks": None}, "towns": towns, **told}
    (folder / "training.json").write_text(json.dumps(facts))
    (folder / "towns.json").write_text(json.dumps({"tiny": run.config_json}))
    rows = [
        {
            "iteration": 1,
            "steps": 10,
            "return": 1.5,
            "return_error": 0.5,
            "ended": 0.0,
            "explained_variance": None,
        },
        {
            "iteration": 2,
            "steps": 20,
            "return": 2.5,
            "return_error": 0.25,
            "ended": 1.0,
            "explained_variance": 0.5,
        },
        {"iteration": 3, "steps": 30, "return": 2.0, "return_error": 0.5, "ended": 0.0, "chosen_return": 3.0},
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder
