"""Verify, of data sets and versioned ones: every byte counts, in every way of working, and while others write."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.dataset.captures import capture, content, records_for, stage
from tests.samples import make_run
from townlet import dataset
from townlet.cli import main
from townlet.dataset.capture.commit import publish_runs, stage_receipt
from townlet.dataset.checking import parallel_check as sweep
from townlet.dataset.checking.verify import Report, verify, verify_store
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index import build_shards as build_shards_module
from townlet.dataset.index import write_index as write_index_module
from townlet.dataset.index.build_shards import indexed
from townlet.dataset.index.metrics_summary import figures_of
from townlet.dataset.index.shard_summaries import ShardSummary, summarise_shard
from townlet.dataset.index.write_index import write_index
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket
from townlet.dataset.versions.versions import finish_publishing, publish, utc_now
from townlet.errors import OutputError, UserError
from townlet.run import Run


def runs(*seeds: int, name: str = "scene") -> list[Run]:
    return [make_run(name, seed=seed, ticks=3, folder=run_folder(name, seed)) for seed in seeds]


def versioned(root: Path, *versions: int) -> LocalStore:
    """Each version holds one more run."""
    store = LocalStore(root)
    for version in versions:
        capture(store.below(f"versions/{version}"), *runs(*range(version)))
        publish(store, version)
        finish_publishing(store, utc_now())
    return store


def found(report: Report) -> list[tuple[str, str]]:
    return [(problem.kind, problem.name) for problem in report.problems]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A versioned data set that every test leaves as it was."""
    return versioned(tmp_path_factory.mktemp("verify") / "set", 1, 2).root


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    capture(LocalStore(tmp_path / "set"), *runs(1, 2, 3), *runs(1, name="other"))
    return tmp_path / "set"


def assert_found(root: Path, name: str, place: float, mask: int) -> None:
    path = root / name
    data = path.read_bytes()
    at = min(int(place * len(data)), len(data) - 1)
    try:
        path.write_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
        report = verify(root, workers=1, every_version=True)
        if path.name == "README.md":  # which people may edit
            assert [(note.kind, note.name) for note in report.notes] == [("edited", name)]
            assert report.ok
            return
        assert any(problem.kind in ("damaged", "swapped", "missing") for problem in report.problems), (
            name,
            at,
        )
        if name != "current.json":
            assert ("damaged", name) in found(report), (name, at, found(report))
    finally:
        path.write_bytes(data)


changed_bytes = st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(1, 255))


@settings(max_examples=40, deadline=None)
@given(change=changed_bytes)
def test_any_changed_byte_of_any_file_is_found(whole: Path, change: tuple[float, float, int]) -> None:
    which, place, mask = change
    names = sorted(content(whole))
    assert_found(whole, names[min(int(which * len(names)), len(names) - 1)], place, mask)


@pytest.mark.parametrize(
    "name",
    ["current.json", *(f"versions/2/{name}" for name in (
        "dataset.json", "index/runs", "index/samples", "index/summaries", "metrics.json", "README.md", "failures.json"
    ))],
)  # fmt: skip
def test_changed_bytes_of_the_index(whole: Path, name: str) -> None:
    if (whole / name).is_dir():
        name = next((whole / name).iterdir()).relative_to(whole).as_posix()
    for number in range(12):
        assert_found(whole, name, number / 11, 1 << number % 8)
    assert verify(whole, every_version=True).ok


@pytest.mark.campaign
@settings(max_examples=800, deadline=None)
@given(change=changed_bytes)
def test_many_changed_bytes(whole: Path, change: tuple[float, float, int]) -> None:
    which, place, mask = change
    names = sorted(content(whole))
    assert_found(whole, names[min(int(which * len(names)), len(names) - 1)], place, mask)


def memory_store(folder: Path) -> ObjectStore:
    """What is in a folder, as objects."""
    store = ObjectStore(
        Bucket("memory://bucket", pytest.importorskip("obstore.store").MemoryStore()), "deep/out"
    )
    for file in LocalStore(folder).list():
        store.write_new(file.name, [(folder / file.name).read_bytes()])
    return store


@pytest.mark.parametrize("way", ["one", "threads", "processes", "objects", "objects by folder"])
def test_every_way_of_working_finds_the_same(
    data_set: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [
        ("damaged", "runs/other/seed-1/rollout_sample_bob_002.json"),
        ("unexpected", "runs/scene/seed-1/deep/stranger"),
        ("unexpected", "stranger"),
        ("missing", "runs/scene/seed-2/rollout_sample_alice_001.npz"),
        ("missing", "runs/scene/seed-3/rollout_sample_manifest.json"),
        ("swapped", "runs/scene/seed-1/rollout_sample_bob_002.npz"),
    ]
    if way == "processes":
        monkeypatch.setattr(sweep, "ENOUGH_FOR_PROCESSES", 0)
    if way == "objects by folder":
        monkeypatch.setattr(sweep, "FEW_FOLDERS", 0)
    workers = 1 if way == "one" else 2
    open_store: Callable[[Path], Store] = memory_store if "objects" in way else LocalStore
    steps: list[tuple[int, int, int]] = []
    sound = verify_store(open_store(data_set), workers=workers, progress=lambda *step: steps.append(step))
    assert (sound.problems, sound.notes, sound.captures) == ([], [], 4)
    assert sound.size == sum(map(len, content(data_set).values()))
    assert steps[-1] == (4, 4, sound.size)

    first, second = (data_set / f"runs/scene/seed-{seed}" for seed in (1, 2))
    (data_set / expected[0][1]).write_bytes(b"{}")
    (first / "deep").mkdir()
    (first / "deep/stranger").write_bytes(b"")
    (data_set / "stranger").write_bytes(b"")
    shutil.copy(second / "rollout_sample_bob_002.npz", first / "rollout_sample_bob_002.npz")
    (second / "rollout_sample_alice_001.npz").unlink()
    (data_set / "runs/scene/seed-3/rollout_sample_manifest.json").unlink()
    report = verify_store(open_store(data_set), workers=workers)
    assert sorted(found(report)) == sorted(expected)
    (swapped,) = (problem for problem in report.problems if problem.kind == "swapped")
    assert swapped.message == "holds what belongs into runs/scene/seed-2/rollout_sample_bob_002.npz"


def test_links_and_pipes_are_no_files(data_set: Path) -> None:
    first, second = (
        data_set / f"runs/scene/seed-1/rollout_sample_{who}.npz" for who in ("alice_001", "bob_002")
    )
    first.rename(data_set.parent / "elsewhere")
    first.symlink_to(data_set.parent / "elsewhere")
    second.unlink()
    os.mkfifo(second)
    assert found(verify(data_set)) == [
        ("link", "runs/scene/seed-1/rollout_sample_alice_001.npz"),
        ("damaged", "runs/scene/seed-1/rollout_sample_bob_002.npz"),
    ]


@pytest.mark.parametrize("folder", ["runs", "runs/scene", "runs/scene/seed-1"])
@pytest.mark.parametrize("make", [lambda path: path.write_bytes(b"x"), os.mkfifo])
def test_a_file_in_place_of_a_folder_is_one_problem_of_all(
    data_set: Path, folder: str, make: Callable[[Path], Any]
) -> None:
    shutil.rmtree(data_set / folder)
    make(data_set / folder)
    (data_set / "README.md").unlink()
    report = verify(data_set)
    assert found(report) == [("missing", "README.md"), ("damaged", folder), ("unexpected", folder)]
    what = "a file" if (data_set / folder).is_file() else "a named pipe"
    assert f"damaged: {folder}: is {what}, not a folder" in map(str, report.problems)


def test_rows_that_are_not_those_of_the_captures(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    items = []
    for run in runs(1, 2):
        records = records_for(store, run)
        (published,) = publish_runs(store, [(run, records)])
        told = [replace(record, npz=replace(record.npz, sha256="0" * 64)) for record in records]
        items.append(indexed(published, told if run.seed == 2 else records))
    write_index(store, items)
    (problem,) = verify(tmp_path).problems
    assert str(problem) == (
        "damaged: runs/scene/seed-2/rollout_sample_manifest.json: the index says otherwise of its samples"
    )


@pytest.mark.parametrize("of", ["count", "mean", "min", "max"])
def test_figures_that_are_not_those_of_the_rows(
    tmp_path: Path, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(parts: Any) -> dict[str, Any]:
        figures = figures_of(parts)
        figures["overall"]["reward_sum"][of] += 1
        return figures

    monkeypatch.setattr(write_index_module, "figures_of", wrong)
    capture(LocalStore(tmp_path), *runs(1, 2))
    (problem,) = verify(tmp_path).problems
    assert str(problem) == (
        "damaged: metrics.json: overall: reward_sum: not what the tables say of the samples"
    )


@pytest.mark.parametrize("change", [{"count": 9}, {"low": -1e9}, {"total": (0.5, 1.0)}])
def test_summaries_that_are_not_those_of_the_rows(
    tmp_path: Path, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever adds a run would carry them on."""

    def wrong(*given: Any) -> ShardSummary:
        summary = summarise_shard(*given)
        sums = structs.replace(summary.figures["reward_sum"], **change)
        return structs.replace(summary, figures={**summary.figures, "reward_sum": sums})

    monkeypatch.setattr(build_shards_module, "summarise_shard", wrong)
    capture(LocalStore(tmp_path), *runs(1, 2))
    problems = [str(problem) for problem in verify(tmp_path).problems]
    assert problems[0].startswith(
        "damaged: dataset.json: its summary of scene, seeds 1..2 is not what index/samples/"
    )
    assert problems[1].startswith("damaged: metrics.json: overall: reward_sum: not what the tables say")


def test_versions(tmp_path: Path) -> None:
    store = versioned(tmp_path / "set", 1, 2, 3)
    report = verify(store.root)
    assert (report.ok, report.versions, report.captures, report.notes) == (True, (3,), 3, [])
    report = verify(store.root, every_version=True)
    assert (report.ok, report.versions, report.captures) == (True, (1, 2, 3), 6)
    assert verify(store.root / "current").captures == 3
    (store.root / "versions/2/runs/scene/seed-0/stranger").write_bytes(b"")
    (store.root / "versions/notes").write_bytes(b"")
    assert found(verify(store.root)) == [("unexpected", "versions/notes")]
    both = [("unexpected", "versions/2/runs/scene/seed-0/stranger"), ("unexpected", "versions/notes")]
    assert found(verify(store.root, every_version=True)) == both


def test_a_version_that_is_not_the_one_that_is_current(tmp_path: Path) -> None:
    store = versioned(tmp_path / "set", 1, 2)
    shutil.rmtree(store.root / "versions/2")
    shutil.copytree(store.root / "versions/1", store.root / "versions/2")
    assert found(verify(store.root)) == [("damaged", "versions/2/dataset.json")]
    shutil.rmtree(store.root / "versions/2")
    assert found(verify(store.root)) == [("damaged", "current.json")]
    (store.root / "versions/2").mkdir()
    assert found(verify(store.root)) == [("missing", "versions/2/dataset.json")]


def test_what_is_not_current_yet_is_noted(tmp_path: Path) -> None:
    store = versioned(tmp_path / "set", 1)
    capture(store.below("versions/2"), *runs(0, 1))
    stage(store.below("versions/3"), runs(5)[0])
    report = verify(store.root)
    assert (report.ok, [note.name for note in report.notes]) == (True, ["versions/2", "versions/3"])


def test_nothing_is_finished_yet(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "set")
    first, second = runs(1, 2)
    records = stage_receipt(store, first, 2, stage(store, first))
    for read in (verify, dataset.open, load_capture):
        with pytest.raises(UserError, match=r"No finished capture here: 0 of 1 begun run is done\. Run"):
            read(store.root)
    publish_runs(store, [(first, records)])
    stage(store, second)
    said = (
        "No finished capture here: 1 of 2 begun runs are done. Run the same `townlet capture` to finish it."
    )
    for read in (dataset.open, load_capture):
        with pytest.raises(UserError, match=re.escape(f"{store}: {said}")):
            read(store.root)
    report = verify(store.root)
    assert (report.ok, report.captures) == (True, 1)
    [note] = [note for note in report.notes if not note.name.startswith(".staging/")]
    assert (note.name, note.message) == ("dataset.json", f"not written yet. {said}")


def test_what_the_command_says(data_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage(LocalStore(data_set), runs(9)[0])
    assert main(["verify", str(data_set), "--workers", "2"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{data_set}: ok, 4 captures\n"
    assert "note: unfinished: .staging/scene-9-" in said.err
    (data_set / "stranger").write_bytes(b"")
    assert main(["verify", str(data_set), "--quiet"]) == 1
    assert capsys.readouterr() == (
        "",
        "unexpected file: stranger is in no manifest; `townlet gc` deletes it\n",
    )
    assert main(["verify", str(data_set), "--workers", "0"]) == 2


def test_too_many_open_files_are_no_damage(data_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def full(path: Any, *more: Any) -> int:
        if str(path).endswith(".npz"):
            raise OSError(errno.EMFILE, "Too many open files")
        return real(path, *more)

    with monkeypatch.context() as patch, pytest.raises(OutputError, match=r"Too many open files; try fewer"):
        patch.setattr(os, "open", full)
        verify(data_set, workers=2)
    assert verify(data_set).ok
