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

from townlet.dataset.format.canonical import document_bytes, line_bytes, misshapen, sha256_hex
from townlet.dataset.format.records import FileRecord, SampleRecord
from townlet.dataset.format.sample_facts import entry_of, files_of, record_of
from townlet.errors import CorruptSampleError, OutputError
from townlet.run import FORMAT_VERSION, RunRef, SampleKey
from townlet.samples import ReplaySample

LOG_NAME = "capture_log.json"  # time stamps, versions, hosts; exempt from every digest
MANIFEST_SUFFIX = "_manifest.json"

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")

# Sidecar keys that the manifest and the metrics hold or that are made anew.
_NOT_IN_SIDECAR = ("label_mismatch_count", "metrics", "sha256")


def safe_name(name: str, what: str) -> str:
    """A name that becomes part of a path. Raises OutputError unless it is harmless everywhere."""
    if not _SAFE_NAME.fullmatch(name):
        raise OutputError(
            f"{what} {name!r}: expected 1 to 64 of A-Z a-z 0-9 _ . -, not starting with a dot or a dash"
        )
    return name


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
    run: RunRef, records: Sequence[SampleRecord], config: FileRecord, metrics: FileRecord
) -> bytes:
    """`<prefix>_manifest.json` for samples in the order given. The same records give the same bytes."""
    files = {
        "config": {"name": config.name, "sha256": config.sha256, "size": config.size},
        "metrics": {"name": metrics.name, "sha256": metrics.sha256, "size": metrics.size},
    }
    totals = {
        "sample_count": len(records),
        "frame_count": sum(record.frame_count for record in records),
        "size": sum(record.npz.size + record.meta.size for record in records) + config.size + metrics.size,
        "content_digest": run_content_digest(records),
    }
    metadata = {**_capture_facts(run, records), "files": files, **totals}
    samples = [entry_of(record) for record in records]
    metadata["content_sha256"] = _own_digest(metadata, samples)
    return document_bytes({"metadata": metadata, "samples": samples})


def run_content_digest(records: Sequence[SampleRecord]) -> str:
    """SHA-256 (hex) over the samples' names and content digests, in the order given."""
    lines = [f"{record.npz.name} {record.content_digest}\n" for record in records]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def parse_manifest(data: bytes, where: str) -> dict[str, Any]:
    """A manifest that is byte for byte what was written. Raises CorruptSampleError, naming the file."""
    document = loose_manifest(data, where)
    metadata, samples = document["metadata"], document["samples"]
    version = metadata.get("format_version")
    if version != FORMAT_VERSION:
        raise CorruptSampleError(
            f"{where}: expected format version {FORMAT_VERSION}, found {version!r}; "
            "read it with the Townlet that wrote it"
        )
    facts = {key: value for key, value in metadata.items() if key != "content_sha256"}
    if metadata.get("content_sha256") != _own_digest(facts, samples) or document_bytes(document) != data:
        raise CorruptSampleError(f"{where}: the manifest was changed after it was written")
    return document


def loose_manifest(data: bytes, where: str) -> dict[str, Any]:
    """Anything that has the shape of a manifest, whole or not. Raises CorruptSampleError."""
    try:
        document = json.loads(data)
        metadata, samples = document["metadata"], document["samples"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptSampleError(f"{where}: not a capture's manifest ({misshapen(error)})") from error
    if (
        set(document) != {"metadata", "samples"}
        or not isinstance(metadata, dict)
        or not isinstance(samples, list)
    ):
        raise CorruptSampleError(f"{where}: not a capture's manifest")
    return document


def named_files(document: Mapping[str, Any]) -> list[FileRecord]:
    """Every file that a manifest names, with its digest. Raises CorruptSampleError for what is no manifest."""
    try:
        described = document["metadata"]["files"].values()
        files = [FileRecord(entry["name"], entry["sha256"], entry["size"]) for entry in described]
        for entry in document["samples"]:
            files += files_of(entry)
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptSampleError(f"not a capture's manifest ({misshapen(error)})") from error
    for file in files:
        if not isinstance(file.name, str) or "/" in file.name or file.name in ("", ".", ".."):
            raise CorruptSampleError(f"a manifest names {file.name!r}, which is no file of its folder")
    return files


def records_from(document: Mapping[str, Any], metrics: Mapping[str, Any], name: str) -> list[SampleRecord]:
    """The sample records of a published capture of the run `name`, from its manifest and its metrics file."""
    metadata = document["metadata"]
    capture = {key: metadata[key] for key in _CAPTURE_KEYS if key in metadata}
    of_run = {
        "run": name,
        "seed": metadata["seed"],
        "fingerprint": metadata["fingerprint"],
        "capture": capture,
    }
    figures = metrics["samples"]
    return [
        record_of(entry, metrics=dict(figures[entry["sample"]]), **of_run) for entry in document["samples"]
    ]


_CAPTURE_KEYS = (
    "config_id",
    "config_path",
    "scenario_name",
    "scenario_description",
    "seed",
    "ticks",
    "fingerprint",
    "rules_version",
)


def run_options(run: RunRef) -> dict[str, Any]:
    """How a run was to be captured."""
    return {
        "policy": run.policy,
        "model_digest": run.model_digest,
        "agent": run.agent,
        "auto_seeded": run.auto_seeded,
        "ignore_schedules": run.ignore_schedules,
        "segment_ticks": run.segment_ticks,
        "compression": run.compression,
        "prefix": run.prefix,
    }


def _capture_facts(run: RunRef, records: Sequence[SampleRecord]) -> dict[str, Any]:
    """What was captured, and how: no path, host, version or time."""
    capture = dict(records[0].capture) if records else {}
    identity = {"seed": run.seed, "ticks": run.ticks, "fingerprint": run.fingerprint}
    return {**capture, **run_options(run), **identity, "format_version": FORMAT_VERSION}


def _own_digest(metadata: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> str:
    return sha256_hex(line_bytes({"metadata": metadata, "samples": samples}))
