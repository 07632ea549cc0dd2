"""Golden figures beside what two sides have: each with the band in which it has not moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from townlet.dataset.versions.drift import SMALLEST_SCALE, TOLERANCE

# Name, golden mean, lowest and highest mean that has not moved, mean of the left and of the right (None = not there).
GoldenRow = tuple[str, float, float, float, float | None, float | None]


def golden_rows(
    golden: Mapping[str, Any], left: Mapping[str, float], right: Mapping[str, float], scenarios: set[str]
) -> list[GoldenRow]:
    """The figures of a golden file, the reward first. `left`, `right`: the means of the two sides.

    Where both sides are of one scenario that the file knows, its figures are taken, else those of all. The band is that
    of `townlet/dataset/versions/drift.py`: 2 % of the larger of mean and standard deviation.
    """
    known = golden["scenarios"]
    (only,) = scenarios if len(scenarios) == 1 else ("",)
    figures = known.get(only, golden["overall"])
    rows = []
    for name in sorted(figures, key=lambda name: (not name.startswith("reward_sum"), name)):
        mean, std = float(figures[name]["mean"]), float(figures[name]["std"])
        band = TOLERANCE * max(abs(mean), std, SMALLEST_SCALE)
        rows.append((name, mean, mean - band, mean + band, left.get(name), right.get(name)))
    return rows
