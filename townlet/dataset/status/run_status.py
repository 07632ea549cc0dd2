"""The status of a run in an output: found out here, and nowhere else. Nothing is changed.

Whoever captures, plans, resumes or regenerates asks `run_status`, or `run_statuses` for many runs. A run counts as
published only if its manifest is there, its fingerprint is that of its inputs, and every file that the manifest
names holds its digest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from townlet.cores import usable_cores
from townlet.dataset.format.canonical import file_sha256, sha256_hex
from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.manifest import (
    MANIFEST_SUFFIX,
    branch_words,
    claimed_facts,
    named_files,
    parse_manifest,
    run_options,
)
from townlet.dataset.format.paths import (
    BEGUN,
    ENOUGH_UNEXPECTED,
    RECEIPT,
    RUNS,
    STAGING,
    inside,
    manifest_path,
    staging_folder,
)
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.index_document import RunEntry
from townlet.dataset.status.contents import is_of_capture, leftovers
from townlet.dataset.status.known_index import NO_INDEX, KnownIndex
from townlet.dataset.status.receipts import read_receipt
from townlet.dataset.status.status import RunStatus, StatusOfRun
from townlet.dataset.store.contract import REMOTE_THREADS, OversizedError, Store
from townlet.dataset.store.entries import plain_files
from townlet.errors import CorruptSampleError
from townlet.escaping import shown
from townlet.run import RunRef

SURVEY_BATCH_SIZE = 4  # runs that a thread finds out about in one go


class Files(NamedTuple):
    """The files of a run, as they were listed."""

    there: Mapping[str, int]  # size by name, in and below the run's folder
    staged: Collection[str]  # names in its staging folder
    left: Container[
        str
    ] = ()  # that captures of other inputs, which were killed, have left in the run's folder


def run_statuses(
    store: Store, runs: Sequence[RunRef], index: KnownIndex = NO_INDEX, *, read: bool = True
) -> Iterator[StatusOfRun]:
    """`run_status` of each run of a data set, in their order. Files are read in parallel threads.

    Of an object store all names are listed once, of a local folder those of one run after the other, so that memory
    does not grow with the number of runs.
    """
    find_out: Callable[[RunRef], StatusOfRun] = partial(run_status, store, index=index, read=read)
    if not store.renames:
        files = {
            file.name: file.size
            for folder in (RUNS, STAGING)
            for file in plain_files(store.list(folder), store)
        }
        left = frozenset(name for names in leftovers(store, runs).values() for name in names)
        find_out = partial(_status_among, store, _by_folder(files), left, index, read)
    threads = _threads(store)
    pool = ThreadPoolExecutor(threads)
    begun: deque[Future[list[StatusOfRun]]] = deque()
    try:
        for start in range(0, len(runs), SURVEY_BATCH_SIZE):
            batch = runs[start : start + SURVEY_BATCH_SIZE]
            begun.append(pool.submit(lambda batch: [find_out(run) for run in batch], batch))
            if len(begun) > 2 * threads:
                yield from begun.popleft().result()
        while begun:
            yield from begun.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C is answered at once


def run_status(
    store: Store, run: RunRef, *, index: KnownIndex = NO_INDEX, files: Files | None = None, read: bool = True
) -> StatusOfRun:
    """The status of a run. `files`: what is listed of it; None = list it now. Without `read`, sizes are enough."""
    files = _files_of(store, run) if files is None else files
    known = _known(index, run)
    published = manifest_status(store, run, files.there, known, read=read) if files.there else None
    if published is not None and published.status is not RunStatus.DAMAGED:
        return published
    if RECEIPT in files.staged and read_receipt(store, run, check=read) is not None:
        return StatusOfRun(RunStatus.SIMULATED)
    if published is not None:
        return published
    if known is not None and files.there:
        return StatusOfRun(RunStatus.DAMAGED, f"damaged: {manifest_path(run)}", clear=True)
    if unexpected := _unexpected(run, files):
        return StatusOfRun(RunStatus.OTHER, f"holds {_few(unexpected)}", unexpected=tuple(unexpected))
    reason = index.failures.get((run.name, run.seed))
    return StatusOfRun(_unfinished(files), f"failed before: {reason}" if reason is not None else "")


def manifest_status(
    store: Store,
    run: RunRef,
    there: Mapping[str, int],
    known: RunEntry | None = None,
    *,
    read: bool = True,
) -> StatusOfRun | None:
    """What the manifest in a run's folder says: complete, damaged or other; None where there is none.

    `there`: the sizes of the folder's files, by name. `known`: the index's entry of the run.
    """
    place = manifest_path(run)
    name = place.rpartition("/")[2]
    if name not in there:
        other = next((name for name in there if name.endswith(MANIFEST_SUFFIX) and "/" not in name), None)
        return _other(f"a capture with another prefix (expected {name})", run, other) if other else None
    try:
        data = store.read(place, MOST_BYTES)
    except FileNotFoundError:
        return None
    except OversizedError:
        data = b""
    indexed = known is not None and known.manifest_sha256 == sha256_hex(data)
    damaged = StatusOfRun(RunStatus.DAMAGED, f"damaged: {place}", clear=known is not None)
    try:
        document = parse_manifest(data, place, vouched=indexed)
    except CorruptSampleError:
        claimed = claimed_facts(data)
        if known is not None or claimed.get("fingerprint") == run.fingerprint:
            return damaged
        return _other(_what_else(claimed, run), run, name)
    if document["metadata"]["fingerprint"] != run.fingerprint:
        return _other(f"another capture: {differences(document['metadata'], run)}", run, name)
    status = RunStatus.INDEXED if indexed else RunStatus.PUBLISHED
    return _status_of_files(store, run, there, named_files(document), len(data), status, read)


def entry_status(entry: RunEntry | None, run: RunRef, manifest_size: int | None) -> RunStatus:
    """What an index alone tells of a run: its entry, and the size of the manifest that the entry names."""
    if entry is None:
        return RunStatus.MISSING
    if entry.fingerprint != run.fingerprint:
        return RunStatus.OTHER
    return RunStatus.INDEXED if manifest_size == entry.manifest_size else RunStatus.DAMAGED


def differences(metadata: Mapping[str, Any], run: RunRef) -> str:
    """What the manifest that is there says otherwise than the run that is asked for."""
    asked = {"scenario_name": run.name, "seed": run.seed, "ticks": run.ticks, **run_options(run)}
    branch = asked.pop("branch", None)
    different = [
        f"{name.removesuffix('_name')} {_said(metadata[name])} (asked for: {_said(value)})"
        for name, value in asked.items()
        if name in metadata and metadata[name] != value
    ]
    if metadata.get("branch") != branch:
        different.append(f"branch {branch_words(metadata.get('branch'))} (asked for: {branch_words(branch)})")
    return ", ".join(different) or "of another version of the config, or of the simulation's rules"


def clear_damaged(store: Store, run: RunRef) -> None:
    """Remove the files of a capture that the index names and that is damaged, so that it can be made anew."""
    for file in list(store.list(run.folder)):
        if is_of_capture(file.name.removeprefix(f"{run.folder}/"), run.prefix):
            store.delete(file.name)


def _threads(store: Store) -> int:
    return usable_cores() if store.renames else REMOTE_THREADS


def _by_folder(files: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Sizes by folder (a run's `runs/<name>/seed-<seed>`, or one of what is staged) and by name in it."""
    folders: dict[str, dict[str, int]] = {}
    for name, size in files.items():
        parts = name.split("/")
        depth = 2 if parts[0] == STAGING else 3
        folders.setdefault("/".join(parts[:depth]), {})["/".join(parts[depth:])] = size
    return folders


def _status_among(
    store: Store,
    folders: Mapping[str, Mapping[str, int]],
    left: Container[str],
    index: KnownIndex,
    read: bool,
    run: RunRef,
) -> StatusOfRun:
    files = Files(folders.get(run.folder, {}), folders.get(staging_folder(run), {}), left)
    return run_status(store, run, index=index, files=files, read=read)


def _files_of(store: Store, run: RunRef) -> Files:
    """What is listed of one run."""
    there = _listed(store, run)
    if not there and not store.renames and run.folder:
        return Files(
            {}, ()
        )  # there, all of a run's files are in its folder from the start: one call is enough
    own = f"{staging_folder(run)}/"
    staged = [file.name.removeprefix(own) for file in plain_files(store.list(staging_folder(run)), store)]
    left = {} if not there else leftovers(store, [run])
    return Files(there, staged, {name for names in left.values() for name in names})


def _listed(store: Store, run: RunRef) -> dict[str, int]:
    """The files in a run's folder. Of those that no capture of it can have, some.

    Whoever names a home folder by mistake need not wait until all of it is read.
    """
    skip = len(run.folder) + 1 if run.folder else 0
    there: dict[str, int] = {}
    unexpected = 0
    for file in plain_files(store.list(run.folder), store):
        name = file.name[skip:]
        if name.startswith(f"{STAGING}/"):
            continue
        there[name] = file.size
        unexpected += not is_of_capture(name, run.prefix)
        if unexpected == ENOUGH_UNEXPECTED:
            break
    else:
        return there
    return there | _direct(store, run, skip)


def _direct(store: Store, run: RunRef, skip: int) -> dict[str, int]:
    """The files of a run's folder that its capture can have."""
    files = store.list(run.folder, deep=False)
    return {file.name[skip:]: file.size for file in files if is_of_capture(file.name[skip:], run.prefix)}


def _known(index: KnownIndex, run: RunRef) -> RunEntry | None:
    """The index's entry of just this run."""
    entry = index.entry(run.name, run.seed)
    return entry if entry is not None and entry.fingerprint == run.fingerprint else None


def _unexpected(run: RunRef, files: Files) -> list[str]:
    """What no unfinished capture of this run can have left in its folder."""
    return [
        inside(run.folder, name)
        for name in files.there
        if not (files.staged and is_of_capture(name, run.prefix))
        and inside(run.folder, name) not in files.left
    ]


def _unfinished(files: Files) -> RunStatus:
    """Of a run without a manifest, and without a receipt that holds."""
    if files.there or any(name != BEGUN for name in files.staged):
        return RunStatus.STAGED
    return RunStatus.BEGUN if files.staged else RunStatus.MISSING


def _status_of_files(
    store: Store,
    run: RunRef,
    there: Mapping[str, int],
    files: Sequence[FileRecord],
    size: int,
    whole: RunStatus,
    read: bool,
) -> StatusOfRun:
    """Whether every file that the run's manifest names is what it should be. `size`: bytes of the manifest."""
    damaged = [file.name for file in files if there.get(file.name) != file.size]
    if read and not damaged:
        damaged = [file.name for file in files if not _is_file(store, inside(run.folder, file.name), file)]
    if damaged:
        names = [inside(run.folder, name) for name in damaged]
        return StatusOfRun(RunStatus.DAMAGED, f"damaged: {_few(names)}")
    return StatusOfRun(whole, size=size + sum(file.size for file in files))


def _other(why: str, run: RunRef, manifest: str) -> StatusOfRun:
    return StatusOfRun(RunStatus.OTHER, why, manifest=inside(run.folder, manifest))


def _is_file(store: Store, name: str, file: FileRecord) -> bool:
    try:
        with store.open_read(name) as stream:
            return file_sha256(stream) == file.sha256
    except FileNotFoundError:
        return False


def _what_else(claimed: Mapping[str, Any], run: RunRef) -> str:
    """Of a manifest that is damaged, and not this run's."""
    if not claimed.get("fingerprint"):
        return "not readable as a capture's manifest"
    return f"another capture: {differences(claimed, run)}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def _said(value: object) -> str:
    return "not given" if value is None else shown(repr(value))[:80]
