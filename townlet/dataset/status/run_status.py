"""What of some runs is in a data set already, and what is missing and why. Nothing is changed.

A run counts as done only if its manifest is there, its fingerprint is that of its inputs, and every file that
the manifest names holds its digest.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, NamedTuple

from townlet.cores import usable_cores
from townlet.dataset.capture.commit import read_receipt, state_of
from townlet.dataset.capture.contents import damaged_files, is_of_capture, leftovers
from townlet.dataset.capture.preflight import differences, refuse_run
from townlet.dataset.format.canonical import file_sha256, sha256_hex
from townlet.dataset.format.manifest import MANIFEST_SUFFIX, loose_manifest, named_files, parse_manifest
from townlet.dataset.format.paths import RUNS, STAGING, inside, manifest_path, receipt_path, staging_folder
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.index_file import Failure, parse_failures, read_whole
from townlet.dataset.store.contract import REMOTE_THREADS, Store
from townlet.errors import CorruptSampleError, OutputError
from townlet.run import Run

Standing = Literal["done", "simulated", "missing", "refused"]

LOOK_BATCH_SIZE = 4  # runs looked at by a thread in one go


class Finding(NamedTuple):
    """Where a run stands.

    `done`: its capture is there and holds. `simulated`: only to be published. `missing`: to be simulated.
    `refused`: something else is in its place, which a capture does not touch.
    """

    standing: Standing
    why: str = ""  # where it is missing or refused
    indexed: bool = False  # the index names just this capture
    size: int = 0  # bytes of all files of a run that is done
    damaged: bool = False  # its files are to be removed before it is captured again


class Index(NamedTuple):
    """What the data set says of itself."""

    metadata: Mapping[str, Any]  # empty where there is no index
    entries: Mapping[tuple[str, int], Mapping[str, Any]]  # by scenario and seed
    failures: Mapping[tuple[str, int], str]  # reasons


MENDING = (
    "; remove dataset.json and capture again what was in the data set: runs that hold are taken over, and "
    "the index is written anew"
)


def look_at_index(store: Store) -> Index:
    """The index of a data set, if there is one. Raises CorruptSampleError, saying what to do, where it is damaged."""
    try:
        document, companions = read_whole(store, ["failures", "samples"])
    except FileNotFoundError:
        return Index({}, {}, {})
    except CorruptSampleError as error:
        raise CorruptSampleError(f"{error}{MENDING}") from error
    failures: list[Failure] = parse_failures(companions["failures"])
    return Index(
        document["metadata"],
        {(entry["scenario"], entry["seed"]): entry for entry in document["runs"]},
        {(failure.scenario, failure.seed): failure.reason for failure in failures},
    )


def survey(store: Store, runs: Sequence[Run], index: Index) -> Iterator[Finding]:
    """A `Finding` for each run, in their order. The files are read in parallel threads.

    The folders are listed once: a run of which nothing is there costs no further look.
    """
    files = {file.name: file.size for folder in (RUNS, STAGING) for file in store.list(folder)}
    given_up = frozenset(name for names in leftovers(store, runs).values() for name in names)
    look = partial(_look, store, _by_folder(files), index, given_up)
    batches = [runs[start : start + LOOK_BATCH_SIZE] for start in range(0, len(runs), LOOK_BATCH_SIZE)]
    pool = ThreadPoolExecutor(_threads(store))
    try:
        for findings in pool.map(lambda batch: [look(run) for run in batch], batches):
            yield from findings
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C is answered at once


def survey_single(store: Store, run: Run) -> Finding:
    """The `Finding` of a run whose capture is the output itself."""
    state = state_of(store, run)
    if state == "done":
        return Finding("done", size=sum(file.size for file in store.list("", deep=False)))
    if state == "receipt":
        return Finding("simulated")
    try:
        refuse_run(store, run)
    except OutputError as error:
        return Finding("refused", str(error))
    if store.size(manifest_path(run)) is not None:
        return Finding("missing", f"damaged: {_few(damaged_files(store, run))}")
    begun = next(iter(store.list(staging_folder(run))), None) is not None
    return Finding("missing", "not finished" if begun else "not there")


def clear_damaged(store: Store, run: Run) -> None:
    """Remove the files of a capture that the index names and that is damaged, so that it can be made anew."""
    for file in list(store.list(run.folder)):
        if is_of_capture(file.name.removeprefix(f"{run.folder}/"), run.prefix):
            store.delete(file.name)


def _threads(store: Store) -> int:
    return usable_cores() if store.renames else REMOTE_THREADS


def _by_folder(files: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Sizes by folder and by name in it."""
    folders: dict[str, dict[str, int]] = {}
    for name, size in files.items():
        folder, _, own = name.rpartition("/")
        folders.setdefault(folder, {})[own] = size
    return folders


def _look(
    store: Store, folders: Mapping[str, Mapping[str, int]], index: Index, given_up: Container[str], run: Run
) -> Finding:
    """`given_up`: files that a capture which was killed has left in their places."""
    there = folders.get(run.folder, {})
    staged = folders.get(staging_folder(run), {})
    entry = index.entries.get((run.name, run.seed))
    known = entry if entry is not None and entry["fingerprint"] == run.fingerprint else None
    found = _published(store, run, there, known) if there else None
    if found is not None and found.standing in ("done", "refused"):
        return found
    if receipt_path(run).rpartition("/")[2] in staged and read_receipt(store, run) is not None:
        return Finding("simulated")
    if found is not None:
        return found
    others = [
        name
        for name in there
        if not (staged and is_of_capture(name, run.prefix)) and inside(run.folder, name) not in given_up
    ]
    if known is not None and there:
        return Finding("missing", f"damaged: {manifest_path(run)}", damaged=True)
    if others:
        return Finding("refused", f"holds {_few(others)}")
    reason = index.failures.get((run.name, run.seed))
    if reason is not None:
        return Finding("missing", f"failed before: {reason}")
    return Finding("missing", "not finished" if staged or there else "not there")


def _published(
    store: Store, run: Run, there: Mapping[str, int], known: Mapping[str, Any] | None
) -> Finding | None:
    """What a manifest in the run's folder says; None where there is none. `known`: the index's entry."""
    place = manifest_path(run)
    name = place.rpartition("/")[2]
    if name not in there:
        other = next((name for name in there if name.endswith(MANIFEST_SUFFIX)), None)
        return Finding("refused", f"a capture with another prefix ({other})") if other else None
    try:
        data = store.read(place)
    except FileNotFoundError:
        return None
    indexed = known is not None and known["manifest_sha256"] == sha256_hex(data)
    damaged = Finding("missing", f"damaged: {place}", damaged=known is not None)
    try:
        document = json.loads(data) if indexed else loose_manifest(data, place)
    except CorruptSampleError:
        return damaged if known is not None else Finding("refused", f"{place} is not readable")
    metadata = document["metadata"]
    if metadata.get("fingerprint") != run.fingerprint:
        if known is not None and not _is_itself(data, place):
            return damaged
        return Finding("refused", f"another capture: {differences(metadata, run)}")
    if not indexed and not _is_itself(data, place):
        return damaged
    return _held(store, run, there, document, len(data), indexed)


def _held(
    store: Store, run: Run, there: Mapping[str, int], document: Mapping[str, Any], size: int, indexed: bool
) -> Finding:
    """Whether every file that the run's manifest names is what it should be."""
    files = named_files(document)
    damaged = [file.name for file in files if there.get(file.name) != file.size]
    if not damaged:
        damaged = [file.name for file in files if not _is_file(store, inside(run.folder, file.name), file)]
    if damaged:
        return Finding("missing", f"damaged: {_few([inside(run.folder, name) for name in damaged])}")
    return Finding("done", indexed=indexed, size=size + sum(file.size for file in files))


def _is_file(store: Store, name: str, file: FileRecord) -> bool:
    try:
        with store.open_read(name) as stream:
            return file_sha256(stream) == file.sha256
    except FileNotFoundError:
        return False


def _is_itself(data: bytes, place: str) -> bool:
    try:
        parse_manifest(data, place)
    except CorruptSampleError:
        return False
    return True


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"
