"""Verify: every changed byte is found, and every missing, exchanged and foreign file has its name said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.dataset.captures import capture, content, flip, stage
from tests.samples import make_run
from townlet.dataset.checking.verify import verify, verify_files
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError

RUN = make_run(ticks=2)
RUNS = [make_run(seed=seed, ticks=2, folder=run_folder("scene", seed)) for seed in (1, 2)]
ALICE, BOB = "rollout_sample_alice_001.npz", "rollout_sample_bob_002.npz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    capture(LocalStore(tmp_path / "out"), RUN)
    return tmp_path / "out"


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    capture(LocalStore(tmp_path / "set"), *RUNS)
    return tmp_path / "set"


def found(folder: Path, workers: int = 1) -> list[tuple[str, str]]:
    return [(problem.kind, problem.name) for problem in verify(folder, workers=workers).problems]


def noted(folder: Path) -> list[str]:
    """What is not part of the data set yet; nothing may be wrong."""
    report = verify(folder)
    assert report.ok
    assert {note.kind for note in report.notes} <= {"unfinished"}
    return [note.name for note in report.notes]


def test_a_whole_capture(folder: Path) -> None:
    report = verify(folder)
    assert report.ok
    assert (report.captures, report.files) == (1, 7)
    assert report.size == sum(map(len, content(folder).values()))
    assert verify(folder / "rollout_sample_manifest.json") == report
    assert verify_files(load_capture(folder)) == []
    assert json.loads(json.dumps(report.to_json_dict()))["ok"]


def test_a_whole_data_set(data_set: Path) -> None:
    report = verify(data_set)
    assert report.ok
    assert (report.captures, report.files) == (2, 21)
    assert report.size == sum(map(len, content(data_set).values()))


@pytest.mark.parametrize(
    ("workers", "step"), [(1, 19), (3, 97), pytest.param(1, 1, marks=pytest.mark.campaign)]
)
def test_every_changed_byte_is_found(folder: Path, workers: int, step: int) -> None:
    for name, whole in content(folder).items():
        for offset in range(0, 0 if "_bob_" in name else len(whole), step):
            flip(folder / name, offset)
            assert ("damaged", name) in found(folder, workers), (name, offset)
            flip(folder / name, offset)
    assert verify(folder).ok


@pytest.mark.campaign
def test_every_changed_byte_of_an_index_is_found(data_set: Path) -> None:
    for name in (
        "dataset.json",
        "metrics.json",
        "failures.json",
        "runs/scene/seed-1/rollout_sample_manifest.json",
    ):
        for offset in range(0, (data_set / name).stat().st_size, 61):
            flip(data_set / name, offset)
            assert ("damaged", name) in found(data_set), (name, offset)
            flip(data_set / name, offset)


def test_missing(folder: Path) -> None:
    for name in (ALICE, "rollout_sample_config.json"):
        data = (folder / name).read_bytes()
        (folder / name).unlink()
        assert found(folder) == [("missing", name)]
        (folder / name).write_bytes(data)


def test_cut(folder: Path) -> None:
    data = (folder / ALICE).read_bytes()
    (folder / ALICE).write_bytes(data[:-3])
    (problem,) = verify(folder).problems
    assert str(problem) == f"damaged: {ALICE}: expected {len(data)} bytes, found {len(data) - 3}"


def test_swapped(folder: Path) -> None:
    alice, bob = (folder / ALICE).read_bytes(), (folder / BOB).read_bytes()
    (folder / ALICE).write_bytes(bob)
    (folder / BOB).write_bytes(alice)
    assert [str(problem) for problem in verify(folder).problems] == [
        f"swapped: {ALICE}: holds what belongs into {BOB}",
        f"swapped: {BOB}: holds what belongs into {ALICE}",
    ]


def test_captures_exchanged_within_a_data_set(data_set: Path) -> None:
    first, second = (data_set / run.folder for run in RUNS)
    first.rename(data_set / "aside")
    second.rename(first)
    (data_set / "aside").rename(second)
    manifests = [f"{run.folder}/rollout_sample_manifest.json" for run in RUNS]
    assert found(data_set) == [("swapped", name) for name in manifests]


@pytest.mark.parametrize(
    "name", ["notes.txt", "rollout_sample_zoe_003.npz", "deep/er/rollout_sample_alice_001.npz"]
)
def test_foreign(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"")
    assert found(folder) == [("unexpected", name)]


def test_a_foreign_link(folder: Path, tmp_path: Path) -> None:
    (folder / "link").symlink_to(tmp_path)
    assert found(folder) == [("link", "link")]


def test_the_log_may_say_anything(folder: Path) -> None:
    (folder / "capture_log.json").write_bytes(b"another day")
    assert verify(folder).ok


def test_missing_and_foreign_in_a_data_set(data_set: Path) -> None:
    shutil.rmtree(data_set / RUNS[0].folder)
    (data_set / "runs" / "notes.txt").write_bytes(b"")
    gone = [f"{RUNS[0].folder}/rollout_sample_manifest.json"]
    assert found(data_set) == [("unexpected", "runs/notes.txt"), *(("missing", name) for name in gone)]


def test_unfinished(data_set: Path) -> None:
    store, other = LocalStore(data_set), make_run("other", ticks=2, folder=run_folder("other", 3))
    stage(store, other)
    (name,) = noted(data_set)
    assert name.startswith(".staging/other-3-")
    capture(store, other)
    assert verify(data_set).ok


def test_a_capture_that_the_index_does_not_know(data_set: Path) -> None:
    shutil.copytree(data_set / RUNS[0].folder, data_set / "runs/scene/seed-9")
    assert noted(data_set) == ["runs/scene/seed-9/rollout_sample_manifest.json"]


def test_what_a_damaged_manifest_named_is_not_called_foreign(folder: Path) -> None:
    (folder / "rollout_sample_manifest.json").write_bytes(b"{}")
    (folder / "deep").mkdir()
    (folder / "deep" / "notes.txt").write_bytes(b"")
    assert found(folder) == [("unexpected", "deep/notes.txt"), ("damaged", "rollout_sample_manifest.json")]


def test_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="expected the folder of a capture or a data set, found nothing there"
    ):
        verify(tmp_path / "nothing")
    with pytest.raises(
        UserError, match=r"neither a capture nor a data set: no manifest and no dataset\.json"
    ):
        verify(tmp_path)
    (tmp_path / "notes.txt").write_bytes(b"")
    with pytest.raises(UserError, match="neither a capture nor a data set"):
        verify(tmp_path)
    with pytest.raises(UserError, match="found a file"):
        verify(tmp_path / "notes.txt")
