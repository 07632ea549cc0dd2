"""Flink from the launcher's side: the job server that takes a pipeline to it, and what can be known beforehand.

Beam would fetch a job server's jar when it is needed. Nothing is fetched here: the jar is where `make flink-jar` put
it, or where `--flink_job_server_jar` says. It holds all of Flink too, so that `--flink_master [local]` needs nothing
else.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
)

from townlet.console.scratch import scratch_folder
from townlet.cores import usable_cores
from townlet.errors import TownletError, UserError

JAR = Path(__file__).resolve().parents[3] / ".tools" / "flink" / "townlet-flink.jar"
EMBEDDED = ("[local]", "[auto]")  # Flink inside the job server
START_TIMEOUT_S = 120.0  # seconds; a machine may be busy
STOP_TIMEOUT_S = 10.0
HEAP = {True: "-Xmx1g", False: "-Xmx512m"}  # of the job server, with Flink in it and without


def is_embedded(options: PipelineOptions) -> bool:
    return options.view_as(FlinkRunnerOptions).flink_master.strip() in EMBEDDED


def find_jar(options: PipelineOptions) -> Path:
    """The jar with the job server. Raises UserError, which says how to get it."""
    given = options.view_as(FlinkRunnerOptions).flink_job_server_jar
    path = Path(given) if given else JAR
    if path.is_file():
        return path
    if given:
        raise UserError(f"--flink_job_server_jar {given}: no such file (nothing is downloaded: give a path)")
    raise UserError(
        f"--runner FlinkRunner: no job server at {path}; make flink-jar builds it (Java and Maven), "
        "--flink_job_server_jar names another, and --job_endpoint one that runs already"
    )


def count_slots(master: str) -> int:
    """How many slots the cluster has by now. Raises UserError where no Flink answers."""
    address = master if "://" in master else f"http://{master}"
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{address}/overview", timeout=10
        ) as answer:
            return int(json.load(answer)["slots-total"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise UserError(f"--flink_master {master}: no Flink answers there ({reason})") from None


@contextlib.contextmanager
def job_server(options: PipelineOptions) -> Iterator[None]:
    """Run a job server for the options' cluster, and name it in the options (`job_endpoint`)."""
    flink, portable = options.view_as(FlinkRunnerOptions), options.view_as(PortableOptions)
    if flink.flink_submit_uber_jar:
        raise UserError(
            "--flink_submit_uber_jar: leave it out; a job server of our own takes the pipeline to Flink"
        )
    jar, java = find_jar(options), options.view_as(JobServerOptions).job_server_java_launcher
    if shutil.which(java) is None:
        raise UserError(f"--runner FlinkRunner: {java} is not on the PATH; it takes Java 11 or 17")
    master = flink.flink_master.strip()
    if is_embedded(options):
        master, slots = "[local]", usable_cores()
    else:
        slots = count_slots(master)
    if flink.parallelism < 1 <= slots:
        flink.parallelism = slots
    with scratch_folder() as folder:
        port = free_port()
        words = [java, HEAP[master == "[local]"], f"-Djava.io.tmpdir={folder}"]
        words += [*options.view_as(JobServerOptions).job_server_jvm_properties, "-jar", str(jar)]
        words += ["--flink-master", master, "--job-port", str(port), "--artifact-port", "0"]
        words += ["--expansion-port", "0", "--artifacts-dir", f"{folder}/artifacts"]
        log = Path(folder, "log")
        with log.open("wb") as out, _running(words, out) as process:
            _wait_for_port(process, port, log)
            portable.job_endpoint = f"localhost:{port}"
            yield


@contextlib.contextmanager
def _running(words: list[str], out: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of a session of its own (Ctrl-C is ours to answer) that ends with us, however we end."""
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        preexec_fn=_end_with_parent,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_LIBC = ctypes.CDLL(None)  # loaded before any fork


def _end_with_parent() -> None:
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            socket.create_connection(("localhost", port), timeout=1).close()
            return
        time.sleep(0.1)
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    raise TownletError(f"the Flink job server does not start: {lines[-1] if lines else 'without a message'}")


def free_port() -> int:
    """A port of this machine that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
