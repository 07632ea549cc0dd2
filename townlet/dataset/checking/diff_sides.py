"""What is compared: a capture or a data set, as much of it as its index tells."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import INDEX
from townlet.dataset.index.index_file import IndexMoved, parse_failures, read_whole
from townlet.dataset.index.metrics_summary import Figures, summarise_samples
from townlet.dataset.reading.capture import Capture, find_manifest_name, read_capture
from townlet.dataset.store.contract import Store
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.versions import POINTER, resolve
from townlet.errors import CorruptSampleError, UserError

RunKey = tuple[str, int]  # scenario and seed

OVERALL = ""  # where others have a scenario's name


class IndexedRun(NamedTuple):
    """A run of one side."""

    folder: str
    manifest: str  # its name
    digest: str  # of the manifest
    content_digest: str
    sample_count: int


@dataclass(frozen=True)
class Side:
    """One of the two that are compared."""

    place: str
    store: Store
    runs: Mapping[RunKey, IndexedRun]
    facts: Mapping[str, Any]  # of a data set: suites, complete, failures
    metrics: Mapping[str, Figures]  # scenario -> its figures; OVERALL -> those of all samples
    is_data_set: bool

    def capture(self, run: IndexedRun) -> Capture:
        """Raises CorruptSampleError where it is not there, or not what the index names."""
        sha256 = run.digest if self.is_data_set else None
        try:
            return read_capture(self.store, run.folder, run.manifest, sha256)
        except UserError as error:
            raise CorruptSampleError(str(error)) from error


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
    (key,), (run,) = a.runs, b.runs.values()
    return a, Side(b.place, b.store, {key: run}, b.facts, b.metrics, b.is_data_set)


def _data_set(place: str, store: Store) -> Side:
    try:
        document, files = read_whole(store, ("metrics", "failures"))
    except (FileNotFoundError, IndexMoved) as error:
        raise CorruptSampleError(f"{place}: its {INDEX} was removed or replaced meanwhile") from error
    figures = json.loads(files["metrics"])
    failures = [f"{failed.scenario} seed {failed.seed}" for failed in parse_failures(files["failures"])]
    runs = {
        (entry["scenario"], entry["seed"]): IndexedRun(
            entry["folder"],
            entry["manifest"],
            entry["manifest_sha256"],
            entry["content_digest"],
            entry["sample_count"],
        )
        for entry in document["runs"]
    }
    metadata = document["metadata"]
    facts = {"suites": metadata["suites"], "complete": metadata["complete"], "failures": failures}
    return Side(place, store, runs, facts, {OVERALL: figures["overall"], **figures["scenarios"]}, True)


def _single(place: str, store: Store, manifest: str) -> Side:
    capture = read_capture(store, "", manifest)
    facts = capture.metadata
    run = IndexedRun("", manifest, facts["content_sha256"], facts["content_digest"], len(capture))
    key = str(facts.get("scenario_name") or facts.get("config_id")), int(facts["seed"])
    return Side(place, store, {key: run}, {}, {OVERALL: summarise_samples(capture.metrics.values())}, False)
