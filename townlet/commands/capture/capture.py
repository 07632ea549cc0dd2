"""The capture command: options -> plan -> pipeline -> what was written. Beam is imported for work only."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.outcome import CaptureOutcome, as_json, print_outcome
from townlet.console.errors import KEPT, report
from townlet.console.parsing import Parser
from townlet.dataset.capture.commit import publish_run, records_of
from townlet.dataset.capture.overwrite import begin_overwrite, finish_overwrite
from townlet.dataset.index.failures import read_failures
from townlet.dataset.index.index_file import delete_staged_index, read_index
from townlet.dataset.status.run_status import run_status
from townlet.dataset.status.status import COMPLETE
from townlet.dataset.store.contract import Store
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import open_store
from townlet.planning.plan import Plan, plan
from townlet.planning.remaining import remaining_runs


@dataclass(frozen=True)
class RunnerOptions:
    """How to do it."""

    flags: tuple[str, ...] = ()  # Beam's
    workers: int | None = None
    quiet: bool = False


def main(
    argv: Sequence[str], prog: str = "townlet capture", *, positional: bool = True, many: bool = True
) -> int:
    """Capture what the command line asks for. Returns the exit code; raises TownletError for mistakes."""
    parser = capture_options.capture_parser(prog, positional=positional, many=many)
    arguments, work = prepare(parser, argv)
    planned = plan(capture_options.request(arguments))
    if arguments.dry_run:
        from townlet.commands.capture.plan import show

        said = {"as_json": arguments.json, "quiet": arguments.quiet, "overwrite": arguments.overwrite}
        show(planned, arguments.output, **said)
        return 0
    announced(planned, work)
    with leaving_if_stuck():
        outcome = capture(planned, arguments.output, work, overwrite=arguments.overwrite)
    if arguments.json:
        print(json.dumps(as_json(outcome), indent=1, ensure_ascii=False))
    else:
        print_outcome(outcome, quiet=arguments.quiet)
    return 1 if outcome.failures else 0


def prepare(parser: Parser, argv: Sequence[str]) -> tuple[argparse.Namespace, RunnerOptions]:
    """Our options, and how the work is done. What is wrong with Beam's options is said here, before any work."""
    arguments, flags = capture_options.parse(parser, argv)
    work = RunnerOptions(tuple(flags), arguments.workers, arguments.quiet)
    if flags:
        from townlet.pipelines.runners.options import beam_options

        beam_options(flags, workers=work.workers)
    return arguments, work


def announced(planned: Plan, work: RunnerOptions) -> Plan:
    """The plan, once its notices are said."""
    for notice in () if work.quiet else planned.notices:
        print(f"note: {notice}", file=sys.stderr)
    return planned


def capture(
    planned: Plan, output: str, work: RunnerOptions = RunnerOptions(), *, overwrite: bool = False
) -> CaptureOutcome:
    """Capture the planned runs into `output`, and finish or leave alone what is there already.

    Raises OutputError where the output cannot be used, KeyboardInterrupt for Ctrl-C.
    """
    there, run = open_store(output), planned.runs[0]
    with output_lock(output):
        if not planned.is_data_set and run_status(there, run).status in COMPLETE:
            # Removes what a writer that was killed has left beside it.
            publish_run(there, next(planned.playable()), records_of(there, run))
            return replace(_outcome(planned, there, output), was_there=True)
        store = open_store(begin_overwrite(output, planned.runs)) if overwrite else there
        outcome = capture_into(planned, store, output, work)
        if str(store) != str(there):
            if outcome.failures:
                return replace(
                    outcome, unpublished=f"{output} was left as it is; the new runs are in {store}"
                )
            finish_overwrite(output, str(store))
        return outcome


def capture_into(planned: Plan, store: Store, output: str, work: RunnerOptions) -> CaptureOutcome:
    """The capture proper, into a store whose lock is held. `output`: what messages call it.

    Raises OutputError where the store cannot be used, KeyboardInterrupt for Ctrl-C.
    """
    rest = remaining_runs(planned, store, quiet=work.quiet)
    if not rest.planned.runs:
        delete_staged_index(store)
        return replace(_outcome(planned, store, output), was_there=True, read=rest.complete)
    from townlet.pipelines.launch import launch

    tally = launch(rest.planned, store, str(store), work)
    delete_staged_index(store)
    outcome = _outcome(planned, store, output, recalled=len(rest.complete) + len(tally.recalled))
    return replace(outcome, read=rest.complete)


def script(argv: Sequence[str], prog: str, *, positional: bool = True) -> int:
    """`main` under another name, for one config: says what is wrong instead of raising."""
    try:
        return main(argv, prog, positional=positional, many=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except (Exception, KeyboardInterrupt) as error:
        return report(error)


def _is_stuck() -> bool:
    watch = sys.modules.get("townlet.pipelines.runners.monitor")
    return watch is not None and watch.is_stuck()


@contextlib.contextmanager
def leaving_if_stuck(*, keeping: bool = True) -> Iterator[None]:
    """End the process at once where Beam's threads would keep it: they wait for what never comes.

    Ctrl-C is passed on with what it leaves: `keeping`, so that the same command goes on, or nothing.
    """
    stuck_before = _is_stuck()  # an earlier call's, in a process that goes on: not this one's to end
    try:
        yield
    except BaseException as error:
        if keeping and isinstance(error, KeyboardInterrupt):
            error.args = (KEPT,)
        if _is_stuck() and not stuck_before:
            code = report(error)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        raise


def _outcome(planned: Plan, store: Store, output: str, recalled: int = 0) -> CaptureOutcome:
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
        recalled=recalled,
        left_out=planned.left_out,
        totals=index["metadata"],
    )
