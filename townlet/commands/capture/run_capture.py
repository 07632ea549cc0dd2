"""Capturing planned runs, from Python: `capture(plan(Request(("town.yaml",))), "samples/town")`.

What the command `townlet capture` does, without its output. The process stays as it was: its streams, signals, logging
and environment. Ctrl-C raises KeyboardInterrupt, and the same call continues with what is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from townlet.commands.capture.outcome import CaptureOutcome
from townlet.dataset.capture.commit import publish_run, records_of
from townlet.dataset.capture.overwrite import begin_overwrite, finish_overwrite
from townlet.dataset.index.failures import read_failures
from townlet.dataset.index.index_file import delete_staged_index, read_index
from townlet.dataset.status.run_status import run_status
from townlet.dataset.status.status import COMPLETE
from townlet.dataset.store.contract import Store
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import open_store
from townlet.planning.plan import Plan
from townlet.planning.remaining import remaining_runs

if TYPE_CHECKING:
    from townlet.pipelines.progress.reports import Tally


@dataclass(frozen=True)
class RunnerOptions:
    """How a capture is run."""

    flags: tuple[str, ...] = ()  # Beam's options, as on a command line
    workers: int | None = None  # None: one; 0: one for each usable core
    quiet: bool = False  # no progress and no notices on standard error


def capture(
    planned: Plan, output: str, runner_options: RunnerOptions = RunnerOptions(), *, overwrite: bool = False
) -> CaptureOutcome:
    """Capture the planned runs into `output`, and finish or leave alone what is there already.

    Raises OutputError where the output cannot be used, KeyboardInterrupt for Ctrl-C.
    """
    there, run = open_store(output), planned.runs[0]
    with output_lock(output):
        if not planned.is_data_set and run_status(there, run).status in COMPLETE:
            # Deletes the leftovers of an interrupted capture, too.
            publish_run(there, next(planned.playable()), records_of(there, run))
            return replace(_outcome(planned, there, output), already_complete=True)
        store = open_store(begin_overwrite(output, planned.runs)) if overwrite else there
        outcome = capture_into(planned, store, output, runner_options)
        if str(store) != str(there):
            if outcome.failures:
                return replace(
                    outcome, unpublished=f"{output} was left as it is; the new runs are in {store}"
                )
            finish_overwrite(output, str(store))
        return outcome


def capture_into(planned: Plan, store: Store, output: str, runner_options: RunnerOptions) -> CaptureOutcome:
    """The capture proper, into a store whose lock is held. `output`: what messages call it.

    Raises OutputError where the store cannot be used, KeyboardInterrupt for Ctrl-C.
    """
    rest = remaining_runs(planned, store, quiet=runner_options.quiet)
    if not rest.planned.runs:
        delete_staged_index(store)
        return replace(_outcome(planned, store, output), already_complete=True, read=rest.complete)
    tally = _launch(rest.planned, store, runner_options)
    delete_staged_index(store)
    outcome = _outcome(planned, store, output, reused=len(rest.complete) + len(tally.reused))
    return replace(outcome, read=rest.complete)


def _launch(planned: Plan, store: Store, runner_options: RunnerOptions) -> Tally:
    from townlet.pipelines.runners.silence_beam_output import import_beam

    import_beam()
    from townlet.pipelines.launch import launch

    return launch(
        planned,
        store,
        str(store),
        flags=runner_options.flags,
        workers=runner_options.workers,
        quiet=runner_options.quiet,
    )


def _outcome(planned: Plan, store: Store, output: str, reused: int = 0) -> CaptureOutcome:
    """What is there now, of what was asked for."""
    failures = read_failures(store, is_data_set=planned.is_data_set)
    asked = {(run.name, run.seed) for run in planned.runs}
    failures = [failure for failure in failures if (failure.scenario, failure.seed) in asked]
    if not planned.is_data_set:
        samples = [] if failures else records_of(store, planned.runs[0])
        return CaptureOutcome(output, samples=samples, failures=failures)
    index = read_index(store)
    runs = [entry for entry in index["runs"] if (entry["scenario"], entry["seed"]) in asked]
    return CaptureOutcome(
        output,
        runs=runs,
        failures=failures,
        reused=reused,
        not_selected=planned.left_out,
        totals=index["metadata"],
    )
