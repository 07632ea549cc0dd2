"""What travels instead of arrays: a few hundred bytes about each sample and each run, picklable, JSON.

The types of the fields say what a receipt may hold: `townlet/dataset/format/models.py` reads records by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from townlet.dataset.format.documents import Count, Digest, FileName, FolderName, SafeName, Seed, Tick
from townlet.run import SampleKey


@dataclass(frozen=True)
class FileRecord:
    """One file of a capture."""

    name: FileName  # in the capture's folder
    sha256: Digest
    size: Count  # bytes
    staged: FolderName = ""  # where the writer put it, relative to the store; "" once it is in place


@dataclass(frozen=True)
class SampleRecord:
    """One written sample: its files, what identifies its content, its figures."""

    run: SafeName
    seed: Seed
    fingerprint: Digest
    arrival: Tick
    agent_id: SafeName
    segment: Tick
    npz: FileRecord
    meta: FileRecord  # the JSON sidecar
    frame_count: Tick
    first_tick: Tick
    content_digest: Digest  # equal for equal arrays, on every machine
    layout_digest: Digest
    done: bool
    truncated: bool
    metrics: dict[str, float | int]
    capture: dict[str, Any]  # the sample's `capture_metadata`
    block_digests: str | None = (
        None  # see townlet/dataset/format/blocks.py; None: written before there were any
    )

    @property
    def key(self) -> SampleKey:
        return SampleKey(self.run, self.seed, self.arrival, self.agent_id, self.segment)

    def to_json_dict(self) -> dict[str, Any]:
        return {**vars(self), "npz": vars(self.npz), "meta": vars(self.meta)}


@dataclass(frozen=True)
class RunRecord:
    """One published capture."""

    run: str
    seed: int
    folder: str  # relative to the store, "" = the store itself
    fingerprint: str
    manifest: FileRecord
    content_digest: str  # of all samples: SHA-256 over their names and content digests
    sample_count: int
    frame_count: int
    size: int  # bytes of all files that the manifest names, and of itself
    capture: dict[str, Any]
    was_there: bool = False  # it was found complete, nothing was written

    def to_json_dict(self) -> dict[str, Any]:
        return {**vars(self), "manifest": vars(self.manifest)}

    @staticmethod
    def from_json_dict(data: Mapping[str, Any]) -> RunRecord:
        return RunRecord(**{**data, "manifest": FileRecord(**data["manifest"])})
