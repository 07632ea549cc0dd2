"""The index of a data set: which captures it holds, their figures, and what failed.

`dataset.json` is the commit point: it names every capture's manifest, and the other *index files*,
with their SHA-256. Capturing again adds runs or fills holes; what is there stays.

A reader never sees a mixture. New index files are staged under their digests, then dataset.json is exchanged
in one step, then they move to their names. Who reads in between, or after a writer was killed in between,
finds them where they were staged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from townlet.dataset.format.canonical import document_bytes, misshapen, sha256_hex
from townlet.dataset.format.capture_log import log_bytes
from townlet.dataset.format.manifest import LOG_NAME
from townlet.dataset.format.paths import INDEX, STAGING, inside
from townlet.dataset.format.records import FileRecord, RunRecord, SampleRecord
from townlet.dataset.index.data_card import CARD, card_bytes
from townlet.dataset.index.metrics_summary import summarise_table
from townlet.dataset.index.metrics_table import (
    SAMPLES,
    Rows,
    RunKey,
    open_table,
    pack,
    pack_rows,
    unpack,
    write_rows,
)
from townlet.dataset.store.contract import Store, holds
from townlet.errors import CorruptSampleError, TownletError

METRICS = "metrics.json"
FAILURES = "failures.json"
STAGED_INDEX = f"{STAGING}/index"
NO_SUITE = ""  # stands for configs that were captured by themselves
INDEX_VERSION = 2  # of dataset.json and the other index files; raised when they change their meaning

MAX_ATTEMPTS = 10  # of a writer, while others write too
READ_TIMEOUT_S = 10.0  # seconds that a reader tries to catch an index that is being replaced
_BLANK = "0" * 64


class Failure(NamedTuple):
    """A run that is not in the data set, and why."""

    scenario: str
    seed: int
    reason: str


class IndexedRun(NamedTuple):
    """What the index keeps of a published capture: about a kilobyte, as there are many of them in one place."""

    key: RunKey
    entry: bytes  # of dataset.json, packed
    rows: bytes  # of its samples, packed


class IndexMoved(TownletError):
    """The index has been replaced since it was read; read it again."""


def indexed(run: RunRecord, samples: Sequence[SampleRecord]) -> IndexedRun:
    """A published capture, small enough to travel."""
    return IndexedRun((run.run, run.seed), pack(_entry(run)), pack_rows(samples))


def write_index(
    store: Store,
    runs: Iterable[IndexedRun],
    failures: Iterable[Failure] = (),
    *,
    suites: Collection[str] = (),
    whole: bool = True,
    work: Mapping[str, Any] | None = None,
    carried: tuple[Store, Collection[RunKey]] | None = None,
) -> dict[str, Any]:
    """Write the index files and, last, dataset.json. Returns what dataset.json says.

    Runs that only the index of the store knows are kept in it. A run that failed now is in it no more: what holds
    is not tried. `suites`: which were captured; without `whole` they are there in part, until they are captured
    whole. The data set is `complete` when none is, and every run that ever failed in it has been captured since.
    `work` goes into the log. `carried`: another store, and the runs of its index that this one, which has no index
    yet, holds too. Raises TownletError where somebody else writes the index over and over again,
    CorruptSampleError where a capture that the index names is gone.
    """
    given = {item.key: item for item in runs}
    failures = list(failures)
    tried = {*given, *((failure.scenario, failure.seed) for failure in failures)}
    for _ in range(MAX_ATTEMPTS):
        before = _Before(store)
        if carried is not None and before.digest is None:
            before.take_over(*carried)
        kept = {key: entry for key, entry in before.entries.items() if key not in tried}
        _check_there(store, kept.values())
        merged = {**kept, **{key: unpack(item.entry) for key, item in given.items()}}
        entries = [merged[key] for key in sorted(merged)]
        packed = {key: item.rows for key, item in given.items()}
        rows = write_rows(packed, before.rows, sorted(merged))
        figures = summarise_table(open_table(rows, f"{store}: {SAMPLES}"))
        failed = _open_failures(before.failures, failures, merged)
        partial = before.partial_after(suites, whole)
        facts = {
            "complete": not partial and not failed,
            "failure_count": len(failed),
            "partial": partial,
            "suites": sorted({*before.suites, *suites}),
        }
        contents = {
            "samples": (SAMPLES, rows),
            "metrics": (METRICS, document_bytes(figures)),
            "failures": (FAILURES, failures_bytes(failed)),
            "card": (CARD, card_bytes(store, facts, entries, figures)),
        }
        document = _index_document(facts, entries, contents)
        if _commit(store, before.digest, document, contents, work or {}):
            return document
    raise TownletError(f"{store}: another writer keeps changing {INDEX}; run the same command again")


def read_index(store: Store) -> dict[str, Any]:
    """`dataset.json`, byte for byte what was written. Raises CorruptSampleError or FileNotFoundError."""
    return parse_index(store.read(INDEX), str(store))


def parse_index(data: bytes, where: str) -> dict[str, Any]:
    """What dataset.json says, once it is known to be what was written. Raises CorruptSampleError."""
    place = f"{where}: {INDEX}"
    try:
        document = json.loads(data)
        metadata = document["metadata"]
        version, digest, _ = metadata["format_version"], str(metadata["content_sha256"]), document["runs"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptSampleError(f"{place}: not the index of a data set ({misshapen(error)})") from error
    if version != INDEX_VERSION:
        raise CorruptSampleError(
            f"{place}: expected format version {INDEX_VERSION}, found {version!r}; "
            "read it with the Townlet that wrote it"
        )
    if digest != sha256_hex(data.replace(digest.encode(), _BLANK.encode(), 1)):
        raise CorruptSampleError(f"{place}: the index was changed after it was written")
    return document


def index_files(document: Mapping[str, Any]) -> list[FileRecord]:
    """The index files that `dataset.json` names, with their digests."""
    return [FileRecord(**entry) for entry in document["metadata"]["files"].values()]


def staged_index_file(file: FileRecord) -> str:
    """Where an index file lies until it has its name."""
    return f"{STAGED_INDEX}/{file.sha256}"


def read_index_file(store: Store, document: Mapping[str, Any], kind: str) -> bytes:
    """An index file (`samples`, `metrics`, `failures`, `card`) as `document` names it.

    Raises IndexMoved where dataset.json has been replaced since, CorruptSampleError where the file is not
    what it was.
    """
    file = FileRecord(**document["metadata"]["files"][kind])
    for name in (file.name, staged_index_file(file), file.name):  # it may move while we look
        try:
            data = store.read(name)
        except FileNotFoundError:
            continue
        if sha256_hex(data) == file.sha256:
            return data
    try:
        now = read_index(store)["metadata"]["content_sha256"]
    except FileNotFoundError:
        raise IndexMoved(f"{store}: {INDEX} is gone") from None
    if now != document["metadata"]["content_sha256"]:
        raise IndexMoved(f"{store}: {INDEX} has been replaced")
    raise CorruptSampleError(f"{store}: {file.name}: missing, or not the file that {INDEX} names")


def read_whole(store: Store, kinds: Iterable[str] = ()) -> tuple[dict[str, Any], dict[str, bytes]]:
    """dataset.json and some index files, all of one moment, however often the index is being replaced.

    Raises CorruptSampleError, or FileNotFoundError where there is no index.
    """
    kinds = tuple(kinds)
    deadline = time.monotonic() + READ_TIMEOUT_S
    while True:
        document = read_index(store)
        try:
            return document, {kind: read_index_file(store, document, kind) for kind in kinds}
        except IndexMoved:
            if time.monotonic() > deadline:
                raise


def finish_moves(store: Store) -> list[str]:
    """Give the staged index files their names, for a writer that was killed; returns these names."""
    try:
        document = read_index(store)
    except FileNotFoundError:
        return []
    moved = []
    for file in index_files(document):
        if not holds(store, file.name, file) and holds(store, staged_index_file(file), file):
            store.move(staged_index_file(file), file.name)
            moved.append(file.name)
    return moved


def delete_staged_index(store: Store) -> None:
    """Remove whatever was staged for the index, once it is written: for whoever holds the lock."""
    if any(True for _ in store.list(STAGED_INDEX)):
        finish_moves(store)
    store.delete(STAGED_INDEX)  # its folder too, where that is all that is left


def failures_bytes(failures: Iterable[Failure]) -> bytes:
    """`failures.json`."""
    return document_bytes({"failures": [failure._asdict() for failure in sorted(failures)]})


def parse_failures(data: bytes) -> list[Failure]:
    """What `failures.json` says. Raises ValueError, KeyError or TypeError for anything else."""
    return [Failure(**entry) for entry in json.loads(data)["failures"]]


class _Before:
    """The index that is there, or none."""

    def __init__(self, store: Store) -> None:
        self.digest: str | None = None  # SHA-256 of dataset.json
        self.entries: dict[RunKey, dict[str, Any]] = {}
        self.rows: Rows | None = None
        self.failures: list[Failure] = []
        self.suites: list[str] = []
        self._partial: list[str] = []
        try:
            document, files = read_whole(store, ("samples", "failures"))
        except FileNotFoundError:
            return
        self.digest = sha256_hex(document_bytes(document))
        self.entries = {(entry["scenario"], entry["seed"]): entry for entry in document["runs"]}
        self.suites = document["metadata"]["suites"]
        self._partial = document["metadata"]["partial"]
        self.rows = Rows(files["samples"], f"{store}: {SAMPLES}")
        self.failures = parse_failures(files["failures"])

    def partial_after(self, suites: Collection[str], whole: bool) -> list[str]:
        """Which suites are there in part only, once these have been captured."""
        now = set(suites) or {NO_SUITE}
        return sorted(set(self._partial) - now if whole else {*self._partial, *now})

    def take_over(self, other: Store, keys: Collection[RunKey]) -> None:
        """Know what another store's index says of some runs."""
        there = _Before(other)
        self.entries = {key: entry for key, entry in there.entries.items() if key in keys}
        self.rows = there.rows


def _open_failures(
    earlier: Iterable[Failure], now: Iterable[Failure], captured: Mapping[RunKey, Any]
) -> list[Failure]:
    """What failed and has not been captured since, each run with its latest reason."""
    latest = {(failure.scenario, failure.seed): failure for failure in (*earlier, *sorted(now))}
    return [latest[key] for key in sorted(latest) if key not in captured]


def _check_there(store: Store, entries: Iterable[Mapping[str, Any]]) -> None:
    """Raise CorruptSampleError where a capture's manifest is gone: an index must not outlive what it names."""
    places = [(inside(entry["folder"], entry["manifest"]), entry["manifest_size"]) for entry in entries]
    if not places:
        return
    with ThreadPoolExecutor(16) as threads:
        sizes = threads.map(store.size, [place for place, _ in places])
    for (place, expected), found in zip(places, sizes, strict=True):
        if found != expected:
            raise CorruptSampleError(f"{store}: {place}: named by {INDEX}, but not whole")


def _entry(run: RunRecord) -> dict[str, Any]:
    return {
        "scenario": run.run,
        "seed": run.seed,
        "folder": run.folder,
        "config_id": run.capture.get("config_id"),
        "ticks": run.capture.get("ticks"),
        "fingerprint": run.fingerprint,
        "manifest": run.manifest.name,
        "manifest_sha256": run.manifest.sha256,
        "manifest_size": run.manifest.size,
        "content_digest": run.content_digest,
        "sample_count": run.sample_count,
        "frame_count": run.frame_count,
        "size": run.size,
    }


IndexContents = Mapping[str, tuple[str, bytes]]  # of the index files: kind -> name and content


def _index_document(
    facts: Mapping[str, Any], entries: list[dict[str, Any]], contents: IndexContents
) -> dict[str, Any]:
    """What dataset.json says of these runs and index files. Its own digest is taken with zeros in its place."""
    sums = {key: sum(entry[key] for entry in entries) for key in ("sample_count", "frame_count", "size")}
    metadata: dict[str, Any] = {
        **facts,
        **sums,
        "format_version": INDEX_VERSION,
        "run_count": len(entries),
        "files": {
            kind: {"name": name, "sha256": sha256_hex(data), "size": len(data)}
            for kind, (name, data) in contents.items()
        },
        "content_sha256": _BLANK,
    }
    document = {"metadata": metadata, "runs": entries}
    metadata["content_sha256"] = sha256_hex(document_bytes(document))
    return document


def _commit(
    store: Store,
    before: str | None,
    document: Mapping[str, Any],
    contents: IndexContents,
    work: Mapping[str, Any],
) -> bool:
    """Write the index unless it is there already. False: somebody else was faster."""
    data = document_bytes(document)
    files = index_files(document)
    if before == sha256_hex(data) and all(holds(store, file.name, file) for file in files):
        _unstage(store, files)
        return True
    data_of_files = [content for _, content in contents.values()]
    for file, content in zip(files, data_of_files, strict=True):
        store.write_whole(staged_index_file(file), [content])
    store.make_durable([STAGED_INDEX])
    if not store.compare_and_swap(INDEX, before, [data]):
        return False
    for file, content in zip(files, data_of_files, strict=True):
        try:
            store.move(staged_index_file(file), file.name)
        except FileNotFoundError:  # another writer has deleted it
            store.write_whole(file.name, [content])
    store.write_whole(LOG_NAME, [log_bytes(work)])
    store.make_durable([""])
    _unstage(store, files)
    return True


def _unstage(store: Store, files: Iterable[FileRecord]) -> None:
    """Remove staged index files that have their names. Others are another writer's, who may be about to commit."""
    for file in files:
        store.delete(staged_index_file(file))
