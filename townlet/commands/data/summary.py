"""Summaries of a capture and of a sample: facts as plain data, and warnings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.errors import CorruptSampleError, UserError

if TYPE_CHECKING:
    from townlet.dataset.reading.capture import Capture
    from townlet.samples import ReplaySample

MOSTLY = 0.5  # the share of ticks from which something is the rule rather than an exception


def summarize_capture(capture: Capture) -> dict[str, Any]:
    """Facts of a capture and of each of its samples. Reads every sample once, one at a time."""
    samples, ranges = [], _Ranges()
    layout: dict[str, Any] = {}
    for record, sample in zip(capture.samples, capture, strict=True):
        samples.append({"sample": record.npz.name, **facts_of(sample)})
        ranges.add(sample)
        layout = layout or _layout(sample)
    config = capture.config["config"]
    copied = (
        "scenario_name",
        "scenario_description",
        "config_id",
        "seed",
        "ticks",
        "policy",
        "agent",
        "segment_ticks",
    )
    return {
        "capture": capture.place,
        **{key: capture.metadata[key] for key in copied},
        **{
            key: capture.metadata[key]
            for key in ("sample_count", "frame_count", "size", "compression", "fingerprint")
        },
        **layout,
        "samples": samples,
        "ranges": ranges.to_json_dict(),
        "warnings": warnings_of(samples, config["rewards"]),
    }


def summarize_sample(path: Path) -> dict[str, Any]:
    """Facts of one sample, given by its NPZ or its JSON. An NPZ without its JSON is shown as plain arrays."""
    npz, sidecar = path.with_suffix(".npz"), path.with_suffix(".json")
    if path == sidecar and path.is_file() and not npz.is_file():
        raise UserError(f"{path}: expected the JSON of a sample, found no {npz.name} beside it")
    arrays = _arrays(npz)
    if not sidecar.is_file():
        shown = {name: _range(array) for name, array in arrays.items()}
        return {
            "sample": npz.name,
            "arrays": shown,
            "warnings": [f"{sidecar.name} is missing: names are not known"],
        }
    from townlet.samples import ReplaySample

    try:
        metadata = json.loads(sidecar.read_bytes())
        metadata["label_mismatch_count"] = metadata.get("metrics", {}).get("label_mismatch_count", 0)
        sample = ReplaySample.from_arrays(arrays, metadata)
    except (ValueError, TypeError, AttributeError) as error:
        raise CorruptSampleError(f"{sidecar}: {error}") from error
    facts = facts_of(sample)
    names = sample.metadata["feature_names"]
    return {
        "sample": npz.name,
        **sample.metadata["capture_metadata"],
        **_layout(sample),
        **facts,
        "arrays": {name: _range(array) for name, array in sample.arrays().items()},
        "features": {name: _range(sample.features[:, column]) for column, name in enumerate(names)},
        "warnings": warnings_of([facts], None),
    }


def facts_of(sample: ReplaySample) -> dict[str, Any]:
    """Agent, ticks, end, metrics, rewards by term, and how often each action was taken."""
    metadata = sample.metadata
    actions = {number: text for text, number in metadata["action_lookup"].items()}
    taken = np.bincount(sample.actions, minlength=len(actions))
    counts = {
        number: int(taken[number]) for number in np.argsort(-taken, kind="stable").tolist() if taken[number]
    }
    terms = dict(
        zip(metadata["reward_term_names"], sample.reward_terms.sum(axis=0, dtype=np.float64), strict=True)
    )
    return {
        "agent_id": sample.agent_id,
        "policy": metadata["policy"]["kind"],
        "first_tick": int(sample.tick[0]),
        "last_tick": int(sample.tick[-1]),
        "frame_count": sample.timesteps,
        "done": bool(sample.dones[-1]),
        "reward_by_term": {name: float(total) for name, total in terms.items()},
        "rewards_differ": bool((sample.rewards != sample.rewards[0]).any()),
        "actions": {describe(json.loads(actions[number])): times for number, times in counts.items()},
        "gamma": metadata.get("gamma"),
        "metrics": metadata.get("metrics", {}),
    }


def describe(action: Mapping[str, Any]) -> str:
    """An action in words: `start eat_meal`, `move north`."""
    return " ".join(str(action[key]) for key in ("kind", "affordance", "direction") if key in action)


def warnings_of(samples: Sequence[Mapping[str, Any]], rewards: Mapping[str, Any] | None) -> list[str]:
    """What is worth knowing before training on these samples. `rewards`: the config's section."""
    found = [text for sample in samples for text in _sample_warnings(sample, rewards)]
    return found + _penalty_advice(samples, rewards)


def _sample_warnings(sample: Mapping[str, Any], rewards: Mapping[str, Any] | None) -> Iterable[str]:
    who, metrics = sample["agent_id"], sample["metrics"]
    clipped = metrics.get("reward_clip_ratio", 0.0)
    if clipped >= MOSTLY:
        limit = f" (rewards.clip.clip_per_tick is {rewards['clip']['clip_per_tick']})" if rewards else ""
        yield f"{who}: the clip cuts {clipped:.0%} of the rewards{limit}; such a reward teaches little"
    if not sample["rewards_differ"] and sample["frame_count"] > 1:
        yield f"{who}: the reward is the same in every tick; there is nothing to learn from it"
    blocked = metrics.get("action_blocked_ratio", 0.0)
    if blocked >= MOSTLY:
        yield f"{who}: {blocked:.0%} of the actions were refused"
    wrong = metrics.get("label_mismatch_count", 0)
    if wrong:
        yield f"{who}: {wrong} attempts that the schedule labels `blocked` succeeded"


def _penalty_advice(samples: Sequence[Mapping[str, Any]], rewards: Mapping[str, Any] | None) -> list[str]:
    """Where living costs, all in all, more than dying does, an early death is the best policy."""
    if rewards is None or rewards["needs_form"] != "penalty" or not samples:
        return []
    gamma = samples[0]["gamma"]
    frames = sum(sample["frame_count"] for sample in samples)
    by_term = [sample["reward_by_term"] for sample in samples]
    a_tick = sum(sum(terms.values()) - terms.get("terminal", 0.0) for terms in by_term) / frames
    to_come = a_tick / max(1e-9, 1.0 - gamma) if gamma is not None else a_tick * frames / len(samples)
    if to_come >= rewards["faint_penalty"]:
        return []
    return [
        f"rewards.needs_form is `penalty`, and a tick of life is worth {a_tick:.3f} on average: what is "
        f"still to come ({to_come:.2f}) is worse than fainting at once "
        f"({rewards['faint_penalty']:g}): an early death may be the best policy; `centred` rewards living"
    ]


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


def _arrays(npz: Path) -> dict[str, np.ndarray]:
    from townlet.dataset.format.npz import read_npz

    if not npz.is_file():
        raise UserError(f"{npz}: expected a sample, found nothing there")
    try:
        return read_npz(npz)
    except Exception as error:  # zipfile, zlib and NumPy raise nearly anything for other files
        raise CorruptSampleError(f"{npz}: not an archive of plain arrays ({error})") from error
