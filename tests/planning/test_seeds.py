"""What a plan says of seeds: what is known, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.towns import capture_drawn, town_run
from townlet.commands.capture.plan_tables import as_json, print_plan
from townlet.dataset.index.populations import Seeds
from townlet.dataset.store.local import LocalStore
from townlet.planning.plan import Plan, Request, plan
from townlet.planning.plan_status import plan_status
from townlet.run import Run

CONFIGS = ("queue_conflict", "kitchen_breakfast", "employment_punctuality")


def planned(*runs: Run) -> Plan:
    configs = {run.config_digest: run.config_json for run in runs}
    return Plan(tuple(run.ref() for run in runs), configs, (1,) * len(runs), True, ())


def test_before_anything_is_played(tmp_path: Path) -> None:
    asked = plan(Request(CONFIGS, seeds=(0, 1, 2), ticks=5, as_data_set=True))
    found = plan_status(asked, str(tmp_path / "out"), quiet=True).seeds
    assert found == {"queue_conflict": Seeds(3, 1), "kitchen_breakfast": None, "employment_punctuality": None}
    drawn = {"policy": "uniform", "ignore_schedules": True}
    uniform = plan(Request(CONFIGS[:1], seeds=(0, 1), ticks=5, as_data_set=True, **drawn))  # type: ignore[arg-type]
    assert plan_status(uniform, str(tmp_path / "out"), quiet=True).seeds == {"queue_conflict": None}
    alone = plan(Request(CONFIGS[:1], seeds=(4,), ticks=5, as_data_set=True))
    assert plan_status(alone, str(tmp_path / "out"), quiet=True).seeds == {}


def test_where_every_start_is_another(tmp_path: Path) -> None:
    path = tmp_path / "town.yaml"
    text = "config_id: t\nscenario: {agents: [{id: a, position: [1, 1]}], starts: {wallet: [0, 3]}}\n"
    path.write_text(text, encoding="utf-8")
    asked = plan(Request((str(path),), seeds=(0, 1, 2), ticks=5, as_data_set=True))
    assert plan_status(asked, str(tmp_path / "out"), quiet=True).seeds == {"town": Seeds(3, 3)}


def test_beside_what_is_captured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the seeds that are asked for, once all of them are there."""
    runs = [(town_run(seed=seed), drawn) for seed, drawn in enumerate((1, 2, 1))]
    capture_drawn(LocalStore(tmp_path), *runs)
    all_runs = [run for run, _ in runs]
    status = plan_status(planned(*all_runs), str(tmp_path), quiet=True)
    assert status.seeds == {"town": Seeds(3, 2)}
    assert plan_status(planned(*all_runs[:2]), str(tmp_path), quiet=True).seeds == {"town": Seeds(2, 2)}
    assert as_json(status)["seeds"] == {"town": {"count": 3, "distinct": 2}}
    print_plan(status, "townlet capture", each=False)
    assert "town: 3 seeds, 2 distinct" in capsys.readouterr().out.splitlines()
