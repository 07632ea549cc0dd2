"""A store in a folder of this machine."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from townlet.dataset.format.canonical import file_sha256
from townlet.dataset.format.paths import STAGING
from townlet.dataset.store.contract import Buffer, Store, check_name, check_size
from townlet.dataset.store.entries import (
    Kind,
    StoredFile,
    is_litter,
    is_our_link,
    kind_of_mode,
    refuse_kind,
    refuse_link_on_way,
)
from townlet.dataset.store.folders import MAX_ATTEMPTS, locked_folder, make_folders, remove
from townlet.dataset.store.os_errors import output_error, translate_os_error
from townlet.errors import OutputError


class LocalStore:
    """A local folder. Made on the first write, parents included; no symbolic link below it is followed."""

    renames = True

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(os.path.realpath(root))
        self._checked: set[str] = set()  # folders that were made, or found to be none but folders

    def __str__(self) -> str:
        return str(self.root)

    def __repr__(self) -> str:
        return f"LocalStore({str(self.root)!r})"

    def below(self, folder: str) -> LocalStore:
        path = self._path(folder)
        refuse_link_on_way(str(self.root), folder)
        return LocalStore(path)

    def write_new(self, name: str, parts: Sequence[Buffer]) -> None:
        self._create(name, parts)

    def write_whole(self, name: str, parts: Sequence[Buffer]) -> None:
        for _ in range(MAX_ATTEMPTS):
            path = self._path_to_write(name)
            with (
                translate_os_error("write", path, allow_missing=True),
                contextlib.suppress(FileNotFoundError),
            ):
                with self._temporary(parts) as temporary:
                    os.replace(temporary, path)
                return
        raise self._removed_again(name)

    def create_if_absent(self, name: str, parts: Sequence[Buffer]) -> bool:
        path = self._path_to_write(name)
        with translate_os_error("write", path), self._temporary(parts) as temporary:
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
        return True

    def compare_and_swap(self, name: str, expected: str | None, parts: Sequence[Buffer]) -> bool:
        path = self._path_to_write(name)
        with translate_os_error("write", path), locked_folder(os.path.dirname(path)):
            try:
                with self.open_read(name) as file:
                    found = file_sha256(file)
            except FileNotFoundError:
                found = None
            if found != expected:
                return False
            with self._temporary(parts) as temporary:
                _sync_one(temporary)  # a commit point: a power cut leaves the old or the new, nothing empty
                os.replace(temporary, path)
            _sync_one(os.path.dirname(path))  # and what is done because of it must not outlive it
        return True

    def move(self, source: str, target: str) -> None:
        path, goal = self._path(source), self._path_to_write(target)
        with translate_os_error("write", goal, allow_missing=True):
            os.replace(path, goal)

    def link_from(self, other: Store, source: str, target: str) -> None:
        if isinstance(other, LocalStore):
            if other.size(source) is None:
                raise FileNotFoundError(f"{other}/{source}")
            if self._link(other._path(source), target):
                return
        self.write_whole(target, [other.read(source)])

    def read(self, name: str, limit: int | None = None) -> bytes:
        with self.open_read(name) as file:
            size = os.fstat(file.fileno()).st_size
            check_size(f"{self}/{name}", size, limit)
            # Memory for all that is asked for is taken at once; more than was there a moment ago is not asked for.
            return file.read() if limit is None else _read_up_to(file, min(limit, size + 1), size)

    def open_read(self, name: str) -> BinaryIO:
        path = self._path_to_read(name)
        with translate_os_error("read", path, allow_missing=True):
            return os.fdopen(open_plain(path), "rb", buffering=0)

    def size(self, name: str) -> int | None:
        path = self._path_to_read(name)
        try:
            with translate_os_error("read", path, allow_missing=True):
                facts = os.lstat(path)
        except FileNotFoundError:
            return None
        except OutputError as error:
            if isinstance(error.__cause__, NotADirectoryError):
                return None
            raise
        kind = kind_of_mode(facts.st_mode)
        if kind != "file":
            raise refuse_kind(path, kind)
        return facts.st_size

    def kind(self, name: str) -> Kind | None:
        """What is there under a name, if anything; "link" for what is reached through one only."""
        try:
            path = self._path_to_read(name)
        except OutputError:
            return "link"
        try:
            kind = kind_of_mode(os.lstat(path).st_mode)
        except OSError:
            return None
        return "our link" if kind == "link" and is_our_link(name, path) else kind

    def list(self, folder: str = "", deep: bool = True) -> Iterator[StoredFile]:
        if folder:
            refuse_link_on_way(str(self.root), folder)
        yield from self._walk(self._path(folder) if folder else str(self.root), folder, deep)

    def folders(self, folder: str = "") -> list[str]:
        """The names of the folders in a folder, litter left out; none where there is no folder."""
        if folder:
            refuse_link_on_way(str(self.root), folder)
        path = self._path(folder) if folder else str(self.root)
        try:
            with translate_os_error("read", path, allow_missing=True), os.scandir(path) as entries:
                found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        return sorted(name for name in found if not is_litter(name, is_folder=True))

    def delete(self, name: str) -> None:
        path = self._path_to_read(name)
        if os.path.islink(path) and not is_our_link(name, path):
            raise refuse_kind(path, "link")
        with translate_os_error("remove", path):
            remove(path)
        for parent in PurePosixPath(name).parents[:-1]:
            with contextlib.suppress(OSError):  # not empty: somebody else is at work there
                os.rmdir(self.root / parent)

    def make_durable(self, folders: Iterable[str]) -> None:
        paths = [self._path(folder) if folder else str(self.root) for folder in folders]
        existing = [path for path in dict.fromkeys(paths) if os.path.isdir(path)]
        if not existing:
            return
        with translate_os_error("write", existing[0]):
            if not _sync_file_system(existing[0]):
                for path in existing:
                    _sync_folder(path, str(self.root))

    def _link(self, path: str, name: str) -> bool:
        """Give a file a second name here. False where the file system cannot: across disks, most often."""
        goal = self._path_to_write(name)
        with translate_os_error("write", goal, allow_missing=True):
            try:
                try:
                    os.link(path, goal)
                except FileExistsError:
                    with self._temporary([]) as temporary:
                        os.unlink(temporary)
                        os.link(path, temporary)
                        os.replace(temporary, goal)  # nothing happens where both are one file already
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                return False
        return True

    def _walk(self, path: str, name: str, deep: bool) -> Iterator[StoredFile]:
        try:
            with os.scandir(path) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise output_error("read", path, error) from error
        for entry in ordered:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_litter(entry.name, is_folder=is_folder):
                continue
            inner = f"{name}/{entry.name}" if name else entry.name
            if is_folder:
                if deep:
                    yield from self._walk(entry.path, inner, deep)
            elif (found := _listed(entry, inner)) is not None:
                yield found

    def _path(self, name: str) -> str:
        """The place of a name. Raises OutputError for one that is not a plain path below the root."""
        check_name(name, str(self))
        return f"{self.root}/{name}"

    def _path_to_read(self, name: str) -> str:
        """The place of a name, once no folder on the way to it is a link."""
        path = self._path(name)
        refuse_link_on_way(str(self.root), name.rpartition("/")[0])
        return path

    def _path_to_write(self, name: str) -> str:
        """The place of a name, once its folder is made, and none of the folders on the way is a link."""
        path = self._path(name)
        folder = os.path.dirname(path)
        if folder not in self._checked or not os.path.isdir(folder):
            refuse_link_on_way(str(self.root), name.rpartition("/")[0])
            with translate_os_error("write", folder):
                make_folders(folder)
            self._checked.add(folder)
        if os.path.islink(path):
            raise refuse_kind(path, "link")
        return path

    def _create(self, name: str, parts: Sequence[Buffer]) -> str:
        """Write a new file; returns its place. Another writer may remove the folder that was just made for it."""
        for _ in range(MAX_ATTEMPTS):
            path = self._path_to_write(name)
            with (
                translate_os_error("write", path, allow_missing=True),
                contextlib.suppress(FileNotFoundError),
            ):
                _write_file(path, parts)
                return path
        raise self._removed_again(name)

    def _removed_again(self, name: str) -> OutputError:
        return OutputError(f"{self}/{name}: cannot write: its folder is removed again and again")

    @contextlib.contextmanager
    def _temporary(self, parts: Sequence[Buffer]) -> Iterator[str]:
        """A whole file with this content among what is staged, gone in the end unless it was moved."""
        name = f"{STAGING}/{secrets.token_hex(8)}.tmp"
        try:
            yield self._create(name, parts)
        finally:
            with contextlib.suppress(OutputError):
                self.delete(name)


PLAIN = (
    os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
)  # flags to open what should be a plain file


def open_plain(path: str) -> int:
    """A descriptor of a plain file to read from, at once: nobody waits for a pipe. Raises OutputError, OSError."""
    try:
        descriptor = os.open(path, PLAIN)
    except FileNotFoundError:
        raise
    except OSError:
        kind = kind_of_mode(os.lstat(path).st_mode)
        if kind in ("file", "folder"):
            raise
        raise refuse_kind(path, kind) from None
    kind = kind_of_mode(os.fstat(descriptor).st_mode)
    if kind == "file":
        return descriptor
    os.close(descriptor)
    raise refuse_kind(path, kind)


def read_named_file(path: str | os.PathLike[str]) -> bytes:
    """A file that a user names by itself, outside of any output: through links, but never from a pipe or a device.

    Raises FileNotFoundError where nothing is there, OutputError for anything else that goes wrong.
    """
    real = os.path.realpath(path)
    with (
        translate_os_error("read", os.fspath(path), allow_missing=True),
        os.fdopen(open_plain(real), "rb") as file,
    ):
        return file.read()


def _read_up_to(file: BinaryIO, most: int, size: int) -> bytes:
    """At most so many bytes of a file that had `size`: Linux gives less than 2 GiB at once, some servers far less."""
    data = file.read(most)
    while len(data) < min(most, size) and (more := file.read(most - len(data))):
        data += more
    return data


def _listed(entry: os.DirEntry[str], name: str) -> StoredFile | None:
    """What is listed of what is no folder; None where it was moved or removed since its folder was read."""
    try:
        facts = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise output_error("read", entry.path, error) from error
    kind = kind_of_mode(facts.st_mode)
    if kind == "link" and is_our_link(name, entry.path):
        kind = "our link"
    return StoredFile(name, facts.st_size, kind)


def _write_file(path: str, parts: Sequence[Buffer]) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        _write_all(descriptor, parts)
    except BaseException:
        _discard(path)
        raise
    finally:
        os.close(descriptor)


_JOIN_BELOW = 1 << 20  # bytes; one write of a joined buffer beats many small pieces


def _write_all(descriptor: int, parts: Sequence[Buffer]) -> None:
    pieces = [b"".join(parts)] if sum(map(len, parts)) < _JOIN_BELOW else parts
    for piece in pieces:
        view = memoryview(piece)
        while view.nbytes:
            view = view[os.write(descriptor, view) :]


def _discard(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _sync_file_system(path: str) -> bool:
    """One `syncfs`, where the system has it: measured 0.13 s against 1.95 s for an fsync of 1,000 files."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if syncfs(descriptor) == 0:
            return True
        number = ctypes.get_errno()
        if number == errno.ENOSYS:
            return False
        raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)


def _sync_folder(folder: str, root: str) -> None:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_file(follow_symlinks=False):
            _sync_one(entry.path)
    while len(folder) >= len(root):
        _sync_one(folder)
        folder = os.path.dirname(folder)


def _sync_one(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# What a file system answers that cannot link two names, or these two, or not once more.
_NO_LINK = frozenset((errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS))
