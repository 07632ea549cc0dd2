"""Which towns a training plays, with which seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet.config.load import load_config
from townlet.errors import UserError
from townlet.planning.request import Request
from townlet.train.towns import CHOOSING_SEED, Towns, training_seeds

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
KITCHEN = "scenarios/kitchen_breakfast.yaml"


def test_runs_of_a_config() -> None:
    towns = Towns.of(Request((KITCHEN,), ignore_schedules=True))
    digest = "ab" * 32
    runs = towns.runs([5, 6], digest)
    assert [(run.seed, run.policy, run.model_digest) for run in runs] == [
        (seed, f"network:{digest}", digest) for seed in (5, 6)
    ]
    scenario = load_config(KITCHEN).config.scenario
    assert scenario and {run.ticks for run in runs} == {scenario.ticks}
    assert all(run.ignore_schedules and run.folder == "" for run in runs)
    (built_in,) = towns.runs([5], "needs", ticks=7)
    assert (built_in.policy, built_in.model_digest, built_in.ticks) == ("needs", None, 7)


def test_of_a_suite_one_run_stands_for_all_seeds(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        f"name: two\nruns:\n  - {{config: {CONFIGS / KITCHEN}, seeds: 0..3}}\n"
        f"  - {{config: {CONFIGS / KITCHEN}, name: longer, ticks: 500, seeds: 0..3}}\n"
    )
    towns = Towns.of(Request((str(suite),)))
    assert (towns.templates[0].name, towns.templates[0].ticks) == ("kitchen_breakfast", 200)
    # In the order of a data set's index: by name, then by seed.
    assert [(run.name, run.seed) for run in towns.runs([1, 2], "needs")] == [
        ("kitchen_breakfast", 1), ("kitchen_breakfast", 2), ("longer", 1), ("longer", 2),
    ]  # fmt: skip


def test_towns_that_one_network_cannot_act_in(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        f"name: two\nruns: [{{config: {CONFIGS / KITCHEN}}}, {{config: {CONFIGS}/examples/town.yaml}}]\n"
    )
    with pytest.raises(UserError, match=r"one network cannot learn in kitchen_breakfast and town: their \w+"):
        Towns.of(Request((str(suite),)))


def test_seeds_of_trainings_are_nobody_elses() -> None:
    found = [seed for iteration in range(50) for seed in training_seeds(0, iteration, 8)]
    assert len(set(found)) == len(found)
    assert min(found) > CHOOSING_SEED + 10_000
    assert not set(training_seeds(1, 0, 8)) & set(found)
