"""metrics.json: count, mean, standard deviation, minimum and maximum of every metric, by scenario and overall.

It is computed from the sums of shards. They are exact: a sum of floats is kept as a few floats that add up to it
without error, and rounded once, at the end. So every number is the correctly rounded one, and neither an order of the
samples nor the way they are cut into shards shows in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any

import msgspec
import numpy as np

from townlet.arrays import F64
from townlet.dataset.format.documents import Document, parse_document
from townlet.dataset.index.index_document import NAMES
from townlet.dataset.index.metrics_table import SampleRows, metric_columns

BLOCK = 1 << 16  # values that are Python floats at once

Figures = Mapping[str, Mapping[str, float]]  # metric -> count, mean, std, min, max

_SPLITTER = 134217729.0  # 2**27 + 1, Veltkamp's


# The sum of any number of them is a float64.
_Part = Annotated[float, msgspec.Meta(ge=-1e295, le=1e295)]


class Sums(Document, frozen=True):
    """Of some values. The floats of `total` add up to the exact sum of the values, those of `squares` likewise.

    They are the same for the same values in any order: each is what is left of the sum, correctly rounded.
    """

    count: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    total: tuple[_Part, ...]
    squares: tuple[_Part, ...]
    low: _Part
    high: _Part


def sums_of(rows: SampleRows) -> dict[str, Sums]:
    """Of every metric that any of some samples has. Memory: a column. Raises CorruptSampleError."""
    columns = ((name, rows.figures(name)) for name in metric_columns(rows.names))
    return {name: _sums(values) for name, values in columns if len(values)}


def figures_of(parts: Iterable[tuple[str, Mapping[str, Sums]]]) -> dict[str, Any]:
    """`{"overall": {metric: {count, mean, std, min, max}}, "scenarios": {name: the same}}` of scenarios' sums.

    `std` is that of the population (divided by the count).
    """
    by_scenario: dict[str, dict[str, list[Sums]]] = {}
    for scenario, sums in parts:
        known = by_scenario.setdefault(scenario, {})
        for name, some in sums.items():
            known.setdefault(name, []).append(some)
    joined = {
        scenario: {name: _joined(some) for name, some in metrics.items()}
        for scenario, metrics in by_scenario.items()
    }
    overall: dict[str, list[Sums]] = {}
    for metrics in joined.values():
        for name, some in metrics.items():
            overall.setdefault(name, []).append(some)
    return {
        "overall": {name: _described(_joined(some)) for name, some in overall.items()},
        "scenarios": {
            scenario: {name: _described(some) for name, some in metrics.items()}
            for scenario, metrics in joined.items()
        },
    }


def parse_figures(data: bytes, where: str) -> dict[str, Any]:
    """What metrics.json says, as `figures_of` gives it. Raises CorruptSampleError for anything else."""
    document = parse_document(
        _FiguresDocument, data, f"{where}: {NAMES['metrics']}", "the figures of a data set"
    )
    return msgspec.to_builtins(document)


class _Figure(Document, frozen=True):
    count: int
    mean: float
    std: float
    min: float
    max: float


class _FiguresDocument(Document, frozen=True):
    overall: dict[str, _Figure]
    scenarios: dict[str, dict[str, _Figure]]


def summarise_samples(samples: Iterable[Mapping[str, float]]) -> Figures:
    """Of the metrics of some samples, given one by one."""
    columns: dict[str, list[float]] = {}
    for metrics in samples:
        for name, value in metrics.items():
            columns.setdefault(name, []).append(value)
    return {name: _described(_sums(np.array(values, np.float64))) for name, values in columns.items()}


def _sums(values: F64) -> Sums:
    """Of one value or more."""
    total: list[float] = []
    squares: list[float] = []
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        square, rest = _exact_squares(block)
        total = _exact_parts([*total, *block.tolist()])
        squares = _exact_parts([*squares, *square.tolist(), *rest.tolist()])
    low, high = float(values.min()) + 0.0, float(values.max()) + 0.0  # of two zeros, the one without a sign
    return Sums(count=len(values), total=tuple(total), squares=tuple(squares), low=low, high=high)


def _joined(some: Sequence[Sums]) -> Sums:
    """Of all values together."""
    if len(some) == 1:
        return some[0]
    return Sums(
        count=sum(sums.count for sums in some),
        total=tuple(_exact_parts([part for sums in some for part in sums.total])),
        squares=tuple(_exact_parts([part for sums in some for part in sums.squares])),
        low=min(sums.low for sums in some),
        high=max(sums.high for sums in some),
    )


def _described(sums: Sums) -> dict[str, float | int]:
    mean = sum(map(Fraction, sums.total), Fraction(0)) / sums.count
    variance = sum(map(Fraction, sums.squares), Fraction(0)) / sums.count - mean * mean
    return {
        "count": sums.count,
        "mean": float(mean),
        "std": math.sqrt(float(max(variance, 0))),  # below 0 are sums that belong to no values
        "min": sums.low,
        "max": sums.high,
    }


def _exact_parts(values: list[float]) -> list[float]:
    """A few floats with exactly the same sum: each is the rest's sum, correctly rounded."""
    parts: list[float] = []
    while rest := math.fsum(values):
        parts.append(rest)
        values.append(-rest)
    return parts


def _exact_squares(values: F64) -> tuple[F64, F64]:
    """values * values as floats, and what rounding took from them (Dekker)."""
    square = values * values
    spread = _SPLITTER * values
    high = spread - (spread - values)
    low = values - high
    return square, ((high * high - square) + 2.0 * high * low) + low * low
