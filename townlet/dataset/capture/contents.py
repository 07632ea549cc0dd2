"""What lies in an output's folders, and whose it is: captures, unfinished ones, and files that nobody names."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Container, Iterable, Iterator
from typing import Any

from townlet.dataset.format.manifest import (
    LOG_NAME,
    MANIFEST_SUFFIX,
    loose_manifest,
    named_files,
    parse_manifest,
)
from townlet.dataset.format.paths import (
    BEGUN,
    ENOUGH_UNEXPECTED,
    INDEX,
    INDEX_FILES,
    RECEIPT,
    STAGING,
    begun_path,
    inside,
    manifest_path,
    staging_folder,
)
from townlet.dataset.store.contract import Store, holds
from townlet.errors import CorruptSampleError
from townlet.run import RunRef


def find_manifest(store: Store, run: RunRef) -> dict[str, Any] | str | None:
    """The manifest in the run's folder; its name where it is not readable or of another prefix; or None."""
    place = manifest_path(run)
    try:
        return loose_manifest(store.read(place), place)
    except CorruptSampleError:
        return place
    except FileNotFoundError:
        pass
    for file in store.list(run.folder, deep=False):
        if file.name.endswith(MANIFEST_SUFFIX):
            return file.name
    return None


def is_untouched(store: Store, run: RunRef) -> bool:
    """Whether one look is enough to know that nothing is there of a run, nor anything in its place.

    Where nothing can be renamed, all of a run's files are in its folder from the start.
    """
    if store.renames or not run.folder:
        return False
    return next(iter(store.list(run.folder, deep=False)), None) is None


def damaged_files(store: Store, run: RunRef) -> list[str]:
    """The files of a run's capture, its manifest included, that are not what the manifest says."""
    place = manifest_path(run)
    try:
        files = named_files(parse_manifest(store.read(place), place))
    except (CorruptSampleError, FileNotFoundError):
        return [place]
    return [file.name for file in files if not holds(store, inside(run.folder, file.name), file)]


def unexpected_in_run(store: Store, run: RunRef, known: Container[str] = ()) -> list[str]:
    """Some files in the run's folder, save the `known`, that no unfinished capture of this run can have left."""
    started = next(iter(store.list(staging_folder(run))), None) is not None
    skip = len(run.folder) + 1 if run.folder else 0
    found = []
    for file in store.list(run.folder):
        ours = started and is_of_capture(file.name[skip:], run.prefix)
        if not ours and file.name not in known and not file.name[skip:].startswith(f"{STAGING}/"):
            found.append(file.name)
        if len(found) == ENOUGH_UNEXPECTED:
            break  # whoever names a home folder by mistake need not wait until all of it is read
    return found


def is_of_capture(name: str, prefix: str) -> bool:
    """Whether a capture can have a file of this name in its folder."""
    return name == LOG_NAME or (name.startswith(f"{prefix}_") and name.endswith((".npz", ".json")))


def leftovers(store: Store, runs: Iterable[RunRef]) -> dict[str, list[str]]:
    """What killed captures of other runs, or of other inputs, have left in these runs' folders.

    By the folder where it is staged whose they are. There is something only where a store cannot rename.
    """
    if store.renames:
        return {}
    folders, own = set(), set()
    for run in runs:
        folders.add(run.folder)
        own.add(begun_path(run))
    found = {}
    for place, folder, prefix in _begun(store):
        if folder in folders and place not in own:
            found[place.rpartition("/")[0]] = _unfinished(store, folder, prefix)
    return found


def _begun(store: Store) -> Iterator[tuple[str, str, str]]:
    """Of every capture that was begun: the note that says so, its folder, its prefix."""
    for file in store.list(STAGING):
        if file.name.endswith(f"/{BEGUN}"):
            with contextlib.suppress(ValueError, KeyError, TypeError, FileNotFoundError):
                note = json.loads(store.read(file.name))
                yield file.name, str(note["folder"]), str(note["prefix"])


def _unfinished(store: Store, folder: str, prefix: str) -> list[str]:
    """The files of a capture without a manifest; none where there is one."""
    names = [file.name for file in store.list(folder, deep=False)]
    if any(name.endswith(MANIFEST_SUFFIX) for name in names):
        return []
    skip = len(folder) + 1 if folder else 0
    return [name for name in names if is_of_capture(name[skip:], prefix)]


def unexpected_files(store: Store) -> list[str]:
    """Files of an output that neither a manifest nor a receipt names and that are not a data set's own."""
    names = [file.name for file in store.list() if not file.name.startswith(f"{STAGING}/")]
    own = named_by_receipts(store)
    if INDEX in names:
        own |= set(INDEX_FILES)
    for name in names:
        if name.endswith(MANIFEST_SUFFIX):
            own |= _named_by_manifest(store, name)
    return [name for name in names if name not in own]


def named_by_receipts(store: Store) -> set[str]:
    """The places of all files of the runs that are begun, and not, or not wholly, published."""
    named: set[str] = set()
    if not store.renames:
        for _, folder, prefix in _begun(store):
            named.update(_unfinished(store, folder, prefix))
    for file in store.list(STAGING):
        if file.name.endswith(f"/{RECEIPT}"):
            with contextlib.suppress(ValueError, KeyError, TypeError, FileNotFoundError):
                named |= set(json.loads(store.read(file.name))["places"])
    return named


def _named_by_manifest(store: Store, name: str) -> set[str]:
    folder = name.rpartition("/")[0]
    try:
        named = named_files(loose_manifest(store.read(name), name))
    except CorruptSampleError:
        return set()
    return {name} | {inside(folder, inner) for inner in (*(file.name for file in named), LOG_NAME)}
