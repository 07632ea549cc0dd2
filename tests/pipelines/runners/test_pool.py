"""Whom the pool of a launcher starts workers for: the user at the other end of a connection, as the system says it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from apache_beam.portability.api import beam_fn_api_pb2

from townlet.pipelines.runners import pool

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


class Asking(NamedTuple):
    """A connection, as the pool sees it; both of its ends are in this process."""

    port: int  # where the pool listens
    theirs: socket.socket
    peer: str

    def may_ask(self) -> bool:
        return pool._may_ask(self.peer, self.port)


@pytest.fixture(params=["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def asking(request: pytest.FixtureRequest) -> Iterator[Asking]:
    """The last: an engine in Java, whose sockets are all of IPv6."""
    listens = "127.0.0.1" if request.param.startswith("::f") else request.param
    theirs = socket.socket(socket.AF_INET6 if ":" in request.param else socket.AF_INET)
    with (
        socket.create_server(
            (listens, 0), family=socket.AF_INET6 if ":" in listens else socket.AF_INET
        ) as server,
        theirs,
    ):
        theirs.connect((request.param, server.getsockname()[1]))
        ours, (host, port, *_) = server.accept()
        with ours:
            peer = f"ipv6:%5B{host}%5D:{port}" if ":" in host else f"ipv4:{host}:{port}"
            yield Asking(server.getsockname()[1], theirs, peer)


def test_this_user(asking: Asking) -> None:
    assert asking.may_ask()


def test_one_that_has_gone_counts_as_nobody(asking: Asking) -> None:
    """Of its socket the system says that it is root's."""
    asking.theirs.close()
    assert not asking.may_ask()


def test_another_connection_from_the_same_port(asking: Asking) -> None:
    assert not pool._may_ask(asking.peer, asking.port ^ 1)


def test_a_system_without_a_table(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "Path", lambda *_: _Missing())
    assert asking.may_ask()


class _Missing:
    def read_text(self) -> str:
        raise FileNotFoundError


@needs_root
def test_another_user_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        child = os.fork()
        if not child:
            os.setuid(NOBODY)
            with socket.create_connection(server.getsockname()):
                time.sleep(60)
            os._exit(0)
        try:
            ours, (host, port) = server.accept()
            with ours:
                context = type("Context", (), {"peer": lambda self: f"ipv4:{host}:{port}"})()
                launchers = pool.LaunchersPool()
                launchers.port = server.getsockname()[1]
                answer = launchers.StartWorker(beam_fn_api_pb2.StartWorkerRequest(worker_id="1"), context)
            assert answer.error == pool.REFUSED
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)
