"""Runs of shipped configs, short ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from townlet.config.load import load_config
from townlet.run import Run, canonical_json

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    """`make_run("scenarios/queue_conflict", ticks=50, ...)`."""

    def make(name: str, ticks: int = 60, **more) -> Run:
        resolved = load_config(CONFIGS / f"{name}.yaml")
        text = canonical_json(resolved.to_json_dict())
        return Run(
            name=resolved.name, seed=more.pop("seed", 0), ticks=ticks, config_json=text,
            config_path=resolved.config_path, **more,
        )  # fmt: skip

    return make
