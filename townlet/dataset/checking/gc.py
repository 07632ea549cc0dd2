"""`gc`: leftovers of interrupted captures are deleted, and files that no manifest lists.

Nothing that a finished capture, an index or a receipt that holds names is removed, nothing outside the output (save
the build that an `--overwrite` has left beside it, with its mark). No link is followed or deleted: where there is one,
nothing is; and what is another output, put inside, stays whole.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from townlet.dataset.checking.garbage import Kept, Leftover, Leftovers, empty_folders, find_leftovers
from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX, parse_manifest
from townlet.dataset.format.paths import INDEX, LEASE, LINK, POINTER, RUNS, STAGING, VERSIONS, inside
from townlet.dataset.index.finish_index import finish_moves
from townlet.dataset.index.read_index import read_index
from townlet.dataset.status.contents import unexpected_files
from townlet.dataset.status.nested import is_below, nested_outputs, why_it_stays
from townlet.dataset.status.unfinished import STAGED_RUN
from townlet.dataset.store.beside import build_of, is_build_of
from townlet.dataset.store.contract import Store
from townlet.dataset.store.entries import WORDS, plain_files
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import expect_folder, open_store
from townlet.dataset.store.os_errors import translate_os_error
from townlet.dataset.versions.versions import (
    finish_publishing,
    read_pointer,
    remove_version,
    utc_now,
    version_folder,
    version_number,
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
    said: str = ""  # what else was mended

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
            "said": self.said,
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
    said = ""
    if store.size(INDEX) is None and (store.size(POINTER) is not None or _version_names(store)):
        found = _of_versions(store, everything)  # before `finish_publishing`, which deletes a little itself
        if not dry_run:
            said = finish_publishing(store, utc_now())
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
    return GcReport(str(store), dry_run, [*found.gone, *beside], [*found.kept, *stays], finished, said)


def _finish_versions(store: Store, gone: Collection[str]) -> list[str]:
    """Do what an interrupted writer has left to be done after its commit, save in versions that go."""
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
    published = pointer.newest if pointer else 0
    names = _version_names(store)
    if pointer is None and (len(names) > 1 or version_of_log(store) is not None):
        raise CorruptSampleError(
            f"{store}: {POINTER} is missing, so that nobody knows which versions were published; nothing is "
            "removed; `townlet regenerate` writes it anew"
        )
    candidates = [number for number in map(int, names) if number > published]
    for number in sorted(map(int, names)):
        folder = version_folder(number)
        below = store.below(folder)
        if number != current and number <= published and below.size(INDEX) is None:
            _go_unless_foreign(
                below, Leftover(folder, _size(below), "a version that was removed by half"), found
            )
        elif number > published and (everything or number != max(candidates)):
            _go_unless_foreign(
                below, Leftover(folder, _size(below), "a version that was not published"), found
            )
        elif number > published and not any(True for _ in below.list()):
            found.gone.append(Leftover(folder, 0, "an empty folder"))
        else:
            inner = find_leftovers(below, everything).below(folder)
            found.gone.extend(inner.gone)
            found.kept.extend(inner.kept)
            if number > published:
                why = "not published yet; the next regenerate goes on with it (--all removes it)"
                found.kept.append(Kept(folder, why))
    versions = {f"{VERSIONS}/{name}" for name in names}
    beside = [
        file
        for file in plain_files(store.list(), store)
        if "/".join(file.name.split("/")[:2]) not in versions
    ]
    nested = nested_outputs(store, [file.name for file in beside], versioned=True)
    found.kept.extend(
        Kept(folder, "another output, which was put here; move it out") for folder in sorted(nested)
    )
    for file in beside:
        ours = file.name in (POINTER, LOG_NAME, LEASE) or (file.name == LINK and file.kind == "our link")
        if ours or is_below(file.name, nested):
            continue
        why = "staged and not published" if file.name.startswith(f"{STAGING}/") else "no part of the data set"
        if file.kind in ("file", "our link"):
            found.gone.append(Leftover(file.name, file.size, why))
        else:
            found.kept.append(Kept(file.name, f"is {WORDS[file.kind]}, which Townlet does not make"))
    if isinstance(store, LocalStore):
        found.gone.extend(
            empty_folders(store, {*versions, *nested, *(leftover.name for leftover in found.gone)})
        )
    return found


def _go_unless_foreign(store: Store, leftover: Leftover, found: Leftovers) -> None:
    """A folder goes as a whole only where all of it is ours."""
    why = why_it_stays(store)
    if why:
        found.kept.append(Kept(leftover.name, f"{leftover.why}, but it {why}; move that out"))
    else:
        found.gone.append(leftover)


def _beside(store: Store, everything: bool) -> tuple[list[Leftover], list[Kept]]:
    """The build that an interrupted `--overwrite` has left beside a folder."""
    if not isinstance(store, LocalStore):
        return [], []
    build = build_of(store.root)
    if build.is_symlink() or not build.is_dir():
        return [], []
    try:
        with translate_os_error("read", str(build)):
            empty = not any(build.iterdir())
    except OutputError as error:
        return [], [Kept(str(build), str(error).removeprefix(f"{build}: "))]
    if empty:
        return [], []
    if not is_build_of(build, store.root):
        return [], [Kept(str(build), "nothing tells that it is Townlet's")]
    try:
        strange = unexpected_files(LocalStore(build))
        kind = _kind(LocalStore(build))
    except (OutputError, CorruptSampleError) as error:
        return [], [Kept(str(build), f"left by an --overwrite, but not wholly Townlet's: {error}")]
    if strange:
        why = f"left by an --overwrite, but it holds files that Townlet did not write ({strange[0]}); move them out"
        return [], [Kept(str(build), why)]
    if kind == "begun" and not everything:
        why = "an unfinished --overwrite; the same command again goes on with it (--all removes it)"
        return [], [Kept(str(build), why)]
    return [Leftover(str(build), _size(LocalStore(build)), "left by an --overwrite")], []


def _remove(store: Store, leftover: Leftover) -> None:
    folder, _, number = leftover.name.rpartition("/")
    version = version_number(number)
    if folder == VERSIONS and version is not None:
        remove_version(store, version)
    else:
        store.delete(leftover.name)


def _refuse_others(store: Store, place: str) -> None:
    """Raise UserError where nothing tells that an output is Townlet's: its files are not ours to remove."""
    expect_folder(store, place)
    if isinstance(store, LocalStore):
        above = store.root.parent
        if above.name == VERSIONS and LocalStore(above.parent).size(POINTER) is not None:
            raise UserError(f"{place}: is one version of {above.parent}; name that instead")
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
        parse_manifest(store.read(name, MOST_BYTES), f"{store}: {name}")
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
        names = set(store.folders(VERSIONS))
    else:
        names = {file.name.split("/")[1] for file in store.list(VERSIONS) if file.name.count("/") > 1}
    return sorted((name for name in names if version_number(name) is not None), key=int)


def _size(store: Store) -> int:
    return sum(file.size for file in store.list())
