"""Reading a capture: the manifest once, and then only the files that it names, each checked before use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np

from ..errors import CorruptSampleError, UserError
from ..policy.replay import FINAL_ARRAYS, GROUP_ARRAYS, ReplaySample
from .canonical import sha256_hex
from .manifest import MANIFEST_SUFFIX, named_files, parse_manifest, records_from
from .npz import read_npz
from .places import INDEX, RUNS
from .records import FileRecord, SampleRecord


def load_capture(path: str | os.PathLike[str]) -> Capture:
    """Open a capture: its folder, or its manifest where a folder holds several.

    Reads the manifest only; samples are read when they are asked for. Raises UserError where there is no
    capture, CorruptSampleError where its manifest is damaged or of another format version.
    """
    place = _manifest_at(Path(path))
    try:
        data = place.read_bytes()
    except OSError as error:
        raise UserError(f"{place}: cannot read: {error.strerror}") from error
    document = parse_manifest(data, str(place))
    try:
        named_files(document)
    except CorruptSampleError as error:
        raise CorruptSampleError(f"{place}: {error}") from error
    return Capture(place, document)


class Capture:
    """A finished capture. `capture[i]` is its i-th sample, read anew each time; `samples` says who is who."""

    def __init__(self, manifest: Path, document: Mapping[str, Any]) -> None:
        self.path = manifest.parent
        self.manifest = manifest
        self.document = document

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
            raise CorruptSampleError(f"{self.manifest}: a sample's entry lacks {error}") from error

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
        return self._read_sample(self.document["samples"][index])

    def __repr__(self) -> str:
        facts = self.metadata
        name = facts.get("scenario_name") or facts.get("config_id")
        return (
            f"<Capture {name} seed {facts.get('seed')}, {facts.get('ticks')} ticks: {len(self)} samples of "
            f"{', '.join(self.agents)}; {facts.get('frame_count')} frames; {self.path}>"
        )

    def _described(self, kind: str) -> FileRecord:
        return FileRecord(**self.metadata["files"][kind])

    def _read_sample(self, entry: Mapping[str, Any]) -> ReplaySample:
        npz = self.path / entry["sample"]
        data = self._read(FileRecord(entry["sample"], entry["sha256"], entry["size"]))
        metadata = self._json(FileRecord(entry["meta"], entry["meta_sha256"], entry["meta_size"]))
        try:
            arrays = read_npz(data)
        except Exception as error:  # zipfile, zlib and NumPy raise nearly anything for a foreign file
            raise CorruptSampleError(f"{npz}: not an archive of plain arrays ({error})") from error
        figures = metadata.get("metrics", {})
        metadata["label_mismatch_count"] = figures.get("label_mismatch_count", 0)
        try:
            sample = ReplaySample.from_arrays(arrays, metadata)
        except ValueError as error:
            raise CorruptSampleError(f"{npz}: {error}") from error
        for key, found in (("agent_id", sample.agent_id), ("frame_count", sample.timesteps)):
            if found != entry[key]:
                raise CorruptSampleError(
                    f"{npz}: the manifest says {key} {entry[key]!r}, the sample {found!r}"
                )
        return sample

    def _json(self, file: FileRecord) -> dict[str, Any]:
        try:
            value = json.loads(self._read(file))
        except (ValueError, RecursionError) as error:
            raise CorruptSampleError(f"{self.path / file.name}: not JSON ({error})") from error
        if not isinstance(value, dict):
            raise CorruptSampleError(f"{self.path / file.name}: expected a JSON object")
        return value

    def _read(self, file: FileRecord) -> bytes:
        """A file's bytes, once their SHA-256 is the manifest's."""
        place = self.path / file.name
        try:
            data = place.read_bytes()
        except OSError as error:
            raise CorruptSampleError(f"{place}: named by {self.manifest.name}: {error.strerror}") from error
        if sha256_hex(data) != file.sha256:
            length = "" if len(data) == file.size else f" (expected {file.size} bytes, found {len(data)})"
            raise CorruptSampleError(f"{place}: not the file that {self.manifest.name} names{length}")
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


def _manifest_at(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise UserError(f"{path}: expected the folder of a capture, found nothing there")
    found = sorted(entry for entry in path.iterdir() if entry.name.endswith(MANIFEST_SUFFIX))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(entry.name for entry in found)
        raise UserError(f"{path}: holds several captures; name one of their manifests: {names}")
    if (path / INDEX).is_file():
        raise UserError(f"{path}: a data set; its captures are the folders {RUNS}/<name>/seed-<seed>")
    raise UserError(
        f"{path}: not a capture: expected a file <prefix>{MANIFEST_SUFFIX} in it (was it finished?)"
    )
