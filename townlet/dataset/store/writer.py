"""Who writes to an output just now, for those who only read it. Nothing is locked or touched to find out."""

from __future__ import annotations

import contextlib
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from townlet.dataset.format.documents import Document, parse_document
from townlet.dataset.format.paths import LEASE
from townlet.dataset.store.beside import lock_of
from townlet.dataset.store.contract import Store
from townlet.dataset.store.lease import LEASE_TIMEOUT_S
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.errors import CorruptSampleError, OutputError
from townlet.escaping import shown

MOST_BYTES = 4096  # of a lock


class _Holder(Document, frozen=True):
    """What a lock or a lease says of its holder."""

    host: str
    pid: int
    since: str
    released: bool = False


def writer_of(store: Store) -> str:
    """`process 12 on node-7 (since 2031-05-01T08:00:00+00:00)`; "" where nobody is known to write."""
    with contextlib.suppress(OSError, OutputError, CorruptSampleError):
        if isinstance(store, LocalStore):
            return _of_folder(store.root)
        if isinstance(store, ObjectStore):
            return _of_prefix(store)
    return ""


def _of_folder(root: Path) -> str:
    """The lock beside it is there as long as its holder lives, or until the next after one that was killed."""
    descriptor = os.open(lock_of(root), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        holder = _holder(os.read(descriptor, MOST_BYTES))
    finally:
        os.close(descriptor)
    if holder.host == socket.gethostname() and (holder.pid == os.getpid() or not _is_alive(holder.pid)):
        return ""  # nobody else
    return _named(holder)


def _of_prefix(store: ObjectStore) -> str:
    """A lease that is not renewed has lapsed. Its age is by our clock here: it decides about words alone."""
    store = store.fail_fast()
    holder, renewed = _holder(store.read(LEASE, MOST_BYTES)), store.modified(LEASE)
    if holder.released or renewed is None:
        return ""
    return _named(holder) if (datetime.now(UTC) - renewed).total_seconds() < LEASE_TIMEOUT_S else ""


def _holder(data: bytes) -> _Holder:
    return parse_document(_Holder, data, "lock", "the lock of an output")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return process > 0


def _named(holder: _Holder) -> str:
    return f"process {holder.pid} on {shown(holder.host)} (since {shown(holder.since)})"
