"""`townlet-worker`: what an engine starts where a pipeline's workers are to run, on a machine that has Townlet.

Beam's PROCESS environment starts it (`--environment_type PROCESS --environment_config '{"command":
"townlet-worker"}'`), and so does a worker pool (`python -m apache_beam.runners.worker.worker_pool_main --service_port
50000 --container_executable townlet-worker`). It asks the engine where to connect, has the simulation compiled, and
serves until the engine hangs up or goes away. `townlet-worker --warm` compiles only: when an image is built, say.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from townlet.compiler.warmup import warm

MONITOR_INTERVAL_S = 0.5
ANSWER_TIMEOUT_S = 60.0  # seconds for the engine to answer


def main(argv: Sequence[str] | None = None) -> int:
    """Serve one engine, or (`--warm`) only prepare for that. Returns the exit code."""
    arguments = _parser().parse_args(sys.argv[1:] if argv is None else argv)
    if arguments.warm:
        print(f"ready, in {warm(quiet=False):.1f} s")
        return 0
    if not arguments.id or not arguments.provision_endpoint:
        print("townlet-worker is started by an engine; see docs/cluster.md", file=sys.stderr)
        return 2
    os.dup2(
        2, 1
    )  # a worker pool never reads what its workers print: 64 kB of it, and they would wait for ever
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.environ["WORKER_ID"] = arguments.id  # Beam reads it when it is imported: from here on
    from apache_beam.runners.worker import sdk_worker_main

    from townlet.pipelines.runners.in_process import bypass_proxies

    with bypass_proxies():
        os.environ.update(_environment(arguments))
        with contextlib.suppress(
            Exception
        ):  # what is wrong is reported where it is read: when the first run starts
            warm(quiet=True)
        sdk_worker_main.main(sys.argv)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("townlet-worker", description="Serve a Beam engine as one worker.")
    parser.add_argument("--warm", action="store_true", help="compile the simulation, and end")
    engine = parser.add_argument_group("given by the engine")
    engine.add_argument("--id", help="the worker's")
    for service in ("provision", "control", "logging", "artifact", "status"):
        engine.add_argument(f"--{service}_endpoint", metavar="HOST:PORT")
    return parser


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


def _end_with(engine: int) -> None:
    """End when the engine does, even when it was killed and could not close its connections."""
    while os.getppid() == engine:
        time.sleep(MONITOR_INTERVAL_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
