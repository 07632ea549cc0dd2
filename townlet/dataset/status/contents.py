"""What lies in an output's folders, and whose it is: captures, unfinished ones, and files that nobody names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from townlet.dataset.format.documents import MOST_BYTES, parse_document
from townlet.dataset.format.manifest import (
    LOG_NAME,
    MANIFEST_SUFFIX,
    loose_manifest,
    named_files,
)
from townlet.dataset.format.models import Begun
from townlet.dataset.format.paths import (
    BEGUN,
    INDEX,
    RECEIPT,
    STAGING,
    begun_path,
    inside,
)
from townlet.dataset.index.finish_index import left_files
from townlet.dataset.status.nested import is_below, nested_outputs
from townlet.dataset.status.receipts import parse_receipt
from townlet.dataset.store.contract import Store
from townlet.dataset.store.entries import plain_files
from townlet.dataset.store.own_files import is_kept_model, own_index_files
from townlet.errors import CorruptSampleError
from townlet.run import RunRef


def is_of_capture(name: str, prefix: str) -> bool:
    """Whether a capture can have a file of this name in its folder."""
    return name == LOG_NAME or (name.startswith(f"{prefix}_") and name.endswith((".npz", ".json", ".onnx")))


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
            with contextlib.suppress(CorruptSampleError, FileNotFoundError):
                note = parse_document(
                    Begun, store.read(file.name, MOST_BYTES), file.name, "a note of a capture"
                )
                yield file.name, note.folder, note.prefix


def _unfinished(store: Store, folder: str, prefix: str) -> list[str]:
    """The files of a capture without a manifest; none where there is one."""
    names = [file.name for file in store.list(folder, deep=False)]
    if any(name.endswith(MANIFEST_SUFFIX) for name in names):
        return []
    skip = len(folder) + 1 if folder else 0
    return [name for name in names if is_of_capture(name[skip:], prefix)]


def unexpected_files(store: Store) -> list[str]:
    """Files of an output that neither a manifest nor a receipt names and that are not a data set's own.

    Other outputs inside it are unexpected as a whole. Raises OutputError where a link is in it.
    """
    listed = [file.name for file in plain_files(store.list(), store)]
    nested = nested_outputs(store, listed)
    names = [name for name in listed if not name.startswith(f"{STAGING}/") or is_below(name, nested)]
    own = named_by_receipts(store)
    if INDEX in names:
        own |= {*own_index_files(store), *(file.name for file in left_files(store))}
    for name in names:
        if name.endswith(MANIFEST_SUFFIX) and not is_below(name, nested):
            own |= _named_by_manifest(store, name)
    unnamed = [name for name in names if name not in own or is_below(name, nested)]
    return [name for name in unnamed if is_below(name, nested) or not is_kept_model(store, name)]


def named_by_receipts(store: Store) -> set[str]:
    """The places of all files of the runs that are begun, and not, or not wholly, published."""
    named: set[str] = set()
    if not store.renames:
        for _, folder, prefix in _begun(store):
            named.update(_unfinished(store, folder, prefix))
    for file in store.list(STAGING):
        if file.name.endswith(f"/{RECEIPT}"):
            with contextlib.suppress(CorruptSampleError, FileNotFoundError):
                named |= set(parse_receipt(store, file.name).places)
    return named


def _named_by_manifest(store: Store, name: str) -> set[str]:
    folder = name.rpartition("/")[0]
    try:
        named = named_files(loose_manifest(store.read(name, MOST_BYTES), name))
    except CorruptSampleError:
        return set()
    return {name} | {inside(folder, inner) for inner in (*(file.name for file in named), LOG_NAME)}
