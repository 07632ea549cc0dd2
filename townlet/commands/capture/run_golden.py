"""Golden metrics, from Python: what a suite should have, written to a file, and compared with what was there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from townlet.commands.capture.next_version import build_next, changes_of, current_store, metrics_of
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.console.scratch import scratch_folder
from townlet.dataset.capture.preflight import check_place
from townlet.dataset.index.index_document import Failure
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.changes import Changes
from townlet.dataset.versions.drift import (
    Drift,
    check_golden_place,
    check_suites,
    compare_metrics,
    golden_document,
    read_golden,
    write_golden,
)
from townlet.dataset.versions.next_version import is_finished
from townlet.dataset.versions.versions import check_versions, finish_publishing, is_versioned, utc_now
from townlet.errors import OutputError
from townlet.notebook import Shown
from townlet.planning.plan import Plan

Show = Callable[[Changes], None]


@dataclass(frozen=True, repr=False)
class GoldenOutcome(Shown):
    """What became of a golden file."""

    document: Mapping[str, Any]  # empty where runs failed
    written: bool = False  # False: it held the same already
    moved: Drift | None = None  # against the file that was there; None: there was none
    failures: Sequence[Failure] = ()

    def _facts(self) -> dict[str, Any]:
        moved = "nothing to compare with" if self.moved is None else len(self.moved.movements)
        return {"written": self.written, "moved metrics": moved, "failures": len(self.failures)}


def golden(
    planned: Plan,
    path: str,
    output: str | None,
    runner_options: RunnerOptions,
    show: Show = lambda changes: None,
) -> GoldenOutcome:
    """Write the golden file of the planned runs, which are captured where they are missing.

    `show` is called with what changes in a versioned data set, before any work. Raises UserError for another suite's
    file, OutputError for what is wrong with the places.
    """
    check_golden_place(path, output)
    old = None
    if os.path.lexists(path):
        old = read_golden(path)
        check_suites(path, old, planned.suites)
    with scratch_folder() as folder:
        metrics, failures = _metrics(planned, output or f"{folder}/golden", runner_options, show)
    if metrics is None:
        return GoldenOutcome({}, failures=failures)
    document = golden_document(planned.runs, planned.suites, metrics)
    moved = None if old is None else compare_metrics(old, document, 0.0)
    return GoldenOutcome(document, write_golden(path, document), moved)


MetricsOrFailures = tuple[Mapping[str, Any] | None, Sequence[Failure]]  # None: some runs failed


def _metrics(planned: Plan, output: str, runner_options: RunnerOptions, show: Show) -> MetricsOrFailures:
    """The metrics of the planned runs."""
    store = open_store(output)
    check_place(store, versioned=is_versioned(store))
    if is_versioned(store):
        return _metrics_of_version(planned, output, runner_options, show)
    failures = capture(planned, output, runner_options).failures
    if failures:
        return None, failures
    store = open_store(output)
    if not is_finished(store, planned.runs, planned.suites):
        raise OutputError(
            f"{store}: holds other runs or suites too, and its metrics are over all of them; "
            "choose another output folder"
        )
    return metrics_of(store), ()


def _metrics_of_version(
    planned: Plan, output: str, runner_options: RunnerOptions, show: Show
) -> MetricsOrFailures:
    """Of the current version, where nothing changes in it, or of the next one, which is not published."""
    with output_lock(output):
        store = open_store(output)
        check_versions(store)
        finish_publishing(store, utc_now())
        changes = changes_of(store, planned)
        current = current_store(store)
        if not changes.any and current is not None:
            return metrics_of(current), ()
        show(changes)
        built = build_next(store, planned, changes, runner_options)
        return (None, built.failures) if built.failures else (metrics_of(built.store), ())
