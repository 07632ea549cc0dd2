"""One writer of a prefix: the second is told who the first is, and what a dead one has left lapses."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from datetime import datetime, timedelta

import pytest

from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.store import lease as lease_module
from townlet.dataset.store.lease import LEASE, Lease, lease, raise_if_lost
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket
from townlet.errors import OutputError


@pytest.fixture
def store() -> ObjectStore:
    memory = pytest.importorskip("obstore.store").MemoryStore()
    return ObjectStore(Bucket("memory://bucket", memory), "out")


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewals that a test can wait for."""
    monkeypatch.setattr(lease_module, "RENEW_INTERVAL_S", 0.05)


class Clock:
    """The store's: `ahead` seconds have passed since the lease was written."""

    ahead = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, real = Clock(), ObjectStore.modified

    def modified(self: ObjectStore, name: str) -> datetime | None:
        found = real(self, name)
        return found if name == LEASE or found is None else found + timedelta(seconds=clock.ahead)

    monkeypatch.setattr(ObjectStore, "modified", modified)
    return clock


def names(store: ObjectStore) -> list[str]:
    return [file.name for file in store.list()]


def wait_until(done: object, what: str) -> None:
    deadline = time.monotonic() + 60
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def abandon(store: ObjectStore, **facts: object) -> None:
    """Leave a lease as a writer does that is killed."""
    known = {"host": "elsewhere", "pid": 7, "since": "2001-01-01T00:00:00+00:00", "token": "x"}
    store.write_whole(LEASE, [line_bytes({**known, **facts})])


def test_the_second_writer_is_told_who_holds_it(store: ObjectStore) -> None:
    with lease(store):
        with pytest.raises(OutputError) as caught, lease(store):
            pass
        message = str(caught.value)
        assert f"memory://bucket/out: process {os.getpid()} on {socket.gethostname()} (since 20" in message
        assert "is writing here; wait until it is done, or choose another output" in message
        assert "if it is dead, its lease lapses in 30 s" in message
        assert names(store) == [LEASE]
        with lease(store.below("other")):
            pass
        raise_if_lost()


def test_nothing_is_left_behind(store: ObjectStore) -> None:
    with pytest.raises(ZeroDivisionError), lease(store):
        raise ZeroDivisionError
    with lease(store):
        pass
    assert names(store) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "townlet-lease"]


def test_it_is_renewed_for_as_long_as_it_is_held(store: ObjectStore, brisk: None) -> None:
    with lease(store):
        wait_until(lambda: json.loads(store.read(LEASE))["renewed"] >= 5, "renewals")
        with pytest.raises(OutputError, match="is writing here"), lease(store):
            pass


def test_what_a_dead_writer_has_left_lapses(store: ObjectStore, clock: Clock) -> None:
    abandon(store)
    clock.ahead = 20
    with (
        pytest.raises(OutputError, match=r"process 7 on elsewhere \(since 2001-01-01.*lapses in 10 s"),
        lease(store),
    ):
        pass
    clock.ahead = 30
    with lease(store):
        assert json.loads(store.read(LEASE))["pid"] == os.getpid()
    assert names(store) == []


def test_the_clock_of_this_machine_does_not_matter(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandon(store)
    for name in ("time", "time_ns"):
        monkeypatch.setattr(time, name, lambda: 4e9)
    with pytest.raises(OutputError, match="lapses in 30 s"), lease(store):
        pass


def test_one_that_was_given_back_is_free_as_soon_as_it_is_gone(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "RELEASED_TIMEOUT_S", 0.3)
    abandon(store, released=True)
    started = time.monotonic()
    with lease(store):
        assert 0.3 <= time.monotonic() - started < 60
    abandon(store, released=True)
    threading.Timer(0.05, lambda: store.delete(LEASE)).start()
    with lease(store):
        pass


@pytest.mark.parametrize("content", [b"", b"nonsense", b"[1]", b'{"pid": 1}'])
def test_a_lease_of_nonsense(store: ObjectStore, content: bytes, clock: Clock) -> None:
    store.write_whole(LEASE, [content])
    with pytest.raises(OutputError, match="another capture is writing here"), lease(store):
        pass
    clock.ahead = 30
    with lease(store):
        pass


def test_a_holder_that_was_overtaken_stops(store: ObjectStore, brisk: None) -> None:
    with pytest.raises(OutputError, match=r"process 7 on elsewhere .* has taken over"), lease(store):
        abandon(store)
        wait_until(lambda: lease_module._held[0]._lost, "the loss")
        raise_if_lost()
    raise_if_lost()
    assert json.loads(store.read(LEASE))["pid"] == 7  # the successor's is left alone


def test_a_loss_is_told_at_the_end_too(store: ObjectStore, brisk: None) -> None:
    with pytest.raises(OutputError, match="has taken over"), lease(store):
        abandon(store)
        wait_until(lambda: lease_module._held[0]._lost, "the loss")


def test_one_that_was_removed_by_hand_comes_back(store: ObjectStore, brisk: None) -> None:
    with lease(store):
        store.delete(LEASE)
        wait_until(lambda: names(store) == [LEASE], "the lease")
    assert names(store) == []


def test_an_outage_is_no_loss(store: ObjectStore, brisk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with lease(store):
        with monkeypatch.context() as patch:

            def fail(*_: object) -> bool:
                raise OutputError("the store cannot be reached")

            patch.setattr(ObjectStore, "compare_and_swap", fail)
            time.sleep(0.2)
        before = json.loads(store.read(LEASE))["renewed"]
        wait_until(lambda: json.loads(store.read(LEASE))["renewed"] > before, "a renewal")
        raise_if_lost()
    assert names(store) == []


def test_a_request_that_arrives_though_it_failed(store: ObjectStore, brisk: None) -> None:
    """The store did what was asked, and the answer was lost: what lies there is ours all the same."""
    held = Lease(store)
    store.write_whole(LEASE, [held._data])
    held.acquire()
    facts = {**held._facts, "renewed": 999}
    store.write_whole(LEASE, [line_bytes(facts)])
    wait_until(lambda: json.loads(store.read(LEASE))["renewed"] != 999, "a renewal")
    held.raise_if_lost()
    held.release()
    assert names(store) == []


def test_of_many_who_want_it_at_once_one_gets_it(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    abandon(store)
    monkeypatch.setattr(Lease, "_age", lambda self: 30.0 if b"elsewhere" in store.read(LEASE) else 0.0)
    won, start, done = [], threading.Barrier(8), threading.Barrier(8)

    def work() -> None:
        start.wait()
        try:
            with lease(store):
                won.append(1)
                done.wait(60)
        except OutputError:
            done.wait(60)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]
    assert names(store) == []
