"""The data of a data set's page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report.read_page import arrays_of, read_page
from townlet import cli
from townlet.dataset.reading.capture import Capture
from townlet.dataset.reading.data_set import DataSet, open
from townlet.errors import CorruptSampleError, UserError
from townlet.report.bundle import PageArrays, bundle
from townlet.report.dataset.dataset_data import build_data_set, title_of


def named(capture: Capture) -> dict[str, Any]:
    return {"file": f"{capture.metadata['scenario_name']}-{capture.metadata['seed']}.html"}


def test_what_a_page_says_of_two_scenarios(data_set: DataSet) -> None:
    found = build_data_set(data_set, PageArrays(), named)
    facts = found["dataset"]
    assert found["kind"] == "dataset" and title_of(data_set) == "hard_winter, kitchen_breakfast: 8 runs"
    assert (facts["runs"], facts["samples"], facts["complete"]) == (8, len(data_set), True)
    winter, kitchen = facts["scenarios"]
    assert winter["name"] == "hard_winter" and (winter["runs"], winter["distinct"]) == (4, 1)
    assert winter["read"] == ["0"], "of equal runs one is read"
    assert facts["notices"] == ["hard_winter: all 4 runs have the same content: its seeds change nothing"]
    assert (winter["lives"], winter["ended"], winter["seeds"]) == (8, 4, "0..3")
    assert winter["survival"] == {"ticks": [0, 73, 277], "share": [1.0, 0.5, 0.5]}
    assert [row[:4] for row in winter["rows"]] == [[str(seed), 0, 400, 350] for seed in range(4)]
    assert kitchen["read"] == ["0", "1", "2", "3"]
    best = max(kitchen["rows"], key=lambda row: row[4])
    assert kitchen["replays"][0] == {
        "what": "best", "seed": best[0], "return": best[4], "file": f"kitchen_breakfast-{best[0]}.html",
    }  # fmt: skip
    assert [each["scenarios"] for each in facts["layouts"]] == [["hard_winter", "kitchen_breakfast"]]


def test_arrays_are_read_back(data_set: DataSet) -> None:
    arrays = PageArrays()
    document = build_data_set(data_set, arrays, named)
    head, block = read_page(bundle(document, arrays, title_of(data_set)))
    found = arrays_of(head["dataset"], block)
    assert {*found} == {f"{name}_{k}" for name in ("reward", "need", "alive", "each") for k in (0, 1)}
    assert found["reward_1"].shape == (3, 200) and found["need_1"].shape == (3, 3, 200)
    samples = list(data_set.filter(scenario="kitchen_breakfast"))
    third = [one.rewards for one in samples if one.metadata["capture_metadata"]["seed"] == 3]
    rewards = np.concatenate(third).astype(np.float64).reshape(2, 200).sum(axis=0) / 2
    assert found["each_1"][3].tolist() == rewards.astype(np.float32).tolist()
    assert (np.diff(found["reward_1"], axis=0) >= 0).all(), "low, median, high"


def test_the_same_data_set_gives_the_same_page(data_set: DataSet) -> None:
    pages = []
    for _ in range(2):
        arrays = PageArrays()
        pages.append(bundle(build_data_set(data_set, arrays, named), arrays, title_of(data_set)))
    assert pages[0] == pages[1]


def test_a_run_that_cannot_be_played_again_has_no_replay(data_set: DataSet) -> None:
    def refuse(capture: Capture) -> dict[str, Any]:
        raise CorruptSampleError(f"another version\x1b made seed {capture.metadata['seed']}")

    found = build_data_set(data_set.filter(scenario="hard_winter"), PageArrays(), refuse)
    assert [each["problem"] for each in found["dataset"]["scenarios"][0]["replays"]] == [
        "another version\\x1b made seed 0",
    ]  # fmt: skip


def test_nothing_to_show(data_set: DataSet) -> None:
    with pytest.raises(UserError, match="no samples, so that there is nothing to show"):
        build_data_set(data_set.filter(seed=99), PageArrays(), named)


def test_layouts_that_differ_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    words = [
        "capture",
        "hard_winter",
        "market_day",
        "--ticks",
        "3",
        "--quiet",
        "--json",
        "--output",
        str(folder),
    ]
    assert cli.main([*words, "--seeds", "0"]) == 0
    facts = build_data_set(open(folder), PageArrays(), named)["dataset"]
    one, other = facts["layouts"]
    assert (one["scenarios"], other["scenarios"]) == (["hard_winter"], ["market_day"])
    assert one["extra"] and {*one["extra"]} == {*other["missing"]}
    assert json.dumps(facts | {"arrays": None}, allow_nan=False), "no number that JSON does not have"
