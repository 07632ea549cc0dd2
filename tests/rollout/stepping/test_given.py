"""What a caller of `SimulationLoop.step` gives: labelled as given, bootstraps asked for, what is illegal refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.rollout.scenes.towns import West, three
from townlet.config.load import Resolved
from townlet.errors import UserError
from townlet.frames import frames_to_replay_sample
from townlet.policy.base import Decision
from townlet.rollout.loop import SimulationLoop
from townlet.samples import BOOTSTRAP_UNKNOWN, ReplaySample, bootstrap_known


@pytest.fixture
def town(tmp_path: Path) -> Resolved:
    return three(tmp_path)


def sample_of(loop: SimulationLoop, agent: str, clear: bool = True) -> ReplaySample:
    return frames_to_replay_sample(loop.policy_runtime.collect_trajectory(agent, clear=clear))


# Bootstraps
def test_a_bootstrap_that_nobody_knows_is_said_to_be_unknown(town: Resolved) -> None:
    loop = SimulationLoop(town)
    for _ in range(2):
        loop.step({"ann": Decision(0, -0.25, 0.5), "bob": 0})
    ann, bob, lee = (sample_of(loop, agent) for agent in loop.agents)
    assert ann.metadata["bootstrap"] == BOOTSTRAP_UNKNOWN and not bootstrap_known(ann)
    assert ann.value_preds.tolist() == [0.5, 0.5, 0]
    for sample in (bob, lee):  # without a critic there is nothing to be known
        assert "bootstrap" not in sample.metadata and bootstrap_known(sample)


def test_it_is_asked_for_at_the_end(town: Resolved) -> None:
    loop = SimulationLoop(town)
    loop.step({"ann": Decision(0, -0.25, 0.5), "bob": Decision(0, -1.0, 2.0)})
    loop.close(values={"ann": 0.75})
    ann, bob = sample_of(loop, "ann", clear=False), sample_of(loop, "bob")
    assert ann.value_preds.tolist() == [0.5, 0.75] and "bootstrap" not in ann.metadata
    assert bob.value_preds.tolist() == [2.0, 0.0] and bob.metadata["bootstrap"] == BOOTSTRAP_UNKNOWN
    assert sample_of(loop, "ann").value_preds.tolist() == [0.5, 0.75]
    with pytest.raises(UserError, match="step: expected a loop that goes on, found one that was closed"):
        loop.step()


def test_a_snapshot_leads_back_from_the_end(town: Resolved) -> None:
    loop = SimulationLoop(town)
    there = loop.snapshot()
    loop.close()
    loop.restore(there)
    assert loop.step().tick == 0


def test_a_policy_of_python_s_is_asked_as_ever(town: Resolved) -> None:
    """Where it decided last; the critic of who is not it is not asked for what another decided."""
    loop = SimulationLoop(town, policy=West())
    loop.step({"bob": Decision(0, -0.5, 9.0)})
    loop.step({"bob-lee": Decision(0, -0.5, 9.0)})
    bob, lee = sample_of(loop, "bob"), sample_of(loop, "bob-lee")
    assert bob.value_preds.tolist() == [9.0, 1.0, 0.75] and "bootstrap" not in bob.metadata
    assert lee.value_preds.tolist() == [1.0, 9.0, 0.0] and lee.metadata["bootstrap"] == BOOTSTRAP_UNKNOWN


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"zoe": 1.0}, "close: 'zoe' is not alive; alive are ann, bob, bob-lee"),
        ({"ann": float("nan")}, "close: ann: expected a finite number, got nan"),
        ({"ann": "1"}, "close: ann: expected a finite number, got '1'"),
        ([1.0], "close: values: expected values by agent, got list"),
    ],
)
def test_values_that_cannot_be(town: Resolved, values: Any, message: str) -> None:
    loop = SimulationLoop(town)
    with pytest.raises(UserError, match=message):
        loop.close(values)
    loop.step()  # it was not closed


# Labels
def test_actions_alone_have_no_log_prob_and_no_critic(town: Resolved) -> None:
    loop = SimulationLoop(town)
    loop.step({"ann": Decision(0, -0.25, 0.5), "bob": 0})
    ann, bob = (sample_of(loop, agent, clear=False).metadata["policy"] for agent in ("ann", "bob"))
    assert ann["log_prob_source"] == ann["value_source"] == "given with the action"
    assert (bob["kind"], bob["log_prob_source"], bob["value_source"]) == ("outside", "not given", "none")
    loop.step()
    assert (
        sample_of(loop, "bob").metadata["policy"]["log_prob_source"]
        == "outside: not given; needs: deterministic"
    )


# What is illegal
def test_what_the_mask_forbids_is_refused_and_nothing_is_played(town: Resolved) -> None:
    loop = SimulationLoop(town)
    with pytest.raises(
        UserError, match=r"bob-lee: action: expected one that its mask allows \(.*\), got 2, .*south"
    ):
        loop.step({"bob": 0, "bob-lee": {"kind": "move", "direction": "south"}})
    assert loop.tick == 0
    loop.step({"bob": 0, "bob-lee": 0})
    assert "off_mask" not in sample_of(loop, "bob-lee").arrays()
    with pytest.raises(UserError, match="illegal: expected 'refuse' or 'fail', got True"):
        SimulationLoop(town, illegal=True)  # type: ignore[arg-type]


# Without a recorder
def test_nothing_is_kept_without_a_recorder(town: Resolved) -> None:
    loops = [SimulationLoop(town, policy="uniform", record=record) for record in (True, False)]
    for _ in range(30):
        one, two = (loop.step({"ann": 0}) for loop in loops)
        assert one.rewards == two.rewards and one.reward_terms == two.reward_terms
        for agent, seen in one.observations.items():
            assert np.array_equal(seen.features, two.observations[agent].features)
            assert seen.position == two.observations[agent].position
    kept, forgotten = (loop._stepper.recording.out for loop in loops)
    assert kept.map.shape[1] > 30 and forgotten.map.shape[1] <= 8
    with pytest.raises(
        UserError, match="collect_trajectory: expected a loop that records, found one made with record"
    ):
        loops[1].policy_runtime.collect_trajectory()
    there = loops[1].snapshot()
    after = [loops[1].step().rewards for _ in range(9)]
    loops[1].restore(there)
    assert [loops[1].step().rewards for _ in range(9)] == after
