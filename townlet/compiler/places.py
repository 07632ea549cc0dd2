"""Which folder machine code is kept in: one that can be trusted (`townlet.compiler.trusted`), or one made for now.

Asked for in this order: `$TOWNLET_CACHE_DIR`, the user's cache folder, a folder of ours below the temporary one. Where
none of them will do, a fresh folder is made for this process alone, which deletes it at its end and hands it to the
workers that it starts; and where not even that can be had, nothing is kept.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from townlet.compiler.trusted import OTHERS_WRITE, Untrusted, is_ours, make_folder, open_trusted

CACHE_VARIABLE = "TOWNLET_CACHE_DIR"  # where a user wants machine code to be kept
COMPLETE = "complete"  # a file: everything that Townlet calls is there
ROOM = 8_000_000  # bytes that are free before anything is compiled: what is kept takes a tenth of them
LARGEST = 64_000_000  # bytes of a file
PRIVATE = "townlet-kernels-"  # begin of the names of folders that are made for a process
IN_USE = "in-use.lock"  # in such a folder: locked while its process lives
_FULL = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EFBIG,
)  # what has to do with the disk, not with the folder


class Place:
    """An open folder. All that is done in it goes through its descriptor, never through its path again."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = Path(path)
        self._descriptor = descriptor
        self._identity = _identity(descriptor)
        weakref.finalize(self, os.close, descriptor)

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Open a file of this folder; no link is followed, and nothing waited for. Raises OSError."""
        if (
            _identity(self._descriptor) != self._identity
        ):  # somebody closed it, as daemons do with all they have
            raise OSError(errno.EBADF, "the folder was closed")
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, mode, dir_fd=self._descriptor)

    def check_writable(self) -> None:
        """Raises OSError where no file can be made."""
        with self._new_file():
            pass

    def has(self, name: str) -> bool:
        try:
            os.close(self.open(name, os.O_RDONLY))
        except OSError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """A file of ours. Raises OSError where there is none."""
        with open(self.open(name, os.O_RDONLY), "rb") as file:
            facts = os.fstat(file.fileno())
            private = is_ours(facts.st_uid) and not facts.st_mode & OTHERS_WRITE
            if not stat.S_ISREG(facts.st_mode) or not private or facts.st_size > LARGEST:
                raise OSError(errno.EPERM, "not a file of ours")
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        """Make a file in one step: who reads meanwhile finds the old one or the new one. Raises OSError."""
        with self._new_file() as (file, temporary):
            os.fchmod(file, 0o600)  # whatever the umask is
            _write_all(file, content)
            os.replace(temporary, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def reserve(self, size: int) -> None:
        """Raises OSError where so many bytes cannot be written."""
        with self._new_file() as (file, _):
            try:
                os.posix_fallocate(file, 0, size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise
                _write_all(file, bytes(size))

    @contextlib.contextmanager
    def _new_file(self) -> Iterator[tuple[int, str]]:
        """A file under a name of nobody's, which is removed again unless it was given another."""
        name = f".{secrets.token_hex(8)}.new"
        file = self.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            yield file, name
        finally:
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=self._descriptor)


class Found(NamedTuple):
    """Where machine code is kept."""

    place: Place | None  # None: nowhere
    notice: str = ""  # one line: why it is not where somebody wanted it; "" where that is of no interest


class _Candidate(NamedTuple):
    path: str
    wanted: bool  # somebody asked for this folder: to pass it over is worth a line


_Settings = tuple[
    tuple[_Candidate, ...], str, int
]  # the candidates, the name of the folder in them, our user
_current: tuple[_Settings, Found] | None = None
_private: _Private | None = None


def find(name: str) -> Found:
    """The folder `name` in the first place that can be trusted, and where it is complete or can be written to."""
    settings = (_candidates(), name, os.geteuid())
    if _current is None or _current[0] != settings:
        _remember(settings, _search(settings, lambda place: None, private=False))
    return _current[1] if _current else Found(None)


def find_with_room(name: str, *, private: bool) -> Found:
    """The same, for who is about to fill it: where there is room. `private`: a folder of this process alone will do."""
    settings = (_candidates(), name, os.geteuid())
    found = _search(settings, lambda place: place.reserve(ROOM), private=private)
    _remember(settings, found)
    return found


def _remember(settings: _Settings, found: Found) -> None:
    global _current
    _current = settings, found


def _candidates() -> tuple[_Candidate, ...]:
    chosen, cache = os.environ.get(CACHE_VARIABLE), os.environ.get("XDG_CACHE_HOME") or ""
    if not os.path.isabs(cache):  # as the standard has it, others are not to be used
        home = os.path.expanduser("~") if os.environ.get("HOME") else _home()
        cache = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    return (
        *([_Candidate(chosen, True)] if chosen else ()),
        *([_Candidate(os.path.join(cache, "townlet"), False)] if cache else ()),
        *(_Candidate(os.path.join(base, f"townlet-{os.geteuid()}"), False) for base in _temporary()),
    )


def _temporary() -> list[str]:
    try:
        return [tempfile.gettempdir()]
    except OSError:  # nowhere can a file be made
        return []


def _home() -> str:
    """The home folder of our user where the environment does not say; "" where nobody does."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return ""


def _search(settings: _Settings, check: Callable[[Place], None], *, private: bool) -> Found:
    """The first place that is complete, or that can be written to and passes the check."""
    candidates, name, _ = settings
    told: list[str] = []  # what somebody has to know in any case
    reasons: list[str] = []
    for candidate in candidates:
        try:
            place = _open(os.path.join(candidate.path, name))
            if not place.has(COMPLETE):
                check(place)
            return Found(place, _sentence(place, told))
        except (OSError, Untrusted, ValueError) as error:
            reasons.append(
                (f"{CACHE_VARIABLE}: " if candidate.wanted else "") + _reason(candidate.path, error)
            )
            if candidate.wanted or isinstance(error, Untrusted) or getattr(error, "errno", 0) in _FULL:
                told.append(reasons[-1])
    place = _private_place(name) if private else None
    return Found(place, _sentence(place, reasons))


def _open(path: str) -> Place:
    """Raises Untrusted, and OSError for one that is not complete and cannot be written to."""
    place = Place(*open_trusted(path, create=True))
    if not place.has(COMPLETE):
        place.check_writable()
    return place


def _reason(path: str, error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return f"{path}: {error.strerror}" + (f" ({_disk(path)})" if error.errno in _FULL else "")


def _disk(path: str) -> str:
    """The disk of a folder, by where it is mounted."""
    at = os.path.realpath(path)
    while not os.path.ismount(at):
        at = os.path.dirname(at)
    return f"the disk at {at}"


def _sentence(place: Place | None, reasons: list[str]) -> str:
    if not reasons:
        return ""
    if place is None:
        where = "kept nowhere"
    elif _private is not None and place is _private.place:
        where = "kept in a new folder, until this command ends"
    else:
        where = f"kept in {place.path.parent}"
    return f"compiled code is {where}: {'; '.join(reasons)}"


class _Private(NamedTuple):
    """A folder made for a process."""

    process: int
    folder: str
    lock: int  # held as long as the process lives
    place: Place


def _private_place(name: str) -> Place | None:
    """A fresh folder for this process alone, with room; None where none can be had."""
    global _private
    if _private is not None and _private.process == os.getpid() and os.path.isdir(_private.folder):
        return _private.place
    for base in dict.fromkeys((*_temporary(), "/tmp", "/var/tmp", "/dev/shm")):
        with contextlib.suppress(OSError, Untrusted):
            _remove_abandoned(base)
            _private = _make_private(base, name)
            return _private.place
    return None


def _make_private(base: str, name: str) -> _Private:
    path, descriptor = open_trusted(base, shared=True)
    try:
        folder = f"{PRIVATE}{secrets.token_hex(8)}"
        make_folder(descriptor, folder)
    finally:
        os.close(descriptor)
    made = os.path.join(path, folder)
    atexit.register(_remove, made, os.getpid())
    try:
        outer = Place(*open_trusted(made))
        lock = outer.open(IN_USE, os.O_WRONLY | os.O_CREAT)
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = Place(*open_trusted(os.path.join(made, name), create=True))
        place.reserve(ROOM)
    except BaseException:
        _remove(made, os.getpid())
        raise
    return _Private(os.getpid(), made, lock, place)


def _remove(folder: str, process: int) -> None:
    """At the end of the process that made it: those that it forked end as well."""
    if process == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(base: str) -> None:
    """Folders of processes that were killed: ours, and not locked any more."""
    for entry in os.scandir(base):
        if not entry.name.startswith(PRIVATE):
            continue
        with contextlib.suppress(OSError, Untrusted):
            place = Place(*open_trusted(entry.path))
            lock = place.open(IN_USE, os.O_WRONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place.path)
            finally:
                os.close(lock)


def _identity(descriptor: int) -> tuple[int, int]:
    facts = os.fstat(descriptor)
    return facts.st_dev, facts.st_ino


def _write_all(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
