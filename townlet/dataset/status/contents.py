"""What lies in an output's folders, and whose it is: captures, unfinished ones, and files that nobody names."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator

from townlet.dataset.format.manifest import (
    LOG_NAME,
    MANIFEST_SUFFIX,
    loose_manifest,
    named_files,
)
from townlet.dataset.format.paths import (
    BEGUN,
    INDEX,
    INDEX_FILES,
    RECEIPT,
    STAGING,
    begun_path,
    inside,
)
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError
from townlet.run import RunRef


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
