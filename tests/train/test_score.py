"""What runs came to, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.samples import make_run, make_sample
from townlet.samples import ReplaySample
from townlet.train.score import Scorer, score_of


def sample_of(seed: int, arrival: int, reward: float, born: int = 0, ended: bool = False) -> ReplaySample:
    run = make_run(seed=seed)
    capture = {"scenario_name": run.name, "seed": seed}
    sample = make_sample(4, agent_index=arrival, born_tick=born, capture_metadata=capture)
    dones, values = np.zeros(4, bool), sample.value_preds.copy()
    dones[-1] = ended
    values[-1] = 0.0 if ended else values[-1]
    return replace(sample, rewards=np.full(4, reward, np.float32), dones=dones, value_preds=values)


def test_return_of_an_agent_over_runs() -> None:
    samples = [
        sample_of(1, 1, 2.0), sample_of(1, 2, 4.0),  # 24 for two agents
        sample_of(2, 1, 1.0, ended=True), sample_of(2, 2, 2.0), sample_of(2, 3, 1.0, born=9),  # 16: a newcomer counts
    ]  # fmt: skip
    found = score_of(samples)
    assert (found.runs, found.mean, found.ended) == (2, 10.0, 0.5)
    assert found.error == pytest.approx(np.std([12, 8], ddof=1) / np.sqrt(2))


def test_of_one_run_there_is_no_error() -> None:
    assert score_of([sample_of(1, 1, 2.0)]).error == 0


def test_watching_passes_on() -> None:
    samples, scorer = [sample_of(1, 1, 2.0), sample_of(2, 1, 2.0)], Scorer()
    assert list(scorer.watching(samples)) == samples
    assert scorer.score().mean == 8
