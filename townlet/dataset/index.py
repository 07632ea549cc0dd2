"""The index of a data set: which captures it holds, their figures, and what failed.

`dataset.json` is the commit point: it names every capture's manifest, and the other files of the index, with
their SHA-256. Capturing again adds runs or fills holes; what is there stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import CorruptSampleError, TownletError
from ..run import FORMAT_VERSION
from .aggregate import Aggregates
from .canonical import document_bytes, line_bytes, sha256_hex
from .capture_log import log_bytes
from .manifest import LOG_NAME, parse_manifest
from .places import INDEX, holds, inside
from .records import FileRecord, RunRecord, SampleRecord
from .store import Store

METRICS = "metrics.json"
FAILURES = "failures.json"


class Failure(NamedTuple):
    """A run that is not in the data set, and why."""

    run: str
    seed: int
    reason: str


def write_index(
    store: Store,
    runs: Iterable[RunRecord],
    aggregates: Aggregates,
    failures: Iterable[Failure] = (),
) -> dict[str, Any]:
    """Write metrics.json, failures.json and, last, dataset.json. Returns what dataset.json says.

    `aggregates` is over the samples of `runs`; runs that only the index of the store knows are added to both.
    The data set is `complete` when every run that ever failed in it has been captured since. Raises
    TownletError where somebody else writes the index over and over again, CorruptSampleError where a capture
    that the index names is damaged.
    """
    given = {(run.run, run.seed): run for run in runs}
    for _ in range(10):
        before, entries, earlier = _known(store)
        kept = {key: entry for key, entry in entries.items() if key not in given}
        total = Aggregates().merge(aggregates)
        for (name, _), entry in sorted(kept.items()):
            _add_stored_metrics(store, total, name, entry)
        merged = {**kept, **{key: _entry(run) for key, run in given.items()}}
        open_failures = _open_failures(earlier, failures, merged)
        failed = [failure._asdict() for failure in open_failures]
        texts = {
            "metrics": (METRICS, document_bytes(total.to_json_dict())),
            "failures": (FAILURES, document_bytes({"failures": failed})),
        }
        document = _index_document([merged[key] for key in sorted(merged)], texts, len(failed))
        if _commit_index(store, before, document, texts):
            return document
    raise TownletError(f"{store}: another writer keeps changing {INDEX}; run the same command again")


def read_index(store: Store) -> dict[str, Any]:
    """`dataset.json`, byte for byte what was written. Raises CorruptSampleError or FileNotFoundError."""
    data = store.read(INDEX)
    where = f"{store}: {INDEX}"
    try:
        document = json.loads(data)
        metadata, runs = document["metadata"], document["runs"]
        version, digest = metadata["format_version"], metadata["content_sha256"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptSampleError(f"{where}: not the index of a data set ({error!r})") from error
    if version != FORMAT_VERSION:
        raise CorruptSampleError(
            f"{where}: expected format version {FORMAT_VERSION}, found {version!r}; "
            "read it with the Townlet that wrote it"
        )
    facts = {key: value for key, value in metadata.items() if key != "content_sha256"}
    if digest != _own_digest(facts, runs) or document_bytes(document) != data:
        raise CorruptSampleError(f"{where}: the index was changed after it was written")
    return document


def index_files(document: Mapping[str, Any]) -> list[FileRecord]:
    """The files of the index itself that `dataset.json` names, with their digests."""
    return [FileRecord(**entry) for entry in document["metadata"]["files"].values()]


def aggregate_records(records: Iterable[SampleRecord]) -> Aggregates:
    """The figures of samples, by scenario and overall."""
    aggregates = Aggregates()
    for record in records:
        aggregates.add(record.run, record.metrics)
    return aggregates


def _known(store: Store) -> tuple[str | None, dict[tuple[str, int], dict[str, Any]], list[Failure]]:
    """SHA-256 of the index that is there (None: none), its runs, and the failures noted beside it."""
    try:
        data = store.read(INDEX)
    except FileNotFoundError:
        return None, {}, []
    entries = {(entry["run"], entry["seed"]): entry for entry in read_index(store)["runs"]}
    try:
        earlier = [Failure(**failure) for failure in json.loads(store.read(FAILURES))["failures"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        earlier = []
    return sha256_hex(data), entries, earlier


def _open_failures(
    earlier: Iterable[Failure], now: Iterable[Failure], captured: Mapping[tuple[str, int], Any]
) -> list[Failure]:
    """What failed and has not been captured since, each run with its latest reason."""
    latest = {(failure.run, failure.seed): failure for failure in (*earlier, *sorted(now))}
    return [latest[key] for key in sorted(latest) if key not in captured]


def _add_stored_metrics(store: Store, aggregates: Aggregates, name: str, entry: Mapping[str, Any]) -> None:
    place = inside(entry["folder"], entry["manifest"])
    try:
        manifest = parse_manifest(store.read(place), place)
        stored = store.read(inside(entry["folder"], manifest["metadata"]["files"]["metrics"]["name"]))
    except FileNotFoundError as error:
        raise CorruptSampleError(f"{store}: {place}: named by {INDEX}, but not whole") from error
    for metrics in json.loads(stored)["samples"].values():
        aggregates.add(name, metrics)


def _entry(run: RunRecord) -> dict[str, Any]:
    return {
        "run": run.run,
        "seed": run.seed,
        "folder": run.folder,
        "fingerprint": run.fingerprint,
        "manifest": run.manifest.name,
        "manifest_sha256": run.manifest.sha256,
        "manifest_size": run.manifest.size,
        "content_digest": run.content_digest,
        "sample_count": run.sample_count,
        "frame_count": run.frame_count,
        "size": run.size,
    }


def _index_document(
    entries: list[dict[str, Any]], texts: Mapping[str, tuple[str, bytes]], failures: int
) -> dict[str, Any]:
    """What dataset.json says of these runs and these other files of the index."""
    sums = {key: sum(entry[key] for entry in entries) for key in ("sample_count", "frame_count", "size")}
    metadata: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "complete": failures == 0,
        "run_count": len(entries),
        "failure_count": failures,
        **sums,
        "files": {
            kind: {"name": name, "sha256": sha256_hex(data), "size": len(data)}
            for kind, (name, data) in texts.items()
        },
    }
    metadata["content_sha256"] = _own_digest(metadata, entries)
    return {"metadata": metadata, "runs": entries}


def _commit_index(
    store: Store, before: str | None, document: Mapping[str, Any], texts: Mapping[str, tuple[str, bytes]]
) -> bool:
    """Write the index, dataset.json last, unless it is there already. False: somebody else was faster."""
    data = document_bytes(document)
    if before == sha256_hex(data) and all(holds(store, file.name, file) for file in index_files(document)):
        return True
    for name, text in texts.values():
        store.write_whole(name, [text])
    store.write_whole(LOG_NAME, [log_bytes()])
    if not store.compare_and_swap(INDEX, before, [data]):
        return False
    store.make_durable([""])
    return True


def _own_digest(metadata: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    return sha256_hex(line_bytes({"metadata": metadata, "runs": runs}))
