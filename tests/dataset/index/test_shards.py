"""Parts of an index: what goes in comes out, and what is gone is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.captures import records_for
from tests.samples import make_run
from townlet.dataset.capture.commit import publish_run
from townlet.dataset.format.paths import STAGING, run_folder
from townlet.dataset.index.index_file import (
    IndexedRun,
    delete_staged_index,
    indexed,
    write_index,
)
from townlet.dataset.index.shards import read_shards, stage_shard
from townlet.dataset.store.local import LocalStore
from townlet.errors import TownletError

RUNS = [
    IndexedRun((name, seed), b"entry of " + name.encode(), bytes(seed % 97))
    for name in ("a", "b.c")
    for seed in (0, 2**62)
]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    parts = [stage_shard(store, RUNS[:3]), stage_shard(store, RUNS[3:])]
    assert [part.count for part in parts] == [3, 1]
    assert sorted(read_shards(store, parts)) == sorted(RUNS)


def test_the_same_runs_are_the_same_part(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    part = stage_shard(store, RUNS)
    assert stage_shard(store, RUNS[::-1]) == part
    assert len(list(store.list())) == 1
    assert len(list(read_shards(store, [part, part]))) == len(RUNS)


def test_the_step_that_writes_the_index_may_be_tried_again(tmp_path: Path) -> None:
    """An engine does so where the worker dies after the index was written, and before it could say so."""
    store, run = LocalStore(tmp_path), make_run("cafe", 0, folder=run_folder("cafe", 0))
    records = records_for(store, run)
    part = stage_shard(store, [indexed(publish_run(store, run, records), records)])
    first, again = (write_index(store, read_shards(store, [part])) for _ in range(2))
    assert first == again
    delete_staged_index(store)
    assert not list(store.list(STAGING))


@pytest.mark.parametrize("change", ["gone", "damaged"])
def test_what_is_gone_or_damaged_is_said(tmp_path: Path, change: str) -> None:
    store = LocalStore(tmp_path)
    part = stage_shard(store, RUNS)
    if change == "gone":
        store.delete(part.name)
    else:
        store.write_whole(part.name, [store.read(part.name)[:-1]])
    with pytest.raises(TownletError, match="simulates nothing twice"):
        list(read_shards(store, [part]))
