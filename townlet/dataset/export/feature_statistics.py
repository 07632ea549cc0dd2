"""Statistics of LeRobot's: of each feature in each episode, and of all episodes together."""

from __future__ import annotations

from typing import Any

import numpy as np

from townlet.arrays import F64, Array

QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
MOMENTS = ("min", "max", "mean", "std")

Statistics = dict[str, F64]  # by name; `count` is [1], the others have the feature's shape


def statistics_of(array: Array, *, by_channel: bool = False) -> Statistics:
    """Of the rows of an array [T, ...]: min, max, mean, std (of the rows, not of more), count, and quantiles.

    `by_channel`: of an array [T, C, H, W], over rows and tiles alike, shaped (C, 1, 1): LeRobot's way for pictures.
    """
    rows = len(array)
    if by_channel:
        channels = array.shape[1]
        found = [statistics_of(array[:, channel].reshape(-1, 1)) for channel in range(channels)]
        joined = {name: np.stack([one[name] for one in found]).reshape(-1, 1, 1) for name in found[0]}
        return {**joined, "count": np.array([rows], np.float64)}
    columns = (array.reshape(rows, -1) if array.ndim > 1 else array[:, None]).astype(np.float64)
    mean = columns.mean(axis=0)
    statistics = {
        "min": columns.min(axis=0),
        "max": columns.max(axis=0),
        "mean": mean,
        "std": np.sqrt(((columns - mean) ** 2).mean(axis=0)),
        "count": np.array([rows], np.float64),
    }
    quantiles = np.quantile(columns, list(QUANTILES.values()), axis=0)
    return statistics | dict(zip(QUANTILES, quantiles, strict=True))


class AllTogether:
    """Statistics of episodes added up, in LeRobot's way: its quantiles are means of those of the episodes."""

    def __init__(self) -> None:
        self._sums: dict[str, Statistics] = {}

    def add(self, of_episode: dict[str, Statistics]) -> None:
        for key, one in of_episode.items():
            self._sums[key] = _joined(self._sums[key], one) if key in self._sums else one

    def as_json(self) -> dict[str, dict[str, Any]]:
        return {
            key: {name: whole_counts(name, array) for name, array in one.items()}
            for key, one in self._sums.items()
        }


def whole_counts(name: str, array: F64) -> list[Any]:
    """A statistic as lists of numbers, a count as whole ones."""
    return (array.astype(np.int64) if name == "count" else array).tolist()


def _joined(one: Statistics, other: Statistics) -> Statistics:
    """Of the rows of both. Means and deviations are those of the rows; no row is needed again."""
    count = one["count"] + other["count"]
    share = other["count"] / count
    apart = other["mean"] - one["mean"]
    variance = one["std"] ** 2 * (1 - share) + other["std"] ** 2 * share + apart**2 * share * (1 - share)
    return {
        "min": np.minimum(one["min"], other["min"]),
        "max": np.maximum(one["max"], other["max"]),
        "mean": one["mean"] + apart * share,
        "std": np.sqrt(variance),
        "count": count,
        **{name: one[name] + (other[name] - one[name]) * share for name in QUANTILES},
    }
