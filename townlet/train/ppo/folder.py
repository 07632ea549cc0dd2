"""The folder of a training: what it was told, how far it is, its models and its figures.

    training.json     what decides the weights; another training is refused here
    towns.json        the resolved configs by name, for who looks at the training elsewhere
    checkpoint.npz    weights, moments and counters after the last iteration that was saved
    last.onnx         the network after that iteration
    best.onnx         the one that did best with the seeds kept for choosing
    metrics.jsonl     a line an iteration
    curves.png        the same as a picture
    tensorboard/      the same for TensorBoard
    captures/         with --keep-captures: a data set an iteration

`checkpoint.npz` is what counts: whatever lies here from later iterations is made again, the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import OutputError, UserError
from townlet.escaping import shown
from townlet.run import canonical_json
from townlet.train.ppo.checkpoint import put_parts, read_checkpoint, take_parts, write_checkpoint, write_whole
from townlet.train.ppo.ppo import Ppo

TRAINING, CHECKPOINT, METRICS, TOWNS = "training.json", "checkpoint.npz", "metrics.jsonl", "towns.json"
LAST, BEST = "last.onnx", "best.onnx"


class Folder:
    """A training's folder. `told`: what decides its weights, as JSON."""

    def __init__(self, path: Path, told: Mapping[str, Any]) -> None:
        self.path, self._told = path, json.loads(canonical_json(dict(told)))

    def begin(self) -> None:
        """Make it, or find out that it is this training's. Raises OutputError for anything else there."""
        with translate_os_error("write", str(self.path)):
            if self.path.is_symlink() or (self.path.exists() and not self.path.is_dir()):
                raise OutputError(f"{self._name}: expected a folder for the training, found something else")
            names = [entry.name for entry in self.path.iterdir()] if self.path.exists() else []
            found = sorted(name for name in names if name != f".{TRAINING}.new")  # a killed one's
            if found and TRAINING not in found:
                raise OutputError(
                    f"{self._name}: expected a new folder, or one of a training; found {shown(found[0])}; choose "
                    "another output"
                )
            if not found:
                self.path.mkdir(parents=True, exist_ok=True)
                write_whole(self.path / TRAINING, (json.dumps(self._told, indent=1) + "\n").encode())
            else:
                self._refuse_other()

    def _refuse_other(self) -> None:
        try:
            stored = json.loads((self.path / TRAINING).read_text(encoding="utf-8"))
        except ValueError:
            stored = None
        if not isinstance(stored, dict):
            raise OutputError(
                f"{self._name}/{TRAINING}: expected what a training was told, found something else"
            )
        if difference := first_difference(stored, self._told):
            raise OutputError(
                f"{self._name} is of another training: {difference}; choose another output, or ask for the same "
                "training to continue it"
            )

    def keep_towns(self, configs: Mapping[str, str]) -> None:
        """Write the configs, canonical JSON texts by name, where they are not there yet."""
        if not (self.path / TOWNS).exists():
            write_whole(self.path / TOWNS, (json.dumps(dict(configs), indent=1) + "\n").encode())

    def restore(self, ppo: Ppo) -> list[dict[str, Any]]:
        """Bring a training to where it was saved last; the lines of its metrics up to there."""
        path = self.path / CHECKPOINT
        if not path.exists():
            return []
        arrays, facts = read_checkpoint(path)
        state = ppo.state
        try:
            for name, part, optimiser in _parts(ppo):
                take_parts(arrays, name, part, optimiser)
            state.network.value_scale, state.network.value_mean = facts["value_scale"], facts["value_mean"]
            state.number, state.steps = facts["number"], facts["steps"]
            state.best, state.best_number = facts["best"], facts["best_number"]
        except (KeyError, ValueError) as error:
            raise UserError(
                f"{shown(str(path))}: expected a checkpoint of this training, found another: {error}"
            ) from None
        return [row for row in self._rows() if row["iteration"] <= state.number]

    def _rows(self) -> list[dict[str, Any]]:
        """Whole lines; one that was cut off by the end of a process is left out."""
        path, rows = self.path / METRICS, []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and isinstance(row.get("iteration"), int):
                rows.append(row)
        return rows

    def note(self, row: Mapping[str, Any]) -> None:
        """Add a line to the metrics."""
        with (
            translate_os_error("write", str(self.path)),
            open(self.path / METRICS, "a", encoding="utf-8") as file,
        ):
            file.write(json.dumps(dict(row)) + "\n")

    def save(self, ppo: Ppo, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write models, metrics, and then the checkpoint that says how far they go."""
        state = ppo.state
        write_whole(self.path / LAST, ppo.model())
        self.save_best(ppo)
        write_whole(self.path / METRICS, "".join(json.dumps(dict(row)) + "\n" for row in rows).encode())
        arrays: dict[str, Any] = {}
        for name, part, optimiser in _parts(ppo):
            put_parts(arrays, name, part, optimiser)
        facts = {
            "number": state.number,
            "steps": state.steps,
            "best": state.best,
            "best_number": state.best_number,
        }
        facts |= {"value_scale": state.network.value_scale, "value_mean": state.network.value_mean}
        write_checkpoint(self.path / CHECKPOINT, arrays, facts)

    def save_best(self, ppo: Ppo) -> None:
        """Write the best model, where it is a new one."""
        if (best := ppo.state.models.pop("best", None)) is not None:
            write_whole(self.path / BEST, best)

    @property
    def _name(self) -> str:
        return shown(str(self.path))


def _parts(ppo: Ppo) -> list[tuple[str, Any, Any]]:
    network, optimisers = ppo.state.network, ppo.state.optimisers
    return [("actor", network.actor, optimisers.actor), ("critic", network.critic, optimisers.critic)]


def first_difference(stored: Mapping[str, Any], asked: Mapping[str, Any], where: str = "") -> str:
    """In words; "" where they are equal."""
    for key in sorted({*stored, *asked}):
        there, now = stored.get(key), asked.get(key)
        if isinstance(there, dict) and isinstance(now, dict):
            if found := first_difference(there, now, f"{where}{key}."):
                return found
        elif there != now:
            return f"{shown(where + str(key))} is {shown(str(there))} there, {shown(str(now))} here"
    return ""
