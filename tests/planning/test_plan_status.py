"""A plan beside its output: the status of each run, and what a capture has left to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.dataset.captures import capture, records_for
from tests.pipelines import fakes
from tests.samples import make_run
from townlet.dataset.capture.commit import publish_run
from townlet.dataset.format.paths import run_folder
from townlet.dataset.status.status import TO_SIMULATE, RunStatus
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError
from townlet.planning.cost_estimate import Cost
from townlet.planning.plan_status import fits, plan_status

RUNS = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in range(4)]


def statuses(output: Path, *runs: object, **options: bool) -> list[str]:
    found = plan_status(fakes.plan_of(*runs), str(output), quiet=True, **options)  # type: ignore[arg-type]
    return [status.status.value for status in found.statuses]


def test_the_status_of_each_run(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    capture(store, RUNS[0])
    publish_run(store, RUNS[1], records_for(store, RUNS[1]))
    records_for(store, RUNS[2])
    found = plan_status(fakes.plan_of(*RUNS), str(tmp_path), quiet=True)
    assert [status.status for status in found.statuses] == ["indexed", "published", "simulated", "missing"]
    assert [run.seed for run in found.of(*TO_SIMULATE)] == [3]
    assert [run.seed for run in found.remaining] == [1, 2, 3]


def test_a_single_capture_is_finished_when_it_is_published(tmp_path: Path) -> None:
    single = replace(RUNS[0], folder="")
    capture(LocalStore(tmp_path), single)
    found = plan_status(fakes.plan_of(single), str(tmp_path), quiet=True)
    assert found.of(RunStatus.PUBLISHED) and not found.remaining
    assert found.cost == Cost() and fits(found) is True


def test_what_is_replaced_is_missing(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path), *RUNS)
    assert statuses(tmp_path, replace(RUNS[0], ticks=9)) == ["other"]
    assert statuses(tmp_path, replace(RUNS[0], ticks=9), overwrite=True) == ["missing"]


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="expected a folder for the output, found a file"):
        statuses(tmp_path / "out", *RUNS)
