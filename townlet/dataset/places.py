"""Which file lies where in an output, and whether what lies there is what it should be."""

from __future__ import annotations

import contextlib
import json
from functools import lru_cache
from typing import Any

from ..errors import CorruptSampleError
from ..run import Run
from .canonical import file_sha256
from .manifest import (
    LOG_NAME,
    MANIFEST_SUFFIX,
    fingerprint_of,
    loose_manifest,
    manifest_name,
    named_files,
    parse_manifest,
    safe_name,
)
from .records import FileRecord
from .store import STAGING, Store

RECEIPT = "receipt.json"
RUNS = "runs"
SOME = 10  # strangers that are enough to refuse a folder
INDEX = "dataset.json"
# What a data set keeps beside its runs.
INDEX_FILES = (INDEX, "metrics.json", "metrics.parquet", "failures.json", "README.md", LOG_NAME)


@lru_cache(maxsize=1024)
def staging_folder(run: Run) -> str:
    """Where a run is staged: a folder that no other run, and no other version of this run, shares."""
    return f"{STAGING}/{safe_name(run.name, 'run')}-{run.seed}-{fingerprint_of(run)}"


def receipt_place(run: Run) -> str:
    return f"{staging_folder(run)}/{RECEIPT}"


def run_folder(name: str, seed: int) -> str:
    """The folder of a run in a data set."""
    return f"{RUNS}/{safe_name(name, 'run')}/seed-{seed}"


def inside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def manifest_place(run: Run) -> str:
    return inside(run.folder, manifest_name(run.prefix))


def holds(store: Store, name: str, file: FileRecord) -> bool:
    """Whether what is stored under a name is this file, to the bit."""
    if not name or store.size(name) != file.size:
        return False
    try:
        with store.open_read(name) as stream:
            return file_sha256(stream) == file.sha256
    except FileNotFoundError:
        return False


def find_manifest(store: Store, run: Run) -> dict[str, Any] | str | None:
    """The manifest in the run's folder; its name where it is not readable or of another prefix; or None."""
    place = manifest_place(run)
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


def damaged_files(store: Store, run: Run) -> list[str]:
    """The files of a run's capture, its manifest included, that are not what the manifest says."""
    place = manifest_place(run)
    try:
        files = named_files(parse_manifest(store.read(place), place))
    except (CorruptSampleError, FileNotFoundError):
        return [place]
    return [file.name for file in files if not holds(store, inside(run.folder, file.name), file)]


def strangers(store: Store, run: Run) -> list[str]:
    """Some files in the run's folder that no unfinished capture of this run can have left there."""
    started = next(iter(store.list(staging_folder(run))), None) is not None
    skip = len(run.folder) + 1 if run.folder else 0
    found = []
    for file in store.list(run.folder):
        name = file.name[skip:]
        ours = name == LOG_NAME or (name.startswith(f"{run.prefix}_") and name.endswith((".npz", ".json")))
        if not (ours and started) and not name.startswith(f"{STAGING}/"):
            found.append(file.name)
        if len(found) == SOME:
            break  # whoever names a home folder by mistake need not wait until all of it is read
    return found


def foreign_files(store: Store) -> list[str]:
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
    """The places of all files of the runs that are simulated and not, or not wholly, published."""
    named: set[str] = set()
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
