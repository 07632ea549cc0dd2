"""`PolicyRuntime`: decides for the agents of a simulation and keeps the frames until somebody collects them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from townlet.config.load import Resolved
from townlet.generator.generate import Built, build
from townlet.policy.actions import Action
from townlet.policy.base import Decision, Observation, Policy
from townlet.policy.registry import builtin_policy

Frame = dict[str, Any]


class PolicyRuntime:
    """Decides, records, hands over.

    `policy` is the name of a built-in policy, or an object with `decide` (see `townlet.policy.base.Policy`). Agents
    with a schedule follow it; `config.policy.agents` gives single agents a built-in policy of their own.
    """

    def __init__(
        self,
        config: Resolved,
        policy: str | Policy | None = None,
        seed: int = 0,
        *,
        built: Built | None = None,
    ):
        self._built = built or build(config, seed=seed, policy="outside")
        self._config = config
        chosen = policy or config.config.policy.default or "needs"
        self._policy: Policy = (
            builtin_policy(chosen, self._built, seed) if isinstance(chosen, str) else chosen
        )
        self._own: dict[str, Policy] = {
            agent: builtin_policy(name, self._built, seed)
            for agent, name in config.config.policy.agents.items()
        }
        self._frames: dict[str, list[Frame]] = {}
        self._decided: dict[str, tuple[Observation, Action, float, float]] = {}

    def policy_for(self, agent_id: str) -> Policy:
        """Who decides for `agent_id` where no schedule does. A newcomer follows whoever had its row."""
        name = agent_id
        while name not in self._own and "-" in name:
            name = name.rpartition("-")[0]
        return self._own.get(name, self._policy)

    def decide(self, observations: Mapping[str, Observation]) -> dict[str, Action]:
        """What every agent observed does now. Schedules come first; each policy is asked once, for all its agents."""
        groups: dict[int, tuple[Policy, dict[str, Observation]]] = {}
        self._decided = {}
        for agent, seen in observations.items():
            if seen.scheduled is not None:
                self._decided[agent] = (seen, seen.scheduled, 0.0, 0.0)
            else:
                policy = self.policy_for(agent)
                groups.setdefault(id(policy), (policy, {}))[1][agent] = seen
        for policy, some in groups.values():
            for agent, answer in policy.decide(some).items():
                self._note(some[agent], answer)
        return {agent: self._decided[agent][1] for agent in observations}

    def take(self, seen: Observation, answer: Decision) -> Action:
        """Record a decision that somebody else took for an agent; returns it as the world takes it."""
        self._note(seen, answer)
        return self._decided[seen.agent_id][1]

    def _note(self, seen: Observation, answer: Decision) -> None:
        choice = self._built.catalogue.parse(answer.action)
        self._decided[seen.agent_id] = (seen, choice, answer.log_prob, answer.value)

    def decided(self, agent_id: str) -> tuple[float, float]:
        """Log-prob and value of what `agent_id` decided last."""
        _, _, log_prob, value = self._decided[agent_id]
        return log_prob, value

    def record(
        self, agent_id: str, args: tuple[float, ...], reward: float, terms: np.ndarray, done: bool
    ) -> None:
        """Keep the frame of what `agent_id` decided last, with what it brought."""
        seen, choice, log_prob, value = self._decided[agent_id]
        mask = seen.action_mask.copy()
        mask[choice.id] = True
        self._frames.setdefault(agent_id, []).append({
            "tick": seen.tick, "agent_id": agent_id, "map": seen.map, "features": seen.features,
            "action": self._built.catalogue.json[choice.id], "action_id": choice.id, "action_args": args,
            "action_mask": mask, "reward": reward, "reward_terms": terms, "done": done, "log_prob": log_prob,
            "value": value, "position": seen.position,
        })  # fmt: skip

    def close(self, after: Observation, info: Callable[[], dict[str, Any]], done: bool) -> None:
        """Let the agent's latest frame say what is seen after it, and its value (0 where the episode ended)."""
        kept = self._frames.get(after.agent_id)
        if not kept:
            return
        scripted = after.scheduled is not None
        value = 0.0 if done or scripted else self.policy_for(after.agent_id).value(after)
        for stale in ("final_map", "final_features", "final_action_mask", "final_value", "info"):
            if len(kept) > 1:
                kept[-2].pop(stale, None)
        kept[-1].update(
            final_map=after.map, final_features=after.features, final_action_mask=after.action_mask,
            final_value=value, info=info(),
        )  # fmt: skip

    def collect_trajectory(self, agent_id: str | None = None, clear: bool = True) -> list[Frame]:
        """The frames of one agent in the order of time, or everybody's (agent by agent), since the last clearing."""
        chosen = [agent_id] if agent_id is not None else list(self._frames)
        collected = [frame for agent in chosen for frame in self._frames.get(agent, [])]
        if clear:
            for agent in chosen:
                self._frames.pop(agent, None)
        return collected
