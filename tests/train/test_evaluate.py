"""What runs came to: the figures of a town's own counters, means over runs, differences of pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from townlet.config.load import load_config
from townlet.train.evaluate import FIGURES, Mean, Outcome, Result, evaluate
from townlet.train.rollouts import rollouts, runs_of


def outcome(seed: int, returns: float, **more: float) -> Outcome:
    others = {"fainted": 0, "evicted": 0, "wages": 0.0, "chats": 0.0, "agent_steps": 1}
    return Outcome(seed=seed, returns=returns, **(others | more))  # type: ignore[arg-type]


def test_means_have_standard_errors_over_runs() -> None:
    found = Mean.of([1.0, 2.0, 6.0])
    assert found.mean == 3.0 and found.error == pytest.approx(
        math.sqrt(7.0 / 3.0)
    )  # variance (4 + 1 + 9) / 2
    assert Mean.of([5]) == Mean(5.0, None)
    assert Mean.of([2.0, 2.0]) == Mean(2.0, 0.0)


def test_differences_are_those_of_runs_with_one_seed() -> None:
    """What a seed gives to both policies does not count."""
    first = Result((outcome(0, 10.0), outcome(1, 100.0), outcome(2, 1000.0)))
    second = Result((outcome(2, 1003.0), outcome(0, 11.0), outcome(1, 102.0)))
    found = second.difference(first)
    assert found.mean == 2.0 and found.error == pytest.approx(1 / math.sqrt(3))
    assert first.mean("returns").error > 300  # type: ignore[operator]
    assert Result((outcome(0, 1.0, chats=3.0),)).difference(Result((outcome(0, 1.0),)), "chats") == Mean(
        3.0, None
    )


def test_runs_that_came_to_the_same_are_told() -> None:
    assert Result((outcome(0, 3.0), outcome(1, 3.0))).runs_alike
    assert not Result((outcome(0, 3.0), outcome(1, 4.0))).runs_alike
    assert not Result((outcome(0, 3.0),)).runs_alike


def test_figures_are_those_of_what_was_played() -> None:
    """Also where some faint and newcomers arrive, and however a run is cut."""
    config = load_config("hard_winter")
    for segment_ticks in (0, 170):
        runs = runs_of(config, (0, 3), 400, "uniform", segment_ticks=segment_ticks)
        seen: list[Outcome] = []
        found = evaluate(runs, played=seen.append)
        assert tuple(seen) == found.outcomes
        for run, one in zip(runs, found.outcomes, strict=True):
            samples = list(rollouts([run]))
            rewards = np.concatenate([sample.rewards for sample in samples]).tolist()
            assert one.returns == math.fsum(rewards) / len(config.agents)
            assert one.agent_steps == len(rewards)
            assert one.fainted + one.evicted == sum(sample.dones.any() for sample in samples)
        assert found.mean("fainted").mean > 0


def test_work_brings_wages() -> None:
    config = load_config("small_town")
    idle, needs = (evaluate(runs_of(config, [0], 700, policy)) for policy in ("idle", "needs"))
    assert idle.mean("wages").mean == 0 and needs.mean("wages").mean > 0
    assert needs.difference(idle).mean > 0
    assert {figure: needs.mean(figure).error for figure in FIGURES} == dict.fromkeys(FIGURES)
