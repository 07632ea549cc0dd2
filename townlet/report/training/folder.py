"""The folder of a training as a report reads it: what it was told, its figures, its towns and its models.

It is read without torch, so that a training of another machine can be looked at anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import CorruptSampleError
from townlet.escaping import shown
from townlet.policy_text import MOST_MODEL_BYTES
from townlet.run import Run

# As in townlet/train/ppo/folder.py, which cannot be imported without torch.
TRAINING, METRICS, TOWNS = "training.json", "metrics.jsonl", "towns.json"
MODELS = {"best": "best.onnx", "last": "last.onnx"}
MOST_BYTES = 1 << 28  # of a file that is read


@dataclass(frozen=True)
class TrainingFolder:
    """What is there."""

    path: Path
    told: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]  # a line an iteration
    towns: tuple[Run, ...]  # one a config; those whose configs are there
    missing: tuple[str, ...]  # towns whose configs are not
    models: Mapping[str, bytes]  # by "best" and "last", as far as they are there

    def network(self, which: str) -> str:
        """The policy that a model is."""
        return f"network:{sha256_hex(self.models[which])}"


def read_folder(path: Path) -> TrainingFolder:
    """Read the folder of a training. Raises CorruptSampleError for files that are not what a training writes."""
    told = _json(path / TRAINING, "what a training was told")
    asked = told.get("towns")
    if not isinstance(told.get("settings"), dict) or not isinstance(asked, dict):
        raise CorruptSampleError(f"{_name(path / TRAINING)}: expected what a training was told")
    configs = _json(path / TOWNS, "the configs of a training") if (path / TOWNS).is_file() else {}
    towns = {name: _town(name, asked[name], configs.get(name)) for name in asked}
    return TrainingFolder(
        path, told, tuple(_rows(path / METRICS)), tuple(run for run in towns.values() if run is not None),
        tuple(name for name, run in towns.items() if run is None), _models(path),
    )  # fmt: skip


def _town(name: str, facts: Any, config: Any) -> Run | None:
    """The town as a run; None where its config is not there, or is another."""
    if not isinstance(config, str) or not isinstance(facts, dict) or not isinstance(facts.get("ticks"), int):
        return None
    run = Run(
        name=name, seed=0, ticks=facts["ticks"], config_json=config,
        ignore_schedules=bool(facts.get("ignore_schedules")),
    )  # fmt: skip
    return run if run.config_digest == facts.get("config") else None


def _models(path: Path) -> dict[str, bytes]:
    with translate_os_error("read", str(path)):
        found = {which: path / name for which, name in MODELS.items() if (path / name).is_file()}
        return {
            which: file.read_bytes()
            for which, file in found.items()
            if file.stat().st_size <= MOST_MODEL_BYTES
        }


def _rows(path: Path) -> list[Mapping[str, Any]]:
    """Whole lines, one an iteration; one that was cut off by the end of a process is left out."""
    found: dict[int, Mapping[str, Any]] = {}
    for line in _text(path).splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and _is_number(row.get("iteration")) and _is_number(row.get("steps")):
            found[row["iteration"]] = row  # done again after a stop: the later line counts
    return [found[number] for number in sorted(found)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _json(path: Path, what: str) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CorruptSampleError(f"{_name(path)}: expected {what}, found something else")
    return found


def _text(path: Path) -> str:
    with translate_os_error("read", str(path)):
        if path.stat().st_size > MOST_BYTES:
            raise CorruptSampleError(f"{_name(path)}: expected at most {MOST_BYTES} bytes")
        return path.read_bytes().decode("utf-8", "replace")


def _name(path: Path) -> str:
    return shown(str(path))
