"""`SimulationLoop`: a town that Python steps, tick by tick. Whole rollouts run in compiled code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from townlet import arguments
from townlet.arrays import F32
from townlet.compiler.warmup import warm_if_possible
from townlet.config.load import Resolved
from townlet.errors import UserError
from townlet.notebook import Shown, listed
from townlet.observation.layout import Layout
from townlet.policy.actions import ActionSpace
from townlet.policy.base import AgentPolicy, Decision, Observation, Policy
from townlet.policy_text import NO_MODELS, Models
from townlet.rollout.runtime import PolicyRuntime
from townlet.rollout.stepper import Snapshot, Stepper
from townlet.world.state import EVICTED, TERMS

Illegal = Literal["refuse", "fail"]  # what becomes of an action that the mask forbids


@dataclass(frozen=True, repr=False)
class StepResult(Shown):
    """What a tick brought."""

    tick: int  # the tick that was played
    observations: Mapping[str, Observation]  # what everybody alive sees now, before the next tick
    rewards: dict[str, float]  # of everybody who lived in the tick
    dones: dict[str, bool]
    departed: dict[str, str]  # agent -> "fainted" or "evicted"
    final_observations: Mapping[str, Observation]  # what the departed saw last
    arrived: tuple[str, ...]  # newcomers
    terms: F32  # [n, R]  the rewards by term, of those who lived, in their order

    def _facts(self) -> dict[str, Any]:
        rewards = [f"{agent} {reward:+.3f}" for agent, reward in self.rewards.items()]
        facts = {"tick": self.tick, "rewards": listed(rewards)}
        if self.departed:
            facts["departed"] = listed(f"{agent} {why}" for agent, why in self.departed.items())
        return facts | ({"arrived": listed(self.arrived)} if self.arrived else {})

    @cached_property
    def reward_terms(self) -> dict[str, dict[str, float]]:
        """The rewards by term and agent."""
        return {
            agent: dict(zip(TERMS, row, strict=True))
            for agent, row in zip(self.rewards, self.terms.tolist(), strict=True)
        }


class SimulationLoop(Shown):
    """A town under way.

    `config` is a resolved config or a path to one; `seed` is a whole number from 0 to 2^63 - 1 (None: the scenario's,
    else the config's). `policy` acts for agents that have no schedule and that `step` is given no action for: a
    policy's name, or an object with `act` and `values`, or with `decide` and `value` (see `townlet.policy.base`). A
    network is named by its file, `network:best.onnx`, or by the file's SHA-256, whose content is then in `models`.
    `policy_runtime.collect_trajectory()` hands over the frames: the same bytes, and the same metadata, as a capture of
    this config, seed and policy with as many ticks; with `record=False` nothing is kept.
    `illegal`: an action of yours that the mask forbids is refused, or (`"fail"`) tried, fails in the world, and is
    recorded and flagged (`off_mask`). Raises UserError for what cannot be played.
    """

    def __init__(
        self,
        config: Resolved | str | os.PathLike[str],
        seed: int | None = None,
        *,
        policy: str | Policy | AgentPolicy | None = None,
        ignore_schedules: bool = False,
        record: bool = True,
        illegal: Illegal = "refuse",
        models: Models = NO_MODELS,
    ):
        ignore_schedules = arguments.switch("ignore_schedules", ignore_schedules)
        record, fails = arguments.switch("record", record), checked_illegal(illegal)
        warm_if_possible(quiet=False)
        self._stepper = Stepper(
            config, seed, policy, ignore_schedules=ignore_schedules, record=record, fails=fails, models=models
        )
        self.config = self._stepper.config
        self.seed = self._stepper.seed
        self.policy_runtime = PolicyRuntime.of(self._stepper)
        self.observations: Mapping[str, Observation] = self._stepper.observations()

    def _facts(self) -> dict[str, Any]:
        return {
            "of": self.config.name,
            "seed": self.seed,
            "tick": self.tick,
            "agents": f"{len(self.agents)}: {listed(self.agents)}",
        }

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

        What an object that acts as policy remembers is not in a snapshot. Raises UserError for another town's snapshot,
        and for one of a loop that records where this one does not, or the other way round.
        """
        self._stepper.restore(snapshot)
        self.observations = self._stepper.observations()

    def step(self, actions: Mapping[str, Any] | None = None) -> StepResult:
        """Play one tick.

        `actions` maps agents to an id, a canonical JSON text, a mapping with arguments, an `Action`, or a `Decision`
        (with log-prob and value); who is not in it follows its schedule or policy. Raises UserError, and plays nothing,
        for an agent who is not alive, for what is not an action, and for one that its mask forbids (see `illegal`).
        """
        stepper, tick = self._stepper, self.tick
        given = stepper.checked(actions)
        decided = [stepper.rows[agent] for agent, one in (actions or {}).items() if isinstance(one, Decision)]
        facts = stepper.play(given, decided)
        self.observations = stepper.observations()
        dones = dict.fromkeys(facts.lived, False) | dict.fromkeys(facts.left, True)
        departed = {agent: "evicted" if why == EVICTED else "fainted" for agent, why in facts.left.items()}
        arrived = ()
        if len(self.observations) + len(departed) > len(facts.lived):
            lived = {*facts.lived}
            arrived = tuple(agent for agent in self.agents if agent not in lived)
        return StepResult(
            tick, self.observations, dict(zip(facts.lived, facts.rewards, strict=True)), dones, departed,
            facts.finals, arrived, facts.terms,
        )  # fmt: skip

    def close(self, values: Mapping[str, float] | None = None) -> None:
        """Play no more ticks; what was recorded can still be collected.

        `values` are your critic's of what agents see now (`observations`): the bootstraps of lives that go on. Where
        you gave an agent's last action as a `Decision` and no value here, its bootstrap is not known: its samples say
        so (metadata `bootstrap`), and `windows` of them ask what to do. Raises UserError for an agent who is not alive
        and for what is no number.
        """
        self._stepper.close(values)


def checked_illegal(illegal: Any) -> bool:
    """Whether what a mask forbids is tried. Raises UserError for anything but `refuse` and `fail`."""
    if illegal not in ("refuse", "fail"):
        raise UserError(f"illegal: expected 'refuse' or 'fail', got {illegal!r}")
    return illegal == "fail"
