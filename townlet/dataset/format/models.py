"""What each kind of document of a capture has to hold: the keys that anybody here relies on, with their types.

Other keys may stand beside them. `townlet/dataset/format/documents.py` reads a file as one of these.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from townlet.dataset.format.documents import (
    Count,
    Digest,
    Document,
    FileName,
    FolderName,
    SafeName,
    Seed,
    Sha256,
    Tick,
)
from townlet.dataset.format.records import SampleRecord

Number = float | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]  # finite: JSON has no other
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Arrival = Positive
Segment = Tick
Metrics = dict[str, Number]


class FileFacts(Document, frozen=True):
    """A file that another one names."""

    name: FileName
    sha256: Digest
    size: Count


# The manifest


class StretchFacts(Document, frozen=True):
    """The ticks up to one of them, and how they were played."""

    until: Positive
    seed: Seed
    policy: str | None = None
    ignore_schedules: bool = False


class BranchFacts(Document, frozen=True):
    """Which run a run leaves, and where."""

    content_digest: Sha256
    seed: Seed
    tick: Positive
    before: Annotated[tuple[StretchFacts, ...], msgspec.Meta(min_length=1, max_length=1000)]
    scenario_name: SafeName | None = None
    changes: tuple[str, ...] = ()


class CaptureFacts(Document, frozen=True):
    """`metadata` of a manifest. What may be absent is absent from captures that others wrote."""

    files: dict[str, FileFacts]  # `config`, `metrics`, and `model_<sha256>` of a capture that stands alone
    format_version: int
    seed: Seed
    ticks: Positive
    fingerprint: Digest
    sample_count: Count
    frame_count: Count
    size: Count
    content_digest: Digest
    content_sha256: Digest
    scenario_name: SafeName | None = None
    config_id: str | None = None
    config_path: str | None = None
    scenario_description: str | None = None
    rules_version: int | None = None
    policy: str | None = None
    model_digest: str | None = None
    agent: str | None = None
    auto_seeded: bool = False
    ignore_schedules: bool = False
    segment_ticks: Tick = 0
    compression: str = "fast"
    prefix: SafeName = "rollout_sample"
    models: tuple[Sha256, ...] = ()  # that the run and its config name
    networks: tuple[str, ...] = ()  # that may act in it, as they are named
    branch: BranchFacts | None = None  # of a run that leaves another one


class SampleFacts(Document, frozen=True):
    """An entry of a manifest. Its names are checked for all entries at once, in `loose_manifest`: that is faster."""

    sample: str
    sha256: Digest
    size: Count
    meta: str
    meta_sha256: Digest
    meta_size: Count
    agent_id: str
    agent_index: Arrival
    segment: Segment
    frame_count: Positive
    first_tick: Tick
    done: bool
    truncated: bool
    content_digest: Digest
    layout_digest: Digest
    block_digests: str | None = None


class Manifest(Document, frozen=True):
    metadata: CaptureFacts
    samples: list[SampleFacts]


# What a manifest names


class MetricsFile(Document, frozen=True):
    samples: dict[FileName, Metrics]


class SegmentFacts(Document, frozen=True):
    index: Segment = 0
    last: bool = True


class PolicyFacts(Document, frozen=True):
    kind: str


class CaptureMetadata(Document, frozen=True):
    scenario_name: SafeName | None = None
    scenario_description: str | None = None
    config_id: str | None = None
    config_path: str | None = None
    seed: Seed | None = None
    ticks: Tick | None = None
    fingerprint: str | None = None
    rules_version: int | None = None


class Sidecar(Document, frozen=True):
    """The JSON beside a sample."""

    agent_id: SafeName
    feature_names: list[str]
    map_channels: list[str]
    reward_term_names: list[str]
    action_lookup: dict[str, Count]
    map_shape: Annotated[
        list[Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]], msgspec.Meta(min_length=3, max_length=3)
    ]
    policy: PolicyFacts
    frame_count: Positive
    metrics: Metrics = msgspec.field(default_factory=dict)
    capture_metadata: CaptureMetadata = CaptureMetadata()
    segment: SegmentFacts = SegmentFacts()
    agent_index: Arrival | None = None
    agent_names: tuple[str, ...] = ()
    object_names: tuple[str, ...] = ()
    truncated: bool = False
    born_tick: Tick | None = None
    first_tick: Tick | None = None
    gamma: Number | None = None


class Clip(Document, frozen=True):
    clip_per_tick: Number | None = None


class Rewards(Document, frozen=True):
    needs_form: str = ""
    faint_penalty: Number = 0.0
    clip: Clip = Clip()


class ConfigFacts(Document, frozen=True):
    rewards: Rewards | None = None


class StoredConfig(Document, frozen=True):
    """`<prefix>_config.json`, as far as it is read without the config's own models."""

    config: ConfigFacts
    affordances: dict[str, Any]
    name: str = ""
    config_path: str = ""


class GoldenFigure(Document, frozen=True):
    count: Number
    mean: Number
    std: Number


class GoldenMetrics(Document, frozen=True):
    """A golden metrics file."""

    format_version: int
    suites: list[str]
    overall: dict[str, GoldenFigure]
    scenarios: dict[str, dict[str, GoldenFigure]]


# What is staged


class Receipt(Document, frozen=True):
    """Says that a run is simulated."""

    fingerprint: Digest
    places: list[FolderName]
    samples: list[SampleRecord]
    sha256: Digest


class Begun(Document, frozen=True):
    """Says whose files these are, in a store where they have their final names from the start."""

    folder: FolderName
    prefix: SafeName


class Writer(Document, frozen=True):
    """Who writes: what a lock file says."""

    pid: int
    host: str
    since: str


class LeaseFacts(Document, frozen=True):
    """What a lease says of its holder."""

    pid: int | None = None
    host: str | None = None
    since: str | None = None
    token: str = ""
    released: bool = False


# A versioned data set


class PointerFacts(Document, frozen=True):
    """`current.json`."""

    version: Positive
    dataset_sha256: Sha256
    newest: Positive | None = (
        None  # the newest that was published, where `townlet rollback` went back from it
    )


class VersionLog(Document, frozen=True):
    """The part of `capture_log.json` that says when versions stopped being current."""

    current: Positive
    retired: dict[str, str]
