"""Models in an output: there before the first run, once for all of them, and part of what is published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture, content, stage, status_of
from tests.samples import make_run
from townlet.dataset.capture import models as models_module
from townlet.dataset.capture.commit import publish_run, stage_receipt
from townlet.dataset.capture.models import keep_models, read_models
from townlet.dataset.capture.overwrite import begin_overwrite, finish_overwrite
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.checking.verify import verify, verify_store
from townlet.dataset.format.paths import run_folder, staging_folder
from townlet.dataset.status.contents import unexpected_files
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket
from townlet.errors import CorruptSampleError, OutputError, TownletError
from townlet.policy.network.onnx_fields import encode
from townlet.run import Run

MODEL, OTHER = b"a model" * 1000, b"another"
DIGEST, OTHERS = (hashlib.sha256(data).hexdigest() for data in (MODEL, OTHER))
MODELS = {DIGEST: MODEL, OTHERS: OTHER}
POLICY = f"network:{DIGEST}?mode=greedy"
SINGLE = make_run(ticks=3, policy=POLICY)
DATA_SET = [make_run(seed=s, ticks=3, folder=run_folder("scene", s), policy=POLICY) for s in (1, 2)]
BESIDE = f"rollout_sample_{DIGEST}.onnx"
KEPT = f"models/{DIGEST}.onnx"


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


@pytest.fixture(params=["folder", "objects"])
def store(request: pytest.FixtureRequest, local: LocalStore) -> Store:
    if request.param == "folder":
        return local
    memory = pytest.importorskip("obstore.store").MemoryStore()
    return ObjectStore(Bucket("memory://bucket", memory), "out")


def captured(store: Store, *runs: Run) -> list[Any]:
    check_output(store, runs)
    keep_models(store, runs, MODELS)
    return capture(store, *runs)


def test_a_capture_that_stands_alone_holds_its_model(store: Store) -> None:
    (record,) = captured(store, SINGLE)
    manifest = json.loads(store.read("rollout_sample_manifest.json"))["metadata"]
    assert manifest["files"][f"model_{DIGEST}"] == {"name": BESIDE, "sha256": DIGEST, "size": len(MODEL)}
    assert (manifest["models"], manifest["model_digest"], manifest["policy"]) == ([DIGEST], DIGEST, POLICY)
    assert record.size == sum(file.size for file in store.list() if file.name != "capture_log.json")
    assert store.read(BESIDE) == MODEL
    assert not list(store.list(".staging"))
    assert verify_store(store).problems == verify_store(store).notes == []
    store.write_whole(BESIDE, [OTHER])
    assert [(problem.kind, problem.name) for problem in verify_store(store).problems] == [("damaged", BESIDE)]
    assert status_of(store, SINGLE) == "damaged"


def test_a_data_set_keeps_a_model_once(store: Store) -> None:
    captured(store, *DATA_SET)
    names = [file.name for file in store.list() if file.name.endswith(".onnx")]
    assert names == [KEPT] and store.read(KEPT) == MODEL
    for run in DATA_SET:
        metadata = json.loads(store.read(f"{run.folder}/rollout_sample_manifest.json"))["metadata"]
        assert metadata["models"] == [DIGEST] and sorted(metadata["files"]) == ["config", "metrics"]
    assert verify_store(store).problems == verify_store(store).notes == []


def test_without_networks_nothing_is_kept(local: LocalStore) -> None:
    run = make_run(ticks=3)
    captured(local, run)
    assert not [name for name in content(local.root) if name.endswith(".onnx")]
    metadata = json.loads(local.read("rollout_sample_manifest.json"))["metadata"]
    assert "models" not in metadata and sorted(metadata["files"]) == ["config", "metrics"]


@pytest.mark.parametrize("runs", [[SINGLE], DATA_SET], ids=["single", "data set"])
def test_workers_read_it_from_the_output(store: Store, runs: list[Run]) -> None:
    """Before, while and after the run is published."""
    keep_models(store, runs, MODELS)
    assert read_models(store, runs[0]) == {DIGEST: MODEL}
    captured(store, *runs)
    assert read_models(store, runs[0]) == {DIGEST: MODEL}
    place = KEPT if runs[0].folder else BESIDE
    store.write_whole(place, [OTHER])
    for _ in range(2):
        with pytest.raises(
            CorruptSampleError, match=rf"the model {DIGEST[:12]} of scene seed \d is gone; run the same"
        ):
            read_models(store, runs[0])
        store.delete(place)


def test_it_is_written_once_and_mended(local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_models(local, DATA_SET, MODELS)
    monkeypatch.setattr(local, "write_whole", lambda *words: pytest.fail("written again"), raising=False)
    keep_models(local, DATA_SET, MODELS)
    monkeypatch.undo()
    for damage in (lambda: (local.root / KEPT).write_bytes(OTHER), (local.root / KEPT).unlink):
        damage()
        keep_models(local, DATA_SET, MODELS)
        assert local.read(KEPT) == MODEL


def test_another_store_may_have_it(local: LocalStore, tmp_path: Path) -> None:
    earlier = LocalStore(tmp_path / "earlier")
    keep_models(earlier, DATA_SET, MODELS)
    keep_models(local, DATA_SET, MODELS, earlier)
    assert (local.root / KEPT).stat().st_ino == (earlier.root / KEPT).stat().st_ino
    (earlier.root / KEPT).unlink()
    (earlier.root / KEPT).write_bytes(OTHER)
    keep_models(fresh := LocalStore(tmp_path / "fresh"), DATA_SET, MODELS, earlier)
    assert fresh.read(KEPT) == MODEL


def test_models_of_the_config_too(local: LocalStore) -> None:
    section = {"config_id": "scene", "policy": {"default": f"network:{OTHERS}", "agents": {"al": POLICY}}}
    config = {"config": section, "affordances": {}, "name": "scene", "config_path": "scene.yaml"}
    run = replace(make_run(ticks=3), config_json=json.dumps(config))
    captured(local, run)
    assert sorted(name for name in content(local.root) if name.endswith(".onnx")) == sorted(
        f"rollout_sample_{digest}.onnx" for digest in MODELS
    )


def test_the_data_card_tells_of_networks(local: LocalStore) -> None:
    """As the models themselves do; a network that joins with another scenario is added, whoever writes the index."""
    told = encode({"metadata_props": [{"key": "townlet.trained", "value": '{"algorithm": "[ppo](x)"}'}]})
    digest = hashlib.sha256(told).hexdigest()
    policy = f"network:{digest}?temperature=0.5"
    first, second = (
        make_run(name, seed=1, ticks=3, folder=run_folder(name, 1), policy=policy)
        for name in ("scene", "town")
    )
    for run in (first, second):
        keep_models(local, [run], {digest: told})
        capture(local, run)
    (line,) = (line for line in local.read("README.md").decode().splitlines() if digest[:12] in line)
    assert line == rf"| network {digest[:12]}, temperature 0.5 | scene, town | algorithm \[ppo\](x) |"
    captured(local, make_run("other", seed=1, ticks=3, folder=run_folder("other", 1)))
    assert line in local.read("README.md").decode().splitlines()
    assert verify_store(local).problems == []
    (local.root / f"models/{digest}.onnx").unlink()
    captured(local, make_run("more", seed=1, ticks=3, folder=run_folder("more", 1)))
    assert rf"{digest[:12]}, temperature 0.5 | scene, town |  |" in local.read("README.md").decode()


def test_a_card_without_networks_says_nothing_of_them(local: LocalStore) -> None:
    capture(local, make_run(ticks=3, folder=run_folder("scene", 3)))
    assert "etwork" not in local.read("README.md").decode()
    (summaries,) = (file.name for file in local.list("index/summaries"))
    assert b"networks" not in local.read(summaries)


# --- interrupted -------------------------------------------------------------------------------------------------


def test_an_interrupted_capture_goes_on(store: Store) -> None:
    """Killed with the model in place, and after its samples; the second time another capture takes the place."""
    check_output(store, [SINGLE])
    keep_models(store, [SINGLE], MODELS)
    check_output(store, [SINGLE])
    stage_receipt(store, SINGLE, 2, stage(store, SINGLE))
    assert unexpected_files(store) == []
    assert status_of(store, SINGLE) == "simulated"
    captured(store, SINGLE)
    assert status_of(store, SINGLE) == "published"


def test_what_a_killed_capture_left_is_in_nobody_s_way(store: Store) -> None:
    check_output(store, [SINGLE])
    keep_models(store, [SINGLE], MODELS)
    stage(store, SINGLE)
    other = make_run(ticks=3)
    captured(store, other)
    assert status_of(store, other) == "published"
    assert not [file.name for file in store.list() if file.name.endswith(".onnx")]


def test_a_data_set_that_was_begun(store: Store) -> None:
    """The model is there, and no run: the next capture, of whatever, is welcome."""
    keep_models(store, DATA_SET, MODELS)
    plain = make_run(seed=9, ticks=3, folder=run_folder("scene", 9))
    captured(store, plain)
    report = verify_store(store)
    assert report.ok and [note.name for note in report.notes] == [KEPT]
    assert "no run names" in report.notes[0].message
    captured(store, *DATA_SET)
    assert verify_store(store).notes == []


def test_a_model_that_was_placed_before_the_kill(local: LocalStore) -> None:
    check_output(local, [SINGLE])
    keep_models(local, [SINGLE], MODELS)
    records = stage_receipt(local, SINGLE, 2, stage(local, SINGLE))
    local.move(f"{staging_folder(SINGLE)}/{BESIDE}", BESIDE)
    keep_models(local, [SINGLE], MODELS)
    publish_run(local, SINGLE, records)
    assert verify_store(local).problems == []


def test_a_model_that_is_gone_is_said(local: LocalStore) -> None:
    records = stage_receipt(local, SINGLE, 2, stage(local, SINGLE))
    with pytest.raises(TownletError, match="was staged and is gone; run the same command again"):
        publish_run(local, SINGLE, records)


# --- whose it is -------------------------------------------------------------------------------------------------

STRANGE: dict[str, Callable[[Path], object]] = {
    "another name": lambda folder: (folder / "mine.onnx").write_bytes(MODEL),
    "another content": lambda folder: (folder / f"{DIGEST}.onnx").write_bytes(b"mine"),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_files_of_others_among_the_models(strange: str, local: LocalStore) -> None:
    (local.root / "models").mkdir(parents=True)
    STRANGE[strange](local.root / "models")
    with pytest.raises(OutputError, match="expected an empty folder or a capture, found models/"):
        check_output(local, DATA_SET)
    assert len(unexpected_files(local)) == 1


def test_overwriting(local: LocalStore) -> None:
    captured(local, *DATA_SET)
    assert unexpected_files(local) == []
    new = [make_run(seed=7, ticks=3, folder=run_folder("scene", 7), policy=f"network:{OTHERS}")]
    build = LocalStore(begin_overwrite(local.root, new))
    keep_models(build, DATA_SET, MODELS)  # left by a build of other runs
    build = LocalStore(begin_overwrite(local.root, new))
    captured(build, *new)
    finish_overwrite(local.root, build.root)
    assert [name for name in content(local.root) if name.endswith(".onnx")] == [f"models/{OTHERS}.onnx"]
    assert verify(local.root).ok


def test_most_models_are_looked_for_once(local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = models_module.holds
    monkeypatch.setattr(
        models_module, "holds", lambda store, name, file: asked.append(name) or real(store, name, file)
    )
    many = [make_run(seed=s, ticks=3, folder=run_folder("scene", s), policy=POLICY) for s in range(200)]
    keep_models(local, many, MODELS)
    assert asked == [KEPT]
