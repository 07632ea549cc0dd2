"""What a policy sees, and what it answers: it cannot see the world, only what is observed, allowed, and the tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from townlet.arrays import F32, Bool
from townlet.policy.actions import Action


@dataclass(frozen=True)
class Observation:
    """What one agent sees before it acts. The arrays are its own: nobody writes to them later."""

    agent_id: str
    tick: int
    arrival: int  # its arrival number; together with the seed and the tick it names a draw
    map: F32  # (C, W, W)
    features: F32  # (F,)
    action_mask: Bool  # (U,)  legal to attempt
    position: tuple[int, int]  # x, y; recorded with the frame
    scheduled: Action | None = None  # what the agent's schedule prescribes now
    labelled: bool = False  # the schedule expects the attempt to be refused


@dataclass(frozen=True)
class Decision:
    """What a policy answers for one agent."""

    action: int | str | Mapping[str, Any]  # an id, a canonical JSON text, or a mapping with arguments
    log_prob: float = 0.0  # natural logarithm of the probability that the policy gave to the action
    value: float = 0.0  # the critic's value of the observation


class Policy(Protocol):
    """Anything that decides for agents. `kind` and `value_source` go into the samples' metadata."""

    kind: str
    log_prob_source: str
    value_source: str  # "none" where no critic takes part

    def decide(self, observations: Mapping[str, Observation]) -> Mapping[str, Decision]:
        """A decision for every agent observed."""
        ...

    def value(self, observation: Observation) -> float:
        """The critic's value of one observation: the bootstrap of a trajectory that goes on. 0 without a critic."""
        ...
