"""A capture's models, found again wherever the capture stands."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.dataset.captures import capture
from tests.samples import make_run
from townlet.dataset.capture.find_models import find_models, what_is_missing
from townlet.dataset.capture.models import keep_models
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.capture import Capture, load_capture, read_capture
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket

MODEL = b"a model" * 10
DIGEST = hashlib.sha256(MODEL).hexdigest()
RUN = make_run(ticks=3, policy=f"network:{DIGEST}", folder=run_folder("scene", 3))
SINGLE = make_run(ticks=3, policy=f"network:{DIGEST}", prefix="mine")


def found(capture: Capture) -> tuple[dict[str, bytes], tuple[str, ...]]:
    models = find_models(capture.store, capture.folder, capture.metadata)
    return dict(models.found), models.missing


def made(store: Store) -> None:
    for run, place in ((RUN, store.below("set")), (SINGLE, store.below("single"))):
        keep_models(place, [run], {DIGEST: MODEL})
        capture(place, run)


def test_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(LocalStore(tmp_path))
    whole = ({DIGEST: MODEL}, ())
    assert found(load_capture(tmp_path / "single")) == whole
    assert found(load_capture(tmp_path / f"set/{RUN.folder}")) == whole
    assert (
        found(read_capture(LocalStore(tmp_path / "set"), RUN.folder, "rollout_sample_manifest.json")) == whole
    )
    monkeypatch.chdir(tmp_path / f"set/{RUN.folder}")
    assert found(load_capture(".")) == whole


def test_a_run_that_was_copied_out_alone(tmp_path: Path) -> None:
    made(LocalStore(tmp_path))
    alone = tmp_path / "alone"
    shutil.copytree(tmp_path / f"set/{RUN.folder}", alone)
    opened = load_capture(alone)
    assert opened[0].timesteps == 3  # it is read as any other
    assert found(opened) == ({}, (DIGEST,))
    message = what_is_missing(DIGEST, opened.place)
    assert message.endswith(
        f"copy models/{DIGEST}.onnx of the data set that the run was captured into to {alone}"
    )
    (alone / f"{DIGEST}.onnx").write_bytes(b"another")
    assert found(opened) == ({}, (DIGEST,))
    shutil.copy(tmp_path / f"set/models/{DIGEST}.onnx", alone)
    assert found(opened) == ({DIGEST: MODEL}, ())


def test_without_networks_nothing_is_looked_for(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path), make_run(ticks=3))
    assert found(load_capture(tmp_path)) == ({}, ())


def test_in_an_object_store() -> None:
    memory = pytest.importorskip("obstore.store").MemoryStore()
    bucket = Bucket("memory://bucket", memory)
    made(ObjectStore(bucket, "deep/out"))
    for place, name in (("set/" + RUN.folder, "rollout_sample"), ("single", "mine")):
        opened = read_capture(ObjectStore(bucket, f"deep/out/{place}"), "", f"{name}_manifest.json")
        assert found(opened) == ({DIGEST: MODEL}, ())
