"""What `verify` and `gc` say of a data set's models."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dataset.captures import capture, stage
from tests.samples import make_run
from townlet.dataset.capture.commit import stage_receipt
from townlet.dataset.capture.models import keep_models
from townlet.dataset.checking.gc import gc
from townlet.dataset.checking.verify import verify
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.local import LocalStore

MODEL, OTHER = b"a model" * 1000, b"another"
DIGEST, OTHERS = (hashlib.sha256(data).hexdigest() for data in (MODEL, OTHER))
POLICY = f"network:{DIGEST}"
RUNS = [make_run(seed=s, ticks=3, folder=run_folder("scene", s), policy=POLICY) for s in (1, 2)]
KEPT = f"models/{DIGEST}.onnx"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    store = LocalStore(tmp_path / "out")
    keep_models(store, RUNS, {DIGEST: MODEL})
    capture(store, *RUNS)
    return store.root


def link(path: Path) -> None:
    path.unlink()
    os.symlink("/etc/hostname", path)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "gone": (Path.unlink, "missing", "named by a run"),
    "changed": (lambda path: path.write_bytes(b"b" + MODEL[1:]), "damaged", "is not the model that its name says"),
    "cut": (lambda path: path.write_bytes(MODEL[:9]), "damaged", "is not the model that its name says"),
    "link": (link, "link", ""),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_wrong_with_one(damage: str, place: Path) -> None:
    harm, kind, message = DAMAGE[damage]
    size = verify(place).size
    assert size > len(MODEL)
    harm(place / KEPT)
    (problem,) = verify(place).problems
    assert (problem.kind, problem.name) == (kind, KEPT) and message in problem.message


def test_what_no_run_names(place: Path) -> None:
    """A model is noted, and gc deletes it; a file of somebody's is unexpected."""
    (place / f"models/{OTHERS}.onnx").write_bytes(OTHER)
    report = verify(place)
    assert report.ok and [note.name for note in report.notes] == [f"models/{OTHERS}.onnx"]
    (place / "models/mine.onnx").write_bytes(MODEL)
    (problem,) = verify(place).problems
    assert (problem.kind, problem.name) == ("unexpected", "models/mine.onnx")
    gone = {leftover.name: leftover.why for leftover in gc(place).gone}
    assert gone == {
        f"models/{OTHERS}.onnx": "a model that no run names",
        "models/mine.onnx": "in no manifest",
    }
    assert (place / KEPT).read_bytes() == MODEL
    assert verify(place).notes == [] and verify(place).ok


def test_gc_keeps_what_may_be_named(place: Path) -> None:
    (place / f"models/{OTHERS}.onnx").write_bytes(OTHER)
    manifest = place / RUNS[0].folder / "rollout_sample_manifest.json"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole[:-9])
    report = gc(place)
    assert not report.gone and f"models/{OTHERS}.onnx" in {kept.name for kept in report.kept}
    manifest.write_bytes(whole)
    waiting = make_run(seed=5, ticks=3, folder=run_folder("scene", 5), policy=f"network:{OTHERS}")
    stage_receipt(LocalStore(place), waiting, 2, stage(LocalStore(place), waiting))
    report = gc(place)
    assert (
        not report.gone
        and "may name it" in {kept.name: kept.why for kept in report.kept}[f"models/{OTHERS}.onnx"]
    )
    assert {leftover.name for leftover in gc(place, everything=True).gone} >= {f"models/{OTHERS}.onnx"}


def test_a_run_that_was_copied_out_alone(place: Path, tmp_path: Path) -> None:
    """Its files are whole; that its model is elsewhere is no damage."""
    shutil.copytree(place / RUNS[0].folder, tmp_path / "alone")
    report = verify(tmp_path / "alone")
    assert report.ok and report.notes == []


def test_a_data_set_without_its_index(place: Path) -> None:
    (place / "dataset.json").unlink()
    report = verify(place)
    assert not [problem for problem in report.problems if "models/" in problem.name]
    (place / KEPT).unlink()
    assert ("missing", KEPT) in {(problem.kind, problem.name) for problem in verify(place).problems}
