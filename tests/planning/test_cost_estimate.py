"""Trials: what they foretell is what a capture costs, near enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from townlet.dataset.capture.commit import publish_run, stage_receipt, stage_sample
from townlet.dataset.store.local import LocalStore
from townlet.planning import cost_estimate as trying
from townlet.planning.cost_estimate import Cost, CostEstimate, estimate_cost, kind
from townlet.planning.plan import Request, plan
from townlet.rollout import play as rollout
from townlet.run import Run, by_reference
from townlet.samples import stack_groups


def runs(*sources: str, **options: object) -> list[Run]:
    return list(plan(Request(sources, **options)).playable())  # type: ignore[arg-type]


def estimate(runs: list[Run], **options: Any) -> CostEstimate:
    return estimate_cost(*by_reference(runs), **options)


def captured(folder: Path, run: Run) -> Cost:
    """What a capture of a run holds."""
    store = LocalStore(folder)
    records = [stage_sample(store, run, key, stack_groups([group])) for key, group in rollout.play(run)]
    record = publish_run(store, run, stage_receipt(store, run, len(records), records))
    return Cost(run.ticks, record.frame_count, record.sample_count, record.size)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("kitchen_breakfast", {"ticks": 150}),
        ("queue_conflict", {"ticks": 900, "segment_ticks": 100}),
        ("market_day", {"agent": "ana"}),
        ("queue_conflict", {"compression": "none", "ticks": 700}),
    ],
)
def test_what_it_foretells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, options: dict[str, object]
) -> None:
    monkeypatch.setattr(trying, "MOST_TICKS", 300)
    monkeypatch.setattr("townlet.dataset.store.local._sync_file_system", lambda path: True)
    [run] = runs(source, **options)
    cost = estimate([run]).cost(run)
    assert cost is not None
    there = captured(tmp_path, replace(run, folder=""))
    assert (cost.ticks, cost.samples) == (there.ticks, there.samples)
    assert cost.frames == pytest.approx(there.frames, rel=0.05)
    assert cost.size == pytest.approx(there.size, rel=0.1)
    assert 0 < cost.seconds < 5


def test_runs_of_one_config_are_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[tuple[str, int]] = []
    play = rollout.play

    def noted(run: Run, *models: Any):
        played.append((run.name, run.ticks))
        return play(run)

    monkeypatch.setattr(trying, "play", noted)
    many = runs("kitchen_breakfast", "observation_baseline", ticks=40, seeds=tuple(range(50)))
    found = estimate(many)
    assert {name for name, _ in played} == {"kitchen_breakfast", "observation_baseline"}
    assert len(played) == 6
    assert set(found.rates) == {kind(run) for run in many} and len(found.rates) == 2
    total = found.total(many)
    assert total is not None
    assert (total.ticks, total.samples) == (100 * 40, 150)
    assert total.seconds > trying.START_OVERHEAD


def test_when_time_is_up_the_rest_is_taken_for_average() -> None:
    kitchen, baseline = runs("kitchen_breakfast", "observation_baseline", ticks=20)
    assert estimate([kitchen], timeout_s=-1).cost(kitchen) is None
    assert estimate([kitchen], timeout_s=-1).total([kitchen]) is None
    known = estimate([kitchen])
    assert known.cost(baseline) == known.cost(kitchen)


def test_a_trial_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: Run, *models: Any):
        raise ValueError("a gap")

    monkeypatch.setattr(trying, "play", broken)
    [run] = runs("kitchen_breakfast")
    found = estimate([run])
    assert found.failures == {"kitchen_breakfast": "ValueError: a gap"}
    assert found.cost(run) is None


def test_a_newcomer_is_not_waited_for() -> None:
    """The samples of somebody who arrives later cost what somebody else's cost."""
    [run] = runs("hard_winter", agent="otto-2", ticks=30)
    assert estimate([run]).cost(run) is not None
