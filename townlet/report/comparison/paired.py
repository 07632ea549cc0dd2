"""Figures of two sides, pair by pair: the mean difference, its standard error, and how large it is for what it varies.

A pair is an agent of two runs, or a run (scenario and seed) of two data sets. With d the differences (right less left)
of n pairs: standard error = sd(d) / sqrt(n), effect size = mean(d) / sd(d) (Cohen's d of paired differences), with
sd over n - 1. Both are unknown (None) where there are fewer than two pairs; so is the effect where all d are equal.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

from townlet.dataset.format.sample_facts import COLUMNS
from townlet.dataset.reading.capture import Capture
from townlet.dataset.reading.data_set import DataSet

FIRST = ("reward_sum", "reward_mean")  # of the figures: the reward
Key = TypeVar("Key", bound=Hashable)
Sides = Mapping[Key, Mapping[str, float]]  # pair -> figure -> value

_ADDED = ("_sum", "_count", "_total", "_nonzero", "timesteps")


# Name, mean of the left, mean of the right, difference, standard error, effect size.
Metric = tuple[str, float, float, float, float | None, float | None]


def paired_metrics(left: Sides[Key], right: Sides[Key]) -> list[Metric]:
    """Every figure that all pairs have on both sides, the reward first. A pair is a key of both."""
    pairs = [key for key in left if key in right]
    if not pairs:
        return []
    names = set.intersection(*({*left[key]} & {*right[key]} for key in pairs))
    ordered = [*(name for name in FIRST if name in names), *sorted(names.difference(FIRST))]
    return [_metric(name, [(left[key][name], right[key][name]) for key in pairs]) for name in ordered]


def _metric(name: str, values: list[tuple[float, float]]) -> Metric:
    both = np.array(values, np.float64)
    differences, error, effect = both[:, 1] - both[:, 0], None, None
    if len(differences) > 1:
        spread = float(differences.std(ddof=1))
        error = spread / math.sqrt(len(differences))
        effect = float(differences.mean()) / spread if spread > 0 else None
    left, right = both.mean(axis=0).tolist()
    return name, left, right, float(differences.mean()), error, effect


def means_of(side: Sides[Key]) -> dict[str, float]:
    """The mean of each figure over those of a side who have it."""
    names = sorted({name for figures in side.values() for name in figures})
    found = {name: [figures[name] for figures in side.values() if name in figures] for name in names}
    return {name: math.fsum(values) / len(values) for name, values in found.items()}


def figures_by_agent(capture: Capture) -> dict[str, dict[str, float]]:
    """The figures of each agent of a capture, as its metrics file has them; segments are put together."""
    found: dict[str, list[Mapping[str, float]]] = {}
    for record in capture.samples:
        found.setdefault(record.agent_id, []).append(record.metrics)
    return {agent: _together(parts) for agent, parts in found.items()}


def _together(parts: list[Mapping[str, float]]) -> dict[str, float]:
    """Of the segments of one life, in order: sums and counts are added, other figures weighted by their ticks."""
    if len(parts) == 1:
        return {name: float(value) for name, value in parts[0].items()}
    names = set.intersection(*(set(part) for part in parts))
    ticks = [float(part["timesteps"]) for part in parts]
    return {name: _of_segments(name, [float(part[name]) for part in parts], ticks) for name in names}


def _of_segments(name: str, values: list[float], ticks: list[float]) -> float:
    if name.endswith(_ADDED):
        return math.fsum(values)
    if name.endswith("_min"):
        return min(values)
    if name.endswith("_max"):
        return max(values)
    if name.endswith("_last") or name == "done":
        return values[-1]
    return math.fsum(value * count for value, count in zip(values, ticks, strict=True)) / math.fsum(ticks)


def figures_by_run(data_set: DataSet) -> dict[tuple[str, int], dict[str, float]]:
    """Of each run (scenario and seed) the mean of each figure over its samples. No sample is read."""
    columns = data_set.samples
    rows: dict[tuple[str, int], list[int]] = {}
    for at, (name, seed) in enumerate(zip(columns["scenario"], columns["seed"].tolist(), strict=True)):
        rows.setdefault((str(name), int(seed)), []).append(at)
    figures = {name: np.asarray(columns[name], np.float64) for name in columns if name not in COLUMNS}
    found = {}
    for run, own in rows.items():
        means = {name: float(column[own].mean()) for name, column in figures.items()}
        found[run] = {name: value for name, value in means.items() if math.isfinite(value)}
    return found
