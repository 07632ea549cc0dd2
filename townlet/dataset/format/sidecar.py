"""The JSON beside a sample: what it says, and how large the sample's arrays have to be by it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from townlet.dataset.format.documents import Document, convert_document, parse_document, parse_object
from townlet.dataset.format.models import Sidecar
from townlet.errors import CorruptSampleError
from townlet.escaping import shown
from townlet.samples import ALL_ARRAYS

_SIDECAR = "the JSON of a sample"


class Action(Document, frozen=True):
    """A key of `action_lookup`, which is JSON itself."""

    kind: str
    affordance: str = ""
    direction: str = ""


def parse_sidecar(data: bytes, where: str) -> tuple[Sidecar, dict[str, Any]]:
    """A sidecar as a value, and as it stands in the file. Raises CorruptSampleError, naming file and key."""
    metadata = parse_object(data, where, _SIDECAR)
    sidecar = convert_document(Sidecar, metadata, where, _SIDECAR)
    if fault := _actions_fault(tuple(sidecar.action_lookup)):
        raise CorruptSampleError(f"{shown(where)}: not {_SIDECAR}: {fault}")
    return sidecar, metadata


def with_mismatches(metadata: dict[str, Any], sidecar: Sidecar) -> dict[str, Any]:
    """The metadata of a sample: a sidecar's, with the wrong labels that its metrics count."""
    return {**metadata, "label_mismatch_count": sidecar.metrics.get("label_mismatch_count", 0)}


def sample_sizes(sidecar: Sidecar, timesteps: int) -> Mapping[str, int]:
    """Bytes of each array that a sample of so many timesteps can have, in the layout that its sidecar describes."""
    sizes = {
        "T": timesteps,
        "T+1": timesteps + 1,
        "C": len(sidecar.map_channels),
        "H": sidecar.map_shape[1],
        "W": sidecar.map_shape[2],
        "F": len(sidecar.feature_names),
        "A": len(sidecar.action_lookup),
        "K": len(sidecar.reward_term_names),
    }
    return {
        name: spec.dtype.itemsize * math.prod(sizes.get(str(axis), axis) for axis in spec.axes)  # type: ignore[misc]
        for name, spec in ALL_ARRAYS.items()
    }


@lru_cache(maxsize=256)
def _actions_fault(actions: tuple[str, ...]) -> str:
    """Which key of an action lookup is no action; "" where all are."""
    for text in actions:
        try:
            parse_document(Action, text.encode(), "", "")
        except CorruptSampleError:
            return f"action_lookup: expected actions as JSON, found {shown(text)[:60]}"
    return ""
