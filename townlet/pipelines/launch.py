"""Running the pipeline over planned runs: in this process, in others on this machine, or on an engine elsewhere.

The pipeline itself is built in `capture`; Beam is only started here, by the runners.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from townlet.compiler.warmup import warm_if_possible
from townlet.console.printing import remark
from townlet.console.scratch import scratch_folder
from townlet.dataset.store.contract import Store
from townlet.pipelines.capture import build
from townlet.pipelines.given import held
from townlet.pipelines.progress.display import display
from townlet.pipelines.progress.reports import ReportReader, Tally
from townlet.pipelines.runners.engines import engine, is_loopback, reports_beside
from townlet.pipelines.runners.in_process import InProcessRunner, check_limits
from townlet.pipelines.runners.monitor import run_monitored
from townlet.pipelines.runners.options import beam_options, is_local, runner_of
from townlet.pipelines.runners.silence_beam_output import unchanged_logging
from townlet.planning.plan import Plan
from townlet.planning.plan_status import warn_if_too_large
from townlet.policy_text import GivenPolicy

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from townlet.rollout.stored import StoredActions


@unchanged_logging()
def launch(
    planned: Plan,
    store: Store,
    output: str,
    *,
    flags: Sequence[str] = (),
    workers: int | None = None,
    quiet: bool = False,
    given: GivenPolicy | StoredActions | None = None,
) -> Tally:
    """Run the pipeline over all runs; returns what its steps have reported. Runs that are done are found there.

    `output` names the store for workers, which may have another working folder. `flags`: Beam's options. `workers`:
    None = 1, 0 = one for each usable core. `given`: an object that decides, or what is stored of a
    capture that a run leaves, in this process. Raises what
    `run_monitored` does.
    """
    options = beam_options(
        flags,
        workers=workers,
        frames=sum(planned.costs),
        runs=len(planned.runs),
        say=lambda line: None if quiet else remark(f"note: {line}"),
    )
    local = is_local(options)
    costs = {run.label(): cost for run, cost in zip(planned.runs, planned.costs, strict=True)}
    if local:
        check_limits(options)
    with contextlib.ExitStack() as stack:
        word = stack.enter_context(held(given))
        if local or is_loopback(options):
            warm_if_possible(quiet=quiet)
            if not quiet:
                warn_if_too_large(planned, output)
            reports = stack.enter_context(scratch_folder(short=local))
        else:
            reports = stack.enter_context(reports_beside(store))
        if not local:
            stack.enter_context(engine(options))
            _announce(options, quiet=quiet)
        shown = stack.enter_context(contextlib.closing(display(costs, quiet=quiet or reports is None)))
        return run_monitored(
            lambda pipeline: build(
                pipeline,
                planned.runs,
                planned.configs,
                output,
                is_data_set=planned.is_data_set,
                suites=planned.suites,
                whole=planned.whole,
                reports=reports,
                given=word,
            ),
            options,
            InProcessRunner(options, reports) if local and reports else None,
            ReportReader(reports),
            shown,
        )


def _announce(options: PipelineOptions, *, quiet: bool) -> None:
    if not quiet:
        remark(f"running on {runner_of(options)}")
