"""A town that Python steps: its world, who lives in it, who decides, and what is recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from townlet.arrays import F32
from townlet.config.load import Resolved, load_config
from townlet.config.source.networks import NetworkReader
from townlet.errors import UserError
from townlet.generator.generate import GeneratedWorld, generate_run
from townlet.notebook import Shown, listed
from townlet.policy.actions import Action, real_number
from townlet.policy.adapter import checked_decision
from townlet.policy_text import NO_MODELS, Models, checked_policy, is_network, parse_network
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import ACTED, DECIDED, Frames, copied
from townlet.rollout.metadata import Episode, frame_group, static_facts
from townlet.rollout.player import Player
from townlet.rollout.recording import Recording
from townlet.rollout.stepping.observations import Observations, not_scheduled
from townlet.rollout.stepping.ticks import nobody, play_and_see, see
from townlet.run import Run, canonical_json, checked_seed
from townlet.samples import FrameGroup
from townlet.vocabulary import OUTSIDE
from townlet.world import jit
from townlet.world import state as st
from townlet.world.records import plain


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot(Shown):
    """A town between two ticks: state, lives, and frames that nobody has taken. It may be restored more than once."""

    world: st.World
    registry: AgentRegistry
    recording: Recording
    fingerprint: str  # of the run that the town plays

    def _facts(self) -> dict[str, Any]:
        return {"tick": self.tick, "ever lived": listed(self.registry.names)}

    @property
    def tick(self) -> int:
        """The tick about to be played."""
        return int(self.world.clock.tick[0])


class StepFacts(NamedTuple):
    """What a tick brought."""

    lived: tuple[str, ...]  # in the order of arrival
    rewards: list[float]
    terms: F32  # [n, R]
    left: dict[str, int]  # FAINTED or EVICTED
    finals: Observations  # what these saw last


class Given(NamedTuple):
    """What a caller has an agent do, as the world takes it: a row of st.ActionBatch."""

    action: int
    object: int  # index; -1 = not named
    target: int  # arrival number, less one; -1 = not named
    quality: float  # -1 = not named
    labelled: bool
    log_prob: float
    value: float


class Stepper:
    """What `SimulationLoop` and `PolicyRuntime` share. Arguments as theirs; `fails`: what a mask forbids is tried."""

    def __init__(
        self, config: Any, seed: Any, policy: Any, *, ignore_schedules: bool = False, record: bool = True,
        fails: bool = True, models: Models = NO_MODELS,
    ):  # fmt: skip
        self.config, self._fails = resolved_config(config), fails
        self.seed = self.config.seed if seed is None else checked_seed(seed, "seed")
        named = policy is None or isinstance(policy, str)
        if isinstance(policy, str):
            policy, models = by_digest(checked_policy(policy), models)
        self._run = Run(
            name=self.config.name, seed=self.seed, ticks=0,
            config_json=canonical_json(self.config.to_json_dict()), config_path=self.config.config_path,
            policy=policy if named else OUTSIDE, ignore_schedules=ignore_schedules,
        )  # fmt: skip
        self.generated: GeneratedWorld = generate_run(self._run)
        self.registry = AgentRegistry.of(self.generated)
        self.player = Player(
            self.generated, self.registry, None if named else policy, {**self.config.models, **models}
        )
        self.recording = Recording(self.generated, keeps=record)
        self._dim = self.generated.action_space.dim
        self._present = nobody(len(self.registry.rows))
        self._play: Callable[..., bool] | None = None
        self.rows: dict[str, int] = {}  # of who lives now, in the order of arrival
        self._nobody = self._seen({}, self.recording.out, 0, not_scheduled)
        self.look()

    @property
    def tick(self) -> int:
        """The tick about to be played."""
        return int(self.player.world.clock.tick[0])

    # --- a tick -------------------------------------------------------------------------------------------------
    def look(self) -> None:
        """Everybody sees the town before the next tick; newcomers are named."""
        self._closed: dict[int, float] | None = (
            None  # the bootstraps by row, once nothing more is to be played
        )
        see(*self._arguments())
        self.player.refuse_faults()
        self._meet()

    def _arguments(self) -> tuple[Any, ...]:
        """Of the kernels that step."""
        player, generated = self.player, self.generated
        return (
            player.world, generated.params, generated.observation, player.tables, player.batch, self.recording.out,
            self.recording.now, self._present,
        )  # fmt: skip

    def _meet(self) -> None:
        """Others live in the town than before."""
        arrivals = self._present.arrival
        self.player.met()
        self.registry.note(arrivals[:, None], self.tick)
        alive = [(number, row) for row, number in enumerate(arrivals.tolist()) if number]
        self.rows = {self.registry.names[number - 1]: row for number, row in sorted(alive)}
        self._living = np.array([*self.rows.values()], np.int64)
        self._scripted = bool(self._present.scheduled.any())  # a schedule ends with the life alone

    def checked(self, actions: Any) -> dict[int, Given]:
        """A caller's actions by row.

        Raises UserError, and changes nothing, for an agent who is not alive, for what is no action, and for one that
        its mask forbids, unless such may fail.
        """
        if self._closed is not None:
            raise UserError("step: expected a loop that goes on, found one that was closed")
        if actions is not None and not isinstance(actions, Mapping):
            raise UserError(f"step: expected actions by agent, got {type(actions).__name__}")
        given = {}
        for agent, answer in (actions or {}).items():
            if agent not in self.rows:
                known = ", ".join(self.rows) or "none"
                raise UserError(f"step: {agent!r} is not alive; alive are {known}")
            given[self.rows[agent]] = self._taken(agent, answer)
        if given and not self._fails:
            self._refuse(given)
        return given

    def _taken(self, agent: str, answer: Any) -> Given:
        if type(answer) is int and 0 <= answer < self._dim:  # what most learners give
            return Given(answer, st.NOTHING, st.NOBODY, -1.0, False, 0.0, 0.0)
        action, log_prob, value = checked_decision(answer, self.generated.action_space, agent)
        return Given(action.id, *self.player.namer.arguments(action, agent), False, log_prob, value)

    def _refuse(self, given: dict[int, Given]) -> None:
        """What a mask forbids is refused."""
        masks, actions = (
            self.recording.out.action_mask[:, self.recording.now],
            [one.action for one in given.values()],
        )
        legal = masks[[*given], actions]
        if legal.all():
            return
        row, action = [*given][int(np.argmin(legal))], actions[int(np.argmin(legal))]
        agent = next(name for name, its in self.rows.items() if its == row)
        allowed = ", ".join(map(str, np.flatnonzero(masks[row])))
        raise UserError(
            f"{agent}: action: expected one that its mask allows ({allowed}), got {action}, "
            f"{self.generated.action_space.json[action]}; with illegal='fail' it is tried, and fails"
        )

    def play(self, given: Mapping[int, Given], decided: Collection[int] = ()) -> StepFacts:
        """Play a tick, in which schedules, policies and `given` decide, and look again.

        `decided`: the rows of `given` whose log-prob and value came with the action.
        """
        recording, player = self.recording, self.player
        out, t, lived, living = recording.out, recording.now, self.rows, self._living
        player.decide(out, t, given.keys())
        out.given[:, t] = 0
        if given:
            player.choose([*given], [*given.values()])
            out.given[[*given], t] = ACTED
            out.given[[*decided], t] = DECIDED
            for number in out.arrival[[*given], t].tolist():
                self.registry.steered[number - 1] = True
        arguments = self._arguments()
        if self._play is None:
            self._play = jit.entry_point(play_and_see, *arguments)
        changed = self._play(*arguments)
        player.refuse_faults()
        left, finals = {}, self._nobody
        if changed:
            why = self._present.left.tolist()
            left = {agent: why[row] for agent, row in lived.items() if why[row] != st.STAYS}
            finals = self._seen({agent: lived[agent] for agent in left}, out, t + 1, not_scheduled)
        facts = StepFacts(
            tuple(lived), out.rewards[living, t].tolist(), out.reward_terms[living, t], left, finals
        )
        recording.advance()
        if changed:
            self._meet()
        return facts

    # --- what is seen -------------------------------------------------------------------------------------------
    def observations(self) -> Observations:
        """What everybody sees before the next tick, in the order of arrival, copied."""
        present, scheduled = self._present, not_scheduled
        if self._scripted:
            follows, chosen = present.scheduled[self._living], plain(self.player.batch)[self._living]
            names = ("action", "object", "target", "quality")

            def scheduled(k: int) -> tuple[Action | None, bool]:
                if not follows[k]:
                    return None, False
                return self.player.namer.action(*(chosen[name][k] for name in names)), bool(
                    chosen["labelled"][k]
                )

        return self._seen(self.rows, self.recording.out, self.recording.now, scheduled)

    def _seen(
        self,
        rows: dict[str, int],
        out: Frames,
        slot: int,
        scheduled: Callable[[int], tuple[Action | None, bool]],
    ) -> Observations:
        """What agents see in a slot; `rows` are theirs."""
        some = self._living if rows and rows is self.rows else np.array([*rows.values()], np.int64)
        return Observations(
            tuple(rows), self.tick, out.arrival[some, slot].tolist(), self._present.position[some].tolist(),
            copied(out.map, some, slot), copied(out.features, some, slot), copied(out.action_mask, some, slot),
            scheduled,
        )  # fmt: skip

    # --- what was recorded --------------------------------------------------------------------------------------
    def run(self) -> Run:
        """The run that has been played so far; `outside` is the policy of one in which a caller has decided."""
        steered = any(self.registry.steered)
        return replace(self._run, ticks=self.tick, policy=OUTSIDE if steered else self._run.policy)

    def groups(self, agent: str | None = None) -> list[FrameGroup]:
        """The frames that nobody has taken, a group a life, as if the run ended now. The arrays are copies."""
        recording = self.recording
        if not recording.keeps:
            raise UserError(
                "collect_trajectory: expected a loop that records, found one made with record=False"
            )
        chosen = recording.episodes()
        if agent is not None:
            chosen = [life for life in chosen if self.registry.names[life[0] - 1] == agent]
        if not chosen:
            return []
        unknown = self._bootstrap()
        facts = static_facts(self.generated, self.config.config, self.run())
        groups = [
            frame_group(
                recording.out,
                recording.start,
                Episode(row, first, end, bootstrap_known=not (row in unknown and end == recording.now)),
                self.registry,
                facts,
                self.player.policy_of,
            )
            for _, row, first, end in chosen
        ]
        return [
            FrameGroup(_copied(group.arrays), _copied(group.final or {}), group.metadata) for group in groups
        ]

    def _bootstrap(self) -> set[int]:
        """Write the values of what is seen now; the rows of which they are not known: their last action came with the
        value of a critic that only the caller can ask.
        """
        out, now, told = self.recording.out, self.recording.now, self._closed or {}
        self.player.bootstrap(out, now)
        decided = set(np.flatnonzero(out.given[:, now - 1] == DECIDED).tolist()) if now else set()
        out.value_preds[sorted(decided), now] = 0.0
        for row, value in told.items():
            out.value_preds[row, now] = value
        return decided - told.keys()

    def close(self, values: Any) -> None:
        """Nothing more is played. `values`: the critic's, by agent, of what is seen now. Raises UserError."""
        if values is not None and not isinstance(values, Mapping):
            raise UserError(f"close: values: expected values by agent, got {type(values).__name__}")
        told = {}
        for agent, value in (values or {}).items():
            if agent not in self.rows:
                raise UserError(f"close: {agent!r} is not alive; alive are {', '.join(self.rows) or 'none'}")
            if not real_number(value):
                raise UserError(f"close: {agent}: expected a finite number, got {value!r}")
            told[self.rows[agent]] = float(value)
        self._closed = told

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
        """Go on from a snapshot of this town, or of one with the same config, seed and policy, that records as this one
        does. Raises UserError for any other.
        """
        if not isinstance(snapshot, Snapshot):
            raise UserError(f"restore: expected a snapshot, got {type(snapshot).__name__}")
        if snapshot.fingerprint != self._run.fingerprint:
            raise UserError(
                "restore: the snapshot is of another config, seed or policy: "
                f"expected fingerprint {self._run.fingerprint[:12]}, found {snapshot.fingerprint[:12]}"
            )
        if snapshot.recording.keeps != self.recording.keeps:
            kept, found = self.recording.keeps, snapshot.recording.keeps
            raise UserError(
                f"restore: expected a snapshot of a loop made with record={kept}, got one with record={found}"
            )
        self.player.world = st.copy_world(snapshot.world)
        self.registry.restore(snapshot.registry)
        self.recording = snapshot.recording.copy()
        self.look()


def _copied(arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: array.copy() if isinstance(array, np.ndarray) else array for name, array in arrays.items()}


def resolved_config(config: Any) -> Resolved:
    """What a caller names as a config. Raises UserError for anything else."""
    if isinstance(config, Resolved):
        return config
    if isinstance(config, (str, os.PathLike)):
        return load_config(config)
    raise UserError(f"config: expected a file's path, or what load_config gives, got {type(config).__name__}")


def by_digest(policy: str, models: Models, where: str = "policy") -> tuple[str, Models]:
    """A policy's name with a network's path replaced by its file's digest, and the models with that file's content.

    The path is relative to the working folder. Raises UserError for a file that is not there or cannot be read.
    """
    if not is_network(policy) or parse_network(policy).model in models:
        return policy, models
    reader = NetworkReader()
    try:
        policy = reader.by_digest(policy)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return policy, {**models, **reader.models}
