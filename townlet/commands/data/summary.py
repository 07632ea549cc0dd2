"""Summaries of a capture and of a sample: facts as plain data, and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.dataset.format.documents import MOST_BYTES, convert_document
from townlet.dataset.format.models import StoredConfig
from townlet.errors import CorruptSampleError, UserError
from townlet.report.facts.sample_facts import facts_of
from townlet.report.facts.warnings import warnings_of

if TYPE_CHECKING:
    from townlet.dataset.reading.capture import Capture
    from townlet.samples import ReplaySample

MOST_WITHOUT_JSON = 1 << 29  # bytes of a sample's arrays of which no JSON says how large they are


def summarize_capture(capture: Capture) -> dict[str, Any]:
    """Facts of a capture and of each of its samples. Reads every sample once, one at a time."""
    samples, ranges = [], _Ranges()
    layout: dict[str, Any] = {}
    for record, sample in zip(capture.samples, capture, strict=True):
        samples.append({"sample": record.npz.name, **facts_of(sample)})
        ranges.add(sample)
        layout = layout or _layout(sample)
    config = convert_document(StoredConfig, capture.config, capture.place, "a capture's config").config
    copied = (
        "scenario_name",
        "scenario_description",
        "config_id",
        "seed",
        "ticks",
        "policy",
        "agent",
        "branch",
        "segment_ticks",
    )
    return {
        "capture": capture.place,
        **{key: capture.metadata.get(key) for key in copied},
        **{
            key: capture.metadata.get(key)
            for key in ("sample_count", "frame_count", "size", "compression", "fingerprint")
        },
        **layout,
        "networks": networks_of(capture),
        "samples": samples,
        "ranges": ranges.to_json_dict(),
        "warnings": warnings_of(samples, config.rewards),
    }


def networks_of(capture: Capture) -> list[dict[str, str]]:
    """The networks that may act in a capture: how they are named, what to call them, how they were trained."""
    from townlet.dataset.capture.find_models import find_models
    from townlet.policy.model_words import network_words, trained_words
    from townlet.policy_text import digest_of

    named = [str(name) for name in capture.metadata.get("networks", ())]
    models = find_models(capture.store, capture.folder, capture.metadata).found if named else {}
    return [
        {
            "policy": name,
            "network": network_words(name),
            "trained": trained_words(models.get(digest_of(name) or "", b"")),
        }
        for name in named
    ]


def summarize_sample(path: Path) -> dict[str, Any]:
    """Facts of one sample, given by its NPZ or its JSON. An NPZ without its JSON is shown as plain arrays."""
    npz, sidecar = path.with_suffix(".npz"), path.with_suffix(".json")
    if path == sidecar and path.is_file() and not npz.is_file():
        raise UserError(f"{path}: expected the JSON of a sample, found no {npz.name} beside it")
    if not sidecar.is_file():
        arrays = _arrays(npz, None)
        shown = {name: _range(array) for name, array in arrays.items()}
        return {
            "sample": npz.name,
            "arrays": shown,
            "warnings": [f"{sidecar.name} is missing: names are not known"],
        }
    from townlet.dataset.format.sidecar import parse_sidecar, sample_sizes, with_mismatches
    from townlet.samples import ReplaySample

    described, metadata = parse_sidecar(_read(sidecar, MOST_BYTES), str(sidecar))
    arrays = _arrays(npz, sample_sizes(described, described.frame_count))
    try:
        sample = ReplaySample.from_arrays(arrays, with_mismatches(metadata, described))
    except ValueError as error:
        raise CorruptSampleError(f"{sidecar}: {error}") from error
    facts = facts_of(sample)
    names = sample.metadata["feature_names"]
    return {
        "sample": npz.name,
        **dict.fromkeys(("scenario_name", "seed")),
        **sample.metadata.get("capture_metadata", {}),
        **_layout(sample),
        **facts,
        "arrays": {name: _range(array) for name, array in sample.arrays().items()},
        "features": {name: _range(sample.features[:, column]) for column, name in enumerate(names)},
        "warnings": warnings_of([facts], None),
    }


class _Ranges:
    """Smallest and largest number of each array, over samples."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Any]] = {}

    def add(self, sample: ReplaySample) -> None:
        for name, array in sample.arrays().items():
            new = _range(array)
            known = self._found.setdefault(name, new)
            known["min"], known["max"] = min(known["min"], new["min"]), max(known["max"], new["max"])
            if known["shape"] != new["shape"]:
                known["shape"] = ["T", *new["shape"][1:]]

    def to_json_dict(self) -> dict[str, dict[str, Any]]:
        return self._found


def _range(array: np.ndarray) -> dict[str, Any]:
    low, high = (array.min().item(), array.max().item()) if array.size else (None, None)
    return {"shape": list(array.shape), "dtype": str(array.dtype), "min": low, "max": high}


def _layout(sample: ReplaySample) -> dict[str, Any]:
    metadata = sample.metadata
    return {
        "map_shape": metadata["map_shape"],
        "map_channels": metadata["map_channels"],
        "feature_count": len(metadata["feature_names"]),
        "action_dim": metadata["action_dim"],
        "layout_digest": sample.layout_digest,
    }


def _arrays(npz: Path, sizes: Mapping[str, int] | None) -> dict[str, np.ndarray]:
    """The arrays of a sample. `sizes`: the bytes that each has to have; None = nothing tells."""
    from townlet.dataset.format.npz_reader import read_npz

    if not npz.is_file():
        raise UserError(f"{npz}: expected a sample, found nothing there")
    try:
        return read_npz(_read(npz), sizes, most=MOST_WITHOUT_JSON if sizes is None else None)
    except ValueError as error:
        raise CorruptSampleError(f"{npz}: {error}") from error


def _read(path: Path, limit: int | None = None) -> bytes:
    """A file that is named by itself, not by a manifest."""
    from townlet.dataset.store.local import LocalStore

    return LocalStore(path.parent).read(path.name, limit)
