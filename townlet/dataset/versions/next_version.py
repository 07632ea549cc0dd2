"""The next version of a versioned data set while it is built: what is carried over, what is gone on from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.manifest import (
    LOG_NAME,
    MANIFEST_SUFFIX,
    claimed_facts,
    named_files,
    parse_manifest,
)
from townlet.dataset.format.paths import BUILD, RUNS, STAGING, inside, model_in_name, staging_folder
from townlet.dataset.index.finish_index import left_files
from townlet.dataset.index.index_document import RunEntry
from townlet.dataset.index.index_places import IndexMoved
from townlet.dataset.index.read_index import read_index
from townlet.dataset.index.write_index import write_index
from townlet.dataset.status.nested import why_it_stays
from townlet.dataset.store.contract import REMOTE_THREADS, Store
from townlet.dataset.store.own_files import own_index_files
from townlet.errors import CorruptSampleError, OutputError
from townlet.policy_text import MODEL_FOLDER
from townlet.run import RunRef

CARRY_BATCH_SIZE = 256  # captures; what makes files durable is paid once for all of them


def is_finished(store: Store, runs: Iterable[RunRef], suites: Sequence[str]) -> bool:
    """Whether a version is whole and holds these runs and no others, so that only publishing is left."""
    wanted = {(run.name, run.seed): run.fingerprint for run in runs}
    try:
        index = read_index(store)
        facts = index.facts
        return (
            facts.complete
            and list(facts.suites) == list(suites)
            and facts.run_count == len(wanted)
            and all(wanted.get(entry.key) == entry.fingerprint for entry in index.entries())
            and not any(True for _ in store.list(STAGING))
        )
    except (CorruptSampleError, IndexMoved, FileNotFoundError):
        return False


def drop_others(store: Store, runs: Sequence[RunRef]) -> None:
    """Remove from an unfinished version what these runs cannot go on from, however it was left.

    Its index, which may name others; captures of other runs or inputs, and what of them is staged; captures
    that were carried over by half; models, which whoever goes on puts there again. Raises OutputError where a link or
    another output is in it.
    """
    why = why_it_stays(store)
    if why:
        raise OutputError(f"{store}: cannot be gone on with: {why}; move that out of it")
    for name in (*own_index_files(store), *(file.name for file in left_files(store))):
        store.delete(name)
    wanted = {run.folder: run for run in runs}
    staged = {staging_folder(run) for run in runs}
    started = {"/".join(file.name.split("/")[:2]) for file in store.list(STAGING)}
    for name in sorted(started - staged - {BUILD}):
        store.delete(name)
    for name in [file.name for file in store.list(MODEL_FOLDER) if model_in_name(file.name)]:
        store.delete(name)
    for folder, manifest in _captures(store).items():
        run = wanted.get(folder)
        if run is not None and manifest:
            kept = _fingerprint(store, manifest) == run.fingerprint
        else:
            kept = run is not None and staging_folder(run) in started
        if not kept:
            store.delete(folder)


def carry_over(old: Store, new: Store, entries: Sequence[RunEntry], suites: Sequence[str]) -> None:
    """Have the captures of these entries of an index in another version too: by links, or else by copies.

    A manifest comes last, so that what is cut short is no capture. Captures that are not whole any more are left
    out. In the end the new version, which must not have an index yet, has one of what was carried over, so that
    nobody need read it all again to make one. Twice is harmless.
    """
    there: set[tuple[str, int]] = set()
    with ThreadPoolExecutor(1 if new.renames else REMOTE_THREADS) as threads:
        for first in range(0, len(entries), CARRY_BATCH_SIZE):
            batch = entries[first : first + CARRY_BATCH_SIZE]
            carried = threads.map(partial(_carry_files, old, new), batch)
            whole = [entry for entry, done in zip(batch, carried, strict=True) if done]
            new.make_durable(entry.folder for entry in whole)
            list(threads.map(partial(_carry_manifest, old, new), whole))
            new.make_durable(entry.folder for entry in whole)
            there |= {entry.key for entry in whole}
    if there:
        with contextlib.suppress(CorruptSampleError):  # the old rows are damaged: they are made anew
            write_index(new, [], suites=suites, whole=False, carried=(old, there))


def _carry_files(old: Store, new: Store, entry: RunEntry) -> bool:
    """All files of a capture but its manifest, unless that is there. False where some are gone."""
    folder, place = entry.folder, _manifest_of(entry)
    if new.size(place) == entry.manifest_size:
        return True
    try:
        names = [file.name for file in named_files(parse_manifest(old.read(place, MOST_BYTES), place))]
        for name in names:
            new.link_from(old, inside(folder, name), inside(folder, name))
    except (CorruptSampleError, FileNotFoundError):
        new.delete(folder)
        return False
    log = inside(folder, LOG_NAME)
    if old.size(log) is not None:
        new.link_from(old, log, log)
    return True


def _carry_manifest(old: Store, new: Store, entry: RunEntry) -> None:
    place = _manifest_of(entry)
    if new.size(place) != entry.manifest_size:
        new.link_from(old, place, place)


def _manifest_of(entry: RunEntry) -> str:
    return inside(entry.folder, entry.manifest)


def _captures(store: Store) -> dict[str, str]:
    """Every folder among the runs, with the place of its manifest, "" where it has none."""
    found: dict[str, str] = {}
    for file in store.list(RUNS):
        folder = file.name.rpartition("/")[0]
        if file.name.endswith(MANIFEST_SUFFIX):
            found[folder] = file.name
        else:
            found.setdefault(folder, "")
    return found


def _fingerprint(store: Store, manifest: str) -> str | None:
    """What a manifest says; None where it is not readable."""
    try:
        return claimed_facts(store.read(manifest, MOST_BYTES)).get("fingerprint")
    except (CorruptSampleError, FileNotFoundError):
        return None
