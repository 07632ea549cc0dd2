"""The golden files: one a config, small and to be read, of what its golden runs were when it was written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.golden.measure import golden_runs, measure
from townlet.run import FORMAT_VERSION, RULES_VERSION

FOLDER = Path(__file__).resolve().parent / "runs"
HEAD = "# Written by `make golden`: what was found after some ticks of these runs.\n"


@dataclass(frozen=True)
class Golden:
    """What a golden file holds."""

    config: str  # as `scenarios/queue_conflict`
    rules_version: int
    format_version: int
    config_digest: str  # SHA-256 of the resolved config, affordances included
    runs: Mapping[str, Any]  # by policy: {seed, ticks, after: {tick: numbers}}


def play(config: str) -> Golden:
    """Play the golden runs of a shipped config."""
    runs = golden_runs(config)
    text = next(iter(runs.values())).config_json
    found = {
        name: {"seed": run.seed, "ticks": run.ticks, "after": measure(run)} for name, run in runs.items()
    }
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Golden(config, RULES_VERSION, FORMAT_VERSION, digest, found)


def path_of(config: str, folder: Path = FOLDER) -> Path:
    return folder / f"{config.replace('/', '-')}.yaml"


def read(config: str, folder: Path = FOLDER) -> Golden | None:
    """What is stored of a config; None where nothing is."""
    path = path_of(config, folder)
    return Golden(**yaml.safe_load(path.read_text(encoding="utf-8"))) if path.is_file() else None


def write(golden: Golden, folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    path_of(golden.config, folder).write_text(HEAD + text_of(golden), encoding="utf-8")


def strays(configs: list[str], folder: Path = FOLDER) -> list[Path]:
    """Golden files of configs that are no longer shipped."""
    return sorted(set(folder.glob("*.yaml")) - {path_of(config, folder) for config in configs})


def text_of(golden: Golden) -> str:
    """YAML: a number, or a small group of them, a line."""
    return yaml.safe_dump(vars(golden), sort_keys=False, default_flow_style=None, width=118)
