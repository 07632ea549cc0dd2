"""Figures of one sample, the same to the bit on every machine.

Sums are float64 in an order that is written down here (`fixed_sum`): the order inside `np.sum` is the
processor's and NumPy's business. Maxima and counts are exact in any order. The one logarithm (entropy) is
rounded to float32, because its last bits differ between C libraries.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from townlet.arrays import F64
from townlet.samples import ReplaySample

CLIP_TERM = "clip"  # the reward term that holds what the clip cut off


class _Columns(NamedTuple):
    """Where the figures of a layout are found. -1 = the layout has no such column."""

    needs: tuple[str, ...]  # feature names
    picked: np.ndarray  # feature columns to add up: needs, then rivalry, avoidance, lateness
    picked_names: tuple[str, ...]
    wallet: int
    succeeded: int
    clip: int
    kinds: tuple[tuple[str, np.ndarray], ...]  # kind of action -> its ids


def sample_metrics(sample: ReplaySample) -> dict[str, float | int]:
    """The figures of DESIGN section 8, by name.

    `_mean` is over the T frames, as seen before acting; `wallet_last` is the last frame's; `value_pred_last`
    is the bootstrap value, `value_pred_mean` is without it. `action_nonzero` counts actions other than id 0
    (`wait`), `action_entropy` is that of the actions taken, in nats. `action_blocked_ratio` is the share of
    actions after which the agent saw `last_action_success` = 0. `done` is 1 where the episode ended.
    A figure whose column is not in the sample's layout is left out.
    """
    columns = _columns(
        tuple(sample.metadata["feature_names"]),
        tuple(sample.metadata["reward_term_names"]),
        tuple(sample.metadata["action_lookup"].items()),
    )
    steps = sample.timesteps
    sums = fixed_sum(_summed_columns(sample, columns)).tolist()
    reward_sum, log_prob_sum, value_sum, *rest = sums
    feature_sums = dict(zip(columns.picked_names, rest, strict=False))
    metrics: dict[str, float | int] = {
        "timesteps": steps,
        "reward_sum": reward_sum,
        "reward_mean": reward_sum / steps,
        "log_prob_mean": log_prob_sum / steps,
        "value_pred_last": float(sample.value_preds[-1]),
        "value_pred_mean": value_sum / steps,
        "label_mismatch_count": int(sample.metadata.get("label_mismatch_count", 0)),
        "done": int(sample.dones[-1]),
    }
    metrics.update(_feature_metrics(sample, columns, feature_sums))
    term_sums = rest[len(columns.picked_names) :]
    for name, total in zip(sample.metadata["reward_term_names"], term_sums, strict=True):
        metrics[f"reward_{name}_sum"] = total
    if columns.clip >= 0:
        metrics["reward_clip_ratio"] = int(np.count_nonzero(sample.reward_terms[:, columns.clip])) / steps
    metrics.update(_action_metrics(sample, columns))
    return metrics


def fixed_sum(rows: np.ndarray) -> F64:
    """The sum [M] of the rows of `rows` [T, M], T >= 1, in float64.

    The last half of the rows is added to the first, element by element, until one is left: an order that
    depends on T alone, and additions that vector instructions can do without changing a bit.
    """
    left = len(rows)
    half = left // 2
    sums = rows[: left - half].astype(np.float64)
    sums[:half] += rows[left - half :]
    left -= half
    while left > 1:
        half = left // 2
        sums[:half] += sums[left - half : left]
        left -= half
    return sums[0]


def _summed_columns(sample: ReplaySample, columns: _Columns) -> np.ndarray:
    """[T, M] of what is added up: rewards, log-probs, values, picked features, reward terms."""
    picked = 3 + len(columns.picked)
    block = np.empty((sample.timesteps, picked + sample.reward_terms.shape[1]), np.float32)
    block[:, 0] = sample.rewards
    block[:, 1] = sample.old_log_probs
    block[:, 2] = sample.value_preds[:-1]
    block[:, 3:picked] = sample.features[:, columns.picked]
    block[:, picked:] = sample.reward_terms
    return block


def _feature_metrics(
    sample: ReplaySample, columns: _Columns, sums: dict[str, float]
) -> dict[str, float | int]:
    steps = sample.timesteps
    metrics: dict[str, float | int] = {}
    picked = sample.features[:, columns.picked]
    lowest = dict(zip(columns.picked_names, picked.min(axis=0).tolist(), strict=True)) if picked.size else {}
    for name in columns.needs:
        metrics[f"{name}_mean"] = sums[name] / steps
        metrics[f"{name}_min"] = lowest[name]
    for name in ("rivalry_max", "rivalry_avoid_count"):
        if name in sums:
            column = columns.picked[columns.picked_names.index(name)]
            metrics[f"{name}_mean"] = sums[name] / steps
            metrics[f"{name}_max"] = float(sample.features[:, column].max())
    if "lateness_counter" in sums:
        metrics["lateness_mean"] = sums["lateness_counter"] / steps
    if columns.wallet >= 0:
        metrics["wallet_last"] = float(sample.features[-1, columns.wallet])
    return metrics


def _action_metrics(sample: ReplaySample, columns: _Columns) -> dict[str, float | int]:
    steps = sample.timesteps
    counts = np.bincount(sample.actions, minlength=sample.action_mask.shape[1])
    metrics: dict[str, float | int] = {
        "action_total": steps,
        "action_nonzero": steps - int(counts[0]),
        "action_entropy": _entropy(counts[counts > 0].tolist(), steps),
    }
    for kind, ids in columns.kinds:
        metrics[f"action_{kind}_count"] = int(counts[ids].sum())
    if columns.succeeded >= 0:
        refused = np.count_nonzero(sample.features[1:, columns.succeeded] == 0)
        refused += int(sample.final_features[columns.succeeded] == 0)
        metrics["action_blocked_ratio"] = int(refused) / steps
    return metrics


def _entropy(counts: list[int], total: int) -> float:
    """Of a distribution given as counts, in nats, rounded to float32."""
    shares = [count / total for count in counts]
    return abs(float(np.float32(math.fsum(-share * math.log(share) for share in shares))))


@lru_cache(maxsize=64)
def _columns(
    features: tuple[str, ...], reward_terms: tuple[str, ...], action_lookup: tuple[tuple[str, int], ...]
) -> _Columns:
    index = {name: column for column, name in enumerate(features)}
    needs = tuple(name for name in features if name.startswith("need_"))
    others = ("rivalry_max", "rivalry_avoid_count", "lateness_counter")
    picked = needs + tuple(name for name in others if name in index)
    kinds: dict[str, list[int]] = {}
    for action, number in action_lookup:
        kinds.setdefault(json.loads(action)["kind"], []).append(number)
    return _Columns(
        needs=needs,
        picked=np.array([index[name] for name in picked], dtype=np.intp),
        picked_names=picked,
        wallet=index.get("wallet", -1),
        succeeded=index.get("last_action_success", -1),
        clip=reward_terms.index(CLIP_TERM) if CLIP_TERM in reward_terms else -1,
        kinds=tuple((kind, np.array(ids)) for kind, ids in sorted(kinds.items())),
    )
