"""metrics.json: count, mean, standard deviation, minimum and maximum of every metric, by scenario and overall.

It is computed from the columns of metrics.parquet, whose rows are sorted. Sums are exact: a sum of floats is kept
as a few floats that add up to it without error, and rounded once, at the end. So every number is the correctly
rounded one, and no order of the samples shows in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from townlet.arrays import F64
from townlet.dataset.format.sample_facts import COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BLOCK = 1 << 16  # values that are Python floats at once

Figures = Mapping[str, Mapping[str, float]]  # metric -> count, mean, std, min, max

_SPLITTER = 134217729.0  # 2**27 + 1, Veltkamp's


class _Sums(NamedTuple):
    """Of some values. The floats of `total` add up to the exact sum of the values, those of `squares` likewise."""

    count: int
    total: Sequence[float]
    squares: Sequence[float]
    low: float
    high: float


def metric_columns(names: Iterable[str]) -> list[str]:
    """Which of a table's columns are metrics. `done` is one too: 1 where the episode ended."""
    return [name for name in names if name not in COLUMNS or name == "done"]


def summarise_table(table: pq.ParquetFile) -> dict[str, Any]:
    """`{"overall": {metric: {count, mean, std, min, max}}, "scenarios": {name: the same}}` of a metrics.parquet.

    `std` is that of the population (divided by the count). Memory: a column.
    """
    scenarios = _spans(table.read(columns=["scenario"]).column(0))
    overall: dict[str, Any] = {}
    by_scenario: dict[str, dict[str, Any]] = {name: {} for name, _, _ in scenarios}
    for name in metric_columns(table.schema_arrow.names):
        column = table.read(columns=[name]).column(0)
        sums = {
            scenario: _sums(values)
            for scenario, first, length in scenarios
            if len(values := _numbers(column.slice(first, length)))
        }
        for scenario, some in sums.items():
            by_scenario[scenario][name] = _described(some)
        if sums:
            overall[name] = _described(_joined(list(sums.values())))
    return {"overall": overall, "scenarios": by_scenario}


def summarise_samples(samples: Iterable[Mapping[str, float]]) -> Figures:
    """Of the metrics of some samples, given one by one."""
    columns: dict[str, list[float]] = {}
    for metrics in samples:
        for name, value in metrics.items():
            columns.setdefault(name, []).append(value)
    return {name: _described(_sums(np.array(values, np.float64))) for name, values in columns.items()}


def _spans(scenarios: pa.ChunkedArray) -> list[tuple[str, int, int]]:
    """Each scenario with its first row and its number of rows, which stand together."""
    spans: list[tuple[str, int, int]] = []
    first = 0
    for name, rows in groupby(value for chunk in scenarios.chunks for value in chunk.to_pylist()):
        length = sum(1 for _ in rows)
        spans.append((name, first, length))
        first += length
    return spans


def _numbers(column: pa.ChunkedArray) -> F64:
    """What stands in a column, as float64; samples without the metric are left out."""
    return column.drop_null().cast("double").to_numpy()


def _sums(values: F64) -> _Sums:
    """Of one value or more."""
    total: list[float] = []
    squares: list[float] = []
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        square, rest = _exact_squares(block)
        total = _exact_parts([*total, *block.tolist()])
        squares = _exact_parts([*squares, *square.tolist(), *rest.tolist()])
    low, high = float(values.min()), float(values.max())
    return _Sums(
        len(values), total, squares, low + 0.0, high + 0.0
    )  # of two zeros, always the one without a sign


def _joined(some: Sequence[_Sums]) -> _Sums:
    counts, totals, squares, lows, highs = zip(*some, strict=True)
    return _Sums(
        sum(counts),
        [part for total in totals for part in total],
        [part for square in squares for part in square],
        min(lows),
        max(highs),
    )


def _described(sums: _Sums) -> dict[str, float | int]:
    mean = sum(map(Fraction, sums.total), Fraction(0)) / sums.count
    variance = sum(map(Fraction, sums.squares), Fraction(0)) / sums.count - mean * mean
    return {
        "count": sums.count,
        "mean": float(mean),
        "std": math.sqrt(float(variance)),
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
