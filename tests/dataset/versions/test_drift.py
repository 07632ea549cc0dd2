"""The golden metrics file, and how far figures have moved from it."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from tests.samples import make_run
from townlet.dataset.versions.drift import (
    OVERALL,
    check_suites,
    compare_metrics,
    golden_bytes,
    golden_document,
    read_golden,
    write_golden,
)
from townlet.errors import OutputError, UserError

RUNS = [make_run("a", seed=1), make_run("b", seed=1)]


def figure(mean: float, std: float = 0.0, count: int = 4) -> dict[str, float]:
    return {"count": count, "mean": mean, "std": std, "min": mean - std, "max": mean + std}


def metrics(**scenarios: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {"overall": {"timesteps": figure(20)}, "scenarios": scenarios}


def document(**scenarios: dict[str, dict[str, float]]) -> dict[str, Any]:
    return golden_document(RUNS, ["smoke"], metrics(**scenarios))


def test_the_file_can_be_read_by_people() -> None:
    text = golden_bytes(document(a={"reward_sum": figure(1 / 3, 1e-7)}, b={"done": figure(0)})).decode()
    assert text.splitlines()[3] == ' "run_count": 2,'
    assert text.splitlines()[4].startswith(' "runs_sha256": "')
    assert text.splitlines()[5:] == [
        ' "suites": ["smoke"],',
        ' "overall": {',
        '  "timesteps": {"count": 4, "mean": 20.0, "std": 0.0}',
        " },",
        ' "scenarios": {',
        '  "a": {',
        '   "reward_sum": {"count": 4, "mean": 0.333333, "std": 1e-07}',
        "  },",
        '  "b": {',
        '   "done": {"count": 4, "mean": 0.0, "std": 0.0}',
        "  }",
        " }",
        "}",
    ]


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "some" / "golden.json"
    golden = document(a={"reward_sum": figure(1 / 3, 2.5)})
    assert write_golden(path, golden)
    assert read_golden(path) == golden
    assert not write_golden(path, golden)
    assert os.listdir(path.parent) == ["golden.json"]
    assert compare_metrics(read_golden(path), golden, 0.0).movements == ()


def test_runs_in_any_order_give_the_same_file() -> None:
    assert golden_document(RUNS, ["s"], metrics()) == golden_document(RUNS[::-1], ["s"], metrics())
    other = golden_document(RUNS[:1], ["s"], metrics())
    assert other["runs_sha256"] != golden_document(RUNS, ["s"], metrics())["runs_sha256"]


@pytest.mark.parametrize(
    ("old", "new", "of", "drift"),
    [
        (figure(10), figure(10.1), "mean", 0.01),
        (figure(-10), figure(-10.1), "mean", 0.01),
        (figure(10, 1), figure(10, 1.5), "std", 0.05),
        (figure(0.001, 0.5), figure(0.006, 0.5), "mean", 0.01),  # near zero: by what samples differ anyway
        (figure(0), figure(0.25), "mean", 250_000),  # never, and now: beyond all bounds
        (figure(0), figure(1e-9), "mean", 0.001),
    ],
)
def test_how_far_is_how_far(old: dict, new: dict, of: str, drift: float) -> None:
    found = compare_metrics(document(a={"x": old}), document(a={"x": new}), 0.02)
    (movement,) = found.movements
    assert movement[:3] == ("a", "x", of)
    assert movement.drift == pytest.approx(drift)
    assert bool(found.beyond) == (drift > 0.02)
    assert found.compared == 2


def test_what_moved_farthest_comes_first() -> None:
    golden = document(a={"x": figure(1), "y": figure(1)}, b={"x": figure(1)})
    now = document(a={"x": figure(1.1), "y": figure(1.5)}, b={"x": figure(1.2)})
    found = compare_metrics(golden, now, 0.15)
    assert [(movement.scenario, movement.figure) for movement in found.movements] == [
        ("a", "y"),
        ("b", "x"),
        ("a", "x"),
    ]
    assert len(found.beyond) == 2


def test_the_tolerance_itself_is_within() -> None:
    found = compare_metrics(document(a={"x": figure(2)}), document(a={"x": figure(3)}), 0.5)
    assert found.movements and not found.beyond


def test_what_is_gone_and_what_is_new() -> None:
    golden = document(a={"x": figure(1), "old": figure(2)}, gone={"x": figure(1)})
    now = document(a={"x": figure(1), "fresh": figure(3)}, new={"x": figure(1), "y": figure(1)})
    found = compare_metrics(golden, now, 1000.0)
    assert [movement[:5] for movement in found.beyond] == [
        ("a", "fresh", "", None, 3.0),
        ("a", "old", "", 2.0, None),
        ("gone", "", "", 1.0, None),
        ("new", "", "", None, 2.0),
    ]
    assert all(math.isinf(movement.drift) for movement in found.beyond)
    assert json.loads(json.dumps(found.to_json_dict(), allow_nan=False))["moved"][0]["drift"] is None


def test_overall_figures_count_too() -> None:
    golden, now = document(), document()
    now["overall"]["timesteps"]["mean"] = 10.0
    (movement,) = compare_metrics(golden, now, 0.02).beyond
    assert movement[:3] == (OVERALL, "timesteps", "mean")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a golden metrics file .not JSON"),
        ("[]", "not a golden metrics file: expected a JSON object"),
        ('{"format_version": 1}', "not a golden metrics file: lacks suites"),
        (
            '{"format_version":2,"overall":{},"scenarios":{},"suites":[]}',
            "expected format version 1, found 2",
        ),
        (
            '{"format_version":1,"overall":{"x":{"count":1,"mean":NaN,"std":0}},"scenarios":{},"suites":[]}',
            "not a golden metrics file .not JSON: invalid character",
        ),
        (
            '{"format_version":1,"overall":{"x":{"count":1,"mean":1e999,"std":0}},"scenarios":{},"suites":[]}',
            "not a golden metrics file: .*number out of range",
        ),
        (
            '{"format_version":1,"overall":{"x":{"count":1,"mean":"0","std":0}},"scenarios":{},"suites":[]}',
            "not a golden metrics file: .*mean: expected int . float, got str",
        ),
        (
            '{"format_version":1,"overall":{"x":{"count":1}},"scenarios":{},"suites":[]}',
            "not a golden metrics file: .*lacks mean",
        ),
        (
            '{"format_version":1,"overall":{},"scenarios":{},"suites":[7]}',
            "not .*: suites.0.: expected str, got int",
        ),
        (
            '{"format_version":1,"overall":{},"scenarios":{"a":[]},"suites":[]}',
            "not .*: expected object, got array",
        ),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "golden.json"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"golden\.json: {message}"):
        read_golden(path)


def test_places_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no golden metrics file is there; `townlet golden` writes one"):
        read_golden(tmp_path / "missing.json")
    with pytest.raises(UserError, match="is a folder; expected a file"):
        read_golden(tmp_path)
    with pytest.raises(OutputError, match="found a folder"):
        write_golden(tmp_path, document())
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="file is no folder that you may write into"):
        write_golden(tmp_path / "file" / "golden.json", document())


def test_another_suites_file_is_refused() -> None:
    check_suites("golden.json", document(), ["smoke"])
    with pytest.raises(UserError, match=r"golden\.json: is the golden file of smoke, not of nightly, town"):
        check_suites("golden.json", document(), ["nightly", "town"])
