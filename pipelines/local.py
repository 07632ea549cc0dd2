"""Running a pipeline on this machine, inside this process and, where asked for, in worker processes.

Beam's name for it is `DirectRunner`; since 2.7x Beam means a program by that which it downloads first, so
that the in-process runner is built here as Beam's own fall-back builds it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from pipelines.progress import Display
from pipelines.signals import Listener, Tally
from townlet import errors
from townlet.errors import OutputError, TownletError

POLL_INTERVAL = 0.1  # seconds
GRACE = 2.0  # seconds that a pipeline has to end by itself once a step has given up
NO_PROXY = "no_grpc_proxy"  # gRPC's environment variable
PIPELINE_THREAD = "townlet-pipeline"
WORKER_THREAD = "run_worker"  # what Beam calls the threads that wait for its worker processes


class WorkerDied(TownletError):
    """A worker process ended before its time: killed, out of memory, or not able to start."""


class PipelineFailed(TownletError):
    """The pipeline ended with an error that is none of a run's."""


class InProcessRunner(fn_runner.FnApiRunner):
    """Beam's in-process runner, with worker processes that are ours (`pipelines.worker`)."""

    def __init__(self, options: PipelineOptions, signals: str) -> None:
        encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
        provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
        super().__init__(provision_info=fn_runner.ExtendedProvisionInfo(provision))
        self._worker_command = _worker_command(signals)
        _bypass_proxies()

    def run_via_runner_api(self, pipeline_proto: Any, options: PipelineOptions) -> Any:
        for environment in pipeline_proto.components.environments.values():
            if environment.urn == python_urns.SUBPROCESS_SDK:
                environment.payload = self._worker_command.encode()
        return super().run_via_runner_api(pipeline_proto, options)


def _bypass_proxies() -> None:
    """Let gRPC speak to this machine itself. It would ask a proxy of the environment, and wait for ever."""
    known = os.environ.get(NO_PROXY) or os.environ.get("no_proxy") or ""
    if "localhost" not in known.split(","):
        os.environ[NO_PROXY] = ",".join(filter(None, [known, "localhost", "127.0.0.1", "::1"]))


def _worker_command(signals: str) -> str:
    """The shell command of a worker. `-P`: a file of the user's working folder must not shadow a module."""
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    words = [sys.executable, "-P", "-m", "pipelines.worker", signals, str(os.getpid())]
    return f"PYTHONPATH={shlex.quote(path)} exec {shlex.join(words)}"


def run_watched(
    build: Callable[[beam.Pipeline], None],
    options: PipelineOptions,
    runner: Any,
    listener: Listener,
    display: Display,
) -> Tally:
    """Run a pipeline to its end, in a thread of its own; returns what was heard from it.

    Ctrl-C is answered at once, whatever the steps do: KeyboardInterrupt, with the workers ended. Raises
    OutputError where a step says that nothing can go on, WorkerDied where a worker process ends before its
    time, and PipelineFailed for anything else. After some of these, threads of Beam's still wait for
    something: see `is_stuck`.
    """
    problems: list[BaseException] = []
    dead: list[str] = []

    def work() -> None:
        try:
            pipeline = beam.Pipeline(runner=runner, options=options)
            build(pipeline)
            pipeline.run().wait_until_finish()
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=work, name=PIPELINE_THREAD, daemon=True)
    with _noticing_dead_workers(dead), _ending_workers(listener):
        thread.start()
        while thread.is_alive() and not dead and listener.tally.fatal is None:
            thread.join(POLL_INTERVAL)
            display.show(listener.poll())
        if listener.poll().fatal is not None:
            thread.join(GRACE)
            raise OutputError(listener.tally.fatal)
        if dead:
            raise WorkerDied(
                f"a worker process ended before its time: {dead[0]}; the same command goes on from here"
            )
        if problems:
            raise _explained(problems[0]) from problems[0]
    return listener.tally


def is_stuck() -> bool:
    """Whether a pipeline was left that still runs: Python would wait for its threads for ever, at its end."""
    return any(thread.name == PIPELINE_THREAD and thread.is_alive() for thread in threading.enumerate())


def _explained(error: BaseException) -> BaseException:
    """What a user is told about an exception that came out of Beam: our own message, if it is one of ours."""
    if isinstance(error, TownletError):
        return error
    ours = re.search(r"^townlet\.errors\.(\w+): (.*?)(?: \[while running .*)?$", str(error), re.MULTILINE)
    if ours:
        kind = getattr(errors, ours[1], PipelineFailed)
        return kind(ours[2])
    lines = str(error).strip().splitlines() or [""]
    return PipelineFailed(f"the pipeline failed: {type(error).__name__}: {lines[-1]}")


@contextlib.contextmanager
def _ending_workers(listener: Listener) -> Iterator[None]:
    """Whatever goes wrong, no worker process goes on."""
    try:
        yield
    except BaseException:
        for process in listener.poll().workers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        raise


def _how_it_ended(complaint: str) -> str:
    """What Beam says of a process that ended, in words. It names the exit code, -N for signal N."""
    found = re.search(r"-?\d+$", complaint)
    code = int(found[0]) if found else 0
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")


@contextlib.contextmanager
def _noticing_dead_workers(dead: list[str]) -> Iterator[None]:
    """Beam's threads raise when their worker process ends with an error, and nobody listens: listen.

    Other threads of Beam's then complain that the connection is gone, which says nothing new.
    """
    before = threading.excepthook

    def hook(args: Any) -> None:
        name = args.thread.name if args.thread is not None else ""
        if name == WORKER_THREAD:
            dead.append(_how_it_ended(str(args.exc_value)))
        elif not name.startswith("beam_"):
            before(args)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
