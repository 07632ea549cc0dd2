"""A pool of workers, which an engine asks to start one: Beam's, but that not everybody may ask.

Whoever may ask a pool for a worker has it run code of his as the pool's user. Beam's own pool listens on all
interfaces. This one listens on this machine alone, unless another address is asked for; and the one inside a launcher
(LOOPBACK) answers only its own user and root.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker import worker_pool_main
from apache_beam.utils import thread_pool_executor

from townlet.console.printing import remark
from townlet.errors import TownletError

IPAddress = IPv4Address | IPv6Address
HERE = "localhost"  # both of its addresses, 127.0.0.1 and ::1
BEAMS = worker_pool_main.BeamFnExternalWorkerPoolServicer
CHANNEL_OPTIONS = [("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0)]
REFUSED = "this launcher starts workers only for engines of its own user on this machine (docs/cluster.md)"


class LaunchersPool(BEAMS):
    """The pool of a launcher, whose workers are threads of it."""

    port = 0  # where it listens

    @classmethod
    def start(cls, *given: Any, port: int = 0, **options: Any) -> tuple[str, grpc.Server]:
        return _serve(cls(*given, **options), HERE, port)

    def StartWorker(self, start_worker_request: Any, unused_context: Any) -> Any:
        if not _may_ask(unused_context.peer(), self.port):
            return beam_fn_api_pb2.StartWorkerResponse(error=REFUSED)
        return super().StartWorker(start_worker_request, unused_context)


@contextlib.contextmanager
def private_pool() -> Iterator[None]:
    """Inside, pipelines whose workers are threads of this process have a pool that only this user reaches."""
    worker_pool_main.BeamFnExternalWorkerPoolServicer = LaunchersPool
    try:
        yield
    finally:
        worker_pool_main.BeamFnExternalWorkerPoolServicer = BEAMS


def serve_pool(host: str, port: int, executable: str) -> int:
    """Be a pool whose workers are processes, started with `executable`, until a signal ends it. Returns the exit code.

    Raises TownletError where nobody can listen there.
    """
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: ended.set())
    pool = BEAMS(use_process=True, container_executable=executable)
    address, server = _serve(pool, host, port)
    remark(f"a pool of workers listens at {address}")
    ended.wait()
    server.stop(0)
    for process in pool._worker_processes.values():
        worker_pool_main.kill_process_gracefully(process)
    return 0


def _serve(pool: Any, host: str, port: int) -> tuple[str, grpc.Server]:
    executor = cast(Any, thread_pool_executor.shared_unbounded_instance())
    server = grpc.server(executor, options=CHANNEL_OPTIONS)
    shown = f"[{host}]" if ":" in host else host
    try:
        bound = server.add_insecure_port(f"{shown}:{port}")
    except RuntimeError:
        raise TownletError(
            f"cannot listen at {shown}:{port}: another process does, or it is no address of this machine"
        ) from None
    pool.port = bound
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    return f"{shown}:{bound}", server


def _may_ask(peer: str, port: int) -> bool:
    """Whether a connection to a port of this machine comes from this user or from root.

    `peer`: as gRPC names it, `ipv4:127.0.0.1:5000` or `ipv6:%5B::1%5D:5000`. A connection that the system does not know
    as established is nobody's: one that its user has closed already counts as root's there. Where the system has no
    table of connections, everybody on this machine may ask.
    """
    host, _, peers_port = unquote(peer).partition(":")[2].rpartition(":")
    asking = _plain(ip_address(host.strip("[]"))), int(peers_port)
    users: set[int] = set()
    is_known = False
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
            is_known = True
            for words in map(str.split, lines):
                is_here = words[3] == _ESTABLISHED and words[2].endswith(f":{port:04X}")
                if is_here and _endpoint(words[1]) == asking:
                    users.add(int(words[7]))
    return not is_known or (bool(users) and users <= {0, os.geteuid()})


_ESTABLISHED = "01"  # a state, in the system's table


def _endpoint(text: str) -> tuple[IPAddress, int]:
    """An address and a port of that table: hexadecimal words in this machine's order, and a number."""
    address, _, port = text.partition(":")
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    return _plain(ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words))), int(port, 16)


def _plain(address: IPAddress) -> IPAddress:
    """An IPv4 address that is written as one of IPv6, as Java does, is itself."""
    return getattr(address, "ipv4_mapped", None) or address
