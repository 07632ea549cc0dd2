"""What a report is asked for: a capture, a run of a data set, a data set as a whole, or the folder of a training."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import NamedTuple

from townlet.dataset.capture.find_models import find_models, what_is_missing
from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import INDEX
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.data_set import open as open_data_set
from townlet.dataset.store.open_store import is_remote, open_store
from townlet.dataset.versions.versions import POINTER
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.policy_text import Models, digests_of

TRAINING = "training.json"  # as in townlet/train/ppo/folder.py, which cannot be imported without torch


class Training(NamedTuple):
    """The folder of a training."""

    path: Path


Source = Capture | DataSet | Training
WHAT = {Capture: "a capture", DataSet: "a data set", Training: "the folder of a training"}


def source_at(place: str, scenario: str | None = None, seed: int | None = None) -> Source:
    """What lies at a place; of a data set the run of `scenario` and `seed`, where they are given.

    Raises UserError where there is nothing of these, or not exactly one such run, CorruptSampleError for what is
    damaged.
    """
    if not is_remote(place) and os.path.isfile(os.path.join(place, TRAINING)):
        _refuse_choice(place, "the folder of a training", scenario, seed)
        return Training(Path(place))
    if not place.endswith(MANIFEST_SUFFIX):
        store = open_store(place)
        if any(store.size(name) is not None for name in (INDEX, POINTER)):
            opened = open_data_set(place)
            return opened if scenario is None and seed is None else _run_of(opened, place, scenario, seed)
    _refuse_choice(place, "one capture", scenario, seed)
    return load_capture(place)


def other_source(place: str, source: Source, scenario: str | None = None, seed: int | None = None) -> Source:
    """What `source` is to be compared with: of a data set the same choice. Raises UserError for another kind."""
    try:
        found = source_at(place, scenario, seed)
    except _NoDataSetError:
        found = source_at(place)  # the run itself
    if type(found) is not type(source):
        raise UserError(
            f"--against: {WHAT[type(source)]} can be compared only with {WHAT[type(source)]}; {shown(place)} is "
            f"{WHAT[type(found)]}"
        )
    return found


def models_of(capture: Capture) -> Models:
    """The networks that act in a capture. Raises UserError where one is not there, and says where to get it."""
    models = find_models(capture.store, capture.folder, capture.metadata)
    missing = sorted({*models.missing} & {*digests_of(capture.metadata.get("networks", ()))})
    if missing:
        raise UserError(
            f"{capture.place}: cannot be played again: {what_is_missing(missing[0], capture.place)}"
        )
    return models.found


class _NoDataSetError(UserError):
    """A run was to be chosen where there is none to choose from."""


def _refuse_choice(place: str, what: str, scenario: str | None, seed: int | None) -> None:
    if scenario is not None or seed is not None:
        raise _NoDataSetError(f"{shown(place)}: is {what}; --scenario and --seed choose a run of a data set")


def _run_of(opened: DataSet, place: str, scenario: str | None, seed: int | None) -> Capture:
    """The one run of a data set that fits."""
    if scenario is not None and scenario not in opened.scenarios:
        near = difflib.get_close_matches(scenario, opened.scenarios, 1)
        there = f"did you mean {near[0]}?" if near else f"there are {', '.join(opened.scenarios)}"
        raise UserError(f"{shown(place)}: has no scenario {shown(scenario)}; {there}")
    runs = [run for run in opened.runs if scenario in (None, run[0]) and seed in (None, run[1])]
    if len(runs) == 1:
        return opened.capture(*runs[0])
    if not runs:
        raise UserError(f"{shown(place)}: has no run of {scenario or 'any scenario'} with seed {seed}")
    more = "--seed" if seed is None else "--scenario"
    raise UserError(
        f"{shown(place)}: has {len(runs)} such runs, {runs[0][0]} seed {runs[0][1]} for example: choose one with {more}"
    )
