"""Running the pipeline over planned runs: in this process, in others on this machine, or on an engine elsewhere."""

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
from townlet.pipelines.runners import options as runner_options
from townlet.pipelines.runners.engines import engine, is_loopback, reports_beside
from townlet.pipelines.runners.in_process import InProcessRunner
from townlet.pipelines.runners.monitor import run_monitored
from townlet.pipelines.runners.warmup import warm
from townlet.planning.plan import Plan
from townlet.planning.plan_status import warn_if_too_large

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from townlet.commands.capture.capture import RunnerOptions


def launch(planned: Plan, store: Store, output: str, work: RunnerOptions) -> Tally:
    """Run the pipeline over all runs; returns what was heard. Those that are done are found there, and cost a look.

    `output` names the store for workers, which may have another working folder.
    """
    options = runner_options.beam_options(
        work.flags,
        workers=work.workers,
        frames=sum(planned.costs),
        runs=len(planned.runs),
        say=lambda line: None if work.quiet else print(f"note: {line}", file=sys.stderr, flush=True),
    )
    local = runner_options.is_local(options)
    costs = {run.label(): cost for run, cost in zip(planned.runs, planned.costs, strict=True)}
    with contextlib.ExitStack() as stack:
        if local or is_loopback(options):
            warm(planned.runs[0], quiet=work.quiet)
            if not work.quiet:
                warn_if_too_large(planned, output)
            signals = stack.enter_context(_folder())
        else:
            signals = stack.enter_context(reports_beside(store))
        if not local:
            stack.enter_context(engine(options))
            _announce(options, quiet=work.quiet)
        shown = stack.enter_context(contextlib.closing(display(costs, quiet=work.quiet or signals is None)))
        return run_monitored(
            lambda pipeline: build(
                pipeline,
                planned.runs,
                output,
                is_data_set=planned.is_data_set,
                suites=planned.suites,
                whole=planned.whole,
                signals=signals,
            ),
            options,
            InProcessRunner(options, signals) if local and signals else None,
            ReportReader(signals),
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
        print(f"running on {runner_options.runner_of(options)}", file=sys.stderr, flush=True)
