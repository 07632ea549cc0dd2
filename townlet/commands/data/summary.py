"""Summaries of a capture and of a sample: facts as plain data, and warnings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.commands.data.refusals import LASTING, refused_actions
from townlet.dataset.format.documents import MOST_BYTES, convert_document
from townlet.dataset.format.models import Rewards, StoredConfig
from townlet.errors import CorruptSampleError, UserError

if TYPE_CHECKING:
    from townlet.dataset.reading.capture import Capture
    from townlet.samples import ReplaySample

MOST_WITHOUT_JSON = 1 << 29  # bytes of a sample's arrays of which no JSON says how large they are
MOSTLY = 0.5  # the share of ticks from which something is the rule rather than an exception


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
        "refused": [asdict(refused) for refused in refused_actions(sample)],
        "gamma": metadata.get("gamma"),
        "metrics": metadata.get("metrics", {}),
    }


def describe(action: Mapping[str, Any]) -> str:
    """An action in words: `start eat_meal`, `move north`."""
    return " ".join(str(action[key]) for key in ("kind", "affordance", "direction") if key in action)


def warnings_of(samples: Sequence[Mapping[str, Any]], rewards: Rewards | None) -> list[str]:
    """What is worth knowing before training on these samples. `rewards`: the config's section."""
    found = [text for sample in samples for text in _sample_warnings(sample, rewards)]
    return found + _penalty_advice(samples, rewards)


def _sample_warnings(sample: Mapping[str, Any], rewards: Rewards | None) -> Iterable[str]:
    who, metrics = sample["agent_id"], sample["metrics"]
    clipped = metrics.get("reward_clip_ratio", 0.0)
    if clipped >= MOSTLY:
        limit = f" (rewards.clip.clip_per_tick is {rewards.clip.clip_per_tick})" if rewards else ""
        yield f"{who}: the clip cuts {clipped:.0%} of the rewards{limit}; such a reward teaches little"
    if not sample["rewards_differ"] and sample["frame_count"] > 1:
        yield f"{who}: the reward is the same in every tick; there is nothing to learn from it"
    blocked = metrics.get("action_blocked_ratio", 0.0)
    if blocked >= MOSTLY:
        yield f"{who}: {blocked:.0%} of the actions were refused"
    for refused in sample.get("refused", ()):
        if refused["lasting"] >= LASTING:
            what = describe(refused["action"])
            yield f"{who}: `{what}` was refused on each of the last {refused['lasting']} ticks; {refused['reason']}"
    wrong = metrics.get("label_mismatch_count", 0)
    if wrong:
        yield f"{who}: {wrong} attempts that the schedule labels `blocked` succeeded"


def _penalty_advice(samples: Sequence[Mapping[str, Any]], rewards: Rewards | None) -> list[str]:
    """Where living costs, all in all, more than dying does, an early death is the best policy."""
    if rewards is None or rewards.needs_form != "penalty" or not samples or _is_default(rewards):
        return []
    gamma = samples[0]["gamma"]
    frames = sum(sample["frame_count"] for sample in samples)
    by_term = [sample["reward_by_term"] for sample in samples]
    a_tick = sum(sum(terms.values()) - terms.get("terminal", 0.0) for terms in by_term) / frames
    to_come = a_tick / max(1e-9, 1.0 - gamma) if gamma is not None else a_tick * frames / len(samples)
    if to_come >= rewards.faint_penalty:
        return []
    return [
        f"rewards.needs_form is `penalty`, and a tick of life is worth {a_tick:.3f} on average: what is "
        f"still to come ({to_come:.2f}) is worse than fainting at once "
        f"({rewards.faint_penalty:g}): an early death may be the best policy; `centred` rewards living"
    ]


def _is_default(rewards: Rewards) -> bool:
    """Whether a config says nothing of what dying costs: nobody is warned of what they did not choose."""
    from townlet.config.schema import Config

    default = Config(config_id="-").rewards
    said = (rewards.needs_form, rewards.faint_penalty, rewards.clip.clip_per_tick)
    return said == (default.needs_form, default.faint_penalty, default.clip.clip_per_tick)


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
