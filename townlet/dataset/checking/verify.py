"""Is every file of an output what it was when it was written, and is there nothing else?

While somebody writes there, what is found is the old data set or the new one: what is not part of it yet is
noted, not counted as a problem; and where an index was replaced under our eyes, everything is looked at anew.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from townlet.cores import most_workers, usable_cores
from townlet.dataset.checking.audit import Audit, Progress
from townlet.dataset.checking.check_captures import Problem
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.documents import MOST_INDEX_BYTES
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX
from townlet.dataset.format.paths import INDEX, POINTER, STAGING, VERSIONS, inside
from townlet.dataset.reading.capture import Capture
from townlet.dataset.status.unfinished import unfinished_capture
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.open_store import expect_folder, open_store
from townlet.dataset.versions.versions import (
    NONE_IS_CURRENT,
    Pointer,
    is_versioned,
    read_pointer,
    version_folder,
    version_number,
)
from townlet.errors import CorruptSampleError, UserError

__all__ = ["Problem", "Report", "verify", "verify_files", "verify_store"]

MOST_REMOTE_WORKERS = 64
MAX_ATTEMPTS = 5  # while others replace what is being looked at


@dataclass(frozen=True)
class Report:
    """What `verify` found. `ok` is true when there is no problem."""

    place: str
    captures: int
    files: int
    size: int  # bytes read
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)  # what is not, or not yet, part of the data set
    versions: tuple[int, ...] = ()  # that were checked, of a versioned data set

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_json_dict(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "ok": self.ok,
            "captures": self.captures,
            "files": self.files,
            "size": self.size,
            "versions": list(self.versions),
            "problems": [problem._asdict() for problem in self.problems],
            "notes": [note._asdict() for note in self.notes],
        }


def verify(
    place: str | os.PathLike[str],
    *,
    workers: int | None = None,
    every_version: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Check every file of a capture, a data set or a versioned one against its manifests, each byte read once.

    Any changed byte is found, as are missing, exchanged and unexpected files; `capture_log.json` alone is not
    covered. Of a versioned data set the current version is checked, or every one that is there. `workers`:
    None = one for each core. Raises UserError where there is nothing of the kind.
    """
    folder, _, name = os.fspath(place).rpartition("/")
    if name.endswith(MANIFEST_SUFFIX) or name in (INDEX, POINTER):
        place = folder or "."
    store = open_store(place)
    expect_folder(store, place)
    return verify_store(store, workers=workers, every_version=every_version, progress=progress)


def verify_files(capture: Capture) -> list[Problem]:
    """The problems of an open capture's folder: see `verify`."""
    return verify_store(capture.store.below(capture.folder) if capture.folder else capture.store).problems


def verify_store(
    store: Store,
    *,
    workers: int | None = None,
    every_version: bool = False,
    progress: Progress | None = None,
    already_read: Collection[str] = (),
) -> Report:
    """See `verify`. `already_read`: folders of runs, as the index names them, of which the caller has just read every
    file that their manifests name, and holds the lock. Their manifests are checked as all others.
    """
    for _ in range(MAX_ATTEMPTS):
        before = _stamp(store)
        audit = Audit(_bounded(store, workers), progress or (lambda *_: None), already_read)
        versions = _look_at(audit, store, every_version)
        if not audit.problems or _stamp(store) == before:
            break  # else what was found may be of two moments
    return Report(
        place=str(store),
        captures=audit.captures,
        files=audit.files,
        size=audit.size,
        problems=sorted(set(audit.problems), key=lambda problem: (problem.name, problem.kind)),
        notes=sorted(set(audit.notes), key=lambda note: note.name),
        versions=versions,
    )


def _bounded(store: Store, workers: int | None) -> int:
    """How many workers. Those of an object store wait for an answer most of the time, and may be more."""
    most = most_workers() if isinstance(store, LocalStore) else max(MOST_REMOTE_WORKERS, most_workers())
    return usable_cores() if workers is None else min(workers, most)


def _stamp(store: Store) -> tuple[str | None, ...]:
    """Changes when what is to be read here is replaced."""
    names = [POINTER, INDEX]
    names += [file.name for file in store.list(deep=False) if file.name.endswith(MANIFEST_SUFFIX)]
    stamps: list[str | None] = []
    for name in names:
        try:
            stamps.append(sha256_hex(store.read(name, MOST_INDEX_BYTES)))
        except FileNotFoundError:
            stamps.append(None)
        except CorruptSampleError as error:
            stamps.append(str(error))
    return tuple(stamps)


def _look_at(audit: Audit, store: Store, every_version: bool) -> tuple[int, ...]:
    """Check whatever this is; returns the versions that were checked."""
    if store.size(INDEX) is not None:
        audit.data_set(store)
        return ()
    if store.size(POINTER) is not None:
        return _look_at_versions(audit, store, every_version)
    if is_versioned(store):
        raise UserError(f"{store}: {NONE_IS_CURRENT}")
    audit.loose_captures(store)
    if not audit.captures and all(problem.kind == "unexpected" for problem in audit.problems):
        none = f"neither a capture nor a data set: no manifest and no {INDEX}"
        raise UserError(f"{store}: {unfinished_capture(store) or none}")
    return ()


def _look_at_versions(audit: Audit, store: Store, every_version: bool) -> tuple[int, ...]:
    audit.staged(store, "the next regenerate removes it")
    there = _versions_there(audit, store)
    try:
        pointer = read_pointer(store)
    except CorruptSampleError as error:
        audit.problem("damaged", POINTER, str(error).removeprefix(f"{store}: {POINTER}: "))
        return ()
    if pointer is None:
        return ()  # gone since we looked
    audit.count(1, store.size(POINTER) or 0)
    if pointer.version not in there:
        audit.problem("damaged", POINTER, f"names version {pointer.version}, which is not there")
    checked = [version for version in there if version == pointer.version or every_version]
    for version in there:
        if version > pointer.newest:
            audit.note(version_folder(version), "being built; the next regenerate goes on with it")
    return tuple(version for version in checked if _look_at_version(audit, store, version, pointer))


def _look_at_version(audit: Audit, store: Store, version: int, pointer: Pointer) -> bool:
    """Check a version; False where it is none yet, or none any more."""
    folder = version_folder(version)
    is_current = version == pointer.version
    try:
        digest = audit.data_set(store.below(folder), inside(folder, ""))
    except FileNotFoundError:
        if is_current:
            audit.problem("missing", inside(folder, INDEX), f"named by {POINTER}")
        elif version <= pointer.newest:
            audit.note(folder, "no version any more; the next regenerate removes what is left of it")
        return False
    if is_current and digest != pointer.dataset_sha256:
        audit.problem("damaged", inside(folder, INDEX), f"not the index that {POINTER} names")
    return True


def _versions_there(audit: Audit, store: Store) -> list[int]:
    """The versions that have a folder, by number; what else lies in a versioned data set is unexpected."""
    found: set[int] = set()
    for name in _top_names(store):
        folder, _, inner = name.partition("/")
        number = version_number(inner.partition("/")[0])
        if folder == VERSIONS and number is not None:
            found.add(number)
        elif name not in (POINTER, LOG_NAME) and folder != STAGING and store.kind(name) != "our link":
            audit.add_unexpected(store, name, "is no part of a versioned data set; `townlet gc` deletes it")
    return sorted(found)


def _top_names(store: Store) -> Iterable[str]:
    """The files of a versioned data set; of a local one no more than the versions' folders."""
    if not isinstance(store, LocalStore):
        yield from (file.name for file in store.list())
        return
    for parent in ("", VERSIONS):
        yield from (file.name for file in store.list(parent, deep=False))
        yield from (name for entry in store.folders(parent) if (name := inside(parent, entry)) != VERSIONS)
