"""Small towns for tests of rollouts, and policies of Python that play in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from townlet.config.load import Resolved, load_config
from townlet.policy.base import Decision, Observation, PolicyActions, PolicyBatch

#   . . . . .     Ann (0, 1) has a schedule: she goes east twice and waits. Bob (4, 0) and Bob-Lee (4, 2) have none.
#   A . . . .     Nothing is needed, so that `needs` waits.
#   . . . . .
THREE = """
config_id: three
seed: 11
rewards: {decay_rates: {hunger: 0, hygiene: 0, energy: 0}}
affordances: {affordances_file: one.yaml}
observations: {hybrid: {local_window: 3}}
%s
world:
  map: |
    .....
    .....
    .....
scenario:
  %s
  objects: [{id: bench_1, type: bench, position: [2, 2]}]
  agents:
    - {id: ann, position: [0, 1], schedule: [{kind: move, position: [2, 1], until: arrived}, {kind: wait, ticks: 9}]}
    - {id: bob, position: [4, 0]}
    - {id: bob-lee, position: [4, 2]}
"""
ONE = "- {id: sit, object_type: bench, duration: 2, effects: {energy: 0.1}}\n"


def three(folder: Path, more: str = "", scenario: str = "ticks: 30") -> Resolved:
    """The town above; `more` are sections of its config."""
    (folder / "one.yaml").write_text(ONE)
    (folder / "three.yaml").write_text(THREE % (more, scenario))
    return load_config(folder / "three.yaml")


class West:
    """Everybody goes west, with a value that says how far it has come. Remembers the batches that it was asked."""

    kind, log_prob_source, value_source = "west", "a test", "a test"

    def __init__(self) -> None:
        self.batches: list[PolicyBatch] = []

    def act(self, batch: PolicyBatch) -> PolicyActions:
        self.batches.append(batch)
        return PolicyActions(
            np.full(len(batch), 4), np.full(len(batch), -0.5, np.float32), self.values(batch)
        )

    def values(self, batch: PolicyBatch) -> np.ndarray:
        return batch.positions[:, 0].astype(np.float32) / 4


class WestByName:
    """The same, for agents by name."""

    kind, log_prob_source, value_source = "west", "a test", "a test"

    def decide(self, observations: Mapping[str, Observation]) -> dict[str, Any]:
        west = {"kind": "move", "direction": "west"}
        return {agent: Decision(west, -0.5, self.value(seen)) for agent, seen in observations.items()}

    def value(self, observation: Observation) -> float:
        return observation.position[0] / 4
