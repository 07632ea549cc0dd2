"""Running a pipeline to its end, monitored: for progress, for Ctrl-C, and for workers that die."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from townlet.console.entry_point import is_own_process, raise_if_asked_to_end
from townlet.console.limits import TOO_FEW_THREADS
from townlet.console.printing import remark
from townlet.dataset.store.lease import raise_if_lost
from townlet.pipelines.progress.display import Display
from townlet.pipelines.progress.reports import ReportReader, Tally
from townlet.pipelines.runners.errors import WorkerDied
from townlet.pipelines.runners.in_process import InProcessRunner
from townlet.pipelines.runners.silence_beam_output import PIPELINE_THREAD, silenced_beam
from townlet.pipelines.runners.watch import END_TIMEOUT_S, POLL_INTERVAL_S, Watch

REMOTE_POLL_INTERVAL_S = 1.0  # where the reports may lie on a file server
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
            pipeline = _pipeline(runner, options)
            build(pipeline)
            jobs.append(pipeline.run())
            jobs[0].wait_until_finish()
        except BaseException as error:
            problems.append(error)
        ended.set()

    thread = threading.Thread(target=work, name=PIPELINE_THREAD, daemon=True)
    watch = Watch(reports, runner and runner.processes)
    with contextlib.ExitStack() as stack:
        watch.silenced = stack.enter_context(silenced_beam())
        try:
            _start(thread)
            while not ended.is_set() and not watch.trouble():
                ended.wait(REMOTE_POLL_INTERVAL_S if runner is None else POLL_INTERVAL_S)
                display.show(reports.poll())
                raise_if_lost()
                raise_if_asked_to_end()
            if ended.is_set():
                thread.join()
            watch.raise_what_is_wrong(ended, problems)
        except BaseException:
            if runner is None:
                _end_job(jobs, ended)
            else:
                _end_steps(reports, runner, ended)
            if is_own_process():
                _silent_until_exit.append(stack.pop_all())  # what is left of Beam would print more
            raise
    return reports.tally


def is_stuck() -> bool:
    """Whether threads of a pipeline may be left: Python would wait for them for ever, at its end."""
    threads = threading.enumerate()
    return bool(_silent_until_exit) or any(t.name == PIPELINE_THREAD and t.is_alive() for t in threads)


def _pipeline(runner: InProcessRunner | None, options: PipelineOptions) -> beam.Pipeline:
    """Beam's, without the temporary folder that it makes for each, uses for nothing here, and leaves when killed."""
    pipeline = beam.Pipeline(runner=runner, options=options)
    with contextlib.suppress(OSError):
        os.rmdir(pipeline.local_tempdir)
    return pipeline


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError:
        raise WorkerDied(TOO_FEW_THREADS) from None


def _end_job(jobs: list[PipelineResult], ended: threading.Event) -> None:
    """Have the engine end the job, unless it has ended, and say so where it may go on."""
    if ended.is_set():
        return
    if jobs:
        threading.Thread(target=_cancel, args=(jobs[0],), daemon=True).start()
    if jobs and ended.wait(CANCEL_TIMEOUT_S):
        remark("the job was cancelled")
        return
    remark("the engine does not say that it has ended the job: look there before you start another")


def _cancel(job: PipelineResult) -> None:
    with contextlib.suppress(Exception):  # whether it worked is seen from the job's state
        job.cancel()


def _end_steps(reports: ReportReader, runner: InProcessRunner, ended: threading.Event) -> None:
    """Ask the steps to end. Worker processes that do not are killed."""
    try:
        reports.cancel()
        ended.wait(END_TIMEOUT_S)
    finally:
        runner.processes.kill()
