"""Beam's in-process runner: in this process and, where asked for, in worker processes on this machine.

Beam's name for it is `DirectRunner`. By now Beam means a program by that which it downloads first, so that
the in-process runner is built here, as Beam's own fall-back builds it.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from townlet.pipelines.progress.reports import WORKER_LOG

NO_PROXY = "no_grpc_proxy"  # gRPC's environment variable


class InProcessRunner(fn_runner.FnApiRunner):
    """Beam's in-process runner, with worker processes that are ours (`townlet.pipelines.runners.local_worker`)."""

    def __init__(self, options: PipelineOptions, reports_folder: str) -> None:
        encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
        provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
        super().__init__(provision_info=fn_runner.ExtendedProvisionInfo(provision))
        self._worker_command = worker_command(reports_folder)

    def run_via_runner_api(self, pipeline_proto: Any, options: PipelineOptions) -> Any:
        for environment in pipeline_proto.components.environments.values():
            if environment.urn == python_urns.SUBPROCESS_SDK:
                environment.payload = self._worker_command.encode()
        return super().run_via_runner_api(pipeline_proto, options)


def worker_command(reports_folder: str) -> str:
    """The shell command of a worker. `-P`: a file of the user's working folder must not shadow a module.

    Its standard error goes to a log among the reports, from where its last line is quoted.
    """
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    words = [
        sys.executable,
        "-P",
        "-m",
        "townlet.pipelines.runners.local_worker",
        reports_folder,
        str(os.getpid()),
    ]
    log = shlex.quote(str(Path(reports_folder, WORKER_LOG)))
    return f"PYTHONPATH={shlex.quote(path)} exec {shlex.join(words)} 2>>{log}"


@contextlib.contextmanager
def bypass_proxies() -> Iterator[None]:
    """Let gRPC connect to this machine itself. It would ask a proxy of the environment, and wait for ever."""
    before = os.environ.get(NO_PROXY)
    known = before or os.environ.get("no_proxy") or ""
    if "localhost" not in known.split(","):
        os.environ[NO_PROXY] = ",".join(filter(None, [known, "localhost", "127.0.0.1", "::1"]))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(NO_PROXY, None)
        else:
            os.environ[NO_PROXY] = before
