"""What is said of a network to people: its digest in short, how it acts, and how its file says that it was trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from townlet.errors import UserError
from townlet.escaping import shown
from townlet.policy.network.onnx_fields import ENTRY, Field, decode
from townlet.policy_text import SHORT_DIGEST, parse_network

LONGEST_TRAINED = 240  # letters
MOST_SAID = 64  # facts, and levels of them that are looked into
TRAINED = "townlet.trained"
_PROPERTIES = {14: Field("metadata_props", ENTRY, many=True)}  # of a model; its weights are passed over


def network_words(policy: str) -> str:
    """`network 0123456789ab, greedy` for a network by its digest. A name that is none is said as it stands."""
    try:
        network = parse_network(policy)
    except UserError:
        return shown(policy)
    words = [f"network {shown(network.model[:SHORT_DIGEST])}"]
    words += ["greedy"] if network.mode == "greedy" else []
    words += [f"temperature {network.temperature:g}"] if network.temperature != 1.0 else []
    words += [f"remap {network.remap}"] if network.remap else []
    return ", ".join(words)


def trained_words(data: bytes) -> str:
    """`algorithm ppo, iterations 40`: how a model's file says that it was trained; "" where it says nothing."""
    try:
        properties = decode(data, _PROPERTIES)["metadata_props"]
        told = next((entry["value"] for entry in properties if entry["key"] == TRAINED), "{}")
        facts = json.loads(told)
    except (ValueError, RecursionError):
        return ""
    parts = []
    for key, value in _flat(facts, "", 0):
        parts.append(f"{key} {value if isinstance(value, str) else json.dumps(value)}".strip())
        if len(parts) == MOST_SAID:
            break
    text = shown(", ".join(parts))
    return text if len(text) <= LONGEST_TRAINED else f"{text[: LONGEST_TRAINED - 3]}..."


def _flat(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    """The facts in a value, each with its path, in the order of their names."""
    if isinstance(value, dict) and depth < MOST_SAID:
        for key in sorted(value):
            yield from _flat(value[key], f"{path}.{key}" if path else key, depth + 1)
    elif value not in (None, "", [], {}):
        yield path, value
