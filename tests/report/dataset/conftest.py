"""A data set of two scenarios for all tests here; not to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet import cli
from townlet.dataset.reading.data_set import DataSet, open


@pytest.fixture(scope="session")
def two_scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two") / "data"
    words = ["capture", "hard_winter", "kitchen_breakfast", "--seeds", "0..3", "--segment-ticks", "150"]
    assert cli.main([*words, "--quiet", "--json", "--output", str(folder)]) == 0
    return folder


@pytest.fixture
def data_set(two_scenarios: Path) -> DataSet:
    return open(two_scenarios)
