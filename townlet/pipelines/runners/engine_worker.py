"""`townlet-worker`: what an engine starts where a pipeline's workers are to run, on a machine that has Townlet.

Beam's PROCESS environment starts it (`--environment_type PROCESS --environment_config '{"command":
"townlet-worker"}'`), and so does a pool of workers (`townlet-worker --pool 50000`, which listens on this machine alone
unless `--pool_host` says otherwise). It asks the engine where to connect, has the simulation compiled, and serves until
the engine hangs up or goes away. `townlet-worker --warm` compiles only: when an image is built, say.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from townlet.compiler.warmup import CompileError, warm
from townlet.console.interrupts import die_silently_of_interrupts
from townlet.errors import TownletError
from townlet.escaping import shown

MONITOR_INTERVAL_S = 0.5
ANSWER_TIMEOUT_S = 60.0  # seconds for the engine to answer
NO_PROXY = "no_grpc_proxy"  # gRPC's environment variable


def main(argv: Sequence[str] | None = None) -> int:
    """Serve one engine, or start such workers (`--pool`), or only prepare (`--warm`). Returns the exit code."""
    if argv is None:  # the process is this worker's
        die_silently_of_interrupts()
    arguments = _parser().parse_args(sys.argv[1:] if argv is None else argv)
    if arguments.warm:
        return _prepare()
    if arguments.pool is not None:
        return _pool(arguments.pool_host, arguments.pool)
    if not arguments.id or not arguments.provision_endpoint:
        print("townlet-worker is started by an engine; see docs/cluster.md", file=sys.stderr)
        return 2
    os.dup2(
        2, 1
    )  # a worker pool never reads what its workers print: 64 kB of it, and they would wait for ever
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.environ["WORKER_ID"] = arguments.id  # Beam reads it when it is imported: from here on
    from apache_beam.runners.worker import sdk_worker_main

    with _bypassing_proxies():
        os.environ.update(_environment(arguments))
        with contextlib.suppress(
            Exception
        ):  # what is wrong is reported where it is read: when the first run starts
            warm(quiet=True)
        sdk_worker_main.main(sys.argv)
    return 0


def _prepare() -> int:
    try:
        print(f"ready, in {warm(quiet=False, lasting=True):.1f} s")
    except CompileError as error:
        print(f"error: {shown(error)}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("townlet-worker", description="Serve a Beam engine as one worker.")
    parser.add_argument("--warm", action="store_true", help="compile the simulation, and end")
    pool = parser.add_argument_group("a pool, which starts workers for whoever reaches it")
    pool.add_argument("--pool", type=_port, metavar="PORT", help="be a pool that listens there; 0: any port")
    pool.add_argument(
        "--pool_host",
        default="localhost",
        metavar="ADDRESS",
        help="at which address (default: localhost, for engines on this machine)",
    )
    engine = parser.add_argument_group("given by the engine")
    engine.add_argument("--id", help="the worker's")
    for service in ("provision", "control", "logging", "artifact", "status"):
        engine.add_argument(f"--{service}_endpoint", metavar="HOST:PORT")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"expected a port, 0 to 65535, got {text!r}")
    return int(text)


def _pool(host: str, port: int) -> int:
    from townlet.pipelines.runners.pool import serve_pool

    try:
        return serve_pool(host, port, _own_command())
    except TownletError as error:
        print(f"error: {shown(error)}", file=sys.stderr)
        return error.exit_code


def _own_command() -> str:
    installed = Path(sys.executable).with_name("townlet-worker")
    return str(installed) if installed.exists() else sys.argv[0]


def _environment(arguments: argparse.Namespace) -> dict[str, str]:
    """What Beam's worker reads from its environment, as the engine's provision service says it."""
    from google.protobuf import json_format

    info = _provision(arguments.provision_endpoint)
    services = {
        "CONTROL": info.control_endpoint.url or arguments.control_endpoint,
        "LOGGING": info.logging_endpoint.url or arguments.logging_endpoint,
        "STATUS": info.status_endpoint.url or arguments.status_endpoint,
    }
    return {
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        **{
            f"{name}_API_SERVICE_DESCRIPTOR": f"url: {json.dumps(url)}"
            for name, url in services.items()
            if url
        },
    }


def _provision(endpoint: str) -> Any:
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor

    with grpc.insecure_channel(endpoint) as channel:
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(
            grpc.intercept_channel(channel, WorkerIdInterceptor())
        )
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        return stub.GetProvisionInfo(request, timeout=ANSWER_TIMEOUT_S, wait_for_ready=True).info


@contextlib.contextmanager
def _bypassing_proxies() -> Iterator[None]:
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


def _end_with(engine: int) -> None:
    """End when the engine does, even when it was killed and could not close its connections."""
    while os.getppid() == engine:
        time.sleep(MONITOR_INTERVAL_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
