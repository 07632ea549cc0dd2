"""The data of a training's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.policy.network.models import random_model
from tests.report.read_page import arrays_of, read_page
from tests.report.training.folders import make_folder
from townlet.errors import UserError
from townlet.generator.generate import generate_run
from townlet.policy_text import Models
from townlet.report.bundle import PageArrays, bundle
from townlet.report.training.folder import TrainingFolder, read_folder
from townlet.report.training.training_data import build_training
from townlet.rollout.player import setting_of
from townlet.run import Run
from townlet.train.evaluate import evaluate


@pytest.fixture
def plain(tmp_path: Path) -> TrainingFolder:
    return read_folder(make_folder(tmp_path))


@pytest.fixture
def trained(plain: TrainingFolder) -> TrainingFolder:
    """With a network, random as it is."""
    model = random_model(setting_of(generate_run(plain.towns[0])), seed=5)
    return replace(plain, models={"best": model})


def named(runs: Mapping[str, Run], models: Models) -> list[Mapping[str, Any]]:
    assert all(run.seed == 0 and run.models in ((), tuple(models)) for run in runs.values())
    return [{"policy": name, "file": f"{run.name}-{name}.html"} for name, run in runs.items()]


def test_curves_and_table(plain: TrainingFolder) -> None:
    arrays = PageArrays()
    document = build_training(plain, arrays, named, runs=1)
    head, block = read_page(bundle(document, arrays, "training"))
    facts = head["training"]
    assert (facts["name"], facts["iterations"], facts["steps"], facts["towns"]) == (
        "training",
        3,
        30,
        ["tiny"],
    )
    assert facts["best"] == {"iteration": 3, "return": 3.0}
    assert ["hidden", "8, 8"] in facts["settings"] and ["ticks", "-"] in facts["settings"]
    found = arrays_of(facts, block)
    curves = {curve["key"]: curve["series"] for curve in facts["curves"]}
    assert {*curves} == {"return", "ended", "explained_variance"}, "what was never measured has no curve"
    learned, chosen = curves["return"]
    assert found[learned["array"]].tolist() == [1.5, 2.5, 2.0] and found[learned["x"]].tolist() == [
        10,
        20,
        30,
    ]
    assert found[learned["error"]].tolist() == [0.5, 0.25, 0.5]
    assert (found[chosen["x"]].tolist(), found[chosen["array"]].tolist(), chosen["error"]) == (
        [30],
        [3.0],
        None,
    )
    assert found[curves["explained_variance"][0]["x"]].tolist() == [20]
    columns = facts["table"]["columns"]
    assert facts["table"]["rows"][0][columns.index("explained_variance")] is None


def test_without_a_model_the_built_in_ones_are_evaluated_and_nothing_is_replayed(
    plain: TrainingFolder,
) -> None:
    facts = build_training(plain, PageArrays(), named, runs=2)["training"]
    (town,) = facts["evaluation"]
    assert [row["policy"] for row in town["rows"]] == ["needs", "uniform"] and facts["replays"] == []
    assert facts["notices"] == ["no model was chosen yet, so there is no best policy to play"]


def test_the_best_policy_beside_needs(trained: TrainingFolder) -> None:
    facts = build_training(trained, PageArrays(), named, runs=3)["training"]
    (town,) = facts["evaluation"]
    rows = {row["policy"]: row for row in town["rows"]}
    assert {*rows} == {"needs", "uniform", "best policy"} and (town["runs"], town["ticks"]) == (3, 30)
    runs = [replace(trained.towns[0], seed=seed, policy="needs") for seed in range(3)]
    mean = evaluate(runs).mean("returns")
    assert rows["needs"]["return"] == [mean.mean, mean.error] and rows["needs"]["difference"] is None
    difference = rows["best policy"]["return"][0] - rows["needs"]["return"][0]
    assert rows["best policy"]["difference"][0] == pytest.approx(difference)
    assert [each["file"] for each in facts["replays"]] == ["tiny-best policy.html", "tiny-needs.html"]


def test_what_cannot_be_played_is_said(plain: TrainingFolder) -> None:
    def refuse(runs: Mapping[str, Run], models: Models) -> list[Mapping[str, Any]]:
        raise UserError("no room\x1b[2J")

    bad = replace(plain, models={"best": b"no model"})
    facts = build_training(bad, PageArrays(), refuse, runs=1)["training"]
    assert facts["evaluation"] == [] and facts["notices"][0].startswith("tiny: not evaluated: ")
    assert [each["problem"] for each in facts["replays"]] == ["no room\\x1b[2J"]


def test_a_town_whose_config_is_not_there(plain: TrainingFolder) -> None:
    facts = build_training(replace(plain, towns=(), missing=("tiny",)), PageArrays(), named)["training"]
    assert facts["evaluation"] == [] and "its config is not in the folder" in facts["notices"][1]
