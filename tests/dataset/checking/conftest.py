"""A data set of two runs, for the tests of what checks and sweeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.captures import capture, content
from tests.samples import make_run
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "set")
    capture(
        store, *(make_run("scene", seed=seed, ticks=3, folder=run_folder("scene", seed)) for seed in (1, 2))
    )
    return store


@pytest.fixture
def clean(store: LocalStore) -> dict[str, bytes]:
    return content(store.root)
