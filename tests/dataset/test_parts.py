"""Parts of an index: what goes in comes out, and what is gone is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet.dataset.index import IndexedRun
from townlet.dataset.parts import read_parts, stage_part
from townlet.dataset.store import LocalStore
from townlet.errors import TownletError

RUNS = [
    IndexedRun((name, seed), b"entry of " + name.encode(), bytes(seed % 97))
    for name in ("a", "b.c")
    for seed in (0, 2**62)
]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    parts = [stage_part(store, RUNS[:3]), stage_part(store, RUNS[3:])]
    assert [part.count for part in parts] == [3, 1]
    assert sorted(read_parts(store, parts)) == sorted(RUNS)


def test_the_same_runs_are_the_same_part(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    part = stage_part(store, RUNS)
    assert stage_part(store, RUNS[::-1]) == part
    assert len(list(store.list())) == 1
    assert len(list(read_parts(store, [part, part]))) == len(RUNS)


@pytest.mark.parametrize("change", ["gone", "damaged"])
def test_what_is_gone_or_damaged_is_said(tmp_path: Path, change: str) -> None:
    store = LocalStore(tmp_path)
    part = stage_part(store, RUNS)
    if change == "gone":
        store.delete(part.name)
    else:
        store.write_whole(part.name, [store.read(part.name)[:-1]])
    with pytest.raises(TownletError, match="simulates nothing twice"):
        list(read_parts(store, [part]))
