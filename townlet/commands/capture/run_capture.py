"""Capturing planned runs, from Python: `capture(plan(Request(("town.yaml",))), "samples/town")`.

What the command `townlet capture` does, without its output. The process stays as it was: its streams, signals, logging
and environment. Ctrl-C raises KeyboardInterrupt, and the same call continues with what is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from townlet import arguments
from townlet.commands.capture.outcome import CaptureOutcome
from townlet.dataset.capture.commit import publish_run, records_of
from townlet.dataset.capture.models import keep_models
from townlet.dataset.capture.overwrite import begin_overwrite, finish_overwrite
from townlet.dataset.capture.preflight import check_place
from townlet.dataset.index.failures import read_failures
from townlet.dataset.index.finish_index import delete_staged_index
from townlet.dataset.index.read_index import SelectedRuns, read_index
from townlet.dataset.status.run_status import run_status
from townlet.dataset.status.status import COMPLETE
from townlet.dataset.store.contract import Store
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import open_store
from townlet.errors import UserError
from townlet.planning.given import refuse_unknown, with_given
from townlet.planning.plan import Plan
from townlet.planning.remaining import remaining_runs
from townlet.policy_text import GivenPolicy

if TYPE_CHECKING:
    from townlet.pipelines.progress.reports import Tally


@dataclass(frozen=True)
class RunnerOptions:
    """How a capture is run."""

    flags: tuple[str, ...] = ()  # Beam's options, as on a command line
    workers: int | None = None  # None: one; 0: one for each usable core
    quiet: bool = False  # no progress and no notices on standard error


def capture(
    planned: Plan,
    output: str,
    runner_options: RunnerOptions = RunnerOptions(),
    *,
    overwrite: bool = False,
    policy: Any = None,
    policy_name: str | None = None,
) -> CaptureOutcome:
    """Capture the planned runs into `output`, and finish or leave alone what is there already.

    `policy`: an object that decides for agents without a schedule and without a policy of the config's
    (`townlet/policy/base.py` says what it needs), in one worker of this process, from another thread. Its samples say
    `outside`, and its class's name or `policy_name`. With `policy_name` you say that it is the same policy as whatever
    was captured under this name, so that an interrupted capture goes on; else what is there is refused. Raises
    OutputError where the output cannot be used, KeyboardInterrupt for Ctrl-C.
    """
    output = arguments.path("capture: output", output)
    overwrite = arguments.switch("capture: overwrite", overwrite)
    _check(planned, runner_options)
    given = None
    if planned.stored is not None:
        _check_branch(runner_options, policy is not None or policy_name is not None)
    if policy is not None or policy_name is not None:
        _check_in_process(runner_options)
        planned, given = with_given(planned, policy, policy_name)
    there, run = open_store(output), planned.runs[0]
    check_place(there)
    with output_lock(output):
        is_known = given is None or given.is_vouched
        if not planned.is_data_set and is_known and run_status(there, run).status in COMPLETE:
            # Deletes the leftovers of an interrupted capture, too.
            publish_run(there, next(planned.playable()), records_of(there, run))
            return replace(_outcome(planned, there, output), already_complete=True)
        store = open_store(begin_overwrite(output, planned.runs)) if overwrite else there
        outcome = capture_into(planned, store, output, runner_options, given)
        if str(store) != str(there):
            if outcome.failures:
                return replace(
                    outcome, unpublished=f"{output} was left as it is; the new runs are in {store}"
                )
            finish_overwrite(output, str(store))
        return outcome


def _check(planned: Plan, runner_options: RunnerOptions) -> None:
    """What a program of the user's can get wrong, and a command line cannot. Raises UserError."""
    if not isinstance(planned, Plan):
        raise UserError(f"capture: expected what plan gives, got {type(planned).__name__}")
    if not isinstance(runner_options, RunnerOptions):
        raise UserError(f"capture: expected RunnerOptions, got {type(runner_options).__name__}")
    if isinstance(runner_options.flags, str):
        raise UserError(f"flags: expected Beam's options, each a text, got the text {runner_options.flags!r}")
    arguments.texts("flags", runner_options.flags)
    if runner_options.workers is not None:
        arguments.whole("workers", runner_options.workers, 0)


def _check_in_process(runner_options: RunnerOptions) -> None:
    """Raise UserError where an object would have to decide in several places at once, or elsewhere."""
    if runner_options.flags or runner_options.workers not in (None, 1):
        raise UserError(
            "policy: an object decides in this process, in one worker: give no flags, and workers=1"
        )


def _check_branch(runner_options: RunnerOptions, has_policy: bool) -> None:
    """Raise UserError where a run that leaves another one would be played elsewhere, or by an object."""
    if runner_options.flags or runner_options.workers not in (None, 1):
        raise UserError(
            "--from-tick: a branch is one run, played in this process: give no options of Beam's, and --workers 1"
        )
    if has_policy:
        raise UserError(
            "policy: a run that leaves a capture goes on with a policy that has a name, not with an object"
        )


def capture_into(
    planned: Plan, store: Store, output: str, runner_options: RunnerOptions, given: GivenPolicy | None = None
) -> CaptureOutcome:
    """The capture proper, into a store whose lock is held. `output`: what messages call it.

    Raises OutputError where the store cannot be used, KeyboardInterrupt for Ctrl-C.
    """
    if given is not None:
        refuse_unknown(store, planned, given)
    rest = remaining_runs(planned, store, quiet=runner_options.quiet)
    if planned.models:
        keep_models(store, planned.playable(), planned.models)
    if not rest.planned.runs:
        delete_staged_index(store)
        return replace(_outcome(planned, store, output), already_complete=True, read=rest.complete)
    tally = _launch(rest.planned, store, runner_options, given)
    delete_staged_index(store)
    outcome = _outcome(planned, store, output, reused=len(rest.complete) + len(tally.reused))
    return replace(outcome, read=rest.complete)


def _launch(planned: Plan, store: Store, runner_options: RunnerOptions, given: GivenPolicy | None) -> Tally:
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
        given=given or planned.stored,
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
    return CaptureOutcome(
        output,
        runs=SelectedRuns(index, asked),
        failures=failures,
        reused=reused,
        not_selected=planned.left_out,
        totals=index.facts,
    )
