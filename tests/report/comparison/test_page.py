"""Pages of two runs, and of two data sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.dataset.captures import index
from tests.report.read_page import arrays_of, read_page
from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.dataset.capture.commit import publish_runs, stage_receipt, stage_sample
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.data_set import open as open_data_set
from townlet.dataset.store import local as store
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError
from townlet.policy_text import NO_MODELS
from townlet.report.comparison.page import data_set_comparison_page, run_comparison_page
from townlet.rollout.play import play
from townlet.samples import stack_groups


@pytest.fixture(autouse=True, scope="module")
def no_syncing() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_sync_file_system", lambda path: True)
        yield


def data_set(folder: Path, policy: str, *runs: tuple[str, int]) -> DataSet:
    """Runs of shipped scenarios as a data set."""
    place, records, made = LocalStore(folder), [], []
    for scenario, seed in runs:
        run = shipped(f"scenarios/{scenario}", 30, policy, seed=seed)
        run = replace(run, name=scenario, folder=run_folder(scenario, seed))
        staged = [stage_sample(place, run, key, stack_groups([group])) for key, group in play(run, NO_MODELS)]
        made.append(run)
        records.append(stage_receipt(place, run, len(staged), staged))
    index(place, publish_runs(place, list(zip(made, records, strict=True))), records)
    return open_data_set(folder)


def test_two_runs(tmp_path: Path) -> None:
    sides = [
        captured(shipped("scenarios/kitchen_breakfast", 30, policy), tmp_path / policy)
        for policy in ("needs", "uniform")
    ]
    page = run_comparison_page((sides[0], NO_MODELS), (sides[1], NO_MODELS))
    document, block = read_page(page)
    assert document["kind"] == "comparison" and len(document["runs"]) == 2
    for run, capture in zip(document["runs"], sides, strict=True):
        arrays = arrays_of(run, block)
        for sample in capture:
            row = next(life["row"] for life in run["lives"] if life["name"] == sample.agent_id)
            assert np.array_equal(arrays["reward"][row], sample.rewards)
    compared = document["comparison"]
    reward = compared["metrics"][0]
    sums = [[float(sample.rewards.sum(dtype=np.float64)) for sample in side] for side in sides]
    left, right = (float(np.mean(side)) for side in sums)
    assert reward[:4] == ["reward_sum", *map(pytest.approx, (left, right, right - left))]
    terms = {name: (left, right) for name, left, right in compared["terms"]}
    assert sum(left for left, _ in terms.values()) == pytest.approx(np.mean(sums[0]), rel=1e-5)
    assert compared["paired_by"] == "agent" and compared["golden"] is None
    assert compared["first_difference"] is not None
    assert run_comparison_page((sides[0], NO_MODELS), (sides[1], NO_MODELS)) == page


def test_who_is_in_one_run_only_is_compared_with_nobody(tmp_path: Path) -> None:
    run = shipped("scenarios/kitchen_breakfast", 30, "uniform")
    whole = captured(run, tmp_path / "whole")
    alone = captured(replace(run, agent=whole[1].agent_id), tmp_path / "alone")
    document, _ = read_page(run_comparison_page((whole, NO_MODELS), (alone, NO_MODELS)))
    compared = document["comparison"]
    assert compared["pairs"] == 1
    assert all(left == right for _, left, right in compared["terms"])
    assert sum(left for _, left, _ in compared["terms"]) == pytest.approx(whole[1].rewards.sum(), rel=1e-5)


def test_two_data_sets(tmp_path: Path) -> None:
    runs = (("kitchen_breakfast", 0), ("kitchen_breakfast", 1), ("queue_conflict", 0))
    left = data_set(tmp_path / "a", "needs", *runs, ("queue_conflict", 5))
    right = data_set(tmp_path / "b", "uniform", *runs)
    document, _ = read_page(data_set_comparison_page(left, right))
    compared = document["comparison"]
    assert compared["paired_by"] == "scenario and seed"
    names = [metric[0] for metric in compared["metrics"]]
    assert names[0] == "reward_sum"
    assert names[-2:] == ["kitchen_breakfast: reward_sum", "queue_conflict: reward_sum"]
    means = {
        run: [
            float(np.mean([s.rewards.sum(dtype=np.float64) for s in side.capture(*run)]))
            for side in (left, right)
        ]
        for run in runs
    }
    differences = [b - a for a, b in means.values()]
    _, _, _, difference, error, effect = compared["metrics"][0]
    assert difference == pytest.approx(np.mean(differences), rel=1e-6)
    assert error == pytest.approx(np.std(differences, ddof=1) / np.sqrt(3), rel=1e-6)
    assert effect == pytest.approx(np.mean(differences) / np.std(differences, ddof=1), rel=1e-6)
    farthest = max(means, key=lambda run: abs(means[run][1] - means[run][0]))
    assert [(run["head"]["scenario"], int(run["head"]["seed"])) for run in document["runs"]] == [farthest] * 2
    assert f"of the pair whose reward differs most, {farthest[0]} seed {farthest[1]}: " in compared["what"]


def test_nothing_in_common(tmp_path: Path) -> None:
    left = data_set(tmp_path / "a", "needs", ("kitchen_breakfast", 0))
    right = data_set(tmp_path / "b", "needs", ("kitchen_breakfast", 1))
    with pytest.raises(UserError, match="have no scenario and seed in common; nothing can be paired"):
        data_set_comparison_page(left, right)
