"""A PPO training in its folder, from the first iteration or the last that was saved to the one that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from townlet import arguments
from townlet.console.printing import remark
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.store.lock import output_lock
from townlet.train.model.initial import network_of_model
from townlet.train.ppo.checkpoint import local_path
from townlet.train.ppo.folder import Folder
from townlet.train.ppo.ppo import Iteration, Play, Ppo, describe
from townlet.train.ppo.progress import TensorBoard, write_curves
from townlet.train.settings import PpoSettings
from townlet.train.towns import Towns

CURVES, TENSORBOARD = "curves.png", "tensorboard"


@dataclass(frozen=True)
class Rhythm:
    """What is done now and then."""

    iterations: int = 200
    checkpoint_every: int = 10  # iterations
    choose_every: int = 10  # iterations; the model after them is tried, and kept where it is the best
    choose_runs: int = 16  # of each config

    def __post_init__(self) -> None:
        for name in ("iterations", "checkpoint_every", "choose_every", "choose_runs"):
            arguments.whole(name, getattr(self, name), 1)

    def chooses(self, number: int) -> bool:
        """Whether the model after iteration `number` is tried. Not by the last one that is asked for: a training
        that goes on must come to the same."""
        return number % self.choose_every == 0


@dataclass(frozen=True)
class Outcome:
    """Where a training stands."""

    folder: Path
    iterations: int
    steps: int
    best: float | None  # return of the best model; None before one was tried
    best_iteration: int
    already_there: bool  # it had been trained that far before


def told(towns: Towns, settings: PpoSettings, rhythm: Rhythm, init: bytes | None) -> dict[str, Any]:
    """All that decides the weights, and which model is the best."""
    return {
        "settings": settings.to_json_dict(),
        "towns": {
            run.name: {
                "config": run.config_digest,
                "ticks": run.ticks,
                "ignore_schedules": run.ignore_schedules,
            }
            for run in towns.templates
        },
        "choose_every": rhythm.choose_every,
        "choose_runs": rhythm.choose_runs,
        "init": None if init is None else sha256_hex(init),
    }


def train(
    towns: Towns,
    output: str,
    settings: PpoSettings,
    rhythm: Rhythm,
    play: Play,
    play_chosen: Play,
    *,
    init: bytes | None = None,
    report: Callable[[Mapping[str, Any]], None] = lambda row: None,
) -> Outcome:
    """Train into a folder, or go on there. `report` is given every iteration's line of metrics.

    Raises OutputError for a folder that is not this training's, UserError for a first model that does not fit.
    """
    path = local_path("output", output)
    network = None if init is None else network_of_model(init, towns.layout)
    folder = Folder(path, told(towns, settings, rhythm, init))
    with output_lock(path):
        folder.begin()
        folder.keep_towns({run.name: run.config_json for run in towns.templates})
        ppo = Ppo(towns, settings, play, play_chosen, network=network)
        rows = folder.restore(ppo)
        already_there = ppo.state.number >= rhythm.iterations
        if not already_there:
            _go_on(ppo, folder, rhythm, rows, report)
        state = ppo.state
    return Outcome(path, state.number, state.steps, state.best, state.best_number, already_there)


def _go_on(
    ppo: Ppo,
    folder: Folder,
    rhythm: Rhythm,
    rows: list[dict[str, Any]],
    report: Callable[[Mapping[str, Any]], None],
) -> None:
    board = TensorBoard(folder.path / TENSORBOARD, ppo.state.number + 1)
    try:
        while ppo.state.number < rhythm.iterations:
            number = ppo.state.number + 1
            row = _row(ppo.iterate(rhythm.choose_runs if rhythm.chooses(number) else 0))
            rows.append(row)
            folder.note(row)
            folder.save_best(ppo)
            board.note(row)
            report(row)
            if number % rhythm.checkpoint_every == 0 or number == rhythm.iterations:
                folder.save(ppo, rows)
                drawn = write_curves(folder.path / CURVES, rows)
    finally:
        board.close()
    if not drawn:
        remark("note: matplotlib is not installed, so no curves.png; pip install 'townlet[train]'")


def _row(iteration: Iteration) -> dict[str, Any]:
    row = describe(iteration)
    seconds = iteration.play_seconds + iteration.learn_seconds
    return row | {"steps_per_second": row["rows"] / max(seconds, 1e-9)}
