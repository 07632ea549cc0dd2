"""Parts of an index: what goes in comes out, and what is gone is said."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dataset.captures import records_for
from tests.samples import make_run
from townlet.dataset.capture.commit import publish_run
from townlet.dataset.format.paths import STAGING, run_folder
from townlet.dataset.index import staged_runs
from townlet.dataset.index.build_shards import IndexedRun, indexed
from townlet.dataset.index.finish_index import delete_staged_index
from townlet.dataset.index.staged_runs import StagedRuns, read_runs, sorted_runs, stage_runs
from townlet.dataset.index.write_index import write_index
from townlet.dataset.store.local import LocalStore
from townlet.errors import TownletError

RUNS = [
    IndexedRun((name, seed), b"entry of " + name.encode(), bytes(seed % 97))
    for name in ("a", "b.c")
    for seed in (0, 2**62)
]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    parts = [stage_runs(store, RUNS[:3]), stage_runs(store, RUNS[3:])]
    assert [part.count for part in parts] == [3, 1]
    assert list(sorted_runs(store, parts[::-1])) == sorted(RUNS)


def test_the_same_runs_are_the_same_part(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    part = stage_runs(store, RUNS)
    assert stage_runs(store, RUNS[::-1]) == part
    assert len(list(store.list())) == 1
    assert len(list(sorted_runs(store, [part, part]))) == len(RUNS)


def test_the_step_that_writes_the_index_may_be_tried_again(tmp_path: Path) -> None:
    """An engine does so where the worker dies after the index was written, and before it could say so."""
    store, run = LocalStore(tmp_path), make_run("cafe", 0, folder=run_folder("cafe", 0))
    records = records_for(store, run)
    part = stage_runs(store, [indexed(publish_run(store, run, records), records)])
    first, again = (write_index(store, [], staged=[part]) for _ in range(2))
    assert first.root == again.root
    delete_staged_index(store)
    assert not list(store.list(STAGING))


@pytest.mark.parametrize("change", ["gone", "damaged"])
def test_what_is_gone_or_damaged_is_said(tmp_path: Path, change: str) -> None:
    store = LocalStore(tmp_path)
    part = stage_runs(store, RUNS)
    if change == "gone":
        store.delete(part.name)
    else:
        store.write_whole(part.name, [store.read(part.name)[:-1]])
    with pytest.raises(TownletError, match="simulates nothing twice"):
        list(sorted_runs(store, [part]))


def test_many_files_are_merged_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged_runs, "MERGED_AT_ONCE", 3)
    monkeypatch.setattr(staged_runs, "FILE_RUNS", 4)
    store, draw = LocalStore(tmp_path), random.Random(1)
    runs = [IndexedRun((draw.choice("abc"), number), b"entry", b"rows") for number in range(100)]
    parts = [stage_runs(store, runs[start : start + 5]) for start in range(0, 100, 5)]
    at_once: list[set[str]] = []
    real = staged_runs.read_runs

    def watched(store: LocalStore, files: list[StagedRuns]) -> Iterator[IndexedRun]:
        at_once.append({file.name for file in files})
        return real(store, files)

    monkeypatch.setattr(staged_runs, "read_runs", watched)
    assert list(sorted_runs(store, parts)) == sorted(runs)
    assert list(sorted_runs(store, parts)) == sorted(runs)  # tried again
    assert len(at_once) > len(parts)  # some twice, as parts of longer sequences
    assert len(list(read_runs(store, parts))) == 100
