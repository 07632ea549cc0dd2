"""What a policy sees, and what it answers: it cannot see the world, only what is observed, allowed, and the tick.

Every policy acts on batches (`Policy`): all agents that it decides for in a tick are one batch. Who thinks in agents by
name writes an `AgentPolicy`; `townlet/policy/adapter.py` makes a `Policy` of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from townlet.arrays import F32, F64, I16, I64, Bool
from townlet.notebook import Shown
from townlet.policy.actions import Action, ActionSpace
from townlet.world.rng import USE_POLICY, draw


@dataclass(frozen=True, eq=False)
class PolicyBatch:
    """What B agents see before they act, in the order of their rows. The arrays are the batch's own."""

    maps: F32  # [B, C, W, W]
    features: F32  # [B, F]
    masks: Bool  # [B, U]  legal to attempt
    tick: int
    arrival: I64  # [B]  arrival numbers; together with the seed and the tick they name a draw
    row: I64  # [B]
    seed: int
    agent_ids: tuple[str, ...] = ()  # [B]  for messages, and for policies that know agents by name
    positions: I16 = field(default_factory=lambda: np.zeros((0, 2), np.int16))  # [B, 2]  x, y

    def __len__(self) -> int:
        return len(self.arrival)

    @cached_property
    def draws(self) -> F64:
        """[B] uniform numbers in [0, 1) for sampling: the same for an agent, whoever else is in the batch."""
        return self.draw(USE_POLICY)

    def draw(self, use: int, index: int = 0) -> F64:
        """[B] more of them: `use` (see `townlet/world/rng.py`) and `index` (0, 1, ...) name a draw."""
        return np.array(
            [draw(self.seed, self.tick, who, use, index) for who in self.arrival.tolist()], np.float64
        )


@dataclass(frozen=True, eq=False)
class PolicyActions:
    """What a policy answers for a batch, in its order."""

    actions: I64  # [B]  ids of the action space
    log_probs: F32  # [B]  natural logarithm of the probability that the policy gave to the action
    values: F32  # [B]  the critic's values of what was seen; 0 without a critic
    object: I64 | None = None  # [B]  index into the objects' names; -1 = the world chooses
    target: I64 | None = None  # [B]  the arrival number, less one, of whom a chat is for; -1 = the nearest
    quality: F64 | None = None  # [B]  of a chat, in [0, 1]; -1 = not named


class Policy(Protocol):
    """Anything that decides for a batch of agents.

    A result may depend on nothing but what the batch says of an agent: not on who else is in it, nor on their number.
    """

    def act(self, batch: PolicyBatch) -> PolicyActions:
        """What each agent of the batch does."""
        ...

    def values(self, batch: PolicyBatch) -> F32:
        """[B] the critic's values: the bootstraps of trajectories that go on. Zeros without a critic."""
        ...


@dataclass(frozen=True)
class PolicyInfo:
    """What samples say of the policy that acted."""

    kind: str
    log_prob_source: str = "deterministic"
    value_source: str = "none"  # where no critic takes part
    digest: str | None = None  # of a network's file
    acted: tuple[tuple[str, int], ...] = ()  # where several acted: the kind of each, and its timesteps
    options: tuple[tuple[str, Any], ...] = ()  # of a network: mode, temperature, remap, where not as usual
    runtime: str | None = None  # of a network: "compiled", or the library that computes it, with its version

    def facts(self) -> dict[str, Any]:
        """As a sample's metadata has it."""
        facts: dict[str, Any] = {
            "kind": self.kind,
            "digest": self.digest,
            "log_prob_source": self.log_prob_source,
            "value_source": self.value_source,
        }
        more: dict[str, Any] = {
            "acted": dict(self.acted),
            "options": dict(self.options),
            "runtime": self.runtime,
        }
        return facts | {name: fact for name, fact in more.items() if fact}


@dataclass(frozen=True, eq=False)
class PolicySetting:
    """What a config fixes for everybody: all that a policy knows before it sees anything."""

    feature_names: tuple[str, ...]  # [F]
    map_channels: tuple[str, ...]  # [C]
    map_shape: tuple[int, ...]  # (C, W, W)
    action_space: ActionSpace
    thresholds: F64  # [N]  behavior.<need>_threshold
    effects: F64  # [K, N]  changes of needs by affordance
    gives: I64  # [K, 2]  meals and raw ingredients that an affordance brings


@dataclass(frozen=True)
class PolicyEntry:
    """A policy of the registry: what samples say of it, and how it is made."""

    info: PolicyInfo
    make: Callable[[PolicySetting], Policy]


class WithoutCritic:
    """The half of a policy that has no critic."""

    def values(self, batch: PolicyBatch) -> F32:
        return np.zeros(len(batch), np.float32)


@dataclass(frozen=True, repr=False)
class Observation(Shown):
    """What one agent sees before it acts. The arrays are its own: nobody else reads or writes them."""

    agent_id: str
    tick: int
    arrival: int  # its arrival number; together with the seed and the tick it names a draw
    map: F32  # (C, W, W)
    features: F32  # (F,)
    action_mask: Bool  # (U,)  legal to attempt
    position: tuple[int, int]  # x, y; recorded with the frame
    scheduled: Action | None = None  # what the agent's schedule prescribes now
    labelled: bool = False  # the schedule expects the attempt to be refused

    def _facts(self) -> dict[str, Any]:
        legal = f"{int(self.action_mask.sum())} of {len(self.action_mask)}"
        facts = {"of": self.agent_id, "tick": self.tick, "position": self.position, "legal actions": legal}
        return facts | {"map": self.map.shape, "features": len(self.features)}


@dataclass(frozen=True)
class Decision:
    """What a policy, or a caller, decides for one agent."""

    action: (
        int | str | Mapping[str, Any] | Action
    )  # an id, a canonical JSON text, or a mapping with arguments
    log_prob: float = 0.0  # natural logarithm of the probability that the policy gave to the action
    value: float = 0.0  # the critic's value of the observation


class AgentPolicy(Protocol):
    """Anything that decides for agents by name. `kind` and the sources go into the samples' metadata."""

    kind: str
    log_prob_source: str
    value_source: str  # "none" where no critic takes part

    def decide(self, observations: Mapping[str, Observation]) -> Mapping[str, Decision]:
        """A decision for every agent observed."""
        ...

    def value(self, observation: Observation) -> float:
        """The critic's value of one observation: the bootstrap of a trajectory that goes on. 0 without a critic."""
        ...
