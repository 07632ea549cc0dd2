"""Outputs inside outputs are found by what their files say, and what is only called like one is none."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.dataset.captures import capture, content, stage
from tests.samples import make_run
from townlet.dataset.capture.preflight import check_place
from townlet.dataset.checking.gc import gc
from townlet.dataset.format.paths import run_folder
from townlet.dataset.status.nested import is_below, nested_outputs, output_above, refuse_nested, why_it_stays
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.next_version import drop_others
from townlet.dataset.versions.versions import finish_publishing, prune, publish, remove_version, utc_now
from townlet.errors import OutputError, TownletError

RUNS = [make_run(seed=seed, ticks=3, folder=run_folder("scene", seed)) for seed in (1, 2)]
ONE = make_run(seed=5, ticks=3)


@pytest.fixture
def versioned(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "set")
    for version in (1, 2, 3):
        capture(store.below(f"versions/{version}"), *RUNS)
        publish(store, version)
        finish_publishing(store, utc_now())
    return store


def test_an_output_s_own_files_are_not_nested(versioned: LocalStore) -> None:
    names = [file.name for file in versioned.list()]
    assert nested_outputs(versioned, names, versioned=True) == set()
    inner = versioned.below("versions/1")
    stage(inner, ONE)
    assert nested_outputs(inner, [file.name for file in inner.list()]) == set()
    assert why_it_stays(inner) == ""


@pytest.mark.parametrize(
    "folder", ["mine", "runs/mine", "runs/scene/mine", "runs/scene/seed-1/mine", "index/mine"]
)
def test_outputs_of_every_kind_are_found(tmp_path: Path, folder: str) -> None:
    store = LocalStore(tmp_path / "set")
    capture(store, *RUNS)
    for make in (
        lambda inner: capture(inner, ONE),
        lambda inner: capture(inner, *RUNS),
        lambda inner: stage(inner, ONE),
    ):
        make(LocalStore(store.root / folder))
        found = nested_outputs(store, [file.name for file in store.list()])
        assert all(is_below(name, [folder]) for name in found)
        assert folder in found
        assert folder in why_it_stays(store)
        store.delete(folder)


@pytest.mark.parametrize(
    "name", ["app_manifest.json", "dataset.json", "current.json", "webpack_manifest.json", "x/dataset.json"]
)
def test_files_of_other_programs_make_no_output(tmp_path: Path, name: str) -> None:
    store = LocalStore(tmp_path / "home")
    for content_of in (
        b"{}",
        b"",
        b'{"name": "app", "version": 1}',
        b'{"metadata": {}, "samples": []}',
        b"\xff\x00",
    ):
        store.write_whole(name, [content_of])
        below = LocalStore(store.root / "x" / "out")
        refuse_nested(below)
        assert output_above(below.root) is None
        assert nested_outputs(LocalStore(tmp_path), [f"home/{name}"]) == set()


def test_a_damaged_index_is_still_one(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "set")
    capture(store, *RUNS)
    data = store.read("dataset.json")
    store.write_whole("dataset.json", [data[: len(data) // 2]])
    with pytest.raises(OutputError, match="which is a data set"):
        refuse_nested(LocalStore(store.root / "mine"))


@pytest.mark.parametrize("what", ["output", "link"])
def test_a_version_that_holds_something_of_others_is_not_removed(
    versioned: LocalStore, tmp_path: Path, what: str
) -> None:
    place = versioned.root / "versions/1/runs/scene/seed-1/mine"
    if what == "link":
        place.symlink_to(tmp_path)
    else:
        capture(LocalStore(place), ONE)
    before = content(versioned.root)
    why: list[str] = []
    gone = prune(versioned, 1, utc_now() + timedelta(days=1), lambda error: why.append(str(error)))
    assert gone == [2]
    assert [("version 1 is not removed" in line, "seed-1/mine" in line) for line in why] == [(True, True)]
    assert content(versioned.root) == {
        name: x for name, x in before.items() if not name.startswith("versions/2/")
    }
    with pytest.raises(OutputError, match="version 1 is not removed"):
        remove_version(versioned, 1)
    with pytest.raises(OutputError, match=r"versions/1: cannot be gone on with: .*mine"):
        drop_others(LocalStore(versioned.root / "versions/1"), RUNS)
    assert why_it_stays(LocalStore(versioned.root / "versions/3")) == ""


def test_gc_keeps_what_lies_in_versions_that_go(versioned: LocalStore) -> None:
    capture(versioned.below("versions/5"), *RUNS)
    capture(versioned.below("versions/6"), *RUNS)
    mine = LocalStore(versioned.root / "versions/5/mine")
    capture(mine, ONE)
    theirs = content(mine.root)
    swept = gc(versioned.root, everything=True)
    assert [leftover.name for leftover in swept.gone] == ["versions/6"]
    assert [kept.name for kept in swept.kept] == ["versions/5"]
    assert content(mine.root) == theirs


def test_somebody_s_current_is_not_replaced(tmp_path: Path) -> None:
    """A link of this name is ours if it leads to a version."""
    from townlet.dataset.versions.versions import check_versions

    store = LocalStore(tmp_path / "set")
    capture(store.below("versions/1"), *RUNS)
    for make in (
        lambda path: path.symlink_to(tmp_path),
        lambda path: path.write_text("mine"),
        lambda path: path.symlink_to("versions/one"),
    ):
        make(store.root / "current")
        with pytest.raises(OutputError, match="current is there, and is none of Townlet's"):
            check_versions(store)
        publish(store, 1)
        finish_publishing(store, utc_now())
        assert store.kind("current") in ("file", "link")
        with pytest.raises(TownletError, match="current is there, and is none of Townlet's"):
            check_versions(store)
        (store.root / "current").unlink()
        (store.root / "current.json").unlink()


def test_what_cannot_be_read_is_said_to_be_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that it is somebody else's: nobody knows. Where something is to be removed, it may be an output."""
    store = LocalStore(tmp_path / "set")
    capture(store, *RUNS)
    capture(LocalStore(store.root / "mine"), *RUNS)
    real = os.open

    def refuse(path: str, *more: int, **named: int) -> int:
        if str(path).endswith("dataset.json"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OutputError, match=r"dataset\.json: cannot read: permission denied; have its owner"):
        check_place(store)
    assert "mine" in nested_outputs(store, [file.name for file in store.list()])
    refuse_nested(LocalStore(store.root / "elsewhere"))
