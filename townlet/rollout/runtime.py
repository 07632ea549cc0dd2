"""`PolicyRuntime`, for those who think in dictionaries: what agents decide, and the frames recorded of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from townlet import arguments
from townlet.config.load import Resolved
from townlet.errors import UserError
from townlet.frames import FRAME_KEYS
from townlet.notebook import Shown, listed
from townlet.policy.actions import Action
from townlet.policy.base import AgentPolicy, Observation, Policy, PolicyBatch
from townlet.policy.checking import checked_actions
from townlet.policy_text import NO_MODELS, Models
from townlet.rollout.stepper import Stepper
from townlet.samples import FrameGroup

Frame = dict[str, Any]


class PolicyRuntime(Shown):
    """A view of a town's policies and of what is recorded there: every `SimulationLoop` has one, `policy_runtime`.

    `policy` is a policy's name, or an object with `act` and `values`, or with `decide` and `value` (see
    `townlet.policy.base`); it acts for agents without a schedule. `config.policy.agents` gives single agents a policy
    of their own. `seed`, `models`: see `SimulationLoop`. Raises UserError for what cannot be played.
    """

    def __init__(
        self,
        config: Resolved | str | os.PathLike[str],
        policy: str | Policy | AgentPolicy | None = None,
        seed: int | None = None,
        models: Models = NO_MODELS,
    ):
        self._stepper = Stepper(config, seed, policy, models=models)

    @classmethod
    def of(cls, stepper: Stepper) -> PolicyRuntime:
        """The view of a town that is stepped already."""
        runtime = cls.__new__(cls)
        runtime._stepper = stepper
        return runtime

    def _facts(self) -> dict[str, Any]:
        stepper = self._stepper
        return {"of": stepper.config.name, "seed": stepper.seed, "agents": listed(stepper.rows)}

    def policy_for(self, agent_id: str) -> Policy:
        """Who decides for `agent_id` where no schedule does: a newcomer has the policy of the row that it took over."""
        return self._stepper.player.policy_on(self._row_of(agent_id))[1]

    def _row_of(self, agent_id: str) -> int:
        registry = self._stepper.registry
        if agent_id not in registry.names:
            raise UserError(f"agent: expected one of {', '.join(registry.names)}, got {agent_id!r}")
        return registry.row[registry.names.index(agent_id)]

    def decide(self, observations: Mapping[str, Observation]) -> dict[str, Action]:
        """What every agent observed does. Schedules come first; each policy is asked once, for all its agents."""
        if not isinstance(observations, Mapping) or not all(
            isinstance(seen, Observation) for seen in observations.values()
        ):
            raise UserError("decide: expected observations by agent, as a SimulationLoop has them")
        decided: dict[str, Action] = {}
        batches: dict[tuple[int, int], dict[str, Observation]] = {}
        for agent, seen in observations.items():
            if seen.scheduled is not None:
                decided[agent] = seen.scheduled
            else:
                _, policy = self._stepper.player.policy_on(self._row_of(agent))
                batches.setdefault((id(policy), seen.tick), {})[agent] = seen
        for some in batches.values():
            decided |= self._decided(some)
        return {agent: decided[agent] for agent in observations}

    def _decided(self, observations: dict[str, Observation]) -> dict[str, Action]:
        """The same for agents of one policy and tick, in the order of their rows."""
        stepper = self._stepper
        rows = {agent: self._row_of(agent) for agent in sorted(observations, key=self._row_of)}
        seen = [observations[agent] for agent in rows]
        batch = PolicyBatch(
            maps=np.stack([each.map for each in seen]),
            features=np.stack([each.features for each in seen]),
            masks=np.stack([each.action_mask for each in seen]),
            tick=seen[0].tick,
            arrival=np.array([each.arrival for each in seen], np.int64),
            row=np.array(list(rows.values()), np.int64),
            seed=stepper.seed,
            agent_ids=tuple(rows),
            positions=np.array([each.position for each in seen], np.int16),
        )
        info, policy = stepper.player.policy_on(next(iter(rows.values())))
        names, space = stepper.generated.names, stepper.generated.action_space
        answer = checked_actions(
            policy.act(batch), batch, info.kind,
            dim=space.dim, objects=len(names.objects), agents=len(stepper.registry.names),
        )  # fmt: skip
        actions = zip(answer.actions, answer.object, answer.target, answer.quality, strict=True)
        return {agent: stepper.player.namer.action(*each) for agent, each in zip(rows, actions, strict=True)}

    def collect_trajectory(self, agent_id: str | None = None, clear: bool = True) -> list[Frame]:
        """The frames of one agent in the order of time, or everybody's (agent by agent), since the last clearing.

        The latest frame of a life says what is seen after it (`final_*`), and under `info` what does not change from
        frame to frame. What is handed out belongs to the caller: later ticks do not change it. Raises UserError for an
        agent who has never lived.
        """
        if agent_id is not None:
            self._row_of(agent_id)
        groups = self._stepper.groups(agent_id)
        if arguments.switch("clear", clear):
            self._stepper.take(agent_id)
        return [frame for group in groups for frame in _frames_of(group)]


def _frames_of(group: FrameGroup) -> list[Frame]:
    """A group as frames; the arrays are views of the group's."""
    arrays, agent = group.arrays, group.metadata["agent_id"]
    texts = {index: text for text, index in group.metadata["action_lookup"].items()}
    plain = {name: arrays[name].tolist() for name in arrays if arrays[name].ndim == 1}
    tuples = {name: arrays[name].tolist() for name in ("action_args", "positions")}
    frames: list[Frame] = []
    for t in range(group.timesteps):
        frame: Frame = {"agent_id": agent, "action": texts[plain["actions"][t]]}
        for name in arrays:
            if name in plain:
                value = plain[name][t]
            else:
                value = tuple(tuples[name][t]) if name in tuples else arrays[name][t]
            frame[FRAME_KEYS.get(name, name)] = value
        frames.append(frame)
    frames[-1].update(group.final or {}, info=group.metadata)
    return frames
