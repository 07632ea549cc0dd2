"""Aggregates: exact, and the same however the work was cut."""

from __future__ import annotations

import json
import math
import pickle
import statistics
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from townlet.dataset.index import aggregate
from townlet.dataset.index.aggregate import Aggregates, Moments

FIGURES = st.floats(-1e12, 1e12).map(lambda value: value if abs(value) > 1e-100 else 0.0)
VALUES = st.lists(FIGURES, min_size=1, max_size=40)


def moments(values: list[float]) -> Moments:
    some = Moments()
    for value in values:
        some.add(value)
    return some


@given(VALUES)
def test_each_figure_is_the_exact_one_rounded(values: list[float]) -> None:
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    assert moments(values).to_json_dict() == {
        "count": len(values),
        "mean": float(mean),
        "std": math.sqrt(float(variance)),
        "min": min(values),
        "max": max(values),
    }


@given(VALUES, st.lists(st.integers(0, 40), max_size=5), st.randoms(use_true_random=False))
def test_any_cut_and_order_gives_the_same(values: list[float], cuts: list[int], random: Any) -> None:
    whole = moments(values).to_json_dict()
    shuffled = list(values)
    random.shuffle(shuffled)
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    parts = [moments(shuffled[a:b]) for a, b in pairwise(edges)]
    random.shuffle(parts)
    total = Moments()
    for part in parts:
        total.merge(part)
    assert total.to_json_dict() == whole


def test_many_values_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [0.1 * number for number in range(1000)]
    whole = moments(values).to_json_dict()
    monkeypatch.setattr(aggregate, "_PENDING", 7)
    assert moments(values).to_json_dict() == whole
    assert whole["std"] == pytest.approx(statistics.pstdev(values))


def test_large_and_small_cancel_exactly() -> None:
    some = moments([1e100, 1.0, -1e100])
    assert some.to_json_dict()["mean"] == 1.0 / 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e200])
def test_what_is_no_figure(value: float) -> None:
    with pytest.raises(ValueError, match=r"expected a figure of at most 1e\+150"):
        Moments().add(value)


def test_a_constant_has_no_deviation() -> None:
    assert moments([0.1] * 1000).to_json_dict() == {
        "count": 1000,
        "mean": 0.1,
        "std": 0.0,
        "min": 0.1,
        "max": 0.1,
    }


def test_by_scenario_and_overall() -> None:
    figures = Aggregates()
    figures.add("kitchen", {"reward_sum": 1.0, "done": 0})
    figures.add("kitchen", {"reward_sum": 3.0, "done": 1})
    other = Aggregates()
    other.add("queue", {"reward_sum": 5.0})
    document = figures.merge(pickle.loads(pickle.dumps(other))).to_json_dict()
    assert document["scenarios"]["kitchen"]["reward_sum"] == {
        "count": 2,
        "mean": 2,
        "std": 1,
        "min": 1,
        "max": 3,
    }
    assert document["scenarios"]["queue"]["reward_sum"]["count"] == 1
    assert document["overall"]["reward_sum"]["mean"] == 3.0
    assert document["overall"]["done"]["count"] == 2
    json.dumps(document, allow_nan=False)


def test_nothing_at_all() -> None:
    assert Aggregates().to_json_dict() == {"overall": {}, "scenarios": {}}
