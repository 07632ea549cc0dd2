"""Plays a world with any mixture of schedules, compiled policies and policies of Python; one recorder for all."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from townlet.generator.generate import GeneratedWorld
from townlet.policy.adapter import Namer, as_policy
from townlet.policy.base import Policy, PolicyBatch, PolicyInfo, PolicySetting
from townlet.policy.checking import checked_actions, checked_values
from townlet.policy.registry import SCHEDULES, checked_name, entry
from townlet.policy.tables import policy_tables
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import Frames
from townlet.rollout.kernels import (
    look,
    observe_end,
    play_segment,
    play_tick,
    replay_segment,
    waiting_actions,
)
from townlet.vocabulary import OUTSIDE, POLICIES
from townlet.world import state as st
from townlet.world.step import settle

COMPILED = (st.POLICY_NEEDS, st.POLICY_UNIFORM)  # codes of the policies that the kernels decide for
STEERED = PolicyInfo(OUTSIDE, log_prob_source="given with the action", value_source="given with the action")


def setting_of(generated: GeneratedWorld) -> PolicySetting:
    """What a policy may know of a world before it sees anything."""
    layout, affordances = generated.layout, generated.params.affordances
    return PolicySetting(
        feature_names=tuple(layout.feature_names),
        map_channels=tuple(layout.map_channels),
        map_shape=tuple(layout.map_shape),
        action_space=generated.action_space,
        thresholds=np.asarray(generated.params.rules.thresholds[0], np.float64),
        effects=np.asarray(affordances.need, np.float64),
        gives=np.asarray(affordances.gives, np.int64),
    )


class Player:
    """A world under way, and who decides in it.

    `given` is an object of the caller's that acts where the world's people say `outside`; without one such agents wait,
    unless somebody writes their action into `batch` before `play`.
    """

    def __init__(self, generated: GeneratedWorld, registry: AgentRegistry, given: Any = None):
        self.world = generated.world
        self.batch = waiting_actions(len(generated.names.agents))
        self.namer = Namer(generated.action_space, generated.names.objects, registry.names)
        self.generated, self._registry = generated, registry
        setting = setting_of(generated)
        self._tables = policy_tables(setting)
        self._policies: dict[int, tuple[PolicyInfo, Policy]] = {}  # by code
        for code in sorted(set(generated.params.people.policy.tolist())):
            if code != st.POLICY_OUTSIDE:
                described = entry(POLICIES[code])
                self._policies[code] = described.info, described.make(setting)
            elif given is not None:
                self._policies[code] = as_policy(given, self.namer)

    @property
    def compiled(self) -> bool:
        """Whether compiled code decides for everybody, so that whole segments can be played in it."""
        return set(self.generated.params.people.policy.tolist()) <= set(COMPILED)

    def arrivals(self) -> np.ndarray:
        """[A, 1] arrival numbers of who lives now; 0 = nobody."""
        agents = self.world.agents
        return np.where(agents.alive, agents.arrival, 0)[:, None]

    def policy_of(self, row: int, arrival: int) -> PolicyInfo:
        """What samples say of who acted for a life. A newcomer has the policy of the row that it took over."""
        if self._registry.steered[arrival - 1]:
            return STEERED
        if self._registry.scripted[arrival - 1]:
            return SCHEDULES
        return self.policy_on(row)[0]

    def policy_on(self, row: int) -> tuple[PolicyInfo, Policy]:
        """Who decides for the agent of a row, where no schedule does. Raises UserError where nobody does."""
        code = int(self.generated.params.people.policy[row])
        if code not in self._policies:
            checked_name(OUTSIDE)
        return self._policies[code]

    # --- a segment, or a tick -----------------------------------------------------------------------------------
    def play_segment(self, out: Frames, first: int, ticks: int) -> None:
        """Play ticks in compiled code, into slots `first`, first + 1, ... of `out`."""
        params, observation = self.generated.params, self.generated.observation
        play_segment(self.world, params, observation, self._tables, self.batch, out, first, ticks)

    def replay_segment(
        self, actions: np.ndarray, args: np.ndarray, out: Frames, start: int, ticks: int
    ) -> int:
        """Play stored actions again (see `kernels.take_stored`); returns the number of ticks that could be played."""
        params, observation = self.generated.params, self.generated.observation
        return replay_segment(
            self.world, params, observation, self._tables, actions, args, self.batch, out, start, ticks
        )

    def look(self, out: Frames, t: int) -> None:
        """Show everybody slot `t`; schedules and compiled policies decide."""
        params, observation = self.generated.params, self.generated.observation
        look(self.world, params, observation, self._tables, self.batch, out, t)

    def decide(self, out: Frames, t: int, but: Collection[int] = ()) -> None:
        """The policies of Python decide for their agents, save for the rows in `but`."""
        for code, (info, policy) in self._policies.items():
            rows = [] if code in COMPILED else [row for row in self._rows_of(code) if row not in but]
            if rows:
                self._act(out, t, np.array(rows, np.int64), info, policy)

    def play(self, out: Frames, t: int) -> None:
        """Play the tick that slot `t` was seen before. Who leaves has seen slot t + 1, and is there until `settle`."""
        play_tick(self.world, self.generated.params, self.generated.observation, self.batch, out, t)

    def settle(self) -> None:
        """Remove who left, bring who is due."""
        settle(self.world, self.generated.params)

    def end(self, out: Frames, t: int) -> None:
        """Write what everybody sees behind the last tick, in slot `t`, and the critics' values of it."""
        observe_end(self.world, self.generated.params, self.generated.observation, out, t)
        self.bootstrap(out, t)

    def bootstrap(self, out: Frames, t: int) -> None:
        """Write the critics' values of what is seen in slot `t`; 0 for who has none."""
        out.value_preds[:, t][self.world.agents.alive] = 0.0
        for code, (info, policy) in self._policies.items():
            rows = [] if code in COMPILED else self._rows_of(code)
            if rows:
                batch = self.batch_of(out, t, np.array(rows, np.int64))
                out.value_preds[rows, t] = checked_values(policy.values(batch), batch, info.kind)

    # --- batches ------------------------------------------------------------------------------------------------
    def _rows_of(self, code: int) -> list[int]:
        """The rows for whose agents a policy decides now: alive, without a schedule."""
        agents, script, people = self.world.agents, self.world.script, self.generated.params.people
        return np.flatnonzero(agents.alive & (script.entry == st.NOTHING) & (people.policy == code)).tolist()

    def batch_of(self, out: Frames, t: int, rows: np.ndarray) -> PolicyBatch:
        """What the agents of some rows see in slot `t`, copied."""
        agents = self.world.agents
        return PolicyBatch(
            maps=out.map[rows, t], features=out.features[rows, t], masks=out.action_mask[rows, t],
            tick=int(self.world.clock.tick[0]), arrival=agents.arrival[rows].astype(np.int64), row=rows,
            seed=int(self.generated.params.town.seed[0]),
            agent_ids=tuple(self._registry.names[number - 1] for number in agents.arrival[rows].tolist()),
            positions=np.stack([agents.x[rows], agents.y[rows]], axis=1).astype(np.int16),
        )  # fmt: skip

    def _act(self, out: Frames, t: int, rows: np.ndarray, info: PolicyInfo, policy: Policy) -> None:
        batch, space = self.batch_of(out, t, rows), self.generated.action_space
        answer = checked_actions(
            policy.act(batch), batch, info.kind,
            dim=space.dim, objects=len(self.generated.names.objects), agents=len(self._registry.names),
        )  # fmt: skip
        self.batch.action[rows], self.batch.object[rows] = answer.actions, answer.object
        self.batch.target[rows], self.batch.quality[rows] = answer.target, answer.quality
        self.batch.log_prob[rows], self.batch.value[rows] = answer.log_probs, answer.values
        self.batch.labelled[rows] = False
