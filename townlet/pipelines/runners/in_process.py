"""Beam's in-process runner: in this process and, where asked for, in worker processes on this machine.

Beam's name for it is `DirectRunner`. By now Beam means a program by that which it downloads first, so that
the in-process runner is built here, as Beam's own fall-back builds it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from townlet.console.formatting import number
from townlet.console.limits import (
    MB,
    check_memory,
    check_open_files,
    check_threads,
    is_address_space_limited,
)
from townlet.pipelines.runners import processes, sockets

# What a pipeline takes at most, measured: threads and files of this process, and of it for each worker; memory that is
# mapped, used or not.
THREADS, THREADS_OF_A_THREAD = 12, 28
FILES, FILES_OF_A_WORKER = 16, 8
MAPPED = {"in_memory": 300 * MB, "multi_threading": 900 * MB, "multi_processing": 900 * MB}
MAPPED_BY_A_PROCESS = 1300 * MB
SOCKET = "socket"  # its name in the folder of the reports


class InProcessRunner(fn_runner.FnApiRunner):
    """Beam's in-process runner, whose workers are ours and reach it by a private socket (`sockets`)."""

    def __init__(self, options: PipelineOptions, reports_folder: str) -> None:
        encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
        self.processes = processes.WorkerProcesses(reports_folder)
        self._words = processes.worker_words(reports_folder)
        info = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
        super().__init__(
            provision_info=sockets.Provision(info, str(Path(reports_folder, SOCKET)), self.processes)
        )

    def run_via_runner_api(self, pipeline_proto: Any, options: PipelineOptions) -> Any:
        for environment in pipeline_proto.components.environments.values():
            if environment.urn == python_urns.SUBPROCESS_SDK:
                environment.payload = json.dumps(self._words).encode()
            environment.urn = sockets.OURS.get(environment.urn, environment.urn)
        return super().run_via_runner_api(pipeline_proto, options)


def check_limits(options: PipelineOptions) -> None:
    """Raise LimitTooLow where the system allows fewer threads, files or memory than a capture here takes."""
    direct = options.view_as(DirectOptions)
    workers, mode = direct.direct_num_workers, direct.direct_running_mode
    in_processes = mode == "multi_processing"
    what = f"a capture with {number(workers, 'worker')} ({mode})"
    check_open_files(FILES if mode == "in_memory" else FILES + FILES_OF_A_WORKER * workers, what)
    check_memory(MAPPED[mode], what, whole=MAPPED_BY_A_PROCESS if in_processes else 0)
    threads = THREADS if mode == "in_memory" else THREADS + THREADS_OF_A_THREAD * (workers + 1)
    if is_address_space_limited():  # each thread that is tried takes its stack of it
        threads = THREADS
    check_threads(threads)
