"""Whether the files of captures are what their manifests say: one folder at a time, each byte read once.

A folder is opened (what lies there, what its manifests name), its files are hashed, and it is judged. The
three steps are apart, so that the hashing can be done by threads, or all three by other processes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import msgspec

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.manifest import (
    LOG_NAME,
    MANIFEST_SUFFIX,
    files_of_manifest,
    named_files,
    parse_manifest,
    vouched_manifest,
)
from townlet.dataset.format.paths import inside
from townlet.dataset.format.records import FileRecord
from townlet.dataset.format.sample_facts import SHARED
from townlet.dataset.store.contract import Store
from townlet.dataset.store.entries import WORDS, Kind, about_link, is_litter, kind_of_mode
from townlet.dataset.store.local import PLAIN, LocalStore, open_plain
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import CorruptSampleError, OutputError
from townlet.escaping import shown

ProblemKind = Literal["missing", "damaged", "swapped", "unexpected", "link", "unfinished", "edited"]


class Problem(NamedTuple):
    """One thing that is wrong with one file. Names are relative to what was verified."""

    kind: ProblemKind
    name: str
    message: str

    def __str__(self) -> str:
        if self.kind == "unexpected":
            return f"unexpected file: {self.name} {self.message}"
        return f"{self.kind}: {self.name}: {self.message}"


class Unit(NamedTuple):
    """One folder to be checked."""

    folder: str
    names: tuple[str, ...] | None = None  # of the files in and below it, relative to it; None = look
    manifest: FileRecord | None = None  # the one that an index names
    rows: str | None = None  # `rows_digest` of what the index says of its samples
    already_read: bool = False  # its files were read a moment ago: names and sizes are enough


class Found(NamedTuple):
    """What was found in a folder, or in several."""

    captures: int = 0
    files: int = 0
    size: int = 0  # bytes read
    problems: tuple[Problem, ...] = ()
    other: tuple[tuple[str, str], ...] = ()  # SHA-256 of files that are not what they should be, by name
    unnamed: tuple[str, ...] = ()  # files that no manifest names
    loose: tuple[str, ...] = ()  # manifests that no index names
    models: frozenset[str] = frozenset()  # that manifests name, by SHA-256


def together(some: Iterable[Found]) -> Found:
    """What was found in several folders."""
    captures, files, size, problems, other, unnamed, loose, models = zip(*some, strict=True)
    return Found(
        sum(captures),
        sum(files),
        sum(size),
        tuple(chain.from_iterable(problems)),
        tuple(chain.from_iterable(other)),
        tuple(chain.from_iterable(unnamed)),
        tuple(chain.from_iterable(loose)),
        frozenset(chain.from_iterable(models)),
    )


class Hashed(NamedTuple):
    sha256: str
    size: int  # bytes read


@dataclass
class Opened:
    """A folder, its manifests read."""

    unit: Unit
    names: tuple[str, ...]
    whole: list[str] = field(default_factory=list)  # manifests that are what they were
    read: int = 0  # bytes of manifests
    files: list[FileRecord] = field(default_factory=list)  # that they name
    problems: list[Problem] = field(default_factory=list)
    other: list[tuple[str, str]] = field(default_factory=list)
    unreadable: bool = False  # a manifest is damaged or missing: nobody can say what it named
    models: set[str] = field(default_factory=set)  # that they name, by SHA-256

    def present(self) -> list[FileRecord]:
        there = set(self.names)
        return [file for file in self.files if file.name in there]

    def to_hash(self) -> list[FileRecord]:
        """The present files that are to be read."""
        return [] if self.unit.already_read and not self.problems else self.present()


def check_folder(store: Store, unit: Unit) -> Found:
    """Open a folder, hash its files and judge it."""
    opened = open_folder(store, unit)
    to_hash = opened.to_hash()
    if isinstance(store, LocalStore) and to_hash:
        return judge(store, opened, _hashed_in(store, unit.folder, to_hash))
    return judge(
        store, opened, [hashed(store, inside(unit.folder, file.name), file.size) for file in to_hash]
    )


def open_folder(store: Store, unit: Unit) -> Opened:
    """List a folder and read its manifests."""
    problem = _no_folder_on_way(store, unit.folder)
    if problem is not None:
        return Opened(unit, (), problems=[problem], unreadable=True)
    names = unit.names if unit.names is not None else tuple(below(store, unit.folder))
    opened = Opened(unit, names)
    expected = unit.manifest.name if unit.manifest else None
    manifests = [name for name in names if name.endswith(MANIFEST_SUFFIX) and "/" not in name]
    if expected is not None and expected not in manifests:
        place = inside(unit.folder, expected)
        opened.problems.append(Problem("missing", place, "named by the index, but not there"))
        opened.unreadable = True
    for name in manifests:
        _open_manifest(store, opened, name, unit.manifest if name == expected else None)
    return opened


def judge(store: Store, opened: Opened, digests: Sequence[Hashed | None]) -> Found:
    """What is missing, damaged, exchanged or unnamed. `digests`: of `to_hash`; None = unreadable."""
    folder = opened.unit.folder
    problems, other = list(opened.problems), list(opened.other)
    present = opened.present()
    there = {file.name for file in present}
    for file in opened.files:
        if file.name not in there:
            message = "named by a manifest, but not there"
            problems.append(Problem("missing", inside(folder, file.name), message))
    owners = {file.sha256: file.name for file in opened.files}
    to_hash = opened.to_hash()
    unread = [] if to_hash else present
    for file, found in zip(to_hash, digests, strict=True):
        place = inside(folder, file.name)
        if found is None:
            problems.append(not_a_file(store, place, store.kind(place)))
        elif found.sha256 != file.sha256:
            problems.append(_not_itself(place, file, found, owners, folder))
            other.append((place, found.sha256))
    own = {*opened.whole, *(file.name for file in opened.files)} | ({LOG_NAME} if opened.whole else set())
    unnamed = () if opened.unreadable else tuple(inside(folder, x) for x in opened.names if x not in own)
    return Found(
        captures=len(opened.whole),
        files=len(present) + len(opened.whole),
        size=opened.read + sum(found.size for found in (*digests, *unread) if found),
        problems=tuple(problems),
        other=tuple(other),
        unnamed=unnamed,
        loose=() if opened.unit.manifest else tuple(inside(folder, name) for name in opened.whole),
        models=frozenset(opened.models),
    )


def hashed(store: Store, name: str, size: int) -> Hashed | None:
    """SHA-256 and size of a file; None where it cannot be read, or where a link stands in its place.

    `size`: bytes that it should have. What is very much larger is not read to its end: `_TOO_LARGE` is its digest.
    """
    most = max(_MOST_TIMES * size, _ROOM)
    try:
        if isinstance(store, LocalStore):
            return _hashed_local(f"{store.root}/{name}", most)
        with store.open_read(name) as file:
            digest, counted = hashlib.sha256(), 0
            while piece := file.read(_PIECE):
                digest.update(piece)
                counted += len(piece)
                if counted > most:
                    return Hashed(_TOO_LARGE, counted)
            return Hashed(digest.hexdigest(), counted)
    except OSError as error:
        if error.errno in _OUT_OF_RESOURCES:  # ours, not the file's fault
            raise OutputError(
                f"{store}: {name}: cannot read: {error.strerror}; try fewer --workers"
            ) from error
        return None
    except OutputError:
        return None


def _hashed_in(store: LocalStore, folder: str, files: Sequence[FileRecord]) -> list[Hashed | None]:
    """`hashed` of files of one folder, whose way is walked once."""
    try:
        way = os.open(f"{store.root}/{folder}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return [hashed(store, inside(folder, file.name), file.size) for file in files]
    try:
        return [_hashed_below(store, way, folder, file) for file in files]
    finally:
        os.close(way)


def _hashed_below(store: LocalStore, way: int, folder: str, file: FileRecord) -> Hashed | None:
    """Of a file in the open folder `way`."""
    try:
        descriptor = os.open(file.name, PLAIN, dir_fd=way)
    except OSError:
        return hashed(store, inside(folder, file.name), file.size)  # says what is wrong
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _hashed_open(descriptor, max(_MOST_TIMES * file.size, _ROOM))
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return hashed(store, inside(folder, file.name), file.size)


def below(store: Store, folder: str) -> Iterable[str]:
    """The files in and below a folder, relative to it; none where there is no folder. Local: no stat a file."""
    if isinstance(store, LocalStore):
        yield from _below_local(f"{store.root}/{folder}" if folder else str(store.root), "")
        return
    for file in store.list(folder):
        yield file.name[len(folder) + 1 if folder else 0 :]


def rows_digest(rows: Iterable[Sequence[Any]]) -> str:
    """Of what both a manifest and the index say of each sample of a run (`SHARED`), in any order."""
    return sha256_hex(msgspec.json.encode(sorted(map(tuple, rows))))


_shared_of = attrgetter(*SHARED)
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

_SMALL = 1 << 16  # bytes; up to here one call reads a file
_PIECE = 1 << 18  # bytes read at once
_MOST_TIMES = 16  # what a file is larger than stated, beyond which it is not read: no exchanged file is
_ROOM = 1 << 28  # bytes that any file may have
_TOO_LARGE = "too large"


def _open_manifest(store: Store, opened: Opened, name: str, indexed: FileRecord | None) -> None:
    """Read a manifest, and add what it names to what is expected."""
    place = inside(opened.unit.folder, name)
    try:
        data = store.read(place, MOST_BYTES if indexed is None else indexed.size)
        digest = sha256_hex(data)
        # Whose digest is the index's is what was written: no need to see whether it is so in itself.
        as_indexed = indexed is not None and digest == indexed.sha256
        rows = ""
        if as_indexed:
            manifest = vouched_manifest(data, place)
            opened.files += files_of_manifest(manifest)
            opened.models.update(manifest.metadata.models)
            if opened.unit.rows is not None:
                rows = rows_digest(map(_shared_of, manifest.samples))
        else:
            document = parse_manifest(data, place)
            opened.files += named_files(document)
            opened.models.update(document["metadata"].get("models", ()))
    except (CorruptSampleError, OutputError, OSError) as error:
        message = str(error).removeprefix(f"{store}/").removeprefix(f"{shown(place)}: ")
        opened.problems.append(Problem("damaged", place, message))
        opened.unreadable = True
        return
    opened.whole.append(name)
    opened.read += len(data)
    if indexed is None:
        return
    if not as_indexed:
        opened.problems.append(Problem("damaged", place, "not the manifest that the index names"))
        opened.other.append((place, digest))
    elif opened.unit.rows is not None and opened.unit.rows != rows:
        message = "the index says otherwise of its samples"
        opened.problems.append(Problem("damaged", place, message))


def _not_itself(
    place: str, file: FileRecord, found: Hashed, owners: Mapping[str, str], folder: str
) -> Problem:
    if found.sha256 in owners:
        return swapped(place, inside(folder, owners[found.sha256]))
    changed = "its bytes were changed" if found.size == file.size else ""
    return Problem("damaged", place, changed or f"expected {file.size} bytes, found {found.size}")


def swapped(place: str, owner: str) -> Problem:
    return Problem("swapped", place, f"holds what belongs into {owner}")


def not_a_file(store: Store, name: str, kind: Kind | None) -> Problem:
    """What is said of something that cannot be read where a file is expected."""
    if kind in ("link", "our link"):
        return Problem("link", name, about_link(f"{store}/{name}"))
    if kind in (None, "file"):
        return Problem("damaged", name, "cannot be read")
    return Problem("damaged", name, f"is {WORDS[kind]}, not a file")


def _no_folder_on_way(store: Store, folder: str) -> Problem | None:
    """The first link or file that stands where a folder is needed; None where there is none."""
    if not isinstance(store, LocalStore) or not folder:
        return None
    parts = folder.split("/")
    for name in ("/".join(parts[:length]) for length in range(1, len(parts) + 1)):
        try:
            kind = kind_of_mode(os.lstat(f"{store.root}/{name}").st_mode)
        except OSError:
            return None  # who opens it hears what is wrong with it
        if kind == "link":
            return Problem("link", name, about_link(f"{store}/{name}"))
        if kind != "folder":
            return Problem("damaged", name, f"is {WORDS.get(kind, 'a file')}, not a folder")
    return None


def _hashed_local(path: str, most: int) -> Hashed:
    """As few calls as can be: for small files they cost as much as the hashing. A pipe is not waited for."""
    descriptor = open_plain(path)
    try:
        return _hashed_open(descriptor, most)
    finally:
        os.close(descriptor)


def _hashed_open(descriptor: int, most: int) -> Hashed:
    first = os.read(descriptor, _SMALL)
    digest, counted = hashlib.sha256(first), len(first)
    if counted == _SMALL:
        buffer = bytearray(_PIECE)
        view = memoryview(buffer)
        while length := os.readv(descriptor, [buffer]):
            digest.update(view[:length])
            counted += length
            if counted > most:
                return Hashed(_TOO_LARGE, counted)
    return Hashed(digest.hexdigest(), counted)


def _below_local(path: str, name: str) -> Iterator[str]:
    try:
        with translate_os_error("read", path, allow_missing=True), os.scandir(path) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in ordered:
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_litter(entry.name, is_folder=is_folder):
            continue
        if is_folder:
            yield from _below_local(entry.path, f"{name}{entry.name}/")
        else:
            yield name + entry.name
