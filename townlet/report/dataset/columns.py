"""What the columns of samples hold: the range of each feature, the actions taken, and how many were legal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from townlet.samples import ReplaySample


@dataclass
class FeatureRange:
    low: float = float("inf")
    high: float = float("-inf")
    total: float = 0.0
    count: int = 0
    scenarios: list[str] = field(default_factory=list)


class Features:
    """Ranges by name, over all samples that are read."""

    def __init__(self) -> None:
        self._found: dict[str, FeatureRange] = {}

    def add(self, scenario: str, sample: ReplaySample) -> None:
        low, high = sample.features.min(axis=0), sample.features.max(axis=0)
        total = sample.features.sum(axis=0, dtype=np.float64)
        for k, name in enumerate(sample.metadata["feature_names"]):
            known = self._found.setdefault(name, FeatureRange())
            known.low, known.high = min(known.low, float(low[k])), max(known.high, float(high[k]))
            known.total, known.count = known.total + float(total[k]), known.count + sample.timesteps
            if scenario not in known.scenarios:
                known.scenarios.append(scenario)

    def rows(self) -> list[dict[str, Any]]:
        """A row a feature, in the order in which they came."""
        return [
            {
                "name": name, "low": each.low, "mean": each.total / max(each.count, 1), "high": each.high,
                "constant": each.low == each.high, "scenarios": len(each.scenarios),
            }
            for name, each in self._found.items()
        ]  # fmt: skip


@dataclass
class Actions:
    """Of the samples of one scenario that are read."""

    steps: int = 0
    legal: float = 0.0  # sum over timesteps of the share of actions that are legal
    off_mask: int = 0  # actions that were not legal
    has_off_mask: bool = False
    chosen: dict[str, int] = field(default_factory=dict)  # by kind

    def add(self, sample: ReplaySample) -> None:
        self.steps += sample.timesteps
        self.legal += float(sample.action_mask.mean(axis=1, dtype=np.float64).sum())
        stored = sample.arrays()
        if "off_mask" in stored:
            self.has_off_mask = True
            self.off_mask += int(np.count_nonzero(stored["off_mask"]))
        counts = np.bincount(sample.actions, minlength=sample.action_mask.shape[1])
        for action, number in sample.metadata["action_lookup"].items():
            kind = str(json.loads(action)["kind"])
            self.chosen[kind] = self.chosen.get(kind, 0) + int(counts[number])

    def to_json_dict(self) -> dict[str, Any]:
        steps = max(self.steps, 1)
        return {
            "masked": 1.0 - self.legal / steps if self.steps else None,
            "off_mask": self.off_mask / steps if self.has_off_mask else None,
            "actions": [[kind, count / steps] for kind, count in sorted(self.chosen.items())],
        }
