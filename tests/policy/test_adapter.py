"""Policies that decide for agents by name, as policies that act on batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.policy.towns import SPACE, batch
from townlet.errors import UserError
from townlet.policy.actions import Action
from townlet.policy.adapter import AgentPolicyAdapter, Namer, as_policy, observations_of
from townlet.policy.base import Decision, Observation, PolicyBatch

NAMER = Namer(SPACE, ["fridge_1"], ["ann", "bob", "cora"])


def named(*agents: str) -> PolicyBatch:
    seen = batch(*({} for _ in agents))
    return replace(seen, agent_ids=agents, positions=np.array([[b, 5] for b in range(len(agents))], np.int16))


class Fixed:
    """Answers what it was told to."""

    kind, log_prob_source, value_source = "fixed", "a test", "a critic"

    def __init__(self, answers: Any, value: Any = 0.5):
        self.answers, self._value = answers, value
        self.asked: dict[str, Observation] = {}

    def decide(self, observations: dict[str, Observation]) -> Any:
        self.asked = observations
        return self.answers

    def value(self, observation: Observation) -> Any:
        return self._value


def test_decisions_by_name_become_arrays_in_the_batch_s_order() -> None:
    chat = {"kind": "chat", "target": "cora", "quality": 0.1}
    eat = {"kind": "request", "affordance": "eat", "object": "fridge_1"}
    policy = Fixed({"bob": Decision(chat, -1.0, 2.0), "ann": eat})
    answer = AgentPolicyAdapter(policy, NAMER).act(named("ann", "bob"))
    assert answer.actions.tolist() == [7, 6] and answer.log_probs.tolist() == [0, -1]
    assert answer.values.tolist() == [0, 2]
    assert answer.object is not None and answer.object.tolist() == [0, -1]
    assert answer.target is not None and answer.target.tolist() == [-1, 2]
    assert answer.quality is not None and answer.quality.tolist() == [-1, float(np.float32(0.1))]
    assert [seen.position for seen in policy.asked.values()] == [(0, 5), (1, 5)]


def test_observations_are_copies() -> None:
    seen = named("ann")
    (observation,) = observations_of(seen)
    observation.features[:] = 9
    assert not (seen.features == 9).any()


def test_values_one_by_one() -> None:
    assert AgentPolicyAdapter(Fixed({}), NAMER).values(named("ann", "bob")).tolist() == [0.5, 0.5]
    with pytest.raises(UserError, match="ann: value: expected a finite number, got None"):
        AgentPolicyAdapter(Fixed({}, None), NAMER).values(named("ann"))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "policy: decide: expected a decision for each of ann, got none"),
        ({"ann": 0, "zoe": 0}, "for each of ann, got ann, zoe"),
        (None, "for each of ann, got NoneType"),
        ({"ann": 99}, "ann: action: expected an id from 0 to 14, got 99"),
        (
            {"ann": {"kind": "chat", "target": "zoe"}},
            "ann: action.target: expected one of ann, bob, cora, got 'zoe'",
        ),
        ({"ann": Decision(0, float("nan"))}, "ann: log_prob: expected the log of a probability"),
    ],
)
def test_answers_that_cannot_be(answers: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        AgentPolicyAdapter(Fixed(answers), NAMER).act(named("ann"))


def test_what_an_object_says_of_itself() -> None:
    info, policy = as_policy(Fixed({}), NAMER)
    assert (info.kind, info.log_prob_source, info.value_source, info.digest) == (
        "fixed",
        "a test",
        "a critic",
        None,
    )
    assert isinstance(policy, AgentPolicyAdapter)
    for wrong in (3, Fixed, object(), "needs"):
        with pytest.raises(UserError, match="policy: expected a policy's name, or an object with `act`"):
            as_policy(wrong, NAMER)


def test_names_and_indices() -> None:
    assert NAMER.action(6, -1, 1, 0.5) == Action(6, None, "bob", 0.5)
    assert NAMER.action(7, 0, -1, -1.0) == Action(7, "fridge_1")
    assert NAMER.arguments(Action(7, "fridge_1"), "ann") == (0, -1, -1.0)
