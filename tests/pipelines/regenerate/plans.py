"""Plans of fake runs, and regenerating them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.dataset.captures import index, records_for
from tests.pipelines import fakes
from tests.samples import make_run
from townlet.commands.capture.run_capture import RunnerOptions
from townlet.commands.capture.run_regenerate import RegenerateOptions, RegenerateOutcome, regenerate
from townlet.dataset.capture.commit import publish_runs
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.contract import Store
from townlet.pipelines.progress.reports import Tally
from townlet.planning.plan import Plan
from townlet.policy_text import GivenPolicy
from townlet.run import Run

QUIET = RunnerOptions(quiet=True)


def fake(name: str, seed: int, ticks: int = 6) -> Run:
    return fakes.in_data_set(fakes.run(name, seed=seed, ticks=ticks))


def run(name: str, seed: int, ticks: int = 20, **fields: Any) -> Run:
    """A run whose samples are made by hand: see `launch_by_hand`."""
    return make_run(name, seed=seed, ticks=ticks, folder=run_folder(name, seed), **fields)


def planned(*runs: Run) -> Plan:
    return fakes.plan_of(*runs, suites=("tiny",))


FIRST = planned(fake("a", 0), fake("a", 1), fake("b", 0))
EDITED = planned(fake("a", 0), fake("a", 2), fake("b", 0, ticks=9))  # one new, one removed, one changed


def make(plan: Plan, output: Path, **wanted: Any) -> RegenerateOutcome:
    return regenerate(plan, str(output), QUIET, RegenerateOptions(**wanted))


def counts(outcome: RegenerateOutcome) -> tuple[int, ...]:
    return tuple(outcome.changes.counts().values())  # unchanged, changed, new, removed


def launch_by_hand(plan: Plan, store: Store, work: RunnerOptions, given: GivenPolicy | None = None) -> Tally:
    """What Beam does of a capture, without it: it stops where it is killed. No object decides in it."""
    assert given is None
    runs = list(plan.playable())
    records = [records_for(store, run) for run in runs]
    published = publish_runs(store, list(zip(runs, records, strict=True)))
    index(store, published, records, suites=plan.suites, whole=plan.whole)
    return Tally()
