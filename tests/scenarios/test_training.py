"""The towns of configs/training: tasks in which everything that one can do is worth something."""

from __future__ import annotations

import pytest

from bench.training_towns import ROWS, Row, variant
from townlet.config.load import load_config
from townlet.config.seeds import every_seed_differs
from townlet.config.shipped import shipped_configs
from townlet.train.evaluate import Result, evaluate
from townlet.train.rollouts import runs_of

TRAINING = [name for name in shipped_configs() if name.startswith("training/")]
BY_LABEL = {row.label: row for row in ROWS}
WITHOUT_JOBS = BY_LABEL["`needs`, without jobs"]


def result(name: str, row: Row, seeds: int, ticks: int) -> Result:
    return evaluate(
        runs_of(variant(load_config(name), row), range(seeds), ticks, row.policy, segment_ticks=240)
    )


@pytest.mark.parametrize("name", shipped_configs())
def test_only_training_is_guided_and_drawn(name: str) -> None:
    """What was shipped before means what it meant."""
    config = load_config(name).config
    assert config.scenario is not None
    guided = config.actions is not None and config.actions.mask == "guided"
    assert guided == (config.scenario.starts is not None) == (name in TRAINING)
    assert every_seed_differs(load_config(name)) == (name in TRAINING)


def test_one_need_is_a_task_for_who_knows_nothing() -> None:
    idle, uniform, needs, early = (
        result("training/tiny.yaml", BY_LABEL[f"`{policy}`"], 4, 240).mean("returns").mean
        for policy in ("idle", "uniform", "needs", "needs-early")
    )
    assert idle < uniform < 0.5 * needs
    assert early > 1.1 * needs


@pytest.mark.parametrize("name", ["training/small.yaml", "training/town.yaml"])
def test_who_works_lives_and_who_does_not_goes_hungry(name: str) -> None:
    """Over three days, with all else equal: work is worth more than 15 %, and pays for more than its needs cost."""
    (works,) = result(name, BY_LABEL["`needs`"], 1, 3 * 1440).outcomes
    (idles,) = result(name, WITHOUT_JOBS, 1, 3 * 1440).outcomes
    assert works.returns > 1.15 * idles.returns
    assert (works.fainted, idles.fainted) == (0, len(load_config(name).agents))
    assert works.wages > 3 * 2 and idles.wages == 0
