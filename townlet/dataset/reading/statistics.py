"""Mean, deviation, minimum and maximum of what trainers read, and normalising with them.

One pass over the samples, those of equal content once: a town whose seed changes nothing, captured a hundred times,
counts as one. Each sample's mean and sum of squared deviations are taken in float64 with sums in a
fixed order (`fixed_sum`), and merged sample by sample (Chan's formula) in the order of the index: the same
samples give the same bits, on every machine and however they were shuffled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from townlet.arrays import F32, F64, Array
from townlet.dataset.format.metrics import fixed_sum
from townlet.errors import UserError
from townlet.notebook import Shown, of

if TYPE_CHECKING:
    from townlet.dataset.reading.sample_source import SampleSource
    from townlet.samples import ReplaySample

LEAST_STD = 1e-6  # what varies less counts as constant


class Spread(NamedTuple):
    """Of M columns, over `count` values each."""

    count: int
    mean: F64  # [M]
    std: F64  # [M]  of the population: divided by the count
    min: F64  # [M]
    max: F64  # [M]

    def normalised(self, values: Array, axis: int = -1) -> F32:
        """(values - mean) / std along an axis of M; 0 where a column is constant."""
        shape = [1] * values.ndim
        shape[axis] = -1
        scale = np.where(self.std > LEAST_STD, 1.0 / np.maximum(self.std, LEAST_STD), 0.0)
        return ((values - self.mean.reshape(shape)) * scale.reshape(shape)).astype(np.float32)

    def to_json_dict(self) -> dict[str, Any]:
        return {"count": self.count} | {name: getattr(self, name).tolist() for name in self._fields[1:]}

    @staticmethod
    def from_json_dict(data: Mapping[str, Any]) -> Spread:
        return Spread(data["count"], *(np.array(data[name], np.float64) for name in Spread._fields[1:]))


@dataclass(frozen=True, repr=False)
class Statistics(Shown):
    """Of a data set: keep it beside the model that was trained with it (`to_json_dict`)."""

    feature_names: tuple[str, ...]
    map_channels: tuple[str, ...]
    reward_term_names: tuple[str, ...]
    features: Spread  # [F]  over timesteps
    map: Spread  # [C]  over timesteps and tiles
    rewards: Spread  # [1]  over timesteps
    reward_terms: Spread  # [K]  over timesteps

    def _facts(self) -> dict[str, Any]:
        constant = int((self.features.std <= LEAST_STD).sum())
        return {
            "over": of(self.features.count, "timestep"),
            "features": f"{len(self.feature_names)}, {constant} of them constant",
            "map_channels": len(self.map_channels),
            "reward": f"mean {self.rewards.mean[0]:.4g}, deviation {self.rewards.std[0]:.4g}",
        }

    def normalise_features(self, features: Array) -> F32:
        """Of shape (..., F), to mean 0 and deviation 1; 0 where a feature is constant here."""
        return self.features.normalised(features)

    def normalise_map(self, maps: Array) -> F32:
        """Of shape (..., C, H, W), channel by channel."""
        return self.map.normalised(maps, axis=-3)

    def scale_rewards(self, rewards: Array) -> F32:
        """Divided by their deviation; their mean stays, since taking it away would change what is best."""
        return (rewards / np.maximum(self.rewards.std[0], LEAST_STD)).astype(np.float32)

    def to_json_dict(self) -> dict[str, Any]:
        names = {name: list(getattr(self, name)) for name in _NAMES}
        return names | {name: getattr(self, name).to_json_dict() for name in _SPREADS}

    @staticmethod
    def from_json_dict(data: Mapping[str, Any]) -> Statistics:
        names: dict[str, Any] = {name: tuple(data[name]) for name in _NAMES}
        spreads: dict[str, Any] = {name: Spread.from_json_dict(data[name]) for name in _SPREADS}
        return Statistics(**names, **spreads)


_NAMES = ("feature_names", "map_channels", "reward_term_names")
_SPREADS = ("features", "map", "rewards", "reward_terms")


def statistics_of(data_set: SampleSource) -> Statistics:
    """Reads each content once: of samples with equal arrays, the first in the order of the index.

    Raises LayoutError for several layouts, UserError where there is no sample.
    """
    layout = data_set.layout
    if not len(data_set):
        raise UserError(f"{data_set.place}: no sample is left to take statistics of")
    running = {name: _Running() for name in _SPREADS}
    for sample in data_set.distinct().in_order():
        for name, rows in _columns_of(sample).items():
            running[name].add(rows)
    spreads: dict[str, Any] = {name: running[name].spread() for name in _SPREADS}
    return Statistics(layout.feature_names, layout.map_channels, layout.reward_term_names, **spreads)


def _columns_of(sample: ReplaySample) -> dict[str, Array]:
    """[timesteps, columns, values of each] of each spread."""
    steps, channels = sample.map.shape[:2]
    return {
        "features": sample.features[:, :, None],
        "map": sample.map.reshape(steps, channels, -1),
        "rewards": sample.rewards[:, None, None],
        "reward_terms": sample.reward_terms[:, :, None],
    }


class _Running:
    """Moments of the columns of all blocks [T, M, values] added so far."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = self.min = self.max = np.zeros(0)

    def add(self, block: Array) -> None:
        count = block.shape[0] * block.shape[2]
        mean = _column_sums(block) / count
        squares = _column_sums(np.square(block - mean[:, None]))
        low, high = block.min(axis=(0, 2)).astype(np.float64), block.max(axis=(0, 2)).astype(np.float64)
        if not self.count:
            self.count, self.mean, self.squares, self.min, self.max = count, mean, squares, low, high
            return
        total = self.count + count
        step = mean - self.mean
        self.mean = self.mean + step * (count / total)
        self.squares = self.squares + squares + step * step * (self.count * (count / total))
        self.min, self.max = np.minimum(self.min, low), np.maximum(self.max, high)
        self.count = total

    def spread(self) -> Spread:
        return Spread(self.count, self.mean, np.sqrt(self.squares / self.count), self.min, self.max)


def _column_sums(block: Array) -> F64:
    """[M] of [T, M, values], in a fixed order: over the timesteps, then over the values."""
    steps, columns, values = block.shape
    over_time = fixed_sum(block.reshape(steps, columns * values)).reshape(columns, values)
    return fixed_sum(over_time.T)
