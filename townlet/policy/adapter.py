"""Policies that decide for agents by name, as policies that act on batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from townlet.arrays import F32
from townlet.errors import UserError
from townlet.policy.actions import Action, ActionSpace, real_number
from townlet.policy.base import (
    AgentPolicy,
    Decision,
    Observation,
    Policy,
    PolicyActions,
    PolicyBatch,
    PolicyInfo,
)
from townlet.policy_text import GivenPolicy
from townlet.vocabulary import OUTSIDE


class Namer:
    """What the names of an action's arguments mean: indices into `objects`, and into all who have ever lived."""

    def __init__(self, actions: ActionSpace, objects: Sequence[str], agents: Sequence[str]):
        self.actions = actions
        self.objects = objects
        self.agents = agents  # grows while newcomers arrive

    def arguments(self, action: Action, where: str) -> tuple[int, int, float]:
        """Object, target and quality as the world takes them; -1 = not named. Raises UserError for an unknown name."""
        quality = -1.0 if action.quality is None else float(np.float32(action.quality))
        thing = _index(self.objects, action.object, f"{where}: action.object")
        return thing, _index(self.agents, action.target, f"{where}: action.target"), quality

    def action(self, index: int, thing: int, target: int, quality: float) -> Action:
        """The other way round."""
        return Action(
            int(index),
            self.objects[thing] if thing >= 0 else None,
            self.agents[target] if target >= 0 else None,
            float(quality) if quality >= 0 else None,
        )


def _index(names: Sequence[str], name: str | None, where: str) -> int:
    if name is None:
        return -1
    if name not in names:
        raise UserError(f"{where}: expected one of {', '.join(names) or 'none'}, got {name!r}")
    return names.index(name)


class AgentPolicyAdapter:
    """A `Policy` made of an object with `decide` and `value`."""

    def __init__(self, policy: AgentPolicy, namer: Namer):
        self._policy = policy
        self._namer = namer

    def act(self, batch: PolicyBatch) -> PolicyActions:
        seen = {observation.agent_id: observation for observation in observations_of(batch)}
        answers = self._policy.decide(seen)
        if not isinstance(answers, Mapping) or set(answers) != set(seen):
            found = ", ".join(map(str, answers)) if isinstance(answers, Mapping) else type(answers).__name__
            raise UserError(
                f"policy: decide: expected a decision for each of {', '.join(seen)}, got {found or 'none'}"
            )
        decided = [checked_decision(answers[agent], self._namer.actions, agent) for agent in seen]
        named = [
            self._namer.arguments(action, agent) for (action, _, _), agent in zip(decided, seen, strict=True)
        ]
        return PolicyActions(
            actions=np.array([action.id for action, _, _ in decided], np.int64),
            log_probs=np.array([log_prob for _, log_prob, _ in decided], np.float32),
            values=np.array([value for _, _, value in decided], np.float32),
            object=np.array([thing for thing, _, _ in named], np.int64),
            target=np.array([target for _, target, _ in named], np.int64),
            quality=np.array([quality for _, _, quality in named], np.float64),
        )

    def values(self, batch: PolicyBatch) -> F32:
        found = []
        for seen in observations_of(batch):
            value = self._policy.value(seen)
            if not real_number(value):
                raise UserError(f"{seen.agent_id}: value: expected a finite number, got {value!r}")
            found.append(value)
        return np.array(found, np.float32)


def observations_of(batch: PolicyBatch) -> list[Observation]:
    """One observation an agent of the batch, with arrays of its own."""
    return [
        Observation(
            agent_id=agent, tick=batch.tick, arrival=int(batch.arrival[b]), map=batch.maps[b].copy(),
            features=batch.features[b].copy(), action_mask=batch.masks[b].copy(),
            position=(int(batch.positions[b, 0]), int(batch.positions[b, 1])),
        )
        for b, agent in enumerate(batch.agent_ids)
    ]  # fmt: skip


def checked_decision(answer: Any, actions: ActionSpace, agent: str) -> tuple[Action, float, float]:
    """Action, log-prob and value of a decision, or of an action alone. Raises UserError naming the agent."""
    decision = answer if isinstance(answer, Decision) else Decision(answer)
    try:
        action = actions.parse(decision.action)
    except UserError as error:
        raise UserError(f"{agent}: {error}") from None
    if not real_number(decision.log_prob) or decision.log_prob > 1e-6:
        raise UserError(
            f"{agent}: log_prob: expected the log of a probability, a finite number <= 0, got {decision.log_prob!r}"
        )
    if not real_number(decision.value):
        raise UserError(f"{agent}: value: expected a finite number, got {decision.value!r}")
    return action, float(decision.log_prob), float(decision.value)


def as_policy(given: Any, namer: Namer) -> tuple[PolicyInfo, Policy]:
    """An object of a caller's as a policy, and what samples say of it.

    It has `act` and `values`, or `decide` and `value`; `kind`, `log_prob_source`, `value_source` and `digest` where it
    states them. A `GivenPolicy` holds such an object: its kind is always `outside`, with its name. Raises UserError for
    anything else.
    """
    if isinstance(given, GivenPolicy):
        info, policy = as_policy(given.policy, namer)
        return replace(info, kind=OUTSIDE, options=(("name", given.name),)), policy
    pairs = (("act", "values"), ("decide", "value"))
    found = [pair for pair in pairs if all(callable(getattr(given, name, None)) for name in pair)]
    if not found or isinstance(given, type):
        raise UserError(
            f"policy: expected a policy's name, or an object with `act` and `values` or with `decide` and `value`, "
            f"got {given!r}"
        )
    info = PolicyInfo(
        str(getattr(given, "kind", type(given).__name__)),
        str(getattr(given, "log_prob_source", "policy")),
        str(getattr(given, "value_source", "none")),
        getattr(given, "digest", None),
    )
    if found[0] == pairs[0]:
        return info, cast(Policy, given)
    return info, AgentPolicyAdapter(cast(AgentPolicy, given), namer)
