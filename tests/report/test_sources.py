"""What lies at a place is told by its files; a run of a data set is chosen by scenario and seed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dataset.towns import capture_lives, town_run
from tests.house.source_tree import ROOT
from townlet.dataset.reading.capture import Capture
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError
from townlet.report.sources import TRAINING, Training, source_at


@pytest.fixture
def towns(tmp_path: Path) -> str:
    """A data set of two runs of one scenario and one of another."""
    runs = [town_run("town", 0), town_run("town", 1), town_run("village", 1)]
    capture_lives(LocalStore(tmp_path / "towns"), *runs)
    return str(tmp_path / "towns")


def test_a_data_set_and_its_runs(towns: str) -> None:
    assert isinstance(source_at(towns), DataSet)
    one = source_at(towns, "town", 1)
    assert isinstance(one, Capture) and one.metadata["seed"] == 1
    alone = source_at(towns, "village")
    assert isinstance(alone, Capture) and alone.metadata["scenario_name"] == "village"
    same = source_at(f"{towns}/runs/town/seed-1")
    assert isinstance(same, Capture) and same.metadata == one.metadata


@pytest.mark.parametrize(
    ("scenario", "seed", "message"),
    [
        ("twon", None, r"has no scenario twon; did you mean town\?"),
        ("xyz", 1, "has no scenario xyz; there are town, village"),
        ("town", None, "has 2 such runs, town seed 0 for example: choose one with --seed"),
        (None, 1, "has 2 such runs, town seed 1 for example: choose one with --scenario"),
        ("town", 7, "has no run of town with seed 7"),
        (None, 7, "has no run of any scenario with seed 7"),
    ],
)
def test_runs_that_cannot_be_chosen(towns: str, scenario: str | None, seed: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        source_at(towns, scenario, seed)


def test_a_training(tmp_path: Path) -> None:
    (tmp_path / TRAINING).write_text("{}")
    assert source_at(str(tmp_path)) == Training(tmp_path)
    with pytest.raises(UserError, match="is the folder of a training; --scenario and --seed choose a run"):
        source_at(str(tmp_path), "town")
    folder = (ROOT / "townlet/train/ppo/folder.py").read_text(encoding="utf-8")
    assert re.search(rf'^TRAINING, [A-Z, ]+ = "{re.escape(TRAINING)}", ', folder, re.MULTILINE)
