"""The built-in policies as objects, for whoever steps a simulation from Python. Whole rollouts use their kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from townlet.errors import UserError
from townlet.policy.base import Decision, Observation, Policy
from townlet.policy.needs import NeedsTable, needs_action, needs_table
from townlet.policy.uniform import count_legal, log_table, uniform_action

if TYPE_CHECKING:
    from townlet.generator.generate import Built


class _WithoutCritic:
    """A policy without a critic."""

    value_source = "none"

    def value(self, observation: Observation) -> float:
        return 0.0


class NeedsPolicy(_WithoutCritic):
    """See `townlet.policy.needs`."""

    kind = "needs"
    log_prob_source = "deterministic"

    def __init__(self, table: NeedsTable):
        self._table = table

    def decide(self, observations: Mapping[str, Observation]) -> dict[str, Decision]:
        decided = {}
        for agent, seen in observations.items():
            features, masks = seen.features[None, None], seen.action_mask[None, None]
            decided[agent] = Decision(int(needs_action(features, masks, 0, 0, self._table)))
        return decided


class UniformPolicy(_WithoutCritic):
    """See `townlet.policy.uniform`."""

    kind = "uniform"
    log_prob_source = "uniform over the mask"

    def __init__(self, actions: int, seed: int):
        self._log = log_table(actions)
        self._seed = seed

    def decide(self, observations: Mapping[str, Observation]) -> dict[str, Decision]:
        decided = {}
        for agent, seen in observations.items():
            masks = seen.action_mask[None, None]
            legal = int(count_legal(masks, 0, 0))
            action = uniform_action(masks, 0, 0, legal, self._seed, seen.tick, seen.arrival)
            decided[agent] = Decision(int(action), float(self._log[legal]))
        return decided


def tables(built: Built) -> NeedsTable:
    """What `needs` knows of a world before it sees anything."""
    parts = built.params.affordances
    thresholds = [float(value) for value in np.asarray(built.params.rules.thresholds[0])]
    return needs_table(built.layout.feature_names, thresholds, parts.need, parts.gives)


def builtin_policy(name: str, built: Built, seed: int) -> Policy:
    """The policy called `name` for a world. Raises UserError for a name that is not one."""
    if name in ("needs", "scripted"):
        return NeedsPolicy(tables(built))
    if name == "uniform":
        return UniformPolicy(built.catalogue.dim, seed)
    raise UserError(f"policy: expected one of scripted, needs, uniform, got {name!r}")
