"""Whether the files of captures are what their manifests say: one folder at a time, each byte read once.

A folder is opened (what lies there, what its manifests name), its files are hashed, and it is judged. The
three steps are apart, so that the hashing can be done by threads, or all three by other processes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, NamedTuple

from townlet.dataset.format.canonical import line_bytes, sha256_hex
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX, named_files, parse_manifest
from townlet.dataset.format.paths import inside
from townlet.dataset.format.records import FileRecord
from townlet.dataset.format.sample_facts import SHARED
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore, translate_os_error
from townlet.errors import CorruptSampleError, OutputError

ProblemKind = Literal["missing", "damaged", "swapped", "unexpected", "unfinished"]


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
    rows: str | None = None  # `rows_digest` of what metrics.parquet says of its samples
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


def together(some: Iterable[Found]) -> Found:
    """What was found in several folders."""
    captures, files, size, problems, other, unnamed, loose = zip(*some, strict=True)
    return Found(
        sum(captures),
        sum(files),
        sum(size),
        tuple(chain.from_iterable(problems)),
        tuple(chain.from_iterable(other)),
        tuple(chain.from_iterable(unnamed)),
        tuple(chain.from_iterable(loose)),
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

    def present(self) -> list[FileRecord]:
        there = set(self.names)
        return [file for file in self.files if file.name in there]

    def to_hash(self) -> list[FileRecord]:
        """The present files that are to be read."""
        return [] if self.unit.already_read and not self.problems else self.present()


def check_folder(store: Store, unit: Unit) -> Found:
    """Open a folder, hash its files and judge it."""
    opened = open_folder(store, unit)
    return judge(opened, [hashed(store, inside(unit.folder, file.name)) for file in opened.to_hash()])


def open_folder(store: Store, unit: Unit) -> Opened:
    """List a folder and read its manifests."""
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


def judge(opened: Opened, digests: Sequence[Hashed | None]) -> Found:
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
            problems.append(Problem("damaged", place, "cannot be read"))
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
    )


def hashed(store: Store, name: str) -> Hashed | None:
    """SHA-256 and size of a file; None where it cannot be read, or where a link stands in its place."""
    try:
        if isinstance(store, LocalStore):
            return _hashed_local(f"{store.root}/{name}")
        with store.open_read(name) as file:
            digest, counted = hashlib.sha256(), 0
            while piece := file.read(_PIECE):
                digest.update(piece)
                counted += len(piece)
            return Hashed(digest.hexdigest(), counted)
    except OSError as error:
        if error.errno in _OUT_OF_RESOURCES:  # ours, not the file's fault
            raise OutputError(
                f"{store}: {name}: cannot read: {error.strerror}; try fewer --workers"
            ) from error
        return None
    except OutputError:
        return None


def below(store: Store, folder: str) -> Iterable[str]:
    """The files in and below a folder, relative to it; none where there is no folder. Local: no stat a file."""
    if isinstance(store, LocalStore):
        yield from _below_local(f"{store.root}/{folder}" if folder else str(store.root), "")
        return
    for file in store.list(folder):
        yield file.name[len(folder) + 1 if folder else 0 :]


def rows_digest(rows: Iterable[Sequence[Any]]) -> str:
    """Of what both a manifest and metrics.parquet say of each sample of a run (`SHARED`), in any order."""
    return sha256_hex(line_bytes(sorted(map(list, rows))))


_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

_SMALL = 1 << 16  # bytes; up to here one call reads a file
_PIECE = 1 << 18  # bytes read at once


def _open_manifest(store: Store, opened: Opened, name: str, indexed: FileRecord | None) -> None:
    """Read a manifest, and add what it names to what is expected."""
    place = inside(opened.unit.folder, name)
    try:
        data = store.read(place)
        digest = sha256_hex(data)
        # Whose digest is the index's is what was written: no need to see whether it is so in itself.
        as_indexed = indexed is not None and digest == indexed.sha256
        document = json.loads(data) if as_indexed else parse_manifest(data, place)
        opened.files += named_files(document)
    except (CorruptSampleError, OutputError, OSError) as error:
        opened.problems.append(Problem("damaged", place, str(error).removeprefix(f"{place}: ")))
        opened.unreadable = True
        return
    opened.whole.append(name)
    opened.read += len(data)
    if indexed is None:
        return
    if not as_indexed:
        opened.problems.append(Problem("damaged", place, "not the manifest that the index names"))
        opened.other.append((place, digest))
    elif opened.unit.rows is not None and opened.unit.rows != _rows_of(document):
        message = "metrics.parquet says otherwise of its samples"
        opened.problems.append(Problem("damaged", place, message))


def _rows_of(document: Mapping[str, Any]) -> str:
    return rows_digest([entry[key] for key in SHARED] for entry in document["samples"])


def _not_itself(
    place: str, file: FileRecord, found: Hashed, owners: Mapping[str, str], folder: str
) -> Problem:
    if found.sha256 in owners:
        return swapped(place, inside(folder, owners[found.sha256]))
    changed = "its bytes were changed" if found.size == file.size else ""
    return Problem("damaged", place, changed or f"expected {file.size} bytes, found {found.size}")


def swapped(place: str, owner: str) -> Problem:
    return Problem("swapped", place, f"holds what belongs into {owner}")


def _hashed_local(path: str) -> Hashed:
    """As few calls as can be: for small files they cost as much as the hashing. A pipe is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        first = os.read(descriptor, _SMALL)
        digest, counted = hashlib.sha256(first), len(first)
        if counted == _SMALL:
            buffer = bytearray(_PIECE)
            view = memoryview(buffer)
            while length := os.readv(descriptor, [buffer]):
                digest.update(view[:length])
                counted += length
        return Hashed(digest.hexdigest(), counted)
    finally:
        os.close(descriptor)


def _below_local(path: str, name: str) -> Iterator[str]:
    try:
        with translate_os_error("read", path, allow_missing=True), os.scandir(path) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in ordered:
        if entry.is_dir(follow_symlinks=False):
            yield from _below_local(entry.path, f"{name}{entry.name}/")
        else:
            yield name + entry.name
