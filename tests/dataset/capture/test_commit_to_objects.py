"""Captures where nothing can be renamed: the same files as in a folder, whatever fails on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture, content, stage, status_of
from tests.samples import make_run
from townlet.dataset.capture.commit import begin_run, publish_run, stage_receipt
from townlet.dataset.capture.overwrite import begin_overwrite
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.checking.verify import verify_store
from townlet.dataset.format.paths import LEASE, begun_path, run_folder, staging_folder
from townlet.dataset.status.contents import unexpected_files
from townlet.dataset.status.receipts import read_receipt
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket
from townlet.errors import OutputError, TownletError
from townlet.run import Run

SINGLE = [make_run(ticks=3)]
DATA_SET = [make_run(seed=seed, ticks=3, folder=run_folder("scene", seed)) for seed in (1, 2)]


class Broken(Exception):
    pass


class Breaking:
    """Fails at its k-th request: before doing what it was asked for, or after."""

    def __init__(self, objects: Any, k: int, late: bool) -> None:
        self.objects, self.left, self.late = objects, k, late

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.objects, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self.left -= 1
            last = self.left == 0
            if last and not self.late:
                raise Broken
            answer = attribute(*arguments, **options)
            if last:
                raise Broken
            return answer

        return call


@pytest.fixture
def memory() -> Any:
    return pytest.importorskip("obstore.store").MemoryStore()


@pytest.fixture
def store(memory: Any) -> ObjectStore:
    return at(memory)


@pytest.fixture(params=[SINGLE, DATA_SET], ids=["capture", "data set"])
def runs(request: pytest.FixtureRequest) -> list[Run]:
    return request.param


@pytest.fixture
def undisturbed(tmp_path: Path, runs: list[Run]) -> dict[str, bytes]:
    capture(LocalStore(tmp_path / "undisturbed"), *runs)
    return content(tmp_path / "undisturbed")


def at(objects: Any) -> ObjectStore:
    return ObjectStore(Bucket("memory://bucket", objects), "out")


def stored(store: ObjectStore) -> dict[str, bytes]:
    """Every object but the logs, which tell the time."""
    names = [file.name for file in store.list()]
    return {name: store.read(name) for name in names if not name.endswith("capture_log.json")}


def test_the_same_files_as_in_a_folder(
    store: ObjectStore, runs: list[Run], undisturbed: dict[str, bytes]
) -> None:
    for _ in range(2):
        capture(store, *runs)
        assert stored(store) == undisturbed
        assert [status_of(store, run) for run in runs] == ["published"] * len(runs)
        assert verify_store(store).ok


@pytest.mark.parametrize("every", [31, pytest.param(1, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_request_fails(runs: list[Run], undisturbed: dict[str, bytes], late: bool, every: int) -> None:
    broken = 0
    for k in range(1 + late, 1000, 3 if runs is SINGLE and every > 1 else every):
        memory = pytest.importorskip("obstore.store").MemoryStore()
        breaking = Breaking(memory, k, late)
        try:
            capture(at(breaking), *runs)
        except Broken:
            broken += 1
        if breaking.left > 0:
            break
        store = at(memory)
        for name, data in stored(store).items():
            if not name.startswith(".staging/") and name not in ("metrics.json", "failures.json"):
                assert data == undisturbed[name], name
        assert unexpected_files(store) == []
        capture(store, *runs)
        assert stored(store) == undisturbed
        assert verify_store(store).ok
    assert broken > (20 if every == 1 else 2)


def test_states_of_a_run(store: ObjectStore) -> None:
    run = SINGLE[0]
    assert status_of(store, run) == "missing"
    begin_run(store, run)
    assert status_of(store, run) == "begun"
    records = stage(store, run)
    assert status_of(store, run) == "staged"
    assert [file.name for file in store.list(".staging")] == [begun_path(run)]
    stage_receipt(store, run, 2, records)
    assert status_of(store, run) == "simulated"
    assert read_receipt(store, run) == records
    publish_run(store, run, records)
    assert status_of(store, run) == "published"
    assert list(store.list(".staging")) == []
    publish_run(store, run, records)
    assert status_of(store, run) == "published"


@pytest.mark.parametrize("damage", [b"", None])
def test_a_sample_that_is_not_what_it_was(store: ObjectStore, damage: bytes | None) -> None:
    run = SINGLE[0]
    records = stage(store, run)
    stage_receipt(store, run, 2, records)
    if damage is None:
        store.delete(records[0].npz.name)
    else:
        store.write_whole(records[0].npz.name, [damage])
    with pytest.raises(TownletError, match="was staged and is gone; run the same command again"):
        publish_run(store, run, records)
    assert status_of(store, run) == "staged"


def test_a_damaged_capture_is_healed(
    store: ObjectStore, runs: list[Run], undisturbed: dict[str, bytes]
) -> None:
    capture(store, *runs)
    for name in undisturbed:
        if name.startswith(runs[0].folder) and name.rpartition("/")[2].startswith("rollout"):
            store.write_whole(name, [b"x"]) if not name.endswith("manifest.json") else store.delete(name)
            stage(store, runs[0])  # what is in its place is not a stranger to a run that has begun
            capture(store, *runs)
            assert stored(store) == undisturbed, name


def test_files_of_unknown_origin_are_refused(store: ObjectStore, runs: list[Run]) -> None:
    for name in ("notes.txt", "rollout_sample_alice_001.npz"):
        place = f"{runs[0].folder}/{name}".removeprefix("/")
        store.write_new(place, [b"mine"])
        with pytest.raises(
            OutputError, match=f"expected an empty folder or a capture, found {place}; choose"
        ):
            check_output(store, runs)
        assert stored(store) == {place: b"mine"}
        store.delete(place)


def test_what_a_killed_capture_of_other_inputs_has_left_goes(store: ObjectStore, runs: list[Run]) -> None:
    older = [make_run(seed=run.seed, ticks=9, folder=run.folder, prefix="older") for run in runs]
    for run in older:
        stage(store, run)
    store.write_new(LEASE, [b"ours"])
    assert unexpected_files(store) == []
    check_output(store, runs)
    assert stored(store) == {LEASE: b"ours"}


def test_a_capture_that_is_whole_is_nobody_s_leavings(store: ObjectStore) -> None:
    """Killed after the manifest and before the last clearing up."""
    done, wanted = DATA_SET
    capture(store, done)
    before = stored(store)
    store.write_whole(begun_path(done), [b'{"folder":"runs/scene/seed-1","prefix":"rollout_sample"}'])
    changed = make_run(seed=1, ticks=4, folder=done.folder)
    with pytest.raises(OutputError, match=r"is another capture: .*; choose another output prefix"):
        check_output(store, [changed, wanted])
    assert before.items() <= stored(store).items()


def test_a_data_set_keeps_what_its_other_runs_have_begun(store: ObjectStore) -> None:
    stage(store, DATA_SET[0])
    before = stored(store)
    check_output(store, DATA_SET[1:])
    assert stored(store) == before


@pytest.mark.parametrize("note", [b"", b"[]", b"{}", b"nonsense"])
def test_notes_of_nonsense(store: ObjectStore, note: bytes) -> None:
    store.write_whole(f"{staging_folder(make_run(seed=9))}/begun.json", [note])
    check_output(store, SINGLE)
    assert unexpected_files(store) == []


def test_overwriting_is_refused(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("townlet.dataset.capture.overwrite.open_store", lambda place: store)
    assert begin_overwrite("s3://bucket/out", SINGLE) == "s3://bucket/out"
    capture(store, make_run(seed=5))
    before = stored(store)
    with pytest.raises(
        OutputError,
        match=r"s3://bucket/out: --overwrite exchanges .* into another prefix, or use townlet regen",
    ):
        begin_overwrite("s3://bucket/out", SINGLE)
    assert stored(store) == before
