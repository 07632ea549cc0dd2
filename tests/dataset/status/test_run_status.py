"""What is in a data set of some runs, and what is missing and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dataset.captures import capture, content, flip, index, records_for, stage
from tests.samples import make_run
from townlet.dataset.capture.commit import publish_run
from townlet.dataset.checking.verify import verify
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.index_document import Failure
from townlet.dataset.index.write_index import write_index
from townlet.dataset.status.known_index import read_index_for_status
from townlet.dataset.status.run_status import clear_damaged, run_status, run_statuses
from townlet.dataset.status.status import RunStatus, StatusOfRun
from townlet.dataset.store.local import LocalStore
from townlet.run import Run

RUNS = [make_run(name, seed=seed, folder=run_folder(name, seed)) for name in ("a", "b") for seed in (1, 2)]
FIRST = RUNS[0]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def found(store: LocalStore, *runs: Run) -> list[StatusOfRun]:
    return list(run_statuses(store, runs, read_index_for_status(store)))


def of(store: LocalStore, run: Run) -> StatusOfRun:
    [finding] = found(store, run)
    return finding


def test_nothing_is_there(store: LocalStore) -> None:
    assert found(store, *RUNS) == [StatusOfRun(RunStatus.MISSING)] * 4
    assert not store.root.exists()


def test_indexed(store: LocalStore) -> None:
    capture(store, *RUNS[:2])
    before = content(store.root)
    findings = found(store, *RUNS)
    assert [finding.status for finding in findings] == ["indexed", "indexed", "missing", "missing"]
    entry = read_index_for_status(store).entry("a", 1)
    assert entry is not None
    assert findings[0].size == entry.size
    assert content(store.root) == before


def test_published_but_not_in_the_index(store: LocalStore) -> None:
    publish_run(store, FIRST, records_for(store, FIRST))
    assert of(store, FIRST).status is RunStatus.PUBLISHED


def test_simulated(store: LocalStore) -> None:
    records_for(store, FIRST)
    assert of(store, FIRST) == StatusOfRun(RunStatus.SIMULATED)
    [staged] = (store.root / ".staging").rglob("*alice*.npz.*")
    flip(staged, 100)
    assert of(store, FIRST) == StatusOfRun(RunStatus.STAGED)


def test_not_finished(store: LocalStore) -> None:
    stage(store, FIRST)
    assert of(store, FIRST) == StatusOfRun(RunStatus.STAGED)


def test_failed_before(store: LocalStore) -> None:
    write_index(store, [], [Failure("a", 1, "ValueError: a gap")])
    assert of(store, FIRST) == StatusOfRun(RunStatus.MISSING, "failed before: ValueError: a gap")
    assert of(store, RUNS[1]) == StatusOfRun(RunStatus.MISSING)


@pytest.mark.parametrize("suffix", [".npz", "_001.json", "_config.json", "_metrics.json"])
def test_a_damaged_file(store: LocalStore, suffix: str) -> None:
    capture(store, *RUNS)
    path = next(path for path in sorted((store.root / FIRST.folder).iterdir()) if path.name.endswith(suffix))
    name = path.relative_to(store.root).as_posix()
    flip(path, 5)
    assert of(store, FIRST) == StatusOfRun(RunStatus.DAMAGED, f"damaged: {name}")
    flip(path, 5)
    assert of(store, FIRST).status is RunStatus.INDEXED
    path.write_bytes(path.read_bytes() + b"x")
    assert of(store, FIRST) == StatusOfRun(RunStatus.DAMAGED, f"damaged: {name}")
    path.unlink()
    assert of(store, FIRST) == StatusOfRun(RunStatus.DAMAGED, f"damaged: {name}")


def test_several_damaged_files(store: LocalStore) -> None:
    capture(store, FIRST)
    for path in (store.root / FIRST.folder).glob("*.npz"):
        path.unlink()
    assert of(store, FIRST).why == f"damaged: {FIRST.folder}/rollout_sample_alice_001.npz and 1 more"


def manifest_of(store: LocalStore) -> Path:
    return store.root / FIRST.folder / "rollout_sample_manifest.json"


def no_json(path: Path) -> None:
    path.write_text("{")


def other_fingerprint(path: Path) -> None:
    path.write_text(path.read_text().replace(FIRST.fingerprint, "f" * 64))


@pytest.mark.parametrize("damage", [no_json, other_fingerprint, Path.unlink])
def test_a_damaged_manifest_is_mended_where_the_index_knows_it(
    store: LocalStore, damage: Callable[[Path], None]
) -> None:
    capture(store, *RUNS)
    before = content(store.root)
    damage(manifest_of(store))
    mine = store.root / FIRST.folder / "notes.txt"
    mine.write_text("mine")
    finding = of(store, FIRST)
    assert (finding.status, finding.clear) == ("damaged", True)
    assert finding.why == f"damaged: {FIRST.folder}/rollout_sample_manifest.json"
    clear_damaged(store, FIRST)
    assert [path.name for path in (store.root / FIRST.folder).iterdir()] == ["notes.txt"]
    mine.unlink()
    capture(store, FIRST)
    assert content(store.root) == before
    assert verify(store.root).ok


def test_without_an_index_nobody_knows_whose_a_damaged_manifest_is(store: LocalStore) -> None:
    publish_run(store, FIRST, records_for(store, FIRST))
    manifest_of(store).write_text("{")
    finding = of(store, FIRST)
    assert (finding.status, finding.clear) == ("other", False)
    assert "not readable" in finding.why


def test_another_capture_is_refused(store: LocalStore) -> None:
    capture(store, *RUNS)
    other = replace(FIRST, ticks=FIRST.ticks + 1)
    finding = of(store, other)
    assert finding.status is RunStatus.OTHER
    assert finding.why == f"another capture: ticks {FIRST.ticks} (asked for: {other.ticks})"
    assert finding.manifest == f"{FIRST.folder}/rollout_sample_manifest.json"
    assert (
        of(store, replace(FIRST, prefix="p")).why
        == "a capture with another prefix (expected p_manifest.json)"
    )


def test_files_of_others_are_refused(store: LocalStore) -> None:
    (store.root / FIRST.folder).mkdir(parents=True)
    thesis = f"{FIRST.folder}/thesis.tex"
    (store.root / thesis).write_text("mine")
    assert of(store, FIRST) == StatusOfRun(RunStatus.OTHER, f"holds {thesis}", unexpected=(thesis,))


def test_a_swapped_run_is_not_touched(store: LocalStore) -> None:
    """It is whole, and somebody's: what exists is never written over."""
    capture(store, *RUNS)
    one, two = (store.root / run.folder for run in RUNS[:2])
    one.rename(store.root / "aside")
    two.rename(one)
    assert of(store, FIRST).status is RunStatus.OTHER
    assert of(store, RUNS[1]) == StatusOfRun(RunStatus.MISSING)


def test_an_index_that_is_behind(store: LocalStore) -> None:
    """A run made anew after the index was written: the index names another manifest."""
    records = records_for(store, FIRST)
    published = publish_run(store, FIRST, records)
    old = replace(published, manifest=replace(published.manifest, sha256="0" * 64))
    index(store, [old], [records])
    assert of(store, FIRST).status is RunStatus.PUBLISHED


def test_a_single_capture(store: LocalStore) -> None:
    run = replace(FIRST, folder="")
    assert run_status(store, run) == StatusOfRun(RunStatus.MISSING)
    stage(store, run)
    assert run_status(store, run) == StatusOfRun(RunStatus.STAGED)
    records_for(store, run)
    assert run_status(store, run) == StatusOfRun(RunStatus.SIMULATED)
    capture(store, run)
    assert run_status(store, run).status is RunStatus.PUBLISHED
    assert run_status(store, replace(run, seed=9)).status is RunStatus.OTHER
    flip(store.root / "rollout_sample_alice_001.npz", 9)
    assert run_status(store, run) == StatusOfRun(RunStatus.DAMAGED, "damaged: rollout_sample_alice_001.npz")


def test_manifests_say_what_they_said(store: LocalStore) -> None:
    """What the status of a run reads of a manifest without looking twice is what the strict reader reads."""
    capture(store, FIRST)
    document = json.loads(manifest_of(store).read_bytes())
    document["samples"].pop()
    manifest_of(store).write_text(json.dumps(document))
    assert of(store, FIRST).clear
