"""metrics.json: every number the correctly rounded one, and no order of the samples in it."""

from __future__ import annotations

import json
import math
import random
import statistics
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from townlet.dataset.format.canonical import document_bytes
from townlet.dataset.index import metrics_summary
from townlet.dataset.index.metrics_summary import (
    Sums,
    figures_of,
    parse_figures,
    summarise_samples,
    sums_of,
)
from townlet.dataset.index.metrics_table import SampleRows
from townlet.errors import CorruptSampleError

FIGURES = st.floats(-1e12, 1e12).map(lambda value: value if abs(value) > 1e-100 else 0.0)
VALUES = st.lists(FIGURES, min_size=1, max_size=40)


def table(rows: list[dict[str, Any]]) -> SampleRows:
    """A table of these rows, with the columns that matter here."""
    sink = pa.BufferOutputStream()
    names = sorted({name for row in rows for name in row} - {"scenario", "done"})
    columns = {name: pa.array([row.get(name) for row in rows], "double") for name in names}
    text = pa.array([row["scenario"] for row in rows], "string")
    done = pa.array([bool(row.get("done")) for row in rows], "bool")
    pq.write_table(pa.table({"scenario": text, "done": done, **columns}), sink, row_group_size=3)
    return SampleRows(sink.getvalue().to_pybytes(), "here")


def summarise(rows: list[dict[str, Any]], cut: int = 1000) -> dict[str, Any]:
    """metrics.json of these rows: those of a scenario are in tables of `cut` rows."""
    parts = []
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        mine = [row for row in rows if row["scenario"] == scenario]
        parts += [(scenario, sums_of(table(mine[n : n + cut]))) for n in range(0, len(mine), cut)]
    return figures_of(parts)


def of(values: list[float]) -> Any:
    return summarise_samples({"figure": value} for value in values)["figure"]


@given(VALUES)
def test_each_number_is_the_exact_one_rounded(values: list[float]) -> None:
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    assert of(values) == {
        "count": len(values),
        "mean": float(mean),
        "std": math.sqrt(float(variance)),
        "min": min(values),
        "max": max(values),
    }


@given(VALUES, st.randoms(use_true_random=False))
def test_no_order_shows(values: list[float], random: random.Random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert of(shuffled) == of(values)


@given(st.lists(st.tuples(st.sampled_from("abc"), FIGURES), min_size=1, max_size=30), st.integers(1, 12))
def test_tables_are_summarised_as_their_samples(rows: list[tuple[str, float]], cut: int) -> None:
    """By scenario, and over all scenarios, however they are cut into shards."""
    rows = sorted(rows, key=lambda row: row[0])
    found = summarise([{"scenario": name, "figure": value} for name, value in rows], cut)
    assert found["overall"]["figure"] == of([value for _, value in rows])
    for scenario in {name for name, _ in rows}:
        mine = [value for name, value in rows if name == scenario]
        assert found["scenarios"][scenario]["figure"] == of(mine)


def test_many_values_are_added_up_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [0.1 * number for number in range(1000)]
    whole = of(values)
    monkeypatch.setattr(metrics_summary, "BLOCK", 7)
    assert of(values) == whole
    assert whole["std"] == pytest.approx(statistics.pstdev(values))


def test_large_and_small_cancel_exactly() -> None:
    assert of([1e100, 1.0, -1e100])["mean"] == 1.0 / 3


def test_sums_of_no_values_at_all() -> None:
    """As somebody may have written them: no mean is that large where the squares are so small."""
    sums = Sums(count=2, total=(1e295,), squares=(1.0,), low=0.0, high=1.0)
    assert figures_of([("a", {"x": sums})])["overall"]["x"] == {
        "count": 2,
        "mean": 5e294,
        "std": 0.0,
        "min": 0.0,
        "max": 1.0,
    }


def test_a_constant_has_no_deviation() -> None:
    assert of([0.1] * 1000) == {"count": 1000, "mean": 0.1, "std": 0.0, "min": 0.1, "max": 0.1}


@pytest.mark.parametrize("values", [[0.0, -0.0], [-0.0, 0.0]])
def test_a_zero_has_no_sign(values: list[float]) -> None:
    assert json.dumps(of(values)) == '{"count": 2, "mean": 0.0, "std": 0.0, "min": 0.0, "max": 0.0}'


def test_by_scenario_and_overall() -> None:
    rows = [
        {"scenario": "kitchen", "reward_sum": 1.0, "done": 0},
        {"scenario": "kitchen", "reward_sum": 3.0, "done": 1},
        {"scenario": "queue", "reward_sum": 5.0, "smiles": 2.0},
    ]
    document = summarise(rows)
    assert document["scenarios"]["kitchen"]["reward_sum"] == {
        "count": 2,
        "mean": 2,
        "std": 1,
        "min": 1,
        "max": 3,
    }
    assert document["scenarios"]["queue"]["reward_sum"]["count"] == 1
    assert "smiles" not in document["scenarios"]["kitchen"]  # which no sample of it has
    assert document["overall"]["smiles"]["count"] == 1
    assert document["overall"]["reward_sum"]["mean"] == 3.0
    assert document["overall"]["done"]["mean"] == 1 / 3
    json.dumps(document, allow_nan=False)


def test_nothing_at_all() -> None:
    assert sums_of(table([])) == {}
    assert figures_of([]) == {"overall": {}, "scenarios": {}}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e200])
def test_what_no_sum_can_be_made_of_is_refused(value: float) -> None:
    rows = table([{"scenario": "a", "reward_sum": value}])
    with pytest.raises(CorruptSampleError, match="here: reward_sum: expected finite numbers"):
        sums_of(rows)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b'{"overall":{},"scenarios":[]}',
            r"metrics\.json: not the figures of a data set: scenarios: expected",
        ),
        (b'{"overall":{"x":{"count":1}},"scenarios":{}}', "overall.*: lacks mean"),
        (b'{"overall":{"x":1},"scenarios":{}}', "expected object, got int"),
        (b"\xff", "not the figures of a data set"),
    ],
)
def test_other_figures_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(CorruptSampleError, match=message):
        parse_figures(data, "here")


def test_what_is_written_is_read() -> None:
    document = summarise([{"scenario": "a", "reward_sum": 0.5}, {"scenario": "b", "reward_sum": 2.0}])
    assert parse_figures(document_bytes(document), "here") == document
