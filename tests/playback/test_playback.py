"""A capture played again: each moment is what is stored, whoever decided, and what does not come of it is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.dataset.reading.capture import Capture
from townlet.errors import CorruptSampleError, UserError
from townlet.playback.playback import Playback
from townlet.run import SampleKey
from townlet.samples import ReplaySample

TICKS = 90


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    run = replace(shipped("scenarios/queue_conflict", TICKS, "uniform", seed=5), ignore_schedules=True)
    return captured(run, tmp_path_factory.mktemp("queue"))


def holds(playback: Playback, capture: Capture, ticks: range) -> None:
    """Positions, actions, rewards, log-probs and needs of each moment are those of the samples."""
    played = []
    samples = {record.arrival: capture[index] for index, record in enumerate(capture.samples)}
    for moment in playback.moments(ticks[0], ticks[-1]):
        played.append(moment.tick)
        lived = {number for number in moment.arrival.tolist() if number}
        assert lived == {n for n, s in samples.items() if s.tick[0] <= moment.tick <= s.tick[-1]}
        for row, number in enumerate(moment.arrival.tolist()):
            if not number:
                continue
            sample = samples[number]
            at = moment.tick - int(sample.tick[0])
            assert playback.name(number) == sample.agent_id
            assert [moment.before.agents.x[row], moment.before.agents.y[row]] == sample.positions[at].tolist()
            assert moment.world.tick.action[row] == sample.actions[at]
            assert np.float32(moment.world.tick.reward[row]) == sample.rewards[at]
            assert moment.seen.features[row, 0].tobytes() == sample.features[at].tobytes()
            assert moment.seen.old_log_probs[row, 0] == sample.old_log_probs[at]
            assert moment.seen.value_preds[row, 0] == sample.value_preds[at]
            hunger = sample.metadata["feature_names"].index("need_hunger")
            assert np.float32(moment.before.agents.need[row, 0]) == sample.features[at, hunger]
    assert played == list(ticks)


def test_all_of_it(capture: Capture) -> None:
    holds(Playback(capture), capture, range(TICKS))


def test_a_span_twice(capture: Capture) -> None:
    playback = Playback(capture)
    holds(playback, capture, range(40, 43))
    holds(playback, capture, range(7, 9))


@pytest.mark.parametrize("config", ["scenarios/market_day", "scenarios/hard_winter"])
def test_newcomers_and_schedules(tmp_path: Path, config: str) -> None:
    made = captured(shipped(config, 700, None, seed=2), tmp_path)
    holds(Playback(made), made, range(600, 640))


def test_one_agent_alone(tmp_path: Path) -> None:
    run = shipped("scenarios/queue_conflict", 30, "uniform", seed=5)
    whole = captured(replace(run, ignore_schedules=True), tmp_path / "whole")
    name = whole.samples[1].agent_id
    alone = captured(replace(run, ignore_schedules=True, agent=name), tmp_path / "alone")
    positions = [
        [moment.before.agents.x[1], moment.before.agents.y[1]] for moment in Playback(alone).moments(3, 20)
    ]
    assert positions == whole[1].positions[3:21].tolist()


@pytest.mark.parametrize("span", [(-1, 3), (5, 4), (0, TICKS), (TICKS, None)])
def test_ticks_that_are_not_there(capture: Capture, span: tuple[int, int | None]) -> None:
    with pytest.raises(UserError, match=f"expected ticks from 0 to {TICKS - 1}, got "):
        next(Playback(capture).moments(*span))


def test_a_reward_that_does_not_come_of_it(tmp_path: Path) -> None:
    def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        rewards = sample.rewards.copy()
        rewards[12] += 1
        return replace(sample, rewards=rewards)

    made = captured(shipped("scenarios/queue_conflict", 20, "needs", seed=1), tmp_path, alter)
    with pytest.raises(
        CorruptSampleError, match="tick 12: what is stored is not what comes of it: the reward of"
    ):
        list(Playback(made).moments())
    assert [moment.tick for moment in Playback(made).moments(13, 14)] == [13, 14]


def test_another_version_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = captured(shipped("scenarios/queue_conflict", 5, None, seed=1), tmp_path)
    monkeypatch.setitem(made.metadata, "fingerprint", "0" * 64)  # type: ignore[arg-type]
    with pytest.raises(
        CorruptSampleError, match="is not the one that made it: expected fingerprint 000000000000"
    ):
        Playback(made)
