"""Reading a capture: the manifest once, and then only the files that it names, each checked before use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from townlet import arguments
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.documents import MOST_BYTES, convert_document, parse_object
from townlet.dataset.format.manifest import (
    MANIFEST_SUFFIX,
    described_file,
    named_files,
    parse_manifest,
    parse_metrics,
    records_from,
)
from townlet.dataset.format.models import Sidecar, StoredConfig
from townlet.dataset.format.npz_reader import read_npz
from townlet.dataset.format.paths import INDEX, RUNS, inside
from townlet.dataset.format.records import FileRecord, SampleRecord
from townlet.dataset.format.sample_facts import files_of
from townlet.dataset.format.sidecar import parse_sidecar, sample_sizes, with_mismatches
from townlet.dataset.status.unfinished import unfinished_capture
from townlet.dataset.store.contract import OversizedError, Store, check_size
from townlet.dataset.store.entries import plain_files
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.open_store import expect_folder, open_store
from townlet.dataset.versions.versions import NONE_IS_CURRENT, POINTER, is_versioned
from townlet.errors import CorruptSampleError, NoSuchItem, UserError
from townlet.escaping import shown
from townlet.notebook import Shown, listed, of
from townlet.samples import FINAL_ARRAYS, GROUP_ARRAYS, ReplaySample, bootstrap_known, joined_optional


def load_capture(path: str | os.PathLike[str]) -> Capture:
    """Open a capture: its folder or URL, or its manifest where a folder holds several.

    Reads the manifest only; samples are read when they are asked for. Raises UserError where there is no
    capture, CorruptSampleError where its manifest is damaged or of another format version.
    """
    place = arguments.path("load_capture: path", path)
    if place.endswith(MANIFEST_SUFFIX):
        folder, _, name = place.rpartition("/")
        return read_capture(open_store(folder or "."), "", name)
    store = open_store(place)
    return read_capture(store, "", find_manifest_name(store))


def read_capture(store: Store, folder: str, manifest: str, sha256: str | None = None) -> Capture:
    """The capture in a folder of a store, by the name of its manifest (of this SHA-256, where it is known).

    Raises UserError where it is not there, CorruptSampleError where it is not what was written.
    """
    name = inside(folder, manifest)
    where = f"{store}/{name}"
    try:
        data = store.read(name, MOST_BYTES)
    except FileNotFoundError as error:
        raise UserError(f"{where}: expected the manifest of a capture, found nothing there") from error
    if sha256 is not None and sha256_hex(data) != sha256:
        raise CorruptSampleError(f"{where}: not the manifest that {INDEX} names")
    document = parse_manifest(data, where)
    return Capture(store, folder, FileRecord(manifest, sha256_hex(data), len(data)), document)


class Capture(Shown):
    """A finished capture. `capture[i]` is its i-th sample, read anew each time, and `capture["alice"]` all of an agent
    (`joined`); `samples` says who is who.
    """

    def __init__(self, store: Store, folder: str, manifest: FileRecord, document: Mapping[str, Any]) -> None:
        self.store = store
        self.folder = folder  # in the store; "" = the store itself
        self.manifest_record = manifest
        self.document = document
        self._manifest = manifest.name

    @property
    def place(self) -> str:
        """Where it lies, as messages name it: a folder or a URL."""
        return f"{self.store}/{self.folder}" if self.folder else str(self.store)

    @property
    def path(self) -> Path:
        """Its folder. Raises UserError for a capture that lies in no folder of this machine."""
        if not isinstance(self.store, LocalStore):
            raise UserError(f"{self.place}: not in a folder of this machine, so it has no path")
        return self.store.root / self.folder

    @property
    def manifest(self) -> Path:
        """Its manifest's path; raises as `path` does."""
        return self.path / self._manifest

    @property
    def metadata(self) -> dict[str, Any]:
        """What was captured, and how: config_id, seed, ticks, policy, fingerprint, totals."""
        return self.document["metadata"]

    @cached_property
    def metrics(self) -> dict[str, dict[str, float | int]]:
        """The figures of each sample, by the name of its NPZ. Raises NoSuchName, with the nearest, for others."""
        file = described_file(self.document, "metrics")
        found = parse_metrics(self._read(file), self.document, self._where(file))
        return arguments.Named(
            "sample", {name: arguments.Named("metric", row) for name, row in found.items()}
        )

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved config, affordances included."""
        file = described_file(self.document, "config")
        where, what = self._where(file), "the config of a capture"
        stored = parse_object(self._read(file), where, what)
        convert_document(StoredConfig, stored, where, what)
        return stored

    @cached_property
    def samples(self) -> tuple[SampleRecord, ...]:
        """What the manifest says of each sample, in the order of `capture[i]`."""
        name = str(self.metadata.get("scenario_name") or "")
        return tuple(records_from(self.document, self.metrics, name))

    @property
    def agents(self) -> tuple[str, ...]:
        """Whose samples there are, by arrival."""
        return tuple(dict.fromkeys(entry["agent_id"] for entry in self.document["samples"]))

    @property
    def files(self) -> tuple[FileRecord, ...]:
        """Every file that the manifest names."""
        return tuple(named_files(self.document))

    def joined(self, agent_id: str) -> ReplaySample:
        """All segments of one agent as one sample. Raises NoSuchName, saying who is there, for others."""
        indices = [
            index for index, entry in enumerate(self.document["samples"]) if entry["agent_id"] == agent_id
        ]
        if not indices:
            raise arguments.no_such("agent", agent_id, self.agents)
        return join_segments([self[index] for index in indices])

    def __len__(self) -> int:
        return len(self.document["samples"])

    def __iter__(self) -> Iterator[ReplaySample]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int | str) -> ReplaySample: ...
    @overload
    def __getitem__(self, index: slice) -> list[ReplaySample]: ...
    def __getitem__(self, index: int | str | slice) -> ReplaySample | list[ReplaySample]:
        if isinstance(index, str):
            return self.joined(index)
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = arguments.whole("index", index)
        if not -len(self) <= number < len(self):
            raise NoSuchItem(f"expected an index in 0..{len(self) - 1}, got {number}")
        return read_sample(
            self.store, self.folder, entry_of(self.document["samples"][number], self._manifest)
        )

    def __repr__(self) -> str:
        facts = self.metadata
        name = facts.get("scenario_name") or facts.get("config_id")
        return (
            f"<Capture {name} seed {facts.get('seed')}, {facts.get('ticks')} ticks: {len(self)} samples of "
            f"{', '.join(self.agents)}; {facts.get('frame_count')} frames; {self.place}>"
        )

    def _facts(self) -> dict[str, Any]:
        facts = self.metadata
        return {
            "scenario": f"{facts.get('scenario_name') or facts.get('config_id')} seed {facts.get('seed')}",
            "ticks": facts.get("ticks"),
            "policy": facts.get("policy"),
            "samples": f"{len(self):,} of {listed(self.agents)}",
            "frames": of(facts.get("frame_count") or 0, "frame"),
            "place": self.place,
        }

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.agents)

    def _where(self, file: FileRecord) -> str:
        return f"{self.store}/{inside(self.folder, file.name)}"

    def _read(self, file: FileRecord) -> bytes:
        return read_file(self.store, self.folder, file, self._manifest, most=MOST_BYTES)


class SampleEntry(NamedTuple):
    """What has to be known of a sample in order to read it."""

    npz: FileRecord
    meta: FileRecord
    agent_id: str
    frame_count: int
    named_by: str  # the file that says so


def entry_of(entry: Mapping[str, Any], named_by: str) -> SampleEntry:
    """Of a manifest's entry, or of a row of a table of samples."""
    return SampleEntry(*files_of(entry), entry["agent_id"], entry["frame_count"], named_by)


def read_sample(store: Store, folder: str, entry: SampleEntry) -> ReplaySample:
    """A sample, once its two files are what they were. Raises CorruptSampleError, naming the file."""
    where = f"{store}/{inside(folder, entry.npz.name)}"
    data = read_file(store, folder, entry.npz, entry.named_by)
    sidecar, metadata = read_sidecar(store, folder, entry)
    try:
        arrays = read_npz(data, sample_sizes(sidecar, entry.frame_count))
        sample = ReplaySample.from_arrays(arrays, with_mismatches(metadata, sidecar))
    except ValueError as error:
        raise CorruptSampleError(f"{where}: {shown(error)}") from error
    for key, stated, found in (
        ("agent_id", entry.agent_id, sample.agent_id),
        ("frame_count", entry.frame_count, sample.timesteps),
    ):
        if found != stated:
            who = "the manifest" if entry.named_by.endswith(MANIFEST_SUFFIX) else entry.named_by
            raise CorruptSampleError(f"{where}: {who} says {key} {stated!r}, the sample {found!r}")
    return sample


def read_metadata(store: Store, folder: str, entry: SampleEntry) -> dict[str, Any]:
    """What a sample's sidecar says, checked as the sample is."""
    return read_sidecar(store, folder, entry)[1]


def read_sidecar(store: Store, folder: str, entry: SampleEntry) -> tuple[Sidecar, dict[str, Any]]:
    """A sample's sidecar, as a value and as it stands there. Raises CorruptSampleError."""
    data = read_file(store, folder, entry.meta, entry.named_by, most=MOST_BYTES)
    return parse_sidecar(data, f"{store}/{inside(folder, entry.meta.name)}")


def read_file(
    store: Store, folder: str, file: FileRecord, named_by: str, *, most: int | None = None
) -> bytes:
    """A file's bytes, once their SHA-256 is the one stated. Raises CorruptSampleError, also for more than `most`."""
    name = inside(folder, file.name)
    where = f"{store}/{name}"
    check_size(where, file.size, most)
    try:
        data = store.read(name, file.size)
    except FileNotFoundError as error:
        raise CorruptSampleError(f"{where}: named by {named_by}, but not there") from error
    except OversizedError as error:
        found = f"(expected {file.size} bytes, found {error.found})"
        raise CorruptSampleError(f"{where}: not the file that {named_by} names {found}") from error
    if sha256_hex(data) != file.sha256:
        length = "" if len(data) == file.size else f" (expected {file.size} bytes, found {len(data)})"
        raise CorruptSampleError(f"{where}: not the file that {named_by} names{length}")
    return data


def join_segments(segments: list[ReplaySample]) -> ReplaySample:
    """The segments of one life, in order, as one sample. Raises ValueError where one is missing."""
    if len(segments) == 1:
        return segments[0]
    for before, after in pairwise(segments):
        if bootstrap_known(before) and before.value_preds[-1] != after.value_preds[0]:
            raise ValueError(f"value_preds: two values of what was seen at tick {after.tick[0]}")
    arrays = {
        name: np.concatenate([getattr(segment, name) for segment in segments])
        for name in GROUP_ARRAYS
        if name != "value_preds"
    }
    values = [segment.value_preds[:-1] for segment in segments] + [segments[-1].value_preds[-1:]]
    arrays["value_preds"] = np.concatenate(values)
    arrays |= {name: getattr(segments[-1], name) for name in FINAL_ARRAYS}
    arrays |= joined_optional([segment.arrays() for segment in segments])
    return ReplaySample.from_arrays(arrays, _joined_metadata(segments), deep=False)


def _joined_metadata(segments: list[ReplaySample]) -> dict[str, Any]:
    """The last segment's, less what is about its own files and arrays."""
    own = ("metrics", "sha256", "timesteps", "frame_count", "value_pred_steps", "first_tick")
    metadata = {key: value for key, value in segments[-1].metadata.items() if key not in own}
    mismatches = sum(segment.metadata.get("label_mismatch_count", 0) for segment in segments)
    return {**metadata, "label_mismatch_count": mismatches, "segment": {"index": 0, "last": True}}


def find_manifest_name(store: Store) -> str:
    """The name of the one manifest in a store's root. Raises UserError where there is none, or several."""
    expect_folder(store)
    names = [file.name for file in plain_files(store.list(deep=False), store)]
    found = [name for name in names if name.endswith(MANIFEST_SUFFIX)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{store}: holds several captures; name one of their manifests: {', '.join(found)}")
    if INDEX in names:
        raise UserError(f"{store}: a data set; its captures are the folders {RUNS}/<name>/seed-<seed>")
    if POINTER not in names and is_versioned(store):
        raise UserError(f"{store}: {NONE_IS_CURRENT}")
    if unfinished := unfinished_capture(store):
        raise UserError(f"{store}: {unfinished}")
    raise UserError(
        f"{store}: not a data set or a capture: expected {INDEX}, {POINTER} or a file <prefix>{MANIFEST_SUFFIX} in it"
    )
