"""The same command again: it goes on from what is there, does nothing twice, and mends what is damaged."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import flip
from tests.pipelines import fakes
from tests.pipelines.test_capture import QUIET, files
from tests.sampling import first
from townlet import cli
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.dataset.checking.verify import verify
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, OutputError
from townlet.pipelines import launch
from townlet.rollout import play as rollout
from townlet.run import Run

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS = tuple(fakes.in_data_set(fakes.run(seed=seed)) for seed in range(6))
MANIFEST = "runs/hamlet/seed-2/rollout_sample_manifest.json"
NPZ = "runs/hamlet/seed-2/rollout_sample_bob_002.npz"


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "out")


@pytest.fixture
def no_beam(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on, no pipeline may be started."""

    def refuse(*given: object, **named: object) -> None:
        raise AssertionError("a pipeline was started")

    return lambda: monkeypatch.setattr(launch, "launch", refuse)


def test_what_is_complete_is_confirmed_without_a_pipeline(
    place: str, fake_play: list[str], no_beam: Callable[[], None]
) -> None:
    first = capture(fakes.plan_of(*RUNS), place, QUIET)
    before = files(Path(place))
    fake_play.clear()
    no_beam()
    again = capture(fakes.plan_of(*RUNS), place, QUIET)
    assert again.already_complete and not first.already_complete
    assert list(again.runs) == list(first.runs) and len(again.runs) == 6
    assert capture(fakes.plan_of(*RUNS[:2]), place, QUIET).already_complete
    assert files(Path(place)) == before
    assert fake_play == []


def test_only_what_is_missing_goes_through_the_pipeline(
    place: str, fake_play: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(fakes.plan_of(*RUNS[:4]), place, QUIET)
    asked: list[int] = []
    real = launch.launch
    monkeypatch.setattr(
        launch,
        "launch",
        lambda planned, *given, **named: asked.append(len(planned.runs)) or real(planned, *given, **named),
    )
    fake_play.clear()
    outcome = capture(fakes.plan_of(*RUNS), place, QUIET)
    assert asked == [2]
    assert sorted(set(fake_play)) == ["hamlet seed 4", "hamlet seed 5"]
    assert outcome.reused == 4
    assert len(outcome.runs) == 6
    whole = Path(place).parent / "whole"
    capture(fakes.plan_of(*RUNS), str(whole), QUIET)
    assert files(Path(place)) == files(whole)


def test_a_suite_is_noted_without_a_pipeline(
    place: str, fake_play: list[str], no_beam: Callable[[], None]
) -> None:
    capture(fakes.plan_of(*RUNS), place, QUIET)
    no_beam()
    capture(fakes.plan_of(*RUNS, suites=("nightly",)), place, QUIET)
    assert read_index(LocalStore(place)).facts.suites == ("nightly",)
    assert verify(place).ok


def test_what_a_limit_leaves_out_is_added_later(place: str, fake_play: list[str]) -> None:
    """A data set that a limit has cut short is not complete, and is when the rest is there."""
    capture(fakes.plan_of(*RUNS[:2], left_out=4), place, QUIET)
    assert read_index(LocalStore(place)).facts.complete is False
    fake_play.clear()
    outcome = capture(fakes.plan_of(*RUNS), place, QUIET)
    assert outcome.reused == 2
    whole = Path(place).parent / "whole"
    capture(fakes.plan_of(*RUNS), str(whole), QUIET)
    assert files(Path(place)) == files(whole)
    capture(fakes.plan_of(*RUNS[:2], left_out=4), place, QUIET)
    assert files(Path(place)) == files(whole)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flipped(path: Path) -> None:
    flip(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("name", "damage"),
    first(
        2,
        [
            (NPZ, flipped),
            (MANIFEST, cut),
            (str(Path(NPZ).parent), shutil.rmtree),
            (NPZ.replace("npz", "json"), cut),
            (MANIFEST, Path.unlink),
            ("README.md", Path.unlink),
        ],
    ),
)
def test_a_damaged_file_is_mended(
    place: str, fake_play: list[str], name: str, damage: Callable[[Path], None]
) -> None:
    capture(fakes.plan_of(*RUNS), place, QUIET)
    before = files(Path(place))
    damage(Path(place, name))
    fake_play.clear()
    outcome = capture(fakes.plan_of(*RUNS), place, QUIET)
    assert not outcome.failures
    assert set(fake_play) == ({"hamlet seed 2"} if name.startswith("runs/") else set())
    assert files(Path(place)) == before
    assert verify(place).ok


def test_a_damaged_run_that_fails_is_in_the_data_set_no_more(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would hear of it: the index knew it once."""
    monkeypatch.setattr(rollout, "play", fakes.play)
    capture(fakes.plan_of(*RUNS), place, QUIET)
    before = files(Path(place))
    flipped(Path(place, NPZ))

    def play(run: Run, *models: Any):
        raise ValueError("no more")
        yield

    monkeypatch.setattr(rollout, "play", play)
    outcome = capture(fakes.plan_of(*RUNS), place, QUIET)
    assert [failure.seed for failure in outcome.failures] == [2]
    assert len(outcome.runs) == 5
    metadata = read_index(LocalStore(place)).facts
    assert (metadata.complete, metadata.run_count, metadata.sample_count) == (False, 5, 10)
    monkeypatch.setattr(rollout, "play", fakes.play)
    assert not capture(fakes.plan_of(*RUNS), place, QUIET).failures
    assert files(Path(place)) == before


@pytest.mark.parametrize(
    "name", first(2, ["dataset.json", "index/runs", "index/samples", "index/summaries", "failures.json"])
)
def test_a_damaged_index_is_written_anew_without_simulating(
    place: str, fake_play: list[str], name: str
) -> None:
    capture(fakes.plan_of(*RUNS), place, QUIET)
    before = files(Path(place))
    flipped(next(Path(place, name).iterdir()) if Path(place, name).is_dir() else Path(place, name))
    with pytest.raises(CorruptSampleError, match=r"remove dataset\.json and capture again"):
        capture(fakes.plan_of(*RUNS), place, QUIET)
    Path(place, "dataset.json").unlink()
    fake_play.clear()
    assert capture(fakes.plan_of(*RUNS), place, QUIET).reused == 6
    assert not fake_play
    assert files(Path(place)) == before


def test_other_runs_of_a_name_are_refused_before_anything_is_touched(
    place: str, fake_play: list[str]
) -> None:
    capture(fakes.plan_of(*RUNS), place, QUIET)
    Path(place, NPZ.replace("seed-2", "seed-3")).unlink()
    before = files(Path(place))
    longer = replace(RUNS[2], ticks=9)
    with pytest.raises(OutputError, match=r"another capture: ticks 6 \(asked for: 9\)"):
        capture(fakes.plan_of(*RUNS[:2], longer, *RUNS[3:]), place, QUIET)
    assert files(Path(place)) == before


def test_only_the_holes_are_tried_again(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[int] = []
    sick = {1, 4}

    def play(run: Run, *models: Any):
        played.append(run.seed)
        if run.seed in sick:
            raise ValueError(f"seed {run.seed} is unlucky")
        yield from fakes.play(run)

    monkeypatch.setattr(rollout, "play", play)
    outcome = capture(fakes.plan_of(*RUNS), place, QUIET)
    assert [(failure.scenario, failure.seed) for failure in outcome.failures] == [
        ("hamlet", 1),
        ("hamlet", 4),
    ]
    assert "seed 1 is unlucky" in outcome.failures[0].reason
    assert len(outcome.runs) == 4
    assert read_index(LocalStore(place)).facts.complete is False
    played.clear()
    sick.remove(4)
    outcome = capture(fakes.plan_of(*RUNS), place, QUIET)
    assert set(played) == {1, 4}
    assert [failure.seed for failure in outcome.failures] == [1]
    played.clear()
    sick.clear()
    assert not capture(fakes.plan_of(*RUNS), place, QUIET).failures
    assert set(played) == {1}
    whole = Path(place).parent / "whole"
    capture(fakes.plan_of(*RUNS), str(whole), QUIET)
    assert files(Path(place)) == files(whole)


MORTAL = """
import os, signal, sys, threading
from townlet import cli
from townlet.rollout import play as rollout

real, log, last = rollout.play, sys.argv[1], int(sys.argv[2])
begun, one_at_a_time = 0, threading.Lock()  # whoever has begun is in the log before the next one may kill us

def play(run, *models):
    global begun
    with one_at_a_time:
        begun += 1
        if begun > last:
            os.kill(os.getpid(), signal.SIGKILL)
        with open(log, "a") as file:
            print(run.label(), file=file)
    yield from real(run, *models)

rollout.play = play
cli.main(sys.argv[3:])
"""


@pytest.mark.campaign
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_after_150_of_200_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    """What was simulated is not simulated again, save what was in flight."""
    out, log = tmp_path / "out", tmp_path / "simulated"
    words = [
        "capture",
        "observation_baseline",
        "--ticks",
        "5",
        "--seeds",
        "0..199",
        "--workers",
        str(workers),
    ]
    words += ["--output", str(out)]
    killed = subprocess.run(
        [sys.executable, "-P", "-c", MORTAL, str(log), "150", *words, "--quiet"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = log.read_text().splitlines()
    assert len(before) == len(set(before)) == 150
    after: list[str] = []
    real = rollout.play

    def play(run: Run, *models: Any):
        if run.ticks > 1:
            after.append(run.label())
        return real(run)

    monkeypatch.setattr(rollout, "play", play)
    assert cli.main(words) == 0
    said = capsys.readouterr().err
    assert len(set(before) | set(after)) == 200
    assert 200 <= len(before) + len(after) <= 200 + workers
    assert f"{200 - len(after)} of these runs were reused" in said
    assert verify(out).ok
    assert len(list(read_index(LocalStore(out)).entries())) == 200


def test_progress_of_looking(place: str, fake_play: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal only, or where it takes long; never where it shall be quiet."""
    capture(fakes.plan_of(*RUNS), place, QUIET)
    capsys.readouterr()
    capture(fakes.plan_of(*RUNS), place, RunnerOptions())
    assert capsys.readouterr().err == ""
