"""Regenerating: only what changed is simulated, the old version stays until the new one is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import content, flip
from tests.pipelines.regenerate.plans import EDITED, FIRST, QUIET, counts, make, planned
from tests.samples import make_run
from townlet.commands.capture import next_version
from townlet.commands.capture import run_regenerate as regenerate_module
from townlet.commands.capture.outcome import CaptureOutcome as Captured
from townlet.commands.capture.run_golden import golden
from townlet.dataset.checking import check_captures, parallel_check
from townlet.dataset.checking.verify import verify_store
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.lock import output_lock
from townlet.dataset.versions.versions import current_version, resolve, utc_now
from townlet.errors import CorruptSampleError, OutputError, TownletError, UserError
from townlet.planning.plan import Plan
from townlet.rollout import play as rollout
from townlet.run import Run


def test_only_what_changed_is_simulated(fake_play: list[str], out: Path) -> None:
    outcome = make(FIRST, out)
    assert (outcome.version, outcome.published, outcome.simulated, outcome.exit_code) == (1, True, 3, 0)
    first = content(out / "versions" / "1")
    assert sorted(fake_play) == ["a seed 0", "a seed 1", "b seed 0"]
    fake_play.clear()

    outcome = make(EDITED, out)
    assert counts(outcome) == (1, 1, 1, 1)
    assert sorted(fake_play) == ["a seed 2", "b seed 0"]
    assert (outcome.version, outcome.current, outcome.simulated) == (2, 2, 2)
    assert content(out / "versions" / "1") == first
    assert os.readlink(out / "current") == "versions/2"
    assert verify_store(LocalStore(out)).ok


def test_a_version_is_the_data_set_that_a_plain_capture_gives(
    fake_play: list[str], out: Path, tmp_path: Path
) -> None:
    make(FIRST, out)
    make(EDITED, out)
    next_version.capture_into(EDITED, LocalStore(tmp_path / "plain"), "plain", QUIET)
    assert content(out / "versions" / "2") == content(tmp_path / "plain")


def test_nothing_changed_nothing_run(fake_play: list[str], out: Path) -> None:
    make(FIRST, out)
    before = {path: path.lstat().st_mtime_ns for path in out.rglob("*")}
    fake_play.clear()
    outcome = make(FIRST, out)
    assert (outcome.version, outcome.current, outcome.published, outcome.exit_code) == (None, 1, False, 0)
    assert not fake_play
    assert {path: path.lstat().st_mtime_ns for path in out.rglob("*")} == before


def test_a_dry_run_writes_nothing(fake_play: list[str], out: Path) -> None:
    outcome = make(FIRST, out, dry_run=True)
    assert (outcome.version, outcome.current, counts(outcome)) == (1, None, (0, 0, 3, 0))
    assert not out.exists()
    make(FIRST, out)
    before = content(out)
    with output_lock(out):  # somebody else may be at it
        assert counts(make(EDITED, out, dry_run=True)) == (1, 1, 1, 1)
    assert content(out) == before


@pytest.fixture
def b_fails(monkeypatch: pytest.MonkeyPatch, fake_play: list[str]) -> Callable[[], None]:
    """The runs of b fail, until this is called."""
    whole = rollout.play
    failing = [True]

    def play(run: Run, *models: Any) -> Any:
        if failing and run.name == "b":
            raise ValueError("no such thing")
        yield from whole(run)

    monkeypatch.setattr(rollout, "play", play)
    return failing.clear


def test_a_version_with_a_failed_run_is_not_published(
    fake_play: list[str], b_fails: Callable[[], None], out: Path, tmp_path: Path
) -> None:
    outcome = make(FIRST, out)
    assert (outcome.version, outcome.published, outcome.exit_code) == (1, False, 1)
    assert [(failure.scenario, failure.seed) for failure in outcome.failures] == [("b", 0)]
    assert "no such thing" in outcome.failures[0].reason
    assert current_version(LocalStore(out)) is None
    assert not (out / "current").exists()

    b_fails()
    fake_play.clear()
    outcome = make(FIRST, out)
    assert (outcome.version, outcome.published, outcome.simulated) == (1, True, 1)
    assert fake_play == ["b seed 0"]
    make(FIRST, tmp_path / "undisturbed")
    assert content(out) == content(tmp_path / "undisturbed")


def test_a_run_that_fails_may_be_taken_out(
    fake_play: list[str], b_fails: Callable[[], None], out: Path
) -> None:
    make(FIRST, out)
    outcome = make(planned(*list(FIRST.playable())[:2]), out)
    assert (outcome.version, outcome.published, outcome.simulated) == (1, True, 0)
    assert read_index(resolve(LocalStore(out))).facts.complete


def test_a_version_that_does_not_verify_is_not_published(
    fake_play: list[str], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(FIRST, out)
    whole = next_version.capture_into

    def damaging(plan: Plan, store: LocalStore, *rest: Any) -> Captured:
        captured = whole(plan, store, *rest)
        flip(store.root / "runs/a/seed-2/rollout_sample_alice_001.json", 30)
        return captured

    monkeypatch.setattr(next_version, "capture_into", damaging)
    with pytest.raises(
        CorruptSampleError, match=r"not published:\n  damaged: runs/a/seed-2/rollout_sample_alice"
    ):
        make(EDITED, out)
    assert current_version(LocalStore(out)) == 1


def test_a_file_that_is_carried_over_is_read_once(
    fake_play: list[str], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever finds out the status of its run; verifying the version does not read it again."""
    make(FIRST, out)
    read: list[str] = []

    def noting(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda store, name, *limit: read.append(name) or real(store, name, *limit)

    monkeypatch.setattr(LocalStore, "open_read", noting(LocalStore.open_read))
    monkeypatch.setattr(check_captures, "hashed", noting(check_captures.hashed))
    monkeypatch.setattr(parallel_check, "hashed", noting(parallel_check.hashed))
    make(EDITED, out)
    samples = [name for name in read if name.endswith(".npz")]
    carried, new = (
        {name for name in samples if name.startswith(f"runs/{run}/")} for run in ("a/seed-0", "a/seed-2")
    )
    assert len(carried) == len(new) == 2
    assert sorted(name for name in samples if name in carried) == sorted(carried)


def test_a_damaged_capture_is_not_carried_over(fake_play: list[str], out: Path) -> None:
    make(FIRST, out)
    place = out / "versions/1/runs/a/seed-0/rollout_sample_alice_001.npz"
    good = place.read_bytes()
    flip(place, 90)
    fake_play.clear()
    outcome = make(EDITED, out)
    assert outcome.simulated == 3
    assert "a seed 0" in fake_play
    assert (out / "versions/2/runs/a/seed-0/rollout_sample_alice_001.npz").read_bytes() == good
    assert place.read_bytes() != good


def test_drift_is_stopped_until_it_is_accepted(fake_play: list[str], out: Path, tmp_path: Path) -> None:
    file = tmp_path / "golden.json"
    make(FIRST, out)
    assert golden(FIRST, str(file), str(out), QUIET).written
    assert make(FIRST, out, golden=str(file)).exit_code == 0
    for _ in range(2):
        fake_play.clear()
        outcome = make(EDITED, out, golden=str(file))
        assert (outcome.exit_code, outcome.version, outcome.published, outcome.current) == (3, 2, False, 1)
        assert outcome.drift is not None
        assert {(moved.scenario, moved.figure) for moved in outcome.drift.beyond} >= {("b", "timesteps")}
        assert current_version(LocalStore(out)) == 1
    assert not fake_play  # the version was kept

    outcome = make(EDITED, out, golden=str(file), tolerance=1e9)
    assert outcome.published
    shutil.rmtree(out)
    make(FIRST, out)
    make(EDITED, out, golden=str(file))
    fake_play.clear()
    accepted = golden(EDITED, str(file), str(out), QUIET)
    assert accepted.written and accepted.moved and accepted.moved.movements
    outcome = make(EDITED, out, golden=str(file), tolerance=0.0)
    assert (outcome.exit_code, outcome.version, outcome.published, outcome.simulated) == (0, 2, True, 0)
    assert not fake_play


def test_what_drifted_and_was_put_back_is_removed(fake_play: list[str], out: Path, tmp_path: Path) -> None:
    file = tmp_path / "golden.json"
    make(FIRST, out)
    before = content(out)
    golden(FIRST, str(file), str(out), QUIET)
    make(EDITED, out, golden=str(file))
    assert (out / "versions" / "2").exists()
    make(FIRST, out, golden=str(file))
    assert content(out) == before


def test_golden_files_are_read_before_any_work(fake_play: list[str], out: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="townlet golden"):
        make(FIRST, out, golden=str(tmp_path / "missing.json"))
    golden(FIRST, str(tmp_path / "golden.json"), None, QUIET)
    other = replace(FIRST, suites=("other",))
    fake_play.clear()
    with pytest.raises(UserError, match="is the golden file of tiny, not of other"):
        make(other, out, golden=str(tmp_path / "golden.json"))
    assert not fake_play
    assert not out.exists()


def test_old_versions_are_pruned(without_beam: None, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = [planned(make_run("a", seed=seed, folder=run_folder("a", seed))) for seed in range(4)]
    for plan in plans:
        assert not make(plan, out, keep=1).pruned  # somebody may be reading them
    later = utc_now() + timedelta(hours=2)
    monkeypatch.setattr(regenerate_module, "utc_now", lambda: later)
    assert not make(plans[-1], out).pruned  # nobody asked for it
    assert make(plans[-1], out, keep=3).pruned == [1]  # also where nothing changed
    assert make(plans[0], out, keep=1).pruned == [2, 3]
    assert sorted(os.listdir(out / "versions")) == ["4", "5"]


def test_a_second_writer_is_told_who_the_first_is(fake_play: list[str], out: Path) -> None:
    with output_lock(out), pytest.raises(OutputError, match=f"process {os.getpid()} "):
        make(FIRST, out)


def test_a_data_set_without_versions_becomes_version_one(
    fake_play: list[str], tmp_path: Path, out: Path
) -> None:
    plain = tmp_path / "plain"
    next_version.capture_into(FIRST, LocalStore(plain), "plain", QUIET)
    with pytest.raises(OutputError, match="holds a data set without versions"):
        make(FIRST, plain)
    (out / "versions").mkdir(parents=True)
    plain.rename(out / "versions" / "1")
    fake_play.clear()
    outcome = make(FIRST, out)
    assert (outcome.version, outcome.published, outcome.simulated) == (1, True, 0)
    assert not fake_play


def test_somebody_publishes_meanwhile(
    fake_play: list[str], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where locks do not work (some network disks), one of two writers wins."""
    make(FIRST, out)
    monkeypatch.setattr(LocalStore, "compare_and_swap", _beaten(LocalStore.compare_and_swap))
    with pytest.raises(TownletError, match="somebody else has published"):
        make(EDITED, out)
    assert current_version(LocalStore(out)) == 1


def _beaten(whole: Callable[..., bool]) -> Callable[..., bool]:
    return lambda self, name, *rest: name != "current.json" and whole(self, name, *rest)
