"""A town that Python steps: its world, who lives in it, who decides, and what is recorded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from townlet.config.load import Resolved, load_config
from townlet.errors import UserError
from townlet.generator.generate import GeneratedWorld, generate_run
from townlet.policy.adapter import checked_decision
from townlet.policy.base import Observation
from townlet.policy.registry import checked_name
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.metadata import Episode, frame_group, static_facts
from townlet.rollout.player import Player
from townlet.rollout.recording import Recording
from townlet.run import Run, canonical_json, checked_seed
from townlet.samples import FrameGroup
from townlet.vocabulary import OUTSIDE
from townlet.world import state as st


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A town between two ticks: state, lives, and frames that nobody has taken. It may be restored more than once."""

    world: st.World
    registry: AgentRegistry
    recording: Recording
    fingerprint: str  # of the run that the town plays

    @property
    def tick(self) -> int:
        """The tick about to be played."""
        return int(self.world.clock.tick[0])


class Stepper:
    """What `SimulationLoop` and `PolicyRuntime` share. Arguments as theirs."""

    def __init__(self, config: Any, seed: Any, policy: Any, *, ignore_schedules: bool = False):
        self.config = _resolved(config)
        self.seed = self.config.seed if seed is None else checked_seed(seed, "seed")
        named = policy is None or isinstance(policy, str)
        if isinstance(policy, str):
            checked_name(policy)
        self._run = Run(
            name=self.config.name, seed=self.seed, ticks=0,
            config_json=canonical_json(self.config.to_json_dict()), config_path=self.config.config_path,
            policy=policy if named else OUTSIDE, ignore_schedules=ignore_schedules,
        )  # fmt: skip
        self.generated: GeneratedWorld = generate_run(self._run)
        self.registry = AgentRegistry.of(self.generated)
        self.player = Player(self.generated, self.registry, None if named else policy)
        self.recording = Recording(self.generated)
        self.rows: dict[str, int] = {}  # of who lives now, in the order of arrival
        self.look()

    @property
    def tick(self) -> int:
        """The tick about to be played."""
        return int(self.player.world.clock.tick[0])

    # --- a tick -------------------------------------------------------------------------------------------------
    def look(self) -> None:
        """Everybody sees the town before the next tick; newcomers are named."""
        out, now = self.recording.out, self.recording.now
        self.player.look(out, now)
        arrivals = self.player.arrivals()
        self.registry.note(arrivals, self.tick)
        out.arrival[:, now] = arrivals[:, 0]
        alive = [(number, row) for row, number in enumerate(arrivals[:, 0].tolist()) if number]
        self.rows = {self.registry.names[number - 1]: row for number, row in sorted(alive)}

    def checked(self, actions: Any) -> dict[int, tuple[int, int, int, float, float, float]]:
        """A caller's actions by row, as the world takes them: id, object, target, quality, log-prob, value.

        Raises UserError, and changes nothing, for an agent who is not alive and for what is no action.
        """
        if actions is not None and not isinstance(actions, Mapping):
            raise UserError(f"step: expected actions by agent, got {type(actions).__name__}")
        given = {}
        for agent, answer in (actions or {}).items():
            if agent not in self.rows:
                known = ", ".join(self.rows) or "none"
                raise UserError(f"step: {agent!r} is not alive; alive are {known}")
            action, log_prob, value = checked_decision(answer, self.generated.action_space, agent)
            named = self.player.namer.arguments(action, agent)
            given[self.rows[agent]] = (action.id, *named, log_prob, value)
        return given

    def play(self, given: Mapping[int, tuple[int, int, int, float, float, float]]) -> None:
        """Play a tick: schedules, policies and `given` decide. Who leaves is still there until `settle`."""
        out, now, batch = self.recording.out, self.recording.now, self.player.batch
        self.player.decide(out, now, given.keys())
        for row, answer in given.items():
            batch.action[row], batch.object[row], batch.target[row], batch.quality[row] = answer[:4]
            batch.log_prob[row], batch.value[row] = answer[4:]
            batch.labelled[row] = False
            self.registry.steered[int(out.arrival[row, now]) - 1] = True
        self.player.play(out, now)

    def settle(self) -> None:
        """Remove who left, bring who is due, and look."""
        self.player.settle()
        self.recording.advance()
        self.look()

    # --- what is seen -------------------------------------------------------------------------------------------
    def observation(self, agent: str, row: int, slot: int, *, scheduled: bool = False) -> Observation:
        """What an agent sees in a slot, copied; with what its schedule prescribes."""
        out, world, batch = self.recording.out, self.player.world, self.player.batch
        scripted = scheduled and world.script.entry[row] != st.NOTHING
        prescribed = self.player.namer.action(
            batch.action[row], batch.object[row], batch.target[row], batch.quality[row]
        )
        return Observation(
            agent_id=agent, tick=self.tick, arrival=int(world.agents.arrival[row]), map=out.map[row, slot].copy(),
            features=out.features[row, slot].copy(), action_mask=out.action_mask[row, slot].copy(),
            position=(int(world.agents.x[row]), int(world.agents.y[row])),
            scheduled=prescribed if scripted else None, labelled=bool(scripted and batch.labelled[row]),
        )  # fmt: skip

    def observations(self) -> dict[str, Observation]:
        """What everybody sees before the next tick, in the order of arrival."""
        now = self.recording.now
        return {agent: self.observation(agent, row, now, scheduled=True) for agent, row in self.rows.items()}

    # --- what was recorded --------------------------------------------------------------------------------------
    def run(self) -> Run:
        """The run that has been played so far; `outside` is the policy of one in which a caller has decided."""
        steered = any(self.registry.steered)
        return replace(self._run, ticks=self.tick, policy=OUTSIDE if steered else self._run.policy)

    def groups(self, agent: str | None = None) -> list[FrameGroup]:
        """The frames that nobody has taken, a group a life, as if the run ended now. The arrays are copies."""
        recording, chosen = self.recording, self.recording.episodes()
        if agent is not None:
            chosen = [life for life in chosen if self.registry.names[life[0] - 1] == agent]
        if not chosen:
            return []
        self.player.bootstrap(recording.out, recording.now)
        facts = static_facts(self.generated, self.config.config, self.run())
        groups = [
            frame_group(
                recording.out,
                recording.start,
                Episode(row, first, end),
                self.registry,
                facts,
                self.player.policy_of,
            )
            for _, row, first, end in chosen
        ]
        return [
            FrameGroup(_copied(group.arrays), _copied(group.final or {}), group.metadata) for group in groups
        ]

    def take(self, agent: str | None = None) -> None:
        """Forget the frames of one agent, or of everybody."""
        for number, name in enumerate(self.registry.names, 1):
            if agent is None or name == agent:
                self.recording.take(number)

    # --- snapshots ----------------------------------------------------------------------------------------------
    def snapshot(self) -> Snapshot:
        """A copy of all that changes, save for what an object of the caller's remembers by itself."""
        return Snapshot(
            st.copy_world(self.player.world),
            self.registry.copy(),
            self.recording.copy(),
            self._run.fingerprint,
        )

    def restore(self, snapshot: Any) -> None:
        """Go on from a snapshot of this town, or of one with the same config, seed and policy. Raises UserError."""
        if not isinstance(snapshot, Snapshot):
            raise UserError(f"restore: expected a snapshot, got {type(snapshot).__name__}")
        if snapshot.fingerprint != self._run.fingerprint:
            raise UserError(
                "restore: the snapshot is of another config, seed or policy: "
                f"expected fingerprint {self._run.fingerprint[:12]}, found {snapshot.fingerprint[:12]}"
            )
        self.player.world = st.copy_world(snapshot.world)
        self.registry.restore(snapshot.registry)
        self.recording = snapshot.recording.copy()
        self.look()


def _copied(arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: array.copy() if isinstance(array, np.ndarray) else array for name, array in arrays.items()}


def _resolved(config: Any) -> Resolved:
    if isinstance(config, Resolved):
        return config
    if isinstance(config, (str, os.PathLike)):
        return load_config(config)
    raise UserError(f"config: expected a file's path, or what load_config gives, got {type(config).__name__}")
