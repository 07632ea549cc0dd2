"""Folders are made, locked and removed here while other writers make, fill and remove them too."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator

MAX_ATTEMPTS = 100  # attempts, against others who remove the folders that they leave empty


def make_folders(path: str) -> None:
    for _ in range(MAX_ATTEMPTS):  # another writer may remove an empty parent between two steps of this
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            os.makedirs(path, exist_ok=True)
            return
    os.makedirs(path, exist_ok=True)


def remove(path: str) -> None:
    """Remove a file or a folder, though others may write into it, or remove it too, meanwhile."""
    for attempt in range(MAX_ATTEMPTS):
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
            return
        except FileNotFoundError:
            if not os.path.lexists(path):
                return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or attempt == MAX_ATTEMPTS - 1:
                raise


@contextlib.contextmanager
def locked_folder(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Wait until nobody else is here with this folder, then be the one. The system frees it when its holder dies.

    It keeps out only those who ask too. Raises OSError where there is no such folder, or no locks in its file system.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # whatever becomes of closing it
    finally:
        os.close(descriptor)
