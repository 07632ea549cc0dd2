"""`SimulationLoop`: a town that Python steps, tick by tick. Whole rollouts run in compiled code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from townlet.compiler.warmup import warm_if_possible
from townlet.config.load import Resolved
from townlet.observation.layout import Layout
from townlet.policy.actions import ActionSpace
from townlet.policy.base import AgentPolicy, Observation, Policy
from townlet.rollout.runtime import PolicyRuntime
from townlet.rollout.stepper import Snapshot, Stepper
from townlet.world.state import EVICTED, TERMS


@dataclass(frozen=True)
class StepResult:
    """What a tick brought."""

    tick: int  # the tick that was played
    observations: dict[str, Observation]  # what everybody alive sees now, before the next tick
    rewards: dict[str, float]  # of everybody who lived in the tick
    reward_terms: dict[str, dict[str, float]]
    dones: dict[str, bool]
    departed: dict[str, str]  # agent -> "fainted" or "evicted"
    final_observations: dict[str, Observation]  # what the departed saw last
    arrived: tuple[str, ...]  # newcomers


class SimulationLoop:
    """A town under way.

    `config` is a resolved config or a path to one; `seed` is a whole number from 0 to 2^63 - 1 (None: the scenario's,
    else the config's). `policy` acts for agents that have no schedule and that `step` is given no action for: a
    policy's name, or an object with `act` and `values`, or with `decide` and `value` (see `townlet.policy.base`).
    `policy_runtime.collect_trajectory()` hands over the frames: the same bytes, and the same metadata, as a capture of
    this config, seed and policy with as many ticks. Raises UserError for what cannot be played.
    """

    def __init__(
        self,
        config: Resolved | str | os.PathLike[str],
        seed: int | None = None,
        *,
        policy: str | Policy | AgentPolicy | None = None,
        ignore_schedules: bool = False,
    ):
        warm_if_possible(quiet=False)
        self._stepper = Stepper(config, seed, policy, ignore_schedules=ignore_schedules)
        self.config = self._stepper.config
        self.seed = self._stepper.seed
        self.policy_runtime = PolicyRuntime.of(self._stepper)
        self.observations: dict[str, Observation] = self._stepper.observations()

    @property
    def tick(self) -> int:
        """The tick about to be played."""
        return self._stepper.tick

    @property
    def agents(self) -> tuple[str, ...]:
        """Who lives now, in the order of arrival."""
        return tuple(self._stepper.rows)

    @property
    def action_space(self) -> ActionSpace:
        """The actions, by id."""
        return self._stepper.generated.action_space

    @property
    def layout(self) -> Layout:
        """Names and shapes of the observation."""
        return self._stepper.generated.layout

    def snapshot(self) -> Snapshot:
        """A copy of all that changes here, the frames not collected included; `restore` goes on from it."""
        return self._stepper.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot of this loop, or of one with the same config, seed and policy: to the same bytes.

        What an object that acts as policy remembers is not in a snapshot. Raises UserError for another town's snapshot.
        """
        self._stepper.restore(snapshot)
        self.observations = self._stepper.observations()

    def step(self, actions: Mapping[str, Any] | None = None) -> StepResult:
        """Play one tick.

        `actions` maps agents to an id, a canonical JSON text, a mapping with arguments, an `Action`, or a `Decision`
        (with log-prob and value); who is not in it follows its schedule or policy. Raises UserError, and plays nothing,
        for an agent who is not alive and for what is not an action.
        """
        stepper, tick, lived = self._stepper, self.tick, dict(self._stepper.rows)
        stepper.play(stepper.checked(actions))
        out, t = stepper.recording.out, stepper.recording.now
        agents = stepper.player.world.agents
        dones = {agent: bool(out.dones[row, t]) for agent, row in lived.items()}
        departed = {
            agent: "evicted" if agents.leaving[row] == EVICTED else "fainted"
            for agent, row in lived.items()
            if dones[agent]
        }
        finals = {agent: stepper.observation(agent, lived[agent], t + 1) for agent in departed}
        rewards = {agent: float(out.rewards[row, t]) for agent, row in lived.items()}
        terms = {agent: _by_term(out.reward_terms[row, t].tolist()) for agent, row in lived.items()}
        stepper.settle()
        self.observations = stepper.observations()
        arrived = tuple(agent for agent in self.agents if agent not in lived)
        return StepResult(tick, dict(self.observations), rewards, terms, dones, departed, finals, arrived)


def _by_term(values: list[float]) -> dict[str, float]:
    return dict(zip(TERMS, values, strict=True))
