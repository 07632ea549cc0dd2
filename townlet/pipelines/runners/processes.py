"""The worker processes of a capture on this machine: started, watched, and ended with it.

No Beam here: what a worker is to do it asks for at an address.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from townlet.compiler.store import environment_of_workers
from townlet.pipelines.progress.reports import WORKER_LOG
from townlet.pipelines.runners.silence_beam_output import WORKER_THREAD, how_it_ended

END_TIMEOUT_S = 5.0  # seconds that a process has to end once its connection is closed


class WorkerProcesses:
    """Those of one capture. What they print goes to a log among the reports, from where its last line is quoted."""

    def __init__(self, reports_folder: str) -> None:
        self.end: str | None = None  # how the first of them ended before its time, in words; None: none has
        self._log = Path(reports_folder, WORKER_LOG)
        self._running: dict[str, subprocess.Popen[bytes]] = {}  # by the workers' names
        self._ending = threading.Event()
        self._lock = threading.Lock()

    def start(self, words: Sequence[str], name: str, address: str, options: Any) -> None:
        """Start a worker, called `name`, that asks at a gRPC address for what it is to do. `options`: Beam's."""
        service = f"url: {json.dumps(address)}"
        environment = {
            **os.environ,
            **environment_of_workers(),  # compiled code of this process alone is theirs too
            "PYTHONPATH": os.pathsep.join(filter(None, [_root(), os.environ.get("PYTHONPATH")])),
            "WORKER_ID": name,
            "CONTROL_API_SERVICE_DESCRIPTOR": service,
            "LOGGING_API_SERVICE_DESCRIPTOR": service,
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
        }
        with self._lock, open(self._log, "ab") as log:
            if self._ending.is_set():
                return
            process = subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            self._running[name] = process
        threading.Thread(target=self._watch, args=(process,), name=WORKER_THREAD, daemon=True).start()

    def alive(self) -> list[int]:
        """The process numbers of those that run."""
        with self._lock:
            return [process.pid for process in self._running.values() if process.poll() is None]

    def end_one(self, name: str) -> None:
        """Return when a worker has ended, which it does once its connection is closed. One that does not is killed."""
        self._ending.set()
        process = self._running.get(name)
        if process is not None:
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self) -> None:
        """End all of them now, whatever they do, and let no other start."""
        self._ending.set()
        with self._lock:
            running = [process for process in self._running.values() if process.poll() is None]
        for process in running:
            process.kill()
        for process in running:
            with contextlib.suppress(
                subprocess.TimeoutExpired
            ):  # it may wait for a disk that does not answer
                process.wait(END_TIMEOUT_S)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if code and not self._ending.is_set():
            self.end = self.end or how_it_ended(code)


def worker_words(reports_folder: str) -> list[str]:
    """The command of a worker. `-P`: a file of the user's working folder must not shadow a module."""
    module = "townlet.pipelines.runners.local_worker"
    return [sys.executable, "-P", "-m", module, reports_folder, str(os.getpid())]


def _root() -> str:
    return str(Path(__file__).resolve().parents[3])
