"""Temporary folders: private, gone with whoever made them, and swept up by the next one where that was killed.

A folder is ours if it bears our mark and our user owns it. The mark is locked by its maker as long as that lives,
which the system ends however it dies: so a folder whose mark can be locked is nobody's any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from townlet.errors import UserError

PREFIX = "townlet-"
MARK = "this-is-a-temporary-folder-of-townlet"
# Characters of a place, so that the path of a socket in a folder there is not too long for the system.
LONGEST = 80
REMOVE_TIMEOUT_S = 5.0  # seconds until what cannot be removed is left
PLACES = ("/tmp", "/var/tmp", "/dev/shm")  # where the chosen place's path is too long


@contextlib.contextmanager
def scratch_folder(*, short: bool = False) -> Iterator[str]:
    """A folder that only this user can look into. `short`: one with a path that a socket in it may have.

    Raises UserError where no place for temporary files can be written to.
    """
    folder, mark = _make(short)
    try:
        yield folder
    finally:
        try:
            _remove(folder)
        except BaseException:  # a signal, in the middle of it
            _remove(folder)
            raise
        finally:
            os.close(mark)


def _make(short: bool) -> tuple[str, int]:
    """A folder, and the descriptor of its mark, which is locked."""
    try:
        place = _short_place() if short else tempfile.gettempdir()
        _sweep(place)
        folder = tempfile.mkdtemp(prefix=PREFIX, dir=place)
        try:
            return folder, _lock_mark(folder)
        except BaseException:
            _remove(folder)
            raise
    except OSError as error:
        raise UserError(
            f"no temporary folder can be made ({error.strerror or error}); set TMPDIR to a folder that you may write "
            "to, on a disk that is not full, and look at the limits of the shell (ulimit -f, -n)"
        ) from None


def _remove(folder: str) -> None:
    """Also where threads of something that was interrupted still write into it."""
    end = time.monotonic() + REMOVE_TIMEOUT_S
    while os.path.lexists(folder) and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)


def _short_place() -> str:
    chosen = tempfile.gettempdir()
    usable = [place for place in (chosen, *PLACES) if len(os.fsencode(place)) <= LONGEST]
    return next((place for place in usable if os.access(place, os.W_OK | os.X_OK)), chosen)


def _lock_mark(folder: str) -> int:
    """Mark a folder as ours. The mark is locked before it gets its name: nobody sees it without a lock."""
    path = os.path.join(folder, "mark.new")
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    with contextlib.suppress(OSError):  # a file system without locks: what is left there, nobody sweeps up
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(path, os.path.join(folder, MARK))
    return descriptor


def _sweep(place: str) -> None:
    """Remove the folders of those who were killed. What is not ours, or not left, is not touched."""
    for name in _names(place):
        folder = os.path.join(place, name)
        with contextlib.suppress(OSError):
            if _is_private(folder):
                _remove_if_left(folder)


def _names(place: str) -> Sequence[str]:
    try:
        return sorted(name for name in os.listdir(place) if name.startswith(PREFIX))
    except OSError:
        return ()


def _is_private(folder: str) -> bool:
    """Whether it is a folder, no link, that this user owns and nobody else can write to."""
    about = os.lstat(folder)
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o077


def _remove_if_left(folder: str) -> None:
    descriptor = os.open(Path(folder, MARK), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    finally:
        os.close(descriptor)
