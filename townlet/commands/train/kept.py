"""The runs of a training as captures: a data set an iteration, by the same pipeline as any, on any runner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.data_set import open
from townlet.errors import TownletError
from townlet.escaping import shown
from townlet.planning.plan import Plan
from townlet.policy_text import Models
from townlet.run import Run, by_reference
from townlet.samples import ReplaySample


class Kept:
    """Plays runs by capturing them. What a killed training left of an iteration is finished, not made anew."""

    def __init__(self, folder: Path, runner_options: RunnerOptions, models: Models | None = None) -> None:
        self._folder, self._runner_options = folder, runner_options
        self._models = dict(models or {})  # of networks that configs name for single agents

    def __call__(self, runs: Sequence[Run], model: bytes, iteration: int) -> Iterator[ReplaySample]:
        place = self._folder / f"iteration-{iteration:05}"
        outcome = capture(
            planned(runs, {**self._models, sha256_hex(model): model}), str(place), self._runner_options
        )
        if outcome.failures:
            first = outcome.failures[0]
            raise TownletError(
                f"{shown(str(place))}: {len(outcome.failures)} of {len(runs)} runs failed, first "
                f"{shown(first.scenario)} seed {first.seed}: {shown(first.reason)}; the others are kept"
            )
        return iter(open(place))


def planned(runs: Sequence[Run], models: Models) -> Plan:
    """The plan of a data set with these runs."""
    placed = [replace(run, folder=run_folder(run.name, run.seed)) for run in runs]
    references, configs = by_reference(placed)
    return Plan(
        runs=tuple(references),
        configs=configs,
        costs=tuple(run.ticks for run in references),
        is_data_set=True,
        notices=(),
        models=dict(models),
    )
