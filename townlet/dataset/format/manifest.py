"""The files that describe a capture: names, sidecars, manifest, metrics. Building, reading, checking them.

The manifest names every file of the capture with its SHA-256, and holds the SHA-256 of its own content.
What it does not name is not part of the capture.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from townlet.dataset.format.canonical import document_bytes, line_bytes, sha256_hex
from townlet.dataset.format.documents import (
    MOST_BYTES,
    MOST_DEPTH,
    check_depth,
    convert_document,
    decode_object,
    parse_document,
)
from townlet.dataset.format.models import Manifest, MetricsFile, SampleFacts
from townlet.dataset.format.records import FileRecord, SampleRecord
from townlet.dataset.format.sample_facts import entry_of, files_of, record_of
from townlet.errors import CorruptSampleError, OutputError
from townlet.escaping import shown
from townlet.run import FORMAT_VERSION, Run, RunRef, SampleKey
from townlet.samples import ReplaySample

LOG_NAME = "capture_log.json"  # time stamps, versions, hosts; exempt from every digest
MANIFEST_SUFFIX = "_manifest.json"

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
# Many names at once, each with a slash behind it.
_SAFE_NAMES = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/)*+")
_FILE_NAMES = re.compile(r"(?:(?!\.{1,2}/)[^/\x00]{1,255}/)*+")

# Sidecar keys that the manifest and the metrics hold or that are made anew.
_NOT_IN_SIDECAR = ("label_mismatch_count", "metrics", "sha256")


def safe_name(name: str, what: str) -> str:
    """A name that becomes part of a path. Raises OutputError unless it is harmless everywhere."""
    if not _SAFE_NAME.fullmatch(name):
        raise OutputError(
            f"{what} {shown(repr(name))}: expected 1 to 64 of A-Z a-z 0-9 _ . -, not starting with a dot or a dash"
        )
    return name


def run_name(metadata: Mapping[str, Any]) -> str:
    """What the run of a capture that stands alone is called, by its manifest: a name that may become part of a path."""
    name = metadata.get("scenario_name") or metadata.get("config_id") or ""
    return name if _SAFE_NAME.fullmatch(name) else "capture"


def sample_stem(run: RunRef, key: SampleKey) -> str:
    """`<prefix>_<agent>_<NNN>`, with `_s<NNNN>` where the rollout is cut into segments."""
    stem = f"{safe_name(run.prefix, 'prefix')}_{safe_name(key.agent_id, 'agent id')}_{key.arrival:03d}"
    return f"{stem}_s{key.segment:04d}" if 0 < run.segment_ticks < run.ticks else stem


def manifest_name(prefix: str) -> str:
    return prefix + MANIFEST_SUFFIX


def sidecar_bytes(sample: ReplaySample, metrics: Mapping[str, Any], sha256: str) -> bytes:
    """The sample's JSON: its metadata, its figures, the SHA-256 of its NPZ."""
    facts = {key: value for key, value in sample.metadata.items() if key not in _NOT_IN_SIDECAR}
    return line_bytes({**facts, "metrics": metrics, "sha256": sha256})


def metrics_bytes(run: RunRef, records: Sequence[SampleRecord]) -> bytes:
    """`<prefix>_metrics.json`: the figures of each sample, by the name of its NPZ."""
    samples = {record.npz.name: record.metrics for record in records}
    return document_bytes({"metadata": _capture_facts(run, records), "samples": samples})


def manifest_bytes(
    run: Run,
    records: Sequence[SampleRecord],
    config: FileRecord,
    metrics: FileRecord,
    models: Sequence[FileRecord] = (),
) -> bytes:
    """`<prefix>_manifest.json` for samples in the order given. The same records give the same bytes.

    `models`: those that the run and its config name. Those of a capture that stands alone are files of it; a data set
    keeps them once for all of its runs, and the manifest says by their digests which they are.
    """
    beside = () if run.folder else models
    described = {"config": config, "metrics": metrics} | {f"model_{file.sha256}": file for file in beside}
    files = {
        kind: {"name": file.name, "sha256": file.sha256, "size": file.size}
        for kind, file in described.items()
    }
    totals = {
        "sample_count": len(records),
        "frame_count": sum(record.frame_count for record in records),
        "size": sum(record.npz.size + record.meta.size for record in records)
        + sum(file.size for file in described.values()),
        "content_digest": run_content_digest(records),
    }
    metadata = {**_capture_facts(run, records), "files": files, **totals}
    if models:
        metadata["models"] = sorted(file.sha256 for file in models)
        metadata["networks"] = list(run.networks)
    samples = [entry_of(record) for record in records]
    metadata["content_sha256"] = _own_digest(metadata, samples)
    data = document_bytes({"metadata": metadata, "samples": samples})
    if len(data) > MOST_BYTES:  # what nobody would read is not written
        raise OutputError(
            f"{run.label()}: {len(samples)} samples are too many for one run; give a larger --segment-ticks"
        )
    return data


def run_content_digest(records: Sequence[SampleRecord]) -> str:
    """SHA-256 (hex) over the samples' names and content digests, in the order given."""
    lines = [f"{record.npz.name} {record.content_digest}\n" for record in records]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def parse_manifest(data: bytes, where: str, *, vouched: bool = False) -> dict[str, Any]:
    """A manifest that is byte for byte what was written, and agrees with itself. Raises CorruptSampleError.

    `vouched`: its digest is known to be the one that an index names, so that its own need not be looked at.
    """
    document, manifest = _decoded(data, where)
    metadata, samples = document["metadata"], document["samples"]
    facts = {key: value for key, value in metadata.items() if key != "content_sha256"}
    if not vouched and (
        metadata["content_sha256"] != _own_digest(facts, samples) or document_bytes(document) != data
    ):
        raise CorruptSampleError(f"{shown(where)}: the manifest was changed after it was written")
    if fault := _fault(manifest):
        raise CorruptSampleError(f"{shown(where)}: not {_MANIFEST}: {fault}")
    return document


def vouched_manifest(data: bytes, where: str) -> Manifest:
    """A manifest whose digest an index names, as a value: what `parse_manifest` does, in a third of the time.

    Raises CorruptSampleError as that does.
    """
    try:
        manifest = parse_document(Manifest, data, where, _MANIFEST)
    except CorruptSampleError:
        manifest = None
    if manifest is None or _names_fault(manifest.samples) or _fault(manifest):
        parse_manifest(data, where, vouched=True)  # says what is wrong
        raise CorruptSampleError(f"{shown(where)}: not {_MANIFEST}")
    return manifest


def files_of_manifest(manifest: Manifest) -> list[FileRecord]:
    """Every file that a manifest names, with its digest: `named_files` of a value."""
    files = [FileRecord(file.name, file.sha256, file.size) for file in manifest.metadata.files.values()]
    for sample in manifest.samples:
        files.append(FileRecord(sample.sample, sample.sha256, sample.size))
        files.append(FileRecord(sample.meta, sample.meta_sha256, sample.meta_size))
    return files


def loose_manifest(data: bytes, where: str) -> dict[str, Any]:
    """What has all keys and types of a manifest (`Manifest`), whole or not. Raises CorruptSampleError."""
    return _decoded(data, where)[0]


def _decoded(data: bytes, where: str) -> tuple[dict[str, Any], Manifest]:
    """A manifest as it stands there, and as a value."""
    document = decode_object(data, where, _MANIFEST)
    metadata = document.get("metadata")
    version = metadata.get("format_version", FORMAT_VERSION) if isinstance(metadata, dict) else FORMAT_VERSION
    if version != FORMAT_VERSION:
        raise CorruptSampleError(
            f"{shown(where)}: expected format version {FORMAT_VERSION}, found {shown(repr(version))[:40]}; "
            "read it with the Townlet that wrote it"
        )
    manifest = convert_document(Manifest, document, where, _MANIFEST)
    others = data.count(b"{") + data.count(b"[") - len(manifest.samples)
    if others > MOST_DEPTH:  # else it cannot be deep: each sample is an object
        check_depth(document, where, _MANIFEST)
    fault = "" if len(document) == 2 else "other keys than metadata and samples"
    if fault := fault or _names_fault(manifest.samples):
        raise CorruptSampleError(f"{shown(where)}: not {_MANIFEST}: {fault}")
    return document, manifest


def _names_fault(samples: Sequence[SampleFacts]) -> str:
    """Which name of a sample cannot become part of a path; "" where all can."""
    files = [name for entry in samples for name in (entry.sample, entry.meta)]
    if "/" in "".join(files) or not _FILE_NAMES.fullmatch("".join(f"{name}/" for name in files)):
        number, name = next(
            (i // 2, name)
            for i, name in enumerate(files)
            if "/" in name or not _FILE_NAMES.fullmatch(name + "/")
        )
        key = "sample" if name == samples[number].sample else "meta"
        return f"samples[{number}].{key}: expected the name of a file in this folder, found {name[:60]!r}"
    if not _SAFE_NAMES.fullmatch("".join(f"{entry.agent_id}/" for entry in samples)):
        number = next(i for i, entry in enumerate(samples) if not _SAFE_NAME.fullmatch(entry.agent_id))
        found = f"found {samples[number].agent_id[:60]!r}"
        return f"samples[{number}].agent_id: expected 1 to 64 of A-Z a-z 0-9 _ . -, {found}"
    return ""


def claimed_facts(data: bytes) -> dict[str, Any]:
    """What a manifest says of its run, however damaged the rest of it is; nothing where that cannot be told.

    For finding out whose the manifest is. Nothing here has been checked.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    facts = document.get("metadata") if isinstance(document, dict) else None
    return facts if isinstance(facts, dict) else {}


def _fault(manifest: Manifest) -> str:
    """Where a manifest does not agree with itself; "" where it does."""
    facts, samples = manifest.metadata, manifest.samples
    if facts.sample_count != len(samples):
        return f"metadata.sample_count: expected {len(samples)}, as many as there are, found {facts.sample_count}"
    frames = sum(entry.frame_count for entry in samples)
    if facts.frame_count != frames:
        return f"metadata.frame_count: expected {frames}, that of all samples, found {facts.frame_count}"
    names = [name for entry in samples for name in (entry.sample, entry.meta)]
    names += [file.name for file in facts.files.values()]
    if missing := {"config", "metrics"} - set(facts.files):
        return f"metadata.files: lacks {min(missing)}"
    if len(set(names)) != len(names):
        return "it names a file twice"
    if len({(entry.agent_index, entry.segment) for entry in samples}) != len(samples):
        return "two samples are of one agent and segment"
    for number, entry in enumerate(samples):
        if entry.first_tick + entry.frame_count > facts.ticks:
            return f"samples[{number}]: ends after the run's {facts.ticks} ticks"
    return ""


def named_files(document: Mapping[str, Any]) -> list[FileRecord]:
    """Every file that a manifest names, with its digest."""
    files = [_file_record(entry) for entry in document["metadata"]["files"].values()]
    for entry in document["samples"]:
        files += files_of(entry)
    return files


def described_file(document: Mapping[str, Any], kind: str) -> FileRecord:
    """The file that holds a run's `config` or `metrics`."""
    return _file_record(document["metadata"]["files"][kind])


def _file_record(entry: Mapping[str, Any]) -> FileRecord:
    return FileRecord(entry["name"], entry["sha256"], entry["size"])


def parse_metrics(data: bytes, document: Mapping[str, Any], where: str) -> dict[str, dict[str, float | int]]:
    """The figures of a metrics file, by the name of each NPZ of the manifest `document`.

    Raises CorruptSampleError for what is no metrics file, and where a sample has no figures.
    """
    figures = parse_document(MetricsFile, data, where, "a capture's metrics file").samples
    for entry in document["samples"]:
        if entry["sample"] not in figures:
            raise CorruptSampleError(f"{shown(where)}: has no figures of {shown(entry['sample'])}")
    return figures


def records_from(
    document: Mapping[str, Any], figures: Mapping[str, Mapping[str, float | int]], name: str
) -> list[SampleRecord]:
    """The sample records of a published capture of the run `name`, from its manifest and its figures."""
    metadata = document["metadata"]
    capture = {key: metadata[key] for key in _CAPTURE_KEYS if key in metadata}
    of_run = {
        "run": name,
        "seed": metadata["seed"],
        "fingerprint": metadata["fingerprint"],
        "capture": capture,
    }
    return [
        record_of(entry, metrics=dict(figures[entry["sample"]]), **of_run) for entry in document["samples"]
    ]


_MANIFEST = "a capture's manifest"

_CAPTURE_KEYS = (
    "config_id",
    "config_path",
    "scenario_name",
    "scenario_description",
    "seed",
    "seed_text",
    "ticks",
    "fingerprint",
    "rules_version",
    "branch",
)


# What a manifest says of how its run was to be captured, under the names of `RunRef`.
RUN_OPTIONS = (
    "policy",
    "model_digest",
    "agent",
    "auto_seeded",
    "ignore_schedules",
    "segment_ticks",
    "compression",
    "prefix",
)


def run_options(run: RunRef) -> dict[str, Any]:
    """How a run was to be captured."""
    branch = {} if run.branch is None else {"branch": run.branch.facts()}
    return {name: getattr(run, name) for name in RUN_OPTIONS} | branch


def branch_words(branch: Any) -> str:
    """Which run a run leaves, and where, of what a manifest says of it: `of queue seed 0 at tick 60`, or `none`."""
    if not isinstance(branch, Mapping):
        return "none"
    scenario, seed, tick = (branch.get(name) for name in ("scenario_name", "seed", "tick"))
    return shown(f"of {scenario} seed {seed} at tick {tick}")[:120]


def _capture_facts(run: RunRef, records: Sequence[SampleRecord]) -> dict[str, Any]:
    """What was captured, and how: no path, host, version or time."""
    capture = dict(records[0].capture) if records else {}
    identity = {
        "seed": run.seed,
        "seed_text": str(run.seed),
        "ticks": run.ticks,
        "fingerprint": run.fingerprint,
    }
    return {**capture, **run_options(run), **identity, "format_version": FORMAT_VERSION}


def _own_digest(metadata: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> str:
    return sha256_hex(line_bytes({"metadata": metadata, "samples": samples}))
