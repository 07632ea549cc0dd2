"""Running the pipeline over planned runs: in this process, in others on this machine, or on an engine elsewhere.

The pipeline itself is built in `capture`; Beam is only started here, by the runners.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from townlet.dataset.store.contract import Store
from townlet.pipelines.capture import build
from townlet.pipelines.progress.display import display
from townlet.pipelines.progress.reports import ReportReader, Tally
from townlet.pipelines.runners.engines import engine, is_loopback, reports_beside
from townlet.pipelines.runners.in_process import InProcessRunner
from townlet.pipelines.runners.monitor import run_monitored
from townlet.pipelines.runners.options import beam_options, is_local, runner_of
from townlet.pipelines.runners.warmup import warm
from townlet.planning.plan import Plan
from townlet.planning.plan_status import warn_if_too_large

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from townlet.commands.capture.capture import RunnerOptions


def launch(planned: Plan, store: Store, output: str, runner_options: RunnerOptions) -> Tally:
    """Run the pipeline over all runs; returns what the steps have reported. Runs that are there already are reused.

    `output` names the store for workers, which may have another working folder.
    """
    frames = sum(planned.costs)
    options = beam_options(runner_options.flags, workers=runner_options.workers, frames=frames)
    local = is_local(options)
    costs = {run.label(): cost for run, cost in zip(planned.runs, planned.costs, strict=True)}
    with contextlib.ExitStack() as stack:
        if local or is_loopback(options):
            warm(next(planned.playable()), quiet=runner_options.quiet)
            if not runner_options.quiet:
                warn_if_too_large(planned, output)
            reports = stack.enter_context(_folder())
        else:
            reports = stack.enter_context(reports_beside(store))
        if not local:
            stack.enter_context(engine(options))
            _announce(options, quiet=runner_options.quiet)
        shown = stack.enter_context(
            contextlib.closing(display(costs, quiet=runner_options.quiet or reports is None))
        )
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
            ),
            options,
            InProcessRunner(options, reports) if local and reports else None,
            ReportReader(reports),
            shown,
        )


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="townlet-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _announce(options: PipelineOptions, *, quiet: bool) -> None:
    if not quiet:
        print(f"running on {runner_of(options)}", file=sys.stderr, flush=True)
