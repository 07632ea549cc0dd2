"""Count, mean, standard deviation, minimum and maximum of figures, the same however the work was cut.

Sums are exact: a sum of floats is kept as floats that add up to it without error, and rounded once, at the
end. So it does not matter in which order figures come, or which worker added which of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

_PENDING = 4096  # figures kept as they are until they are folded into the sums

_LARGEST = 1e150  # whose square is still a float

_SPLITTER = 134217729.0  # 2**27 + 1, Veltkamp's


class Moments:
    """Of one figure. `add` and `merge` may come in any order and grouping: the result is the same."""

    __slots__ = ("_largest", "_pending", "_smallest", "_square_parts", "_sum_parts", "count")

    def __init__(self) -> None:
        self.count = 0
        self._pending: list[float] = []
        self._sum_parts: list[float] = []  # they add up to the exact sum of what was folded
        self._square_parts: list[float] = []
        self._smallest = math.inf
        self._largest = -math.inf

    def add(self, value: float) -> None:
        """Raises ValueError for what is not finite, or too large to be squared."""
        if not abs(value) <= _LARGEST:
            raise ValueError(f"expected a figure of at most {_LARGEST:g}, found {value!r}")
        self.count += 1
        self._pending.append(float(value))
        if len(self._pending) >= _PENDING:
            self._fold()

    def add_all(self, values: Sequence[float]) -> None:
        """`add` of each, at a fraction of the cost."""
        if not max(map(abs, values), default=0.0) <= _LARGEST:
            raise ValueError(f"expected figures of at most {_LARGEST:g}, found {max(values, key=abs)!r}")
        self.count += len(values)
        self._pending += values
        if len(self._pending) >= _PENDING:
            self._fold()

    def merge(self, other: Moments) -> None:
        other._fold()
        self._fold()
        self.count += other.count
        self._sum_parts = _exact_parts([*self._sum_parts, *other._sum_parts])
        self._square_parts = _exact_parts([*self._square_parts, *other._square_parts])
        self._smallest = min(self._smallest, other._smallest)
        self._largest = max(self._largest, other._largest)

    def to_json_dict(self) -> dict[str, float | int]:
        """`std` is that of the population (divided by the count)."""
        self._fold()
        total, squares = (
            sum(map(Fraction, parts), Fraction(0)) for parts in (self._sum_parts, self._square_parts)
        )
        mean = total / self.count
        variance = max(squares / self.count - mean * mean, Fraction(0))
        return {
            "count": self.count,
            "mean": float(mean),
            "std": math.sqrt(float(variance)),
            "min": self._smallest,
            "max": self._largest,
        }

    def _fold(self) -> None:
        values = self._pending
        if not values:
            return
        self._pending = []
        self._smallest = min(self._smallest, *values)
        self._largest = max(self._largest, *values)
        self._sum_parts = _exact_parts([*self._sum_parts, *values])
        squares = [part for value in values for part in _exact_square(value)]
        self._square_parts = _exact_parts([*self._square_parts, *squares])


class Aggregates:
    """Moments of every figure, by scenario and overall. Picklable; a Beam combine's accumulator."""

    def __init__(self) -> None:
        self._by_scenario: dict[str, dict[str, Moments]] = {}

    def add(self, scenario: str, metrics: Mapping[str, float | int]) -> None:
        """Count one sample's figures."""
        moments = self._by_scenario.setdefault(scenario, {})
        for name, value in metrics.items():
            moments.setdefault(name, Moments()).add(value)

    def add_all(self, scenario: str, name: str, values: Sequence[float]) -> None:
        """Count one figure of several samples of a scenario."""
        if values:
            self._by_scenario.setdefault(scenario, {}).setdefault(name, Moments()).add_all(values)

    def names(self) -> list[str]:
        """Of all figures, sorted."""
        return sorted({name for moments in self._by_scenario.values() for name in moments})

    def merge(self, other: Aggregates) -> Aggregates:
        """Take another's figures in; returns self."""
        for scenario, theirs in other._by_scenario.items():
            ours = self._by_scenario.setdefault(scenario, {})
            for name, moments in theirs.items():
                ours.setdefault(name, Moments()).merge(moments)
        return self

    def to_json_dict(self) -> dict[str, Any]:
        """`{"overall": {figure: {count, mean, std, min, max}}, "scenarios": {name: the same}}`."""
        overall: dict[str, Moments] = {}
        for moments in self._by_scenario.values():
            for name, some in moments.items():
                overall.setdefault(name, Moments()).merge(some)
        return {
            "overall": _described(overall),
            "scenarios": {name: _described(moments) for name, moments in self._by_scenario.items()},
        }


def _described(moments: Mapping[str, Moments]) -> dict[str, dict[str, float | int]]:
    return {name: some.to_json_dict() for name, some in moments.items()}


def _exact_parts(values: list[float]) -> list[float]:
    """A few floats with exactly the same sum: each is the rest's sum, correctly rounded."""
    parts: list[float] = []
    while rest := math.fsum(values):
        parts.append(rest)
        values.append(-rest)
    return parts


def _exact_square(value: float) -> tuple[float, float]:
    """value * value as a float and what rounding took from it (Dekker)."""
    square = value * value
    spread = _SPLITTER * value
    high = spread - (spread - value)
    low = value - high
    return square, ((high * high - square) + 2.0 * high * low) + low * low
