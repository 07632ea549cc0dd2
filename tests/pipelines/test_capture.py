"""The whole pipeline: the same files from every order, mode, retry and interruption."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tests.dataset.captures import status_of
from tests.pipelines import fakes
from tests.sampling import first
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.dataset.checking.verify import verify
from townlet.dataset.index.build_shards import IndexedRun
from townlet.dataset.index.staged_runs import StagedRuns, stage_runs
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store import local as store
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError
from townlet.pipelines import index as index_module
from townlet.pipelines.capture import build
from townlet.pipelines.runners.errors import PipelineFailed
from townlet.rollout import play as rollout
from townlet.run import Run, by_reference

QUIET = RunnerOptions(quiet=True)
RUNS = tuple(fakes.in_data_set(fakes.run(seed=seed)) for seed in range(5))


def files(folder: Path) -> dict[str, bytes]:
    """All files but the logs, which tell the time."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "capture_log.json"
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of `RUNS`, captured by one worker without a hitch."""
    folder = tmp_path_factory.mktemp("undisturbed") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollout, "play", fakes.play)
        capture(fakes.plan_of(*RUNS), str(folder), QUIET)
    return files(folder)


def test_one_run_is_a_capture(tmp_path: Path, fake_play: list[str]) -> None:
    outcome = capture(fakes.plan_of(fakes.run()), str(tmp_path / "out"), QUIET)
    assert [record.agent_id for record in outcome.samples] == ["alice", "bob"]
    assert not outcome.failures
    found = load_capture(tmp_path / "out")
    assert found.agents == ("alice", "bob")
    assert verify(tmp_path / "out").ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_segments_become_samples_of_their_own(tmp_path: Path, fake_play: list[str]) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    capture(fakes.plan_of(fakes.run(ticks=7)), str(whole), QUIET)
    outcome = capture(fakes.plan_of(fakes.run(ticks=7, segment_ticks=3)), str(cut), QUIET)
    assert [record.npz.name for record in outcome.samples][:3] == [
        f"rollout_sample_alice_001_s000{number}.npz" for number in range(3)
    ]
    joined = load_capture(cut).joined("alice")
    assert joined.content_digest() == load_capture(whole)[0].content_digest()


def test_many_runs_are_a_data_set(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    index = json.loads(undisturbed["dataset.json"])
    (shard,) = index["shards"]
    runs = json.loads(undisturbed[f"index/runs/{shard['runs']['sha256']}.json"])["runs"]
    assert [entry["folder"] for entry in runs] == [run.folder for run in RUNS]
    assert index["metadata"]["complete"] is True
    assert json.loads(undisturbed["metrics.json"])["overall"]["reward_sum"]["count"] == 10


@pytest.mark.parametrize("seed", first(4, range(20)))
def test_order_and_doubles_do_not_matter(
    tmp_path: Path, fake_play: list[str], undisturbed: dict[str, bytes], seed: int
) -> None:
    draw = random.Random(seed)
    runs = [*RUNS, *draw.choices(RUNS, k=seed % 3)]
    draw.shuffle(runs)
    pipeline = beam.Pipeline(runner=FnApiRunner())
    build(pipeline, *by_reference(runs), str(tmp_path), is_data_set=True)
    pipeline.run()
    assert files(tmp_path) == undisturbed


@pytest.mark.campaign
@pytest.mark.parametrize(
    "work",
    [
        RunnerOptions(workers=1, quiet=True),
        RunnerOptions(("--direct_running_mode=multi_threading",), workers=2, quiet=True),
        RunnerOptions(("--direct_runner_bundle_repeat=1",), quiet=True),
    ],
    ids=["in memory", "threads", "every bundle twice"],
)
def test_modes_and_retries_do_not_matter(
    tmp_path: Path, fake_play: list[str], undisturbed: dict[str, bytes], work: RunnerOptions
) -> None:
    capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), work)
    assert files(tmp_path / "out") == undisturbed


def test_any_partition_gives_the_same_data_set(
    tmp_path: Path, fake_play: list[str], undisturbed: dict[str, bytes]
) -> None:
    for part in (RUNS[3:], RUNS[:1], RUNS[1:3]):
        capture(fakes.plan_of(*part), str(tmp_path / "out"), QUIET)
    assert files(tmp_path / "out") == undisturbed


def test_the_same_again_does_nothing(tmp_path: Path, fake_play: list[str]) -> None:
    for run in (fakes.run(), *RUNS[:1]):
        place = tmp_path / ("data" if run.folder else "capture")
        capture(fakes.plan_of(run), str(place), QUIET)
        before = {path: path.stat().st_mtime_ns for path in place.rglob("*.npz")}
        fake_play.clear()
        outcome = capture(fakes.plan_of(run), str(place), QUIET)
        assert outcome.already_complete or outcome.reused == 1
        assert fake_play == []
        assert {path: path.stat().st_mtime_ns for path in place.rglob("*.npz")} == before


def fail_in(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def play(run: Run, *models: Any) -> Iterator:
        for key, group in fakes.play(run):
            yield key, group
            if run.seed == seed and run.ticks > 1:
                raise RuntimeError("the roof fell in")

    monkeypatch.setattr(rollout, "play", play)


def test_one_failure_of_many_is_listed_and_the_rest_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, bytes]
) -> None:
    fail_in(3, monkeypatch)
    outcome = capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)
    [failure] = outcome.failures
    assert (failure.scenario, failure.seed) == ("hamlet", 3)
    assert failure.reason.startswith("agent alice: RuntimeError: the roof fell in")
    assert len(outcome.runs) == 4
    assert json.loads((tmp_path / "out" / "failures.json").read_text())["failures"][0]["seed"] == 3
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["metadata"]["complete"] is False
    assert not list((tmp_path / "out").glob("runs/hamlet/seed-3/*"))
    monkeypatch.setattr(rollout, "play", fakes.play)  # the roof is mended
    outcome = capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)
    assert not outcome.failures
    assert files(tmp_path / "out") == undisturbed


def test_a_single_failure_leaves_no_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_in(0, monkeypatch)
    outcome = capture(fakes.plan_of(fakes.run()), str(tmp_path / "out"), QUIET)
    assert [failure.reason[:39] for failure in outcome.failures] == [
        "agent alice: RuntimeError: the roof fel"
    ]
    assert not outcome.samples
    assert not list((tmp_path / "out").glob("*.npz"))
    monkeypatch.setattr(rollout, "play", fakes.play)
    outcome = capture(fakes.plan_of(fakes.run()), str(tmp_path / "out"), QUIET)
    assert len(outcome.samples) == 2
    assert not (tmp_path / "out" / ".staging").exists()


def test_an_interrupted_capture_goes_on_from_its_receipts(
    tmp_path: Path, fake_play: list[str], monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, bytes]
) -> None:
    def power_cut(*_: object) -> None:
        raise OutputError("a power cut")

    with monkeypatch.context() as patch:
        patch.setattr("townlet.pipelines.publish.publish_runs", power_cut)
        with pytest.raises(OutputError, match="a power cut"):
            capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)
    fake_play.clear()
    outcome = capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)
    assert outcome.reused == 5
    assert fake_play == []
    assert files(tmp_path / "out") == undisturbed


def test_a_full_disk_stops_everything_with_one_message(
    tmp_path: Path, fake_play: list[str], monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, bytes]
) -> None:
    whole, written = store._write_file, itertools.count()

    def small_disk(path: str, parts: list) -> None:
        if next(written) >= 7:
            raise OSError(28, "No space left on device")
        whole(path, parts)

    with monkeypatch.context() as patch:
        patch.setattr(store, "_write_file", small_disk)
        with pytest.raises(OutputError, match="the disk is full"):
            capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)
    assert not list((tmp_path / "out").glob("runs/**/*.npz"))
    capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)
    assert files(tmp_path / "out") == undisturbed


def test_what_goes_wrong_in_the_pipeline_itself_is_said_in_a_line(
    tmp_path: Path, fake_play: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise LookupError("no such thing")

    monkeypatch.setattr("townlet.pipelines.simulate.run_status", broken)
    with pytest.raises(PipelineFailed, match=r"^the pipeline failed: LookupError: no such thing"):
        capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)


def test_overwrite_replaces_in_one_step(tmp_path: Path, fake_play: list[str]) -> None:
    old, new = fakes.run(seed=1), fakes.run(seed=2)
    out = tmp_path / "out"
    capture(fakes.plan_of(old), str(out), QUIET)
    with pytest.raises(OutputError, match="--overwrite"):
        capture(fakes.plan_of(new), str(out), QUIET)
    assert load_capture(out).metadata["seed"] == 1
    capture(fakes.plan_of(new), str(out), QUIET, overwrite=True)
    assert load_capture(out).metadata["seed"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_overwrite_keeps_the_old_where_the_new_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_in(2, monkeypatch)
    out = tmp_path / "out"
    capture(fakes.plan_of(fakes.run(seed=1)), str(out), QUIET)
    outcome = capture(fakes.plan_of(fakes.run(seed=2)), str(out), QUIET, overwrite=True)
    assert len(outcome.failures) == 1
    assert "was left as it is" in outcome.unpublished
    assert load_capture(out).metadata["seed"] == 1


def test_a_damaged_file_is_captured_again(tmp_path: Path, fake_play: list[str]) -> None:
    out = tmp_path / "out"
    capture(fakes.plan_of(fakes.run()), str(out), QUIET)
    before = files(out)
    (out / "rollout_sample_bob_002.npz").write_bytes(b"moths")
    outcome = capture(fakes.plan_of(fakes.run()), str(out), QUIET)
    assert not outcome.already_complete
    assert files(out) == before


def test_somebody_elses_output_is_refused(tmp_path: Path, fake_play: list[str]) -> None:
    (tmp_path / "thesis.tex").write_text("do not touch")
    with pytest.raises(OutputError, match=r"thesis\.tex"):
        capture(fakes.plan_of(fakes.run()), str(tmp_path), QUIET)
    assert not fake_play


def test_two_different_runs_of_one_name_are_an_error(tmp_path: Path, fake_play: list[str]) -> None:
    run = fakes.in_data_set(fakes.run())
    other = replace(run, ticks=7)
    pipeline = beam.Pipeline(runner=FnApiRunner())
    build(pipeline, *by_reference([run, other]), str(tmp_path), is_data_set=True)
    pipeline.run()
    [failure] = json.loads((tmp_path / "failures.json").read_text())["failures"]
    assert failure["reason"] == "two different runs are called hamlet seed 0"
    assert status_of(LocalStore(tmp_path), run) != "published"


def test_no_place_for_a_part_of_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_play: list[str]
) -> None:
    """Said as it was, without the step of Beam's in which it was said."""

    def full(*_: object) -> StagedRuns:
        raise OutputError("/out: cannot write: the disk is full")

    monkeypatch.setattr(index_module, "FEW_RUNS", 0)
    monkeypatch.setattr(index_module, "stage_runs", full)
    with pytest.raises(OutputError, match=r"^/out: cannot write: the disk is full$"):
        capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)


@pytest.mark.parametrize(("part_runs", "few_runs"), [(2, 0), (1, 0), (3, 16)])
def test_runs_that_travel_in_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, bytes],
    fake_play: list[str],
    part_runs: int,
    few_runs: int,
) -> None:
    monkeypatch.setattr(index_module, "FILE_RUNS", part_runs)
    monkeypatch.setattr(index_module, "FEW_RUNS", few_runs)
    staged: list[int] = []

    def stage_part(store: Store, runs: Sequence[IndexedRun]) -> StagedRuns:
        staged.append(len(runs))
        return stage_runs(store, runs)

    monkeypatch.setattr(index_module, "stage_runs", stage_part)
    capture(fakes.plan_of(*RUNS), str(tmp_path / "out"), QUIET)
    assert files(tmp_path / "out") == undisturbed
    assert not (tmp_path / "out" / ".staging").exists()
    assert staged and max(staged) <= max(part_runs, len(RUNS))
