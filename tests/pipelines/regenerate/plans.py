"""Plans of fake runs, and regenerating them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.dataset.captures import index, records_for
from tests.pipelines import fakes
from townlet.commands.capture.outcome import CaptureOutcome as Captured
from townlet.commands.capture.run_capture import RunnerOptions
from townlet.commands.capture.run_regenerate import RegenerateOptions, RegenerateOutcome, regenerate
from townlet.dataset.capture.commit import publish_runs
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.index.index_file import read_index
from townlet.dataset.store.contract import Store
from townlet.planning.plan import Plan
from townlet.run import Run

QUIET = RunnerOptions(quiet=True)


def fake(name: str, seed: int, ticks: int = 6) -> Run:
    return fakes.in_data_set(fakes.run(name, seed=seed, ticks=ticks))


def planned(*runs: Run) -> Plan:
    return fakes.plan_of(*runs, suites=("tiny",))


FIRST = planned(fake("a", 0), fake("a", 1), fake("b", 0))
EDITED = planned(fake("a", 0), fake("a", 2), fake("b", 0, ticks=9))  # one new, one removed, one changed


def make(plan: Plan, output: Path, **wanted: Any) -> RegenerateOutcome:
    return regenerate(plan, str(output), QUIET, RegenerateOptions(**wanted))


def counts(outcome: RegenerateOutcome) -> tuple[int, ...]:
    return tuple(outcome.changes.counts().values())  # unchanged, changed, new, removed


def by_hand(plan: Plan, store: Store, output: str, work: RunnerOptions) -> Captured:
    """A capture without Beam: it stops where it is killed."""
    check_output(store, plan.runs)
    runs = list(plan.playable())
    records = [records_for(store, run) for run in runs]
    published = publish_runs(store, list(zip(runs, records, strict=True)))
    index(store, published, records, suites=plan.suites)
    return Captured(output, runs=read_index(store)["runs"])
