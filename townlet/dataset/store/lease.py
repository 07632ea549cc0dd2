"""One writer of a prefix in an object store: a lease that lapses by itself when its holder is gone.

The lease is an object among what is staged. Its holder replaces it every RENEW_INTERVAL_S seconds; once it is older
than LEASE_TIMEOUT_S, whoever wants it may take it over. Its age is told by the store's clock alone: that of the lease
against that of a probe. Like the lock of a folder it is a courtesy: what keeps the data right is content.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from townlet.dataset.format.canonical import line_bytes, sha256_hex
from townlet.dataset.format.documents import MOST_BYTES, parse_document
from townlet.dataset.format.models import LeaseFacts
from townlet.dataset.format.paths import LEASE, STAGING
from townlet.dataset.store.object_store import ObjectStore
from townlet.errors import CorruptSampleError, OutputError
from townlet.escaping import shown

LEASE_TIMEOUT_S = 30.0  # after which a lease that nobody renews may be taken over
RENEW_INTERVAL_S = 10.0
RELEASED_TIMEOUT_S = 5.0  # in which the last holder of a lease that was given back removes it
_POLL_INTERVAL_S = 0.2

_held: list[Lease] = []  # by this process


@contextlib.contextmanager
def lease(store: ObjectStore) -> Iterator[None]:
    """Hold the lease of a prefix. Raises OutputError at once where somebody else does, and says who.

    A holder that was out of contact for so long that another has taken over gets an OutputError from
    `raise_if_lost`, or at the end.
    """
    held = Lease(store.fail_fast())
    held.acquire()
    _held.append(held)
    try:
        yield
        held.raise_if_lost()
    finally:
        _held.remove(held)
        held.release()


def raise_if_lost() -> None:
    """Raise OutputError if another writer has taken over a lease that this process thinks it holds."""
    for held in list(_held):
        held.raise_if_lost()


class Lease:
    """A lease of this process, renewed by a thread of its own."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._facts: dict[str, Any] = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": secrets.token_hex(8),
            "renewed": 0,
            "released": False,
        }
        self._data = line_bytes(self._facts)  # as it lies in the store
        self._lost: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="townlet-lease", daemon=True)

    def acquire(self) -> None:
        """Take the lease, or raise OutputError that says who holds it and when it lapses if they are dead."""
        while not self._store.create_if_absent(LEASE, [self._data]):
            found = _read(self._store)
            if found == self._data:
                break  # the request was tried again, and its first attempt had arrived
            if found is not None and self._take_over(found):
                break
        self._thread.start()

    def raise_if_lost(self) -> None:
        if self._lost is not None:
            raise OutputError(self._lost)

    def release(self) -> None:
        """Give it back. What the store does not hear of lapses."""
        self._stop.set()
        self._thread.join()
        # Two steps, because a store does not delete on condition: nobody takes over what was given back just now.
        with contextlib.suppress(OutputError, FileNotFoundError):
            if self._lost is None and self._replace(released=True):
                self._store.delete(LEASE)

    def _take_over(self, found: bytes) -> bool:
        """Replace a lease that has lapsed. False: it has changed meanwhile, look again."""
        facts = _facts(found)
        age = self._age()
        if age is None:
            return False
        timeout_s = RELEASED_TIMEOUT_S if facts.released else LEASE_TIMEOUT_S
        if age >= timeout_s:
            return self._store.compare_and_swap(LEASE, sha256_hex(found), [self._data])
        if not facts.released:
            raise OutputError(
                f"{self._store}: {_holder(facts)} is writing here; wait until it is done, or choose another "
                f"output (if it is dead, its lease lapses in {LEASE_TIMEOUT_S - age:.0f} s)"
            )
        time.sleep(_POLL_INTERVAL_S)
        return False

    def _age(self) -> float | None:
        """Seconds since the lease was renewed, by the store's clock; None where it is gone."""
        renewed = self._store.modified(LEASE)
        probe = f"{STAGING}/clock.{self._facts['token']}"
        self._store.write_whole(probe, [b""])
        now = self._store.modified(probe)
        self._store.delete(probe)
        return None if renewed is None or now is None else (now - renewed).total_seconds()

    def _keep(self) -> None:
        """Renew the lease for as long as it is held. No contact is no loss: only a successor is."""
        while not self._stop.wait(RENEW_INTERVAL_S):
            with contextlib.suppress(OutputError, FileNotFoundError):
                if not self._replace():
                    return

    def _replace(self, released: bool = False) -> bool:
        """Write the lease anew. False: another writer holds it."""
        self._facts.update(renewed=self._facts["renewed"] + 1, released=released)
        data = line_bytes(self._facts)
        swapped = self._store.compare_and_swap(LEASE, sha256_hex(self._data), [data])
        if not swapped:
            found = _read(self._store)
            if found is None:  # removed by hand, and by nobody who wants it
                swapped = self._store.create_if_absent(LEASE, [data])
            elif _facts(found).token == self._facts["token"]:  # an earlier attempt arrived late
                swapped = self._store.compare_and_swap(LEASE, sha256_hex(found), [data])
            else:
                self._lose(_facts(found))
        if swapped:
            self._data = data
        return swapped or self._lost is None

    def _lose(self, successor: LeaseFacts) -> None:
        self._lost = (
            f"{self._store}: {_holder(successor)} has taken over: this process did not renew its lease for more "
            f"than {LEASE_TIMEOUT_S:.0f} s (suspended, or without network); run the same command again later"
        )


def _read(store: ObjectStore) -> bytes | None:
    try:
        return store.read(LEASE, MOST_BYTES)
    except FileNotFoundError:
        return None


def _facts(data: bytes) -> LeaseFacts:
    """What a lease says; nothing where it is none of ours: its age alone decides then."""
    try:
        return parse_document(LeaseFacts, data, LEASE, "a lease")
    except CorruptSampleError:
        return LeaseFacts()


def _holder(facts: LeaseFacts) -> str:
    if facts.pid is None or facts.host is None or facts.since is None:
        return "another capture"
    return f"process {facts.pid} on {shown(facts.host)} (since {shown(facts.since)})"
