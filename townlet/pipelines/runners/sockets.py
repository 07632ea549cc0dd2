"""How a capture and its workers on this machine talk: by one socket in a private folder, which only this user reaches.

Beam's own servers listen on all interfaces, on four ports and one more for each worker process, and ask nobody who he
is: whoever reaches them reads this user's files, and hands this user's processes code to run. Ours is a Unix socket
in a folder of mode 0700; no port is opened at all.
"""

from __future__ import annotations

import json
from typing import Any, cast

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2_grpc, beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers
from apache_beam.runners.worker import data_plane
from apache_beam.utils import thread_pool_executor

from townlet.pipelines.runners.processes import WorkerProcesses

PROCESS = "townlet:environment:process:v1"
THREAD = "townlet:environment:thread:v1"
OURS = {python_urns.SUBPROCESS_SDK: PROCESS, python_urns.EMBEDDED_PYTHON_GRPC: THREAD}  # instead of Beam's
CLOSE_TIMEOUT_S = 5.0
# As Beam has them: messages of any size, and pings that never are too many.
CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
]


class Provision(fn_runner.ExtendedProvisionInfo):
    """What workers are told, with what ours need besides: the path of the socket, and who starts the processes."""

    def __init__(
        self, info: beam_provision_api_pb2.ProvisionInfo, socket: str, processes: WorkerProcesses
    ) -> None:
        super().__init__(info)
        self.socket, self.processes = socket, processes

    def for_environment(self, env: Any) -> Provision:
        return self  # what a step depends on is installed here


class SocketServer(worker_handlers.GrpcServer):
    """All services that a worker asks for, on one socket."""

    def __init__(self, state: Any, manager: Any, socket: str) -> None:
        # Not Beam's __init__, which opens the ports.
        self.state = state
        self.address = f"unix:{socket}"
        self.control_port = self.data_port = self.state_port = self.logging_port = 0
        self.control_handler = worker_handlers.BeamFnControlServicer(manager)
        self.data_plane_handler = data_plane.BeamFnDataServicer(worker_handlers.DATA_BUFFER_TIME_LIMIT_MS)
        threads = cast(Any, thread_pool_executor.shared_unbounded_instance())
        self._server = grpc.server(threads, options=CHANNEL_OPTIONS)
        for service, handler in (
            ("Control", self.control_handler),
            ("Data", self.data_plane_handler),
            ("State", worker_handlers.GrpcStateServicer(state)),
            ("Logging", worker_handlers.BasicLoggingService()),
        ):
            getattr(beam_fn_api_pb2_grpc, f"add_BeamFn{service}Servicer_to_server")(handler, self._server)
        self._server.add_insecure_port(self.address)
        self._server.start()

    def close(self) -> None:
        self.control_handler.done()
        self._server.stop(CLOSE_TIMEOUT_S).wait()


class _Manager(worker_handlers.WorkerHandlerManager):
    """Beam's, but that pipelines of ours get the server above; those of anybody else in this process get Beam's."""

    def get_worker_handlers(self, environment_id: str | None, num_workers: int) -> Any:
        provision = self._job_provision_info
        if isinstance(provision, Provision) and self._grpc_server is None and self._asks_for_ours():
            self._grpc_server = SocketServer(self.state_servicer, self, provision.socket)
        return super().get_worker_handlers(environment_id, num_workers)

    def _asks_for_ours(self) -> bool:
        return any(environment.urn in OURS.values() for environment in self._environments.values())


fn_runner.WorkerHandlerManager = _Manager  # the in-process runner has no other way to be given one


_Embedded: Any = worker_handlers.EmbeddedGrpcWorkerHandler  # a decorator of Beam's hides that it is a class


@worker_handlers.WorkerHandler.register_environment(THREAD, bytes)
class ThreadHandler(_Embedded):
    """A worker that is threads of this process."""

    def port_from_worker(self, port: int) -> str:
        return self._grpc_server.address


@worker_handlers.WorkerHandler.register_environment(PROCESS, bytes)
class ProcessHandler(worker_handlers.GrpcWorkerHandler):
    """A worker that is a process. Its command, a list of words in JSON, is what the environment says."""

    def port_from_worker(self, port: int) -> str:
        return cast(SocketServer, self._grpc_server).address

    def __init__(self, payload: bytes, state: Any, provision_info: Provision, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._words = json.loads(payload)
        self._processes = provision_info.processes
        self._options = provision_info.provision_info.pipeline_options

    def start_worker(self) -> None:
        self._processes.start(self._words, self.worker_id, self.control_address, self._options)

    def stop_worker(self) -> None:
        self._processes.end_one(self.worker_id)
