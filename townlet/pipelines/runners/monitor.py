"""Running a pipeline to its end, monitored: for progress, for Ctrl-C, and for workers that die."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from townlet.console.entry_point import is_own_process
from townlet.dataset.store.lease import raise_if_lost
from townlet.errors import OutputError
from townlet.pipelines.progress.display import Display
from townlet.pipelines.progress.reports import ReportReader, Tally
from townlet.pipelines.runners.errors import WorkerDied, translate_error
from townlet.pipelines.runners.in_process import InProcessRunner
from townlet.pipelines.runners.silence_beam_output import PIPELINE_THREAD, SilencedBeam, silenced_beam

POLL_INTERVAL_S = 0.1  # seconds
REMOTE_POLL_INTERVAL_S = 1.0  # where the reports may lie on a file server
END_TIMEOUT_S = (
    2.0  # seconds that a pipeline has to end by itself, once it was asked to or a step has given up
)
CANCEL_TIMEOUT_S = 15.0  # seconds that an engine has to end a job

_silent_until_exit: list[contextlib.ExitStack] = []  # of a command's own process alone


def run_monitored(
    build: Callable[[beam.Pipeline], None],
    options: PipelineOptions,
    runner: InProcessRunner | None,
    reports: ReportReader,
    display: Display,
) -> Tally:
    """Run a pipeline to its end, in a thread of its own; returns what its steps have reported.

    `runner` None: the engine that the options name. Ctrl-C is answered at once, whatever the steps do:
    KeyboardInterrupt, with the workers ended, or the engine told to end the job. Raises OutputError where a step
    reports that the output cannot be used or where another writer has taken it over, WorkerDied where a worker process
    ends before its time, and PipelineFailed for anything else. The process is left as it was; only where steps do not
    end when they are asked to, or a worker died, do threads of Beam remain that wait for something: see `is_stuck`.
    """
    problems: list[BaseException] = []
    jobs: list[PipelineResult] = []
    ended = threading.Event()  # a join that Ctrl-C interrupts would take the thread for dead (Python 3.11)

    def work() -> None:
        try:
            pipeline = beam.Pipeline(runner=runner, options=options)
            build(pipeline)
            jobs.append(pipeline.run())
            jobs[0].wait_until_finish()
        except BaseException as error:
            problems.append(error)
        ended.set()

    thread = threading.Thread(target=work, name=PIPELINE_THREAD, daemon=True)
    with contextlib.ExitStack() as stack:
        silenced = stack.enter_context(silenced_beam())
        try:
            thread.start()
            while not ended.is_set() and not _has_trouble(reports, silenced):
                ended.wait(REMOTE_POLL_INTERVAL_S if runner is None else POLL_INTERVAL_S)
                display.show(reports.poll())
                raise_if_lost()
            if ended.is_set():
                thread.join()
            _raise_what_is_wrong(reports, silenced, ended, problems)
        except BaseException:
            if runner is None:
                _end_job(jobs, ended)
            else:
                _end_steps(reports, ended)
            if is_stuck() and is_own_process():
                _silent_until_exit.append(stack.pop_all())  # what is left of Beam would print more
            raise
    return reports.tally


def is_stuck() -> bool:
    """Whether a pipeline was left that still runs: Python would wait for its threads for ever, at its end."""
    return any(thread.name == PIPELINE_THREAD and thread.is_alive() for thread in threading.enumerate())


def _has_trouble(reports: ReportReader, silenced: SilencedBeam) -> bool:
    """Whether there is no point in waiting for the end."""
    return bool(reports.tally.fatal or reports.tally.broken or silenced.worker_end)


def _raise_what_is_wrong(
    reports: ReportReader, silenced: SilencedBeam, ended: threading.Event, problems: list[BaseException]
) -> None:
    tally = reports.poll()
    if tally.fatal:
        ended.wait(END_TIMEOUT_S)
        raise OutputError(tally.fatal)
    if tally.broken:
        raise WorkerDied(f"a worker cannot start: {tally.broken}")
    if silenced.worker_end:
        last = reports.last_line_of_workers()
        detail = f" ({last})" if last and not tally.workers else ""
        raise WorkerDied(
            f"a worker process ended before its time: {silenced.worker_end}{detail}; run the same command to continue"
        )
    if problems:
        raise translate_error(problems[0]) from problems[0]


def _end_job(jobs: list[PipelineResult], ended: threading.Event) -> None:
    """Have the engine end the job, unless it has ended, and say so where it may go on."""
    if ended.is_set():
        return
    if jobs:
        threading.Thread(target=_cancel, args=(jobs[0],), daemon=True).start()
    if jobs and ended.wait(CANCEL_TIMEOUT_S):
        print("the job was cancelled", file=sys.stderr)
        return
    print(
        "the engine does not say that it has ended the job: look there before you start another",
        file=sys.stderr,
    )


def _cancel(job: PipelineResult) -> None:
    with contextlib.suppress(Exception):  # whether it worked is seen from the job's state
        job.cancel()


def _end_steps(reports: ReportReader, ended: threading.Event) -> None:
    """Ask the steps to end. Worker processes that do not are killed."""
    try:
        reports.cancel()
        ended.wait(END_TIMEOUT_S)
    finally:
        if not ended.is_set():
            for process in reports.poll().workers:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)
