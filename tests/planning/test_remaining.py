"""What of a plan is still to be done, and in which state the rest is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.captures import capture, flip, records_for, stage
from tests.pipelines import fakes
from tests.samples import make_run
from townlet.dataset.capture.commit import publish_run
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError
from townlet.planning.remaining import remaining_runs

RUNS = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in range(6)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def seeds(runs: object) -> list[int]:
    return [run.seed for run in runs]  # type: ignore[attr-defined]


def test_only_indexed_runs_that_hold_are_complete(store: LocalStore) -> None:
    """Simulated, published, damaged, staged and missing ones go through the pipeline."""
    capture(store, *RUNS[:2])
    flip(store.root / RUNS[1].folder / "rollout_sample_alice_001.npz", 50)
    publish_run(store, RUNS[2], records_for(store, RUNS[2]))
    records_for(store, RUNS[3])
    stage(store, RUNS[4])
    rest = remaining_runs(fakes.plan_of(*RUNS), store, quiet=True)
    assert seeds(rest.complete) == [0]
    assert seeds(rest.planned.runs) == [1, 2, 3, 4, 5]
    assert len(rest.planned.costs) == 5


def test_nothing_remains(store: LocalStore) -> None:
    capture(store, *RUNS)
    rest = remaining_runs(fakes.plan_of(*RUNS[1:3]), store, quiet=True)
    assert (rest.planned.runs, seeds(rest.complete)) == ((), [1, 2])


def test_something_else_in_the_place_of_a_run(store: LocalStore) -> None:
    store.write_new(f"{RUNS[3].folder}/thesis.tex", [b"mine"])
    with pytest.raises(OutputError, match=r"found runs/scene/seed-3/thesis\.tex; choose another"):
        remaining_runs(fakes.plan_of(*RUNS), store, quiet=True)
