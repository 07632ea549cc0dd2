"""What is known of a data set before anything is captured into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.commands.data.hostile import replace_file, written
from tests.dataset.captures import capture
from tests.samples import make_run
from townlet.dataset.format.paths import run_folder
from townlet.dataset.status.known_index import KnownIndex, read_index_for_status
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError

RUNS = [make_run("a", seed, folder=run_folder("a", seed)) for seed in (1, 2)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    capture(LocalStore(tmp_path), *RUNS)
    return LocalStore(tmp_path)


def known(store: LocalStore) -> KnownIndex:
    return read_index_for_status(store)


def test_what_it_knows(store: LocalStore) -> None:
    index = known(store)
    found = index.entry("a", 1)
    assert found is not None and found.fingerprint == RUNS[0].fingerprint
    assert index.entry("a", 3) is index.entry("b", 1) is None
    assert index.scenarios == ("a",) and [run.seed for run in index.runs_of("a")] == [1, 2]
    assert list(index.runs_of("b")) == []


@pytest.mark.parametrize("change", [{"shards": []}, {"shards": [{}]}, {"shards": 5}, {}])
def test_what_a_writer_needs_is_read_before_the_work(store: LocalStore, change: dict[str, Any]) -> None:
    """What is in the summaries is used when the index is written: to hear of it then would be late."""
    (path,) = (store.root / "index" / "summaries").iterdir()
    replace_file(store.root, path, written(change))
    with pytest.raises(CorruptSampleError, match=r"index/summaries/.*; remove dataset\.json and capture"):
        known(store)


def test_a_damaged_table_is_found_with_the_first_run_of_its_shard(store: LocalStore) -> None:
    (path,) = (store.root / "index" / "samples").iterdir()
    replace_file(store.root, path, b"PAR1")
    index = known(store)
    with pytest.raises(CorruptSampleError, match=r"not a table of samples .*; remove dataset\.json and"):
        index.entry("a", 1)
