"""One writer at a time: a courtesy between people. What keeps the data right is content, not this lock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.store.lease import lease
from townlet.dataset.store.local import translate_os_error
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.open_store import open_store
from townlet.errors import OutputError


def output_lock(output: str | os.PathLike[str]) -> contextlib.AbstractContextManager[None]:
    """Be the one writer of an output, a folder or a prefix in an object store.

    A second writer gets an OutputError at once that says who the first is. A folder has a lock that a dead
    holder frees at once, a prefix a lease that lapses (`lease.raise_if_lost`: whether another took over).
    """
    store = open_store(output)
    return lease(store) if isinstance(store, ObjectStore) else _folder_lock(output)


@contextlib.contextmanager
def _folder_lock(output: str | os.PathLike[str]) -> Iterator[None]:
    """Hold `.<output name>.lock` beside the output while writing to it.

    A holder that dies frees it; one that ends removes it. Where no file can be made beside the output, or the
    file system knows no locks, the output is used without one.
    """
    folder = Path(os.path.realpath(output))
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(f"{folder}: expected a folder for the output, found a file; choose another name")
    with translate_os_error("write", str(folder.parent)):
        folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.parent / f".{folder.name}.lock"
    descriptor = _acquire(path, folder)
    try:
        yield
    finally:
        if descriptor is not None:
            with contextlib.suppress(OSError):
                path.unlink()  # while it is still locked: whoever waits for it then makes a new one
            os.close(descriptor)


def _acquire(path: Path, folder: Path) -> int | None:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                return None
            with translate_os_error("write", str(path)):
                raise
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise OutputError(
                f"{folder}: {holder} is writing here; wait until it is done, or choose another output folder"
            ) from None
        except OSError:
            os.close(descriptor)
            return None
        if _is_still(path, descriptor):
            with contextlib.suppress(OSError):  # a full disk: the lock is held all the same, by nobody known
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, _own_name(), 0)
            return descriptor
        os.close(descriptor)  # its last holder removed it between our two steps


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _own_name() -> bytes:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return line_bytes({"host": socket.gethostname(), "pid": os.getpid(), "since": since})


def _holder(descriptor: int) -> str:
    try:
        facts = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {facts['pid']} on {facts['host']} (since {facts['since']})"
    except (ValueError, KeyError, TypeError):
        return "another capture"
