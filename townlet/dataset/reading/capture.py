"""Reading a capture: the manifest once, and then only the files that it names, each checked before use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.manifest import MANIFEST_SUFFIX, named_files, parse_manifest, records_from
from townlet.dataset.format.npz import read_npz
from townlet.dataset.format.paths import INDEX, RUNS, inside
from townlet.dataset.format.records import FileRecord, SampleRecord
from townlet.dataset.format.sample_facts import files_of
from townlet.dataset.status.unfinished import unfinished_capture
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.versions import NONE_IS_CURRENT, POINTER, is_versioned
from townlet.errors import CorruptSampleError, UserError
from townlet.samples import FINAL_ARRAYS, GROUP_ARRAYS, ReplaySample


def load_capture(path: str | os.PathLike[str]) -> Capture:
    """Open a capture: its folder or URL, or its manifest where a folder holds several.

    Reads the manifest only; samples are read when they are asked for. Raises UserError where there is no
    capture, CorruptSampleError where its manifest is damaged or of another format version.
    """
    place = os.fspath(path)
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
        data = store.read(name)
    except FileNotFoundError as error:
        raise UserError(f"{where}: expected the manifest of a capture, found nothing there") from error
    if sha256 is not None and sha256_hex(data) != sha256:
        raise CorruptSampleError(f"{where}: not the manifest that {INDEX} names")
    document = parse_manifest(data, where)
    try:
        named_files(document)
    except CorruptSampleError as error:
        raise CorruptSampleError(f"{where}: {error}") from error
    return Capture(store, folder, FileRecord(manifest, sha256_hex(data), len(data)), document)


class Capture:
    """A finished capture. `capture[i]` is its i-th sample, read anew each time; `samples` says who is who."""

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
        """The figures of each sample, by the name of its NPZ."""
        return self._json(self._described("metrics"))["samples"]

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved config, affordances included."""
        return self._json(self._described("config"))

    @cached_property
    def samples(self) -> tuple[SampleRecord, ...]:
        """What the manifest says of each sample, in the order of `capture[i]`."""
        name = str(self.metadata.get("scenario_name", ""))
        try:
            return tuple(records_from(self.document, {"samples": self.metrics}, name))
        except (KeyError, TypeError) as error:
            raise CorruptSampleError(
                f"{self.place}/{self._manifest}: a sample's entry lacks {error}"
            ) from error

    @property
    def agents(self) -> tuple[str, ...]:
        """Whose samples there are, by arrival."""
        return tuple(dict.fromkeys(entry["agent_id"] for entry in self.document["samples"]))

    @property
    def files(self) -> tuple[FileRecord, ...]:
        """Every file that the manifest names."""
        return tuple(named_files(self.document))

    def joined(self, agent_id: str) -> ReplaySample:
        """All segments of one agent as one sample. Raises KeyError, saying who is there, for others."""
        indices = [
            index for index, entry in enumerate(self.document["samples"]) if entry["agent_id"] == agent_id
        ]
        if not indices:
            raise KeyError(f"no agent {agent_id!r}; there are {', '.join(self.agents)}")
        return join_segments([self[index] for index in indices])

    def __len__(self) -> int:
        return len(self.document["samples"])

    def __iter__(self) -> Iterator[ReplaySample]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> ReplaySample: ...
    @overload
    def __getitem__(self, index: slice) -> list[ReplaySample]: ...
    def __getitem__(self, index: int | slice) -> ReplaySample | list[ReplaySample]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return read_sample(self.store, self.folder, entry_of(self.document["samples"][index], self._manifest))

    def __repr__(self) -> str:
        facts = self.metadata
        name = facts.get("scenario_name") or facts.get("config_id")
        return (
            f"<Capture {name} seed {facts.get('seed')}, {facts.get('ticks')} ticks: {len(self)} samples of "
            f"{', '.join(self.agents)}; {facts.get('frame_count')} frames; {self.place}>"
        )

    def _described(self, kind: str) -> FileRecord:
        return FileRecord(**self.metadata["files"][kind])

    def _json(self, file: FileRecord) -> dict[str, Any]:
        return read_json(self.store, self.folder, file, self._manifest)


class SampleEntry(NamedTuple):
    """What has to be known of a sample in order to read it."""

    npz: FileRecord
    meta: FileRecord
    agent_id: str
    frame_count: int
    named_by: str  # the file that says so


def entry_of(entry: Mapping[str, Any], named_by: str) -> SampleEntry:
    """Of a manifest's entry, or of a row of metrics.parquet."""
    return SampleEntry(*files_of(entry), entry["agent_id"], entry["frame_count"], named_by)


def read_sample(store: Store, folder: str, entry: SampleEntry) -> ReplaySample:
    """A sample, once its two files are what they were. Raises CorruptSampleError, naming the file."""
    where = f"{store}/{inside(folder, entry.npz.name)}"
    data = read_file(store, folder, entry.npz, entry.named_by)
    metadata = read_json(store, folder, entry.meta, entry.named_by)
    try:
        arrays = read_npz(data)
    except Exception as error:  # zipfile, zlib and NumPy raise nearly anything for another file
        raise CorruptSampleError(f"{where}: not an archive of plain arrays ({error})") from error
    figures = metadata.get("metrics", {})
    metadata["label_mismatch_count"] = figures.get("label_mismatch_count", 0)
    try:
        sample = ReplaySample.from_arrays(arrays, metadata)
    except ValueError as error:
        raise CorruptSampleError(f"{where}: {error}") from error
    for key, stated, found in (
        ("agent_id", entry.agent_id, sample.agent_id),
        ("frame_count", entry.frame_count, sample.timesteps),
    ):
        if found != stated:
            who = "the manifest" if entry.named_by.endswith(MANIFEST_SUFFIX) else entry.named_by
            raise CorruptSampleError(f"{where}: {who} says {key} {stated!r}, the sample {found!r}")
    return sample


def read_json(store: Store, folder: str, file: FileRecord, named_by: str) -> dict[str, Any]:
    """A JSON object in a file that is what it was. Raises CorruptSampleError."""
    where = f"{store}/{inside(folder, file.name)}"
    try:
        value = json.loads(read_file(store, folder, file, named_by))
    except (ValueError, RecursionError) as error:
        raise CorruptSampleError(f"{where}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise CorruptSampleError(f"{where}: expected a JSON object")
    return value


def read_file(store: Store, folder: str, file: FileRecord, named_by: str) -> bytes:
    """A file's bytes, once their SHA-256 is the one stated. Raises CorruptSampleError."""
    where = f"{store}/{inside(folder, file.name)}"
    try:
        data = store.read(inside(folder, file.name))
    except FileNotFoundError as error:
        raise CorruptSampleError(f"{where}: named by {named_by}, but not there") from error
    if sha256_hex(data) != file.sha256:
        length = "" if len(data) == file.size else f" (expected {file.size} bytes, found {len(data)})"
        raise CorruptSampleError(f"{where}: not the file that {named_by} names{length}")
    return data


def join_segments(segments: list[ReplaySample]) -> ReplaySample:
    """The segments of one life, in order, as one sample. Raises ValueError where one is missing."""
    if len(segments) == 1:
        return segments[0]
    for before, after in pairwise(segments):
        if before.value_preds[-1] != after.value_preds[0]:
            raise ValueError(f"value_preds: two values of what was seen at tick {after.tick[0]}")
    arrays = {
        name: np.concatenate([getattr(segment, name) for segment in segments])
        for name in GROUP_ARRAYS
        if name != "value_preds"
    }
    values = [segment.value_preds[:-1] for segment in segments] + [segments[-1].value_preds[-1:]]
    arrays["value_preds"] = np.concatenate(values)
    arrays |= {name: getattr(segments[-1], name) for name in FINAL_ARRAYS}
    return ReplaySample.from_arrays(arrays, _joined_metadata(segments), deep=False)


def _joined_metadata(segments: list[ReplaySample]) -> dict[str, Any]:
    """The last segment's, less what is about its own files and arrays."""
    own = ("metrics", "sha256", "timesteps", "frame_count", "value_pred_steps", "first_tick")
    metadata = {key: value for key, value in segments[-1].metadata.items() if key not in own}
    mismatches = sum(segment.metadata.get("label_mismatch_count", 0) for segment in segments)
    return {**metadata, "label_mismatch_count": mismatches, "segment": {"index": 0, "last": True}}


def find_manifest_name(store: Store) -> str:
    """The name of the one manifest in a store's root. Raises UserError where there is none, or several."""
    if isinstance(store, LocalStore) and not store.root.is_dir():
        what = "a file" if store.root.exists() else "nothing there"
        raise UserError(f"{store}: expected the folder of a data set or a capture, found {what}")
    names = [file.name for file in store.list(deep=False)]
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
