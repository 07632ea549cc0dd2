"""Sweeping up: what nobody needs goes, what anybody could need stays, and nothing outside is touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture, content, flip, folders, stage, status_of
from tests.samples import make_run
from townlet.cli import main
from townlet.dataset.capture.commit import publish_run, stage_receipt
from townlet.dataset.checking.gc import gc, gc_store
from townlet.dataset.checking.verify import verify, verify_store
from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.format.paths import BUILD, receipt_path, run_folder, staging_folder
from townlet.dataset.index.build_shards import indexed
from townlet.dataset.index.read_index import read_index
from townlet.dataset.index.write_index import write_index
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.lock import output_lock
from townlet.dataset.versions.versions import finish_publishing, publish, utc_now
from townlet.errors import CorruptSampleError, OutputError, UserError
from townlet.run import Run


def runs(*seeds: int, name: str = "scene") -> list[Run]:
    return [make_run(name, seed=seed, ticks=3, folder=run_folder(name, seed)) for seed in seeds]


@pytest.fixture
def versioned(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "set")
    for version in (1, 2):
        capture(store.below(f"versions/{version}"), *runs(*range(version)))
        publish(store, version)
        finish_publishing(store, utc_now())
    return store


def names(store: LocalStore, **options: Any) -> list[str]:
    return [leftover.name for leftover in gc(store.root, **options).gone]


def sign(build: Path, output: str = "set") -> None:  # as `--overwrite` marks a folder as its own
    LocalStore(build).write_whole(BUILD, [line_bytes({"townlet": "overwrite", "output": output})])


def assert_spotless(store: LocalStore, clean: dict[str, bytes]) -> None:
    assert content(store.root) == clean
    report = verify(store.root)
    assert (report.problems, report.notes) == ([], [])
    assert ".staging" not in folders(store.root)
    assert names(store) == []


def test_nothing_to_do(store: LocalStore, clean: dict[str, bytes]) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}
    assert gc(store.root).to_json_dict() == {
        "place": str(store.root),
        "dry_run": False,
        "size": 0,
        "removed": [],
        "kept": [],
        "finished": [],
        "said": "",
    }
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*")} == before
    assert_spotless(store, clean)


def test_strangers_go(store: LocalStore, clean: dict[str, bytes]) -> None:
    (store.root / "notes.txt").write_bytes(b"12345")
    (store.root / "runs/scene/seed-1/old.npz").write_bytes(b"")
    (store.root / "runs/scene/seed-1/deep/er").mkdir(parents=True)
    (store.root / "runs/scene/seed-1/deep/er/x").write_bytes(b"")
    (store.root / "empty/er").mkdir(parents=True)
    listed = gc(store.root, dry_run=True)
    assert {leftover.name for leftover in listed.gone} == {
        "empty",
        "notes.txt",
        "runs/scene/seed-1/deep/er/x",
        "runs/scene/seed-1/old.npz",
    }
    assert "notes.txt" in content(store.root)
    assert gc(store.root).gone == listed.gone
    assert {leftover.name: leftover.size for leftover in listed.gone}["notes.txt"] == 5
    index = ["index", "index/runs", "index/samples", "index/summaries"]
    assert folders(store.root) == [*index, "runs", "runs/scene", "runs/scene/seed-1", "runs/scene/seed-2"]
    assert_spotless(store, clean)


def test_dead_staging_goes(store: LocalStore, clean: dict[str, bytes]) -> None:
    (other,) = runs(7)
    stage(store, other)
    (store.root / ".staging" / f"{'0' * 16}.tmp").write_bytes(b"123")
    store.write_new(f".staging/index/{'0' * 64}", [b"123"])
    assert [(leftover.name.split("-")[0], leftover.why) for leftover in gc(store.root).gone] == [
        (f".staging/{'0' * 16}.tmp", "a file that was not finished"),
        (".staging/index", "an index that was not finished"),
        (".staging/scene", "a run that was not simulated to its end"),
    ]
    assert_spotless(store, clean)


def test_what_can_be_gone_on_from_stays(store: LocalStore, clean: dict[str, bytes]) -> None:
    (other,) = runs(7)
    stage_receipt(store, other, 2, stage(store, other))
    swept = gc(store.root)
    assert swept.gone == []
    assert [kept.name for kept in swept.kept] == [staging_folder(other)]
    assert status_of(store, other) == "simulated"
    assert names(store, everything=True) == [staging_folder(other)]
    assert_spotless(store, clean)


@pytest.mark.parametrize("moved", range(6))
def test_a_run_that_was_published_in_part(
    store: LocalStore, moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two moves: what its receipt names stays, in both places, and the run is finished from it."""
    (other,) = runs(7)
    records = stage_receipt(store, other, 2, stage(store, other))
    real, left = LocalStore.move, [moved]

    def move(self: LocalStore, source: str, target: str) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        real(self, source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(LocalStore, "move", move)
        publish_run(store, other, records)
    before = content(store.root)
    assert gc(store.root).gone == []
    assert content(store.root) == before
    assert status_of(store, other) == "simulated"
    assert {note.kind for note in verify(store.root).notes} == {"unfinished"}
    whole = LocalStore(store.root.parent / "whole")
    capture(whole, *runs(1, 2, 7))
    capture(store, other)
    assert_spotless(store, content(whole.root))


def test_a_receipt_that_does_not_hold(store: LocalStore, clean: dict[str, bytes]) -> None:
    first, second = runs(7, 8)
    records = stage_receipt(store, first, 2, stage(store, first))
    (store.root / records[0].npz.staged).unlink()
    stage_receipt(store, second, 2, stage(store, second))
    (store.root / receipt_path(second)).write_bytes(b"[]")
    assert {leftover.why for leftover in gc(store.root).gone} == {"a receipt that does not hold"}
    assert_spotless(store, clean)


def test_staging_of_what_is_published(store: LocalStore, clean: dict[str, bytes]) -> None:
    run = runs(1)[0]
    aside = store.root.parent / "aside"
    other = LocalStore(aside)
    stage_receipt(other, run, 2, stage(other, run))
    shutil.copytree(aside / ".staging", store.root / ".staging")
    assert [leftover.why for leftover in gc(store.root).gone] == ["a run that is published"]
    assert_spotless(store, clean)


def test_a_capture_that_the_index_does_not_name_stays(store: LocalStore) -> None:
    (other,) = runs(7)
    publish_run(store, other, stage_receipt(store, other, 2, stage(store, other)))
    (store.root / other.folder / "stranger").write_bytes(b"")
    before = content(store.root)
    swept = gc(store.root)
    assert [leftover.name for leftover in swept.gone] == [f"{other.folder}/stranger"]
    assert [kept.name for kept in swept.kept] == [other.folder]
    assert content(store.root) == {name: data for name, data in before.items() if "stranger" not in name}


@pytest.mark.parametrize("damage", ["missing", "flipped"])
def test_where_a_manifest_is_damaged_nothing_goes(store: LocalStore, damage: str) -> None:
    manifest = store.root / "runs/scene/seed-1/rollout_sample_manifest.json"
    flip(manifest, 50) if damage == "flipped" else manifest.unlink()
    (store.root / "runs/scene/seed-1/stranger").write_bytes(b"")
    before = content(store.root)
    swept = gc(store.root, everything=True)
    assert (swept.gone, [kept.name for kept in swept.kept]) == ([], ["runs/scene/seed-1"])
    assert content(store.root) == before


def test_moves_of_an_index_are_finished(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    (other,) = runs(7)
    records = stage_receipt(store, other, 2, stage(store, other))
    published = publish_run(store, other, records)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(LocalStore, "move", die)
        write_index(store, [indexed(published, records)])
    report = verify(store.root)
    assert report.ok
    (shard,) = read_index(store).shards
    moved = {"metrics.json", "README.md", *(file.name for file in shard.files)}
    assert moved <= {note.name for note in report.notes}
    assert gc(store.root, dry_run=True).finished == []
    assert moved <= set(gc(store.root).finished)
    whole = LocalStore(store.root.parent / "whole")
    capture(whole, *runs(1, 2, 7))
    assert_spotless(store, content(whole.root))


def test_a_single_capture(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "one")
    capture(store, make_run(ticks=3))
    clean = content(store.root)
    stage(store, make_run(ticks=4))
    (store.root / "dataset.txt").write_bytes(b"")
    assert len(names(store)) == 2
    assert_spotless(store, clean)


def test_a_data_set_that_was_begun(tmp_path: Path) -> None:
    """There is no index yet: outside its runs, nothing tells whose a file is."""
    store = LocalStore(tmp_path / "set")
    first, second, third = runs(1, 2, 3)
    publish_run(store, first, stage_receipt(store, first, 2, stage(store, first)))
    stage_receipt(store, second, 2, stage(store, second))
    stage(store, third)
    (store.root / "thesis.tex").write_bytes(b"")
    (store.root / "runs/stranger").write_bytes(b"")
    swept = gc(store.root)
    assert [leftover.name for leftover in swept.gone] == [staging_folder(third), "runs/stranger"]
    assert {kept.name for kept in swept.kept} == {staging_folder(second), first.folder, "thesis.tex"}
    assert status_of(store, first) == "published"
    assert status_of(store, second) == "simulated"


def test_versions(versioned: LocalStore) -> None:
    root = versioned.root
    clean = content(root)
    shutil.copytree(root / "versions/2", root / "versions/3")
    shutil.copytree(root / "versions/2", root / "versions/4")
    (root / "versions/1/dataset.json").unlink()
    (root / "versions/.2.lock").write_bytes(b"")
    (root / "versions/notes").mkdir()
    (root / "versions/notes/x").write_bytes(b"")
    (root / "versions/2/runs/scene/seed-0/stranger").write_bytes(b"")
    (root / "stranger").write_bytes(b"")
    (root / ".staging").mkdir()
    (root / ".staging/x.tmp").write_bytes(b"")
    (root / "current").unlink()
    (root / "current").symlink_to("versions/1")
    swept = gc(root)
    assert {leftover.name for leftover in swept.gone} == {
        ".staging/x.tmp",
        "stranger",
        "versions/.2.lock",
        "versions/1",
        "versions/2/runs/scene/seed-0/stranger",
        "versions/3",
        "versions/notes/x",
    }
    assert os.readlink(root / "current") == "versions/2"
    assert [kept.name for kept in swept.kept] == ["versions/4"]
    assert {leftover.name for leftover in gc(root, everything=True).gone} == {"versions/4"}
    assert content(root) == {name: data for name, data in clean.items() if not name.startswith("versions/1/")}
    report = verify(root, every_version=True)
    assert (report.ok, report.notes, report.versions) == (True, [], (2,))


def test_a_first_version_that_was_begun(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "set")
    run = runs(1)[0]
    stage_receipt(store.below("versions/1"), run, 2, stage(store.below("versions/1"), run))
    swept = gc(store.root)
    assert swept.gone == []
    assert {kept.name for kept in swept.kept} == {f"versions/1/{staging_folder(run)}", "versions/1"}
    assert [leftover.name for leftover in gc(store.root, everything=True).gone] == ["versions/1"]


def test_a_stale_lock_goes(store: LocalStore) -> None:
    lock = store.root.parent / ".set.lock"
    lock.write_bytes(b'{"host":"h","pid":1,"since":"2020-01-01T00:00:00+00:00"}\n')
    gc(store.root)
    assert not lock.exists()


def test_what_is_refused(store: LocalStore, versioned_beside: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="found nothing there"):
        gc(tmp_path / "nothing")
    home = tmp_path / "home"
    (home / ".staging").mkdir(parents=True)
    (home / "thesis.tex").write_bytes(b"mine")
    (home / ".staging/mine").write_bytes(b"mine")
    with pytest.raises(UserError, match="not Townlet's"):
        gc(home)
    assert (home / "thesis.tex").read_bytes() == b"mine"
    with pytest.raises(UserError, match="is one version of"):
        gc(versioned_beside / "versions/1")
    with output_lock(store.root), pytest.raises(OutputError, match="is writing here"):
        gc(store.root)
    flip(store.root / "dataset.json", 60)
    (store.root / "stranger").write_bytes(b"")
    with pytest.raises(CorruptSampleError, match=r"dataset\.json"):
        gc(store.root)
    assert (store.root / "stranger").exists()


@pytest.fixture
def versioned_beside(tmp_path: Path) -> Iterator[Path]:
    store = LocalStore(tmp_path / "versioned")
    capture(store.below("versions/1"), *runs(1))
    publish(store, 1)
    yield store.root


def test_an_object_store() -> None:
    memory = pytest.importorskip("obstore.store").MemoryStore()
    from townlet.dataset.store.object_store import ObjectStore
    from townlet.dataset.store.object_store_client import Bucket

    store = ObjectStore(Bucket("memory://bucket", memory), "out")
    capture(store, *runs(1, 2))
    clean = {file.name: store.read(file.name) for file in store.list()}
    dead, receipt = runs(7, 8)
    stage(store, dead)
    stage_receipt(store, receipt, 2, stage(store, receipt))
    store.write_new("runs/scene/seed-2/stranger", [b"1"])
    store.write_new("stranger", [b"1"])
    report = verify_store(store)
    assert {(problem.kind, problem.name) for problem in report.problems} == {
        ("unexpected", "stranger"),
        ("unexpected", "runs/scene/seed-2/stranger"),
    }
    assert {dead.folder, receipt.folder} <= {note.name for note in report.notes}
    swept = gc_store(store)
    assert {leftover.name.rpartition("/")[0] for leftover in swept.gone} == {
        ".staging", "", dead.folder, "runs/scene/seed-2",
    }  # fmt: skip
    assert status_of(store, receipt) == "simulated"
    gc_store(store, everything=True)
    assert {file.name: store.read(file.name) for file in store.list()} == clean
    report = verify_store(store)
    assert (report.problems, report.notes) == ([], [])


def test_what_the_command_says(store: LocalStore, capsys: pytest.CaptureFixture[str]) -> None:
    stage(store, runs(7)[0])
    (store.root / "notes.txt").write_bytes(b"123")
    assert main(["gc", str(store.root), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "notes.txt" in said and "in no manifest" in said
    assert f"{store.root}: 2 would be deleted, " in said
    assert main(["gc", str(store.root), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["removed"]) == 2
    assert main(["gc", str(store.root)]) == 0
    assert capsys.readouterr().out == f"{store.root}: nothing to delete\n"
    assert main(["gc", str(store.root.parent)]) == 2
