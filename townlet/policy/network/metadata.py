"""What a model's file says of itself: for which observations and actions it is made, and how it was made.

The facts stand in the file's `metadata_props`, lists and objects as JSON:

| key | value |
|---|---|
| `townlet.layout_digest` | SHA-256 of the four that follow |
| `townlet.feature_names` | names of the features, in order |
| `townlet.map_channels` | names of the map's channels, in order |
| `townlet.map_shape` | `[C, W, W]` |
| `townlet.action_names` | the actions as canonical JSON, in the order of their ids |
| `townlet.format_version` | of the samples that it learned from |
| `townlet.trained` | how it was trained: whatever the trainer says |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from townlet.policy.base import PolicySetting
from townlet.run import FORMAT_VERSION, canonical_json

PREFIX = "townlet."
_LISTS = ("feature_names", "map_channels", "action_names")


@dataclass(frozen=True)
class NetworkLayout:
    """What stands where in a network's inputs and outputs."""

    feature_names: tuple[str, ...]  # [F]
    map_channels: tuple[str, ...]  # [C]
    map_shape: tuple[int, ...]  # (C, W, W)
    action_names: tuple[str, ...]  # [U]  canonical JSON, by id

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the layout."""
        return hashlib.sha256(canonical_json(asdict(self)).encode()).hexdigest()


def layout_of(setting: PolicySetting) -> NetworkLayout:
    """The layout of a config's observations and actions."""
    return NetworkLayout(
        tuple(setting.feature_names),
        tuple(setting.map_channels),
        tuple(int(size) for size in setting.map_shape),
        setting.action_space.json,
    )


def layout_of_sample(metadata: Mapping[str, Any]) -> NetworkLayout:
    """The layout of the observations in a sample, from its metadata. Raises KeyError for metadata of something else."""
    return NetworkLayout(
        tuple(metadata["feature_names"]),
        tuple(metadata["map_channels"]),
        tuple(int(size) for size in metadata["map_shape"]),
        tuple(metadata["action_names"]),
    )


def written_facts(layout: NetworkLayout, trained: Mapping[str, Any]) -> dict[str, str]:
    """The facts of a file, as it has them."""
    facts: dict[str, Any] = {**asdict(layout), "format_version": FORMAT_VERSION, "trained": dict(trained)}
    return {f"{PREFIX}layout_digest": layout.digest} | {
        f"{PREFIX}{key}": canonical_json(value) for key, value in facts.items()
    }


def read_facts(properties: Mapping[str, str]) -> dict[str, Any]:
    """The facts that are ours, without the prefix, JSON read. Empty where there are none. Raises ValueError."""
    facts: dict[str, Any] = {}
    for key, text in properties.items():
        name = key.removeprefix(PREFIX)
        if name == key:
            continue
        try:
            facts[name] = text if name == "layout_digest" else json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(f"metadata {key}: expected JSON") from None
    return facts


def read_layout(facts: Mapping[str, Any]) -> NetworkLayout | None:
    """The layout that a file says it is for; None where it says nothing of it. Raises ValueError for half of one."""
    wanted = (*_LISTS, "map_shape")
    if not any(key in facts for key in wanted):
        return None
    for key in wanted:
        of_type = int if key == "map_shape" else str
        found = facts.get(key)
        if not isinstance(found, list) or not all(type(each) is of_type for each in found):
            expected = "three sizes" if key == "map_shape" else "a list of names"
            raise ValueError(f"metadata {PREFIX}{key}: expected {expected}")
    if len(facts["map_shape"]) != 3 or len(facts["map_channels"]) != facts["map_shape"][0]:
        raise ValueError(f"metadata {PREFIX}map_shape: expected three sizes, the first that of map_channels")
    for key in _LISTS:
        if len(set(facts[key])) != len(facts[key]):
            raise ValueError(f"metadata {PREFIX}{key}: expected different names")
    layout = NetworkLayout(
        tuple(facts["feature_names"]),
        tuple(facts["map_channels"]),
        tuple(facts["map_shape"]),
        tuple(facts["action_names"]),
    )
    if facts.get("layout_digest", layout.digest) != layout.digest:
        raise ValueError(f"metadata {PREFIX}layout_digest: expected {layout.digest}, that of the names")
    return layout
