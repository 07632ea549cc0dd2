"""What a capture stores of a run: by arrival number and tick, and nothing that kernels could trip over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.dataset.reading.capture import Capture
from townlet.policy_text import NO_MODELS
from townlet.rollout.stored import NOT_STORED, NotOfARunError, last_tick, player_of, run_of, stored_actions
from townlet.run import SampleKey
from townlet.samples import ReplaySample


def stored_of(capture: Capture):
    return stored_actions(capture, player_of(run_of(capture), NO_MODELS))


def test_everything_is_where_it_belongs(tmp_path: Path) -> None:
    run = shipped("scenarios/hard_winter", 700, None, seed=2)
    capture = captured(run, tmp_path)
    assert run_of(capture).fingerprint == run.fingerprint
    stored = stored_of(capture)
    people = max(record.arrival for record in capture.samples)
    assert stored.actions.shape == (people, last_tick(capture)) == (people, 700)
    for index, record in enumerate(capture.samples):
        sample, who = capture[index], record.arrival - 1
        assert stored.actions[who, sample.tick].tolist() == sample.actions.tolist()
        assert stored.args[who, sample.tick].tobytes() == sample.action_args.tobytes()
        assert stored.log_probs[who, sample.tick].tobytes() == sample.old_log_probs.tobytes()
        assert stored.values[who, sample.tick].tobytes() == sample.value_preds[:-1].tobytes()
        assert stored.rewards[who, sample.tick].tobytes() == sample.rewards.tobytes()
        away = np.setdiff1d(np.arange(700), sample.tick)
        assert (stored.actions[who, away] == NOT_STORED).all()


@pytest.mark.parametrize(("column", "number", "what"), [(0, 10_000.0, "objects"), (1, 0.5, "agents")])
def test_arguments_that_name_nothing(tmp_path: Path, column: int, number: float, what: str) -> None:
    def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        sample.action_args.setflags(write=True)
        sample.action_args[3, column] = number
        return sample

    capture = captured(shipped("scenarios/queue_conflict", 10, None, seed=1), tmp_path, alter)
    with pytest.raises(NotOfARunError, match=f"action_args: expected numbers of [0-9]+ {what}, or -1"):
        stored_of(capture)


def test_newcomers_may_be_named_once_they_are_there(tmp_path: Path) -> None:
    """otto-2 arrives after tick 100: from then on it may be the target of a chat, and not before."""

    def naming(row: int, arrival: int):
        def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample:
            if key.arrival == arrival:
                sample.action_args.setflags(write=True)
                sample.action_args[row, 1] = 1
            return sample

        return alter

    run = shipped("scenarios/hard_winter", 200, None, seed=0)
    later = captured(run, tmp_path / "later", naming(3, 2))
    born = later.samples[1].first_tick
    assert stored_of(later).args[1, born + 3, 1] == 1
    with pytest.raises(NotOfARunError, match="action_args: names an agent who has not arrived yet"):
        stored_of(captured(run, tmp_path / "before", naming(3, 1)))
