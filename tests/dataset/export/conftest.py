"""A data set to export."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.towns import TOWN, capture_lives, town_run
from townlet import dataset
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.store.local import LocalStore


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios of other layouts, in segments."""
    folder = tmp_path_factory.mktemp("set")
    store = LocalStore(folder)
    capture_lives(store, town_run("town", 0), town_run("town", 1), lives=TOWN)
    capture_lives(store, town_run("wide", 5), lives=TOWN[:1], window=7)
    return folder


@pytest.fixture(scope="module")
def opened(folder: Path) -> DataSet:
    return dataset.open(folder)
