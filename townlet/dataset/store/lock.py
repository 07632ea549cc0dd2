"""One writer at a time: a courtesy between people. What keeps the data right is content, not this lock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.format.documents import parse_document
from townlet.dataset.format.models import Writer
from townlet.dataset.store.beside import lock_of
from townlet.dataset.store.lease import lease
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.open_store import open_store
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import CorruptSampleError, OutputError
from townlet.escaping import shown

MOST_BYTES = 4096  # of a lock file


def output_lock(output: str | os.PathLike[str]) -> contextlib.AbstractContextManager[None]:
    """Be the one writer of an output, a folder or a prefix in an object store.

    A second writer gets an OutputError at once that says who the first is. A folder has a lock that a dead
    holder frees at once, a prefix a lease that lapses (`lease.raise_if_lost`: whether another took over).
    """
    refuse_umask()
    store = open_store(output)
    return lease(store) if isinstance(store, ObjectStore) else _folder_lock(output)


@contextlib.contextmanager
def _folder_lock(output: str | os.PathLike[str]) -> Iterator[None]:
    """Hold `.<output name>.lock` beside the output while writing to it.

    A holder that dies frees it; one that ends removes it. Where no file can be made beside the output, or the
    file system knows no locks, the output is used without one.
    """
    folder = Path(os.path.realpath(output))
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise OutputError(f"{folder}: expected a folder for the output, found a file; choose another name")
    with translate_os_error("write", str(folder.parent)):
        folder.parent.mkdir(parents=True, exist_ok=True)
    path = lock_of(folder)
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
            if os.path.islink(path):
                raise _not_ours(path, folder) from None
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
        if not _is_ours(descriptor):
            os.close(descriptor)
            raise _not_ours(path, folder)
        if _is_still(path, descriptor):
            with contextlib.suppress(OSError):  # a full disk: the lock is held all the same, by nobody known
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, _own_name(), 0)
            return descriptor
        os.close(descriptor)  # its last holder removed it between our two steps


def _not_ours(path: Path, folder: Path) -> OutputError:
    return OutputError(
        f"{path}: the lock of {folder.name} has this name, and what is there is not Townlet's; move it away"
    )


def _is_ours(descriptor: int) -> bool:
    """Whether a lock file is one: empty, or with a holder's name in it. The name of a file makes it nobody's."""
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST_BYTES:
        return False
    return facts.st_size == 0 or _facts(descriptor) is not None


def refuse_umask() -> None:
    """Raise OutputError where the umask takes from ourselves the right to read what we are about to write."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            umask = next((int(line.split()[1], 8) for line in status if line.startswith("Umask:")), 0)
    except (OSError, ValueError, IndexError):
        return  # no Linux: who is hit hears "permission denied"
    if umask & 0o700:
        raise OutputError(
            f"the umask is {umask:04o}: files that are written could not be read or entered again by yourself; run "
            "`umask 022` (or 077, for nobody else to read them) and then the same command"
        )


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _own_name() -> bytes:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return line_bytes({"host": socket.gethostname(), "pid": os.getpid(), "since": since})


def _holder(descriptor: int) -> str:
    facts = _facts(descriptor)
    if facts is None:
        return "another capture"
    return f"process {facts.pid} on {shown(facts.host)} (since {shown(facts.since)})"


def _facts(descriptor: int) -> Writer | None:
    try:
        return parse_document(Writer, os.pread(descriptor, MOST_BYTES, 0), "lock", "the name of a writer")
    except (CorruptSampleError, OSError):
        return None
