"""What is compared: a capture or a data set, as much of it as its index tells."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import INDEX
from townlet.dataset.index.index_document import RunEntry, RunKey, ShardEntry, ShardKey, parse_failures
from townlet.dataset.index.index_places import IndexMoved
from townlet.dataset.index.metrics_summary import Figures, parse_figures, summarise_samples
from townlet.dataset.index.read_index import read_whole
from townlet.dataset.reading.capture import Capture, find_manifest_name, read_capture
from townlet.dataset.reading.shard_parts import ShardReader, part_of_run, run_of_capture
from townlet.dataset.store.contract import Store
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.versions import POINTER, resolve
from townlet.errors import CorruptSampleError, UserError

OVERALL = ""  # where others have a scenario's name


@dataclass(frozen=True)
class Side:
    """One of the two that are compared."""

    place: str
    store: Store
    shards: Mapping[ShardKey, ShardEntry]  # of a capture: the one that it would be
    reader: ShardReader
    facts: Mapping[str, Any]  # of a data set: suites, complete, failures
    metrics: Mapping[str, Figures]  # scenario -> its figures; OVERALL -> those of all samples
    is_data_set: bool

    def runs(self, key: ShardKey) -> dict[RunKey, RunEntry]:
        """Of a shard; none where there is no such shard."""
        shard = self.shards.get(key)
        return {} if shard is None else {run.key: run for run in self.reader.runs(shard)}

    def capture(self, run: RunEntry) -> Capture:
        """Raises CorruptSampleError where it is not there, or not what the index names."""
        sha256 = run.manifest_sha256 if self.is_data_set else None
        try:
            return read_capture(self.store, run.folder, run.manifest, sha256)
        except UserError as error:
            raise CorruptSampleError(str(error)) from error


def differing(a: Side, b: Side) -> tuple[dict[RunKey, tuple[RunEntry | None, RunEntry | None]], int]:
    """The runs that only one index has, or of which the two say different things; and how many are the same.

    Shards that are the same on both sides are not read.
    """
    found: dict[RunKey, tuple[RunEntry | None, RunEntry | None]] = {}
    same = 0
    for key in sorted({*a.shards, *b.shards}):
        ours, others = a.shards.get(key), b.shards.get(key)
        if ours is not None and others is not None and a.reader.digest(ours) == b.reader.digest(others):
            same += ours.run_count
            continue
        mine, theirs = a.runs(key), b.runs(key)
        for run in sorted({*mine, *theirs}):
            pair = mine.get(run), theirs.get(run)
            if pair[0] is not None and pair[1] is not None and _digests(pair[0]) == _digests(pair[1]):
                same += 1
            else:
                found[run] = pair
    return found, same


def _digests(run: RunEntry) -> tuple[str, str]:
    return run.content_digest, run.manifest_sha256


def open_side(place: str | os.PathLike[str]) -> Side:
    """A capture, data set, version or versioned data set, by its folder or URL, or by the file it begins with.

    Raises UserError where there is none, CorruptSampleError where it is damaged.
    """
    name = shown = os.fspath(place)
    folder, _, file = name.rpartition("/")
    manifest = file if file.endswith(MANIFEST_SUFFIX) else ""
    if manifest or file in (INDEX, POINTER):
        name = folder or "."
    store = open_store(name)
    if not manifest and (store.size(INDEX) is not None or store.size(POINTER) is not None):
        return _data_set(shown, resolve(store))
    return _single(shown, store, manifest or find_manifest_name(store))


def paired(a: Side, b: Side) -> tuple[Side, Side]:
    """Two sides that can be compared. Two captures are taken for the same run, whatever they are called."""
    if a.is_data_set != b.is_data_set:
        raise UserError(
            f"expected two captures or two data sets, got one of each ({a.place}, {b.place}); name the folder "
            "of a run in the data set: runs/<name>/seed-<seed>"
        )
    if a.is_data_set:
        return a, b
    ((key, mine),), (other,) = a.shards.items(), b.shards.values()
    run = next(iter(b.reader.runs(other)))
    (ours,) = a.reader.runs(mine)
    renamed = part_of_run(msgspec.structs.replace(run, scenario=ours.scenario, seed=ours.seed))
    return a, replace(b, shards={key: renamed.entry}, reader=renamed.reader)


def _data_set(place: str, store: Store) -> Side:
    try:
        index, files = read_whole(store, ("metrics", "failures"))
    except (FileNotFoundError, IndexMoved) as error:
        raise CorruptSampleError(f"{place}: its {INDEX} was removed or replaced meanwhile") from error
    figures = parse_figures(files["metrics"], place)
    failures = [
        f"{failed.scenario} seed {failed.seed}" for failed in parse_failures(files["failures"], place)
    ]
    facts = {"suites": list(index.facts.suites), "complete": index.facts.complete, "failures": failures}
    metrics = {OVERALL: figures["overall"], **figures["scenarios"]}
    return Side(place, store, index.by_key, index, facts, metrics, True)


def _single(place: str, store: Store, manifest: str) -> Side:
    capture = read_capture(store, "", manifest)
    part = part_of_run(run_of_capture(capture))
    metrics = {OVERALL: summarise_samples(capture.metrics.values())}
    return Side(place, store, {part.entry.key: part.entry}, part.reader, {}, metrics, False)
