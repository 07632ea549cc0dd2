"""`gc`: leftovers of interrupted captures are deleted, and files that no manifest lists.

Nothing that a finished capture, an index or a receipt that holds names is removed, nothing outside the output (save
the build that an `--overwrite` has left beside it), and no link is followed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from townlet.dataset.checking.garbage import Kept, Leftover, Leftovers, empty_folders, find_leftovers
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX, parse_manifest
from townlet.dataset.format.paths import INDEX, LEASE, RUNS, STAGING, inside
from townlet.dataset.index.index_file import finish_moves, read_index
from townlet.dataset.status.unfinished import STAGED_RUN
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore, translate_os_error
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.versions import (
    LINK,
    POINTER,
    VERSIONS,
    finish_publishing,
    read_pointer,
    remove_version,
    utc_now,
    version_folder,
    version_of_log,
)
from townlet.errors import CorruptSampleError, OutputError, UserError

_TEMPORARY = re.compile(rf"{re.escape(STAGING)}/[0-9a-f]{{16}}\.tmp$")  # a file that is being written


@dataclass(frozen=True)
class GcReport:
    """What was removed from an output, or would be."""

    place: str
    dry_run: bool
    gone: list[Leftover] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)  # what is unfinished or unclear, and stays
    finished: list[str] = field(default_factory=list)  # files of an index that were given their names

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(leftover.size for leftover in self.gone)

    def to_json_dict(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "dry_run": self.dry_run,
            "size": self.size,
            "removed": [leftover._asdict() for leftover in self.gone],
            "kept": [kept._asdict() for kept in self.kept],
            "finished": self.finished,
        }


def gc(place: str | os.PathLike[str], *, dry_run: bool = False, everything: bool = False) -> GcReport:
    """Delete the garbage of an output, as its one writer: a capture, a data set, or a versioned one; a folder or a URL.

    `dry_run`: say what would go, and change nothing. `everything`: also what an interrupted capture or
    regeneration could be gone on from. Raises UserError for what is not Townlet's or somebody writes to, and
    CorruptSampleError where an index is damaged: then nothing is removed.
    """
    store = open_store(place)
    _refuse_others(store, str(place))
    with output_lock(place):
        return gc_store(store, dry_run=dry_run, everything=everything)


def gc_store(store: Store, *, dry_run: bool = False, everything: bool = False) -> GcReport:
    """`gc` for whoever holds the lock."""
    finished: list[str] = []
    if store.size(INDEX) is None and (store.size(POINTER) is not None or _version_names(store)):
        found = _of_versions(store, everything)  # before `finish_publishing`, which deletes a little itself
        if not dry_run:
            finished = _finish_versions(store, {leftover.name for leftover in found.gone})
    else:
        if not dry_run:
            finished = finish_moves(store)
        found = find_leftovers(store, everything)
    if not dry_run:
        for leftover in found.gone:
            _remove(store, leftover)
        store.make_durable([""])
    beside, stays = _beside(store, everything)
    if not dry_run:
        for leftover in beside:
            with translate_os_error("remove", leftover.name):
                shutil.rmtree(leftover.name)
    return GcReport(str(store), dry_run, [*found.gone, *beside], [*found.kept, *stays], finished)


def _finish_versions(store: Store, gone: Collection[str]) -> list[str]:
    """Do what an interrupted writer has left to be done after its commit, save in versions that go."""
    finish_publishing(store, utc_now())
    finished = []
    for name in _version_names(store):
        folder = f"{VERSIONS}/{name}"
        if folder not in gone:
            finished += [inside(folder, file) for file in finish_moves(store.below(folder))]
    return finished


def _of_versions(store: Store, everything: bool) -> Leftovers:
    """Of a versioned data set: of each version, and of what lies beside them."""
    found = Leftovers([], [])
    pointer = read_pointer(store)
    current = pointer.version if pointer else 0
    names = _version_names(store)
    if pointer is None and (len(names) > 1 or version_of_log(store) is not None):
        raise CorruptSampleError(
            f"{store}: {POINTER} is missing, so that nobody knows which versions were published; nothing is "
            "removed; `townlet regenerate` writes it anew"
        )
    candidates = [number for number in map(int, names) if number > current]
    for number in sorted(map(int, names)):
        folder = version_folder(number)
        below = store.below(folder)
        if number < current and below.size(INDEX) is None:
            found.gone.append(Leftover(folder, _size(below), "a version that was removed by half"))
        elif number > current and (everything or number != max(candidates)):
            found.gone.append(Leftover(folder, _size(below), "a version that was not published"))
        elif number > current and not any(True for _ in below.list()):
            found.gone.append(Leftover(folder, 0, "an empty folder"))
        else:
            inner = find_leftovers(below, everything).below(folder)
            found.gone.extend(inner.gone)
            found.kept.extend(inner.kept)
            if number > current:
                why = "not published yet; the next regenerate goes on with it (--all removes it)"
                found.kept.append(Kept(folder, why))
    versions = {f"{VERSIONS}/{name}" for name in names}
    for file in store.list():
        parent = "/".join(file.name.split("/")[:2])
        if parent in versions or file.name in (POINTER, LINK, LOG_NAME, LEASE):
            continue
        why = "staged and not published" if file.name.startswith(f"{STAGING}/") else "no part of the data set"
        found.gone.append(Leftover(file.name, file.size, why))
    if isinstance(store, LocalStore):
        found.gone.extend(empty_folders(store, {*versions, *(leftover.name for leftover in found.gone)}))
    return found


def _beside(store: Store, everything: bool) -> tuple[list[Leftover], list[Kept]]:
    """The build that an interrupted `--overwrite` has left beside a folder."""
    if not isinstance(store, LocalStore):
        return [], []
    build = store.root.parent / f".{store.root.name}.new"
    if build.is_symlink() or not build.is_dir():
        return [], []
    try:
        kind = _kind(LocalStore(build))
    except (OutputError, CorruptSampleError):
        kind = None
    if kind is None and any(build.iterdir()):
        return [], [Kept(str(build), "nothing tells that it is Townlet's")]
    if kind == "begun" and not everything:
        why = "an unfinished --overwrite; the same command again goes on with it (--all removes it)"
        return [], [Kept(str(build), why)]
    return [Leftover(str(build), _size(LocalStore(build)), "left by an --overwrite")], []


def _remove(store: Store, leftover: Leftover) -> None:
    folder, _, number = leftover.name.rpartition("/")
    if folder == VERSIONS and number.isdecimal():
        remove_version(store, int(number))
    else:
        store.delete(leftover.name)


def _refuse_others(store: Store, place: str) -> None:
    """Raise UserError where nothing tells that an output is Townlet's: its files are not ours to remove."""
    if isinstance(store, LocalStore):
        if not store.root.is_dir():
            found = "a file" if store.root.exists() else "nothing there"
            raise UserError(f"{place}: expected the folder of a capture or a data set, found {found}")
        if store.root.parent.name == VERSIONS and (store.root.parent.parent / POINTER).exists():
            raise UserError(f"{place}: is one version of {store.root.parent.parent}; name that instead")
    if _kind(store) is None:
        raise UserError(
            f"{place}: expected a capture or a data set, found neither a manifest, nor {INDEX}, nor {POINTER}; "
            "nothing is removed from a folder that is not Townlet's"
        )


def _kind(store: Store) -> str | None:
    """`finished` or `begun`; None for what is not Townlet's. Raises CorruptSampleError for a damaged index."""
    if store.size(INDEX) is not None:
        read_index(store)
        return "finished"
    if read_pointer(store) is not None:
        return "finished"
    manifests = [file.name for file in store.list(deep=False) if file.name.endswith(MANIFEST_SUFFIX)]
    for name in manifests:
        parse_manifest(store.read(name), f"{store}: {name}")
    if manifests:
        return "finished"
    if any(STAGED_RUN.match(file.name) or _TEMPORARY.match(file.name) for file in store.list(STAGING)):
        return "begun"
    for name in _version_names(store):
        if _kind(store.below(f"{VERSIONS}/{name}")):
            return "begun"
    captured = (file.name for file in store.list(RUNS) if file.name.endswith(MANIFEST_SUFFIX))
    return "begun" if next(captured, None) else None


def _version_names(store: Store) -> list[str]:
    """The folders of versions."""
    if isinstance(store, LocalStore):
        folder = store.root / VERSIONS
        if folder.is_symlink() or not folder.is_dir():
            return []
        names = {entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()}
    else:
        names = {file.name.split("/")[1] for file in store.list(VERSIONS) if file.name.count("/") > 1}
    return sorted((name for name in names if name.isdecimal() and str(int(name)) == name), key=int)


def _size(store: Store) -> int:
    return sum(file.size for file in store.list())
