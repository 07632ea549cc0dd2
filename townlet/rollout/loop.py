"""`SimulationLoop`: a town that Python steps, tick by tick. Whole rollouts run in compiled code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from townlet.config.load import Resolved, load_config
from townlet.errors import UserError
from townlet.generator.generate import build
from townlet.observation.encode import observe
from townlet.policy.actions import Action as ActionChoice
from townlet.policy.base import Decision, Observation, Policy
from townlet.rollout.kernels import ALIVE, LEAVING, frames, record_after, record_before, waiting_actions
from townlet.rollout.play import AgentRegistry, static_facts
from townlet.rollout.runtime import PolicyRuntime
from townlet.run import Run, canonical_json
from townlet.world.rules import schedule
from townlet.world.state import EVICTED, NOBODY, NOTHING, STAYS, TERMS, World, copy_world
from townlet.world.step import settle, step


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

    `config` is a resolved config or a path to one; `policy` (a name, or an object with `decide`) acts for agents that
    have no schedule and that `step` is given no action for. `policy_runtime.collect_trajectory()` hands over the
    frames. Raises UserError for a config that cannot be played.
    """

    def __init__(self, config: Resolved | str | Path, seed: int = 0, *, policy: str | Policy | None = None):
        self.config = load_config(config) if isinstance(config, (str, Path)) else config
        self.seed = seed
        self._built = build(self.config, seed=seed, policy="outside")
        self.policy_runtime = PolicyRuntime(self.config, policy, seed, built=self._built)
        self._census = AgentRegistry.of(self._built)
        rows = len(self._built.names.agents)
        self._choice = waiting_actions(rows)
        self._out = frames(rows, 1, self._built.layout, self._built.catalogue.dim)
        self._facts = static_facts(self._built, self._run())
        self.observations: dict[str, Observation] = self._look(0, ALIVE)

    @property
    def tick(self) -> int:
        """The tick about to be played."""
        return int(self._built.world.clock.tick[0])

    @property
    def agents(self) -> tuple[str, ...]:
        """Who lives now, in the order of arrival."""
        return tuple(self.observations)

    @property
    def catalogue(self):
        """The actions (`townlet.policy.actions.Catalogue`)."""
        return self._built.catalogue

    @property
    def layout(self):
        """Names and shapes of the observation (`townlet.observation.layout.Layout`)."""
        return self._built.layout

    def snapshot(self) -> World:
        """A copy of the state, for tests and tools; no policy is given one."""
        return copy_world(self._built.world)

    def step(self, actions: Mapping[str, Any] | None = None) -> StepResult:
        """Play one tick.

        `actions` maps agents to an id, a canonical JSON text, a mapping with arguments, or a `Decision` (with log-prob
        and value); who is not in it follows its schedule or policy. Raises UserError for an agent who is not alive
        and for an action that is not in the catalogue.
        """
        built, tick, seen = self._built, self.tick, self.observations
        given = dict(actions or {})
        unknown = [agent for agent in given if agent not in seen]
        if unknown:
            raise UserError(f"step: {unknown[0]!r} is not alive; alive are {', '.join(seen) or 'none'}")
        decisions = {agent: a if isinstance(a, Decision) else Decision(a) for agent, a in given.items()}
        chosen = self.policy_runtime.decide({agent: o for agent, o in seen.items() if agent not in decisions})
        chosen |= {
            agent: self.policy_runtime.take(seen[agent], answer) for agent, answer in decisions.items()
        }
        for agent in seen:
            self._enter(seen[agent], chosen[agent])
        out = self._out
        record_before(built.world.agents, self._choice, out, 0)
        step(built.world, built.params, self._choice)
        leaving = record_after(built.world.agents, built.world.tick, self._choice, out, 0)
        finals = self._look(1, LEAVING) if leaving else {}
        result = self._result(tick, finals)
        settle(built.world, built.params)
        before = set(self._census.names)
        self._census.note(self._arrivals(), self.tick)
        self.observations = self._look(0, ALIVE)
        for agent in result.dones:
            done = result.dones[agent]
            after = finals[agent] if done else self.observations[agent]
            self.policy_runtime.close(after, lambda a=agent, d=done: self._info(a, d), done)
        arrived = tuple(name for name in self._census.names if name not in before)
        return StepResult(**{**vars(result), "observations": self.observations, "arrived": arrived})

    def _arrivals(self) -> np.ndarray:
        agents = self._built.world.agents
        return np.where(agents.alive, agents.arrival, 0)[:, None]

    def _rows(self, which: int) -> list[int]:
        agents = self._built.world.agents
        rows = np.flatnonzero(agents.alive & ((agents.leaving != STAYS) if which == LEAVING else True))
        return sorted(rows.tolist(), key=lambda row: int(agents.arrival[row]))

    def _look(self, slot: int, which: int) -> dict[str, Observation]:
        """What the agents see now, and what their schedules prescribe."""
        built, out = self._built, self._out
        world, params = built.world, built.params
        observe(world, params, built.observation, out.map, out.features, out.action_mask, slot, which)
        if which == ALIVE:
            schedule.direct(
                world.agents, world.queues, world.running, world.grid, world.script, params.town, params.schedule,
                params.people, self._choice,
            )  # fmt: skip
        seen = {}
        for row in self._rows(which):
            arrival = int(world.agents.arrival[row])
            name = self._census.names[arrival - 1]
            scripted = which == ALIVE and world.script.entry[row] != NOTHING
            seen[name] = Observation(
                agent_id=name, tick=self.tick, arrival=arrival, map=out.map[row, slot].copy(),
                features=out.features[row, slot].copy(), action_mask=out.action_mask[row, slot].copy(),
                position=(int(world.agents.x[row]), int(world.agents.y[row])),
                scheduled=self._scheduled(row) if scripted else None,
                labelled=bool(scripted and self._choice.labelled[row]),
            )  # fmt: skip
        return seen

    def _scheduled(self, row: int) -> ActionChoice:
        choice, names = self._choice, self._built.names
        target, thing, quality = int(choice.target[row]), int(choice.object[row]), float(choice.quality[row])
        return ActionChoice(
            int(choice.action[row]),
            names.objects[thing] if thing >= 0 else None,
            self._census.names[target] if target >= 0 else None,
            quality if quality >= 0 else None,
        )

    def _row_of(self, name: str) -> int:
        agents, arrival = self._built.world.agents, self._census.names.index(name) + 1
        return int(np.flatnonzero(agents.alive & (agents.arrival == arrival))[0])

    def _enter(self, seen: Observation, action: ActionChoice) -> None:
        """Write one agent's choice as the world takes it."""
        row, choice, objects = self._row_of(seen.agent_id), self._choice, self._built.names.objects
        if action.object is not None and action.object not in objects:
            known = ", ".join(objects) or "none"
            raise UserError(f"{seen.agent_id}: action.object: expected one of {known}, got {action.object!r}")
        if action.target is not None and action.target not in self._census.names:
            known = ", ".join(self._census.names)
            raise UserError(f"{seen.agent_id}: action.target: expected one of {known}, got {action.target!r}")
        choice.action[row] = action.id
        choice.object[row] = NOTHING if action.object is None else objects.index(action.object)
        choice.target[row] = NOBODY if action.target is None else self._census.names.index(action.target)
        choice.quality[row] = -1.0 if action.quality is None else float(np.float32(action.quality))
        choice.labelled[row] = seen.labelled
        choice.log_prob[row], choice.value[row] = self.policy_runtime.decided(seen.agent_id)

    def _result(self, tick: int, finals: dict[str, Observation]) -> StepResult:
        agents, out = self._built.world.agents, self._out
        rewards, terms, dones, departed = {}, {}, {}, {}
        for row in self._rows(ALIVE):
            name = self._census.names[int(agents.arrival[row]) - 1]
            rewards[name] = float(out.rewards[row, 0])
            terms[name] = dict(zip(TERMS, out.reward_terms[row, 0].tolist(), strict=True))
            dones[name] = bool(out.dones[row, 0])
            if dones[name]:
                departed[name] = "evicted" if agents.leaving[row] == EVICTED else "fainted"
            args = tuple(out.action_args[row, 0].tolist())
            self.policy_runtime.record(
                name, args, rewards[name], out.reward_terms[row, 0].copy(), dones[name]
            )
        return StepResult(tick, {}, rewards, terms, dones, departed, finals, ())

    def _run(self) -> Run:
        return Run(
            name=self.config.name,
            seed=self.seed,
            ticks=0,
            config_json=canonical_json(self.config.to_json_dict()),
            config_path=self.config.config_path,
        )

    def _info(self, agent: str, done: bool) -> dict[str, Any]:
        """The facts of the agent's sample, as if the capture ended now."""
        arrival = self._census.names.index(agent) + 1
        facts = {**self._facts, "capture_metadata": {**self._facts["capture_metadata"], "ticks": self.tick}}
        policy = self.policy_runtime.policy_for(agent)
        scripted = self._census.scripted[arrival - 1]
        return {
            **facts,
            "agent_id": agent,
            "agent_index": arrival,
            "agent_names": list(self._census.names),
            "policy": {
                "kind": "scripted" if scripted else policy.kind,
                "digest": None,
                "log_prob_source": "deterministic" if scripted else policy.log_prob_source,
                "value_source": "none" if scripted else policy.value_source,
            },
            "truncated": not done,
            "segment": {"index": 0, "last": True},
            "born_tick": self._census.born[arrival - 1],
        }
