"""Plays a world with any mixture of schedules, compiled policies and policies of Python; one recorder for all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from townlet.generator.generate import GeneratedWorld
from townlet.policy.adapter import Namer, as_policy
from townlet.policy.base import Policy, PolicyBatch, PolicyInfo, PolicySetting
from townlet.policy.checking import checked_actions, checked_values
from townlet.policy.network.policy import NetworkPolicy, networks_at, refuse_fault
from townlet.policy.registry import SCHEDULES, checked_name, entry, mixed
from townlet.policy.tables import PolicyTables, policy_tables
from townlet.policy_text import NO_MODELS, Models
from townlet.rollout.acting.course import Course
from townlet.rollout.acting.networks import value_networks
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import Frames, copied
from townlet.rollout.kernels import (
    look,
    look_again,
    observe_end,
    play_segment,
    play_tick,
    replay_segment,
    waiting_actions,
)
from townlet.vocabulary import OUTSIDE, POLICIES
from townlet.world import state as st
from townlet.world.records import plain
from townlet.world.step import settle

# Codes of the built-in policies: the kernels decide for them.
COMPILED = (st.POLICY_NEEDS, st.POLICY_UNIFORM, st.POLICY_IDLE, st.POLICY_NEEDS_EARLY)


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
    unless somebody writes their action into `batch` before `play`. `models` holds the networks' files, by digest.
    Raises UserError for a network that is not there, or does not fit the world.
    """

    def __init__(
        self,
        generated: GeneratedWorld,
        registry: AgentRegistry,
        given: Any = None,
        models: Models = NO_MODELS,
    ):
        self.world = generated.world
        self.batch = waiting_actions(len(generated.names.agents))
        self._choices, self._code = plain(self.batch), plain(generated.params.people)["policy"]
        self.namer = Namer(generated.action_space, generated.names.objects, registry.names)
        self.generated, self._registry = generated, registry
        setting = setting_of(generated)
        networks = networks_at(generated.networks, setting, models)
        self._tables = policy_tables(setting, [network.actor for network in networks])
        self._compiled = set(COMPILED)
        for n, network in enumerate(networks):
            if network.fitted.program is not None:
                self._compiled.add(st.POLICY_FIRST_NETWORK + n)
        self._policies: dict[int, tuple[PolicyInfo, Policy]] = {}  # by code
        self._course = Course(generated)
        for code in sorted(self._course.codes):
            if code >= st.POLICY_FIRST_NETWORK:
                n = code - st.POLICY_FIRST_NETWORK
                policy = NetworkPolicy(networks[n], self._tables.networks, n, len(generated.names.agents))
                self._policies[code] = networks[n].info, policy
            elif code != st.POLICY_OUTSIDE:
                described = entry(POLICIES[code])
                self._policies[code] = described.info, described.make(setting)
            elif given is not None:
                self._policies[code] = as_policy(given, self.namer)

    @property
    def world(self) -> st.World:
        """All that changes. Another may be put in its place, with arrays of the same shapes."""
        return self._world

    @world.setter
    def world(self, world: st.World) -> None:
        self._world, self._agents, self._entry = world, plain(world.agents), plain(world.script)["entry"]
        self.met()

    def met(self) -> None:
        """Others may live here than before: whoever plays ticks without `settle` says so."""
        self._mine: dict[int, np.ndarray] = {}  # rows, by the code of the policy that decides for them

    @property
    def registry(self) -> AgentRegistry:
        """Who has ever lived here."""
        return self._registry

    @property
    def tables(self) -> PolicyTables:
        """What the kernels know of the policies."""
        return self._tables

    @property
    def compiled(self) -> bool:
        """Whether compiled code decides for everybody, so that whole segments can be played in it."""
        return self._course.codes <= self._compiled

    @property
    def asks_python(self) -> bool:
        """Whether somebody's policy is asked in Python, so that `decide` has something to do."""
        return not self._compiled.issuperset(self._policies)

    @property
    def replayable(self) -> bool:
        """Whether log-probs and values follow from what is seen and done: no policy of Python acts but networks."""
        policies = [policy for code, (_, policy) in self._policies.items() if code not in self._compiled]
        return all(isinstance(policy, NetworkPolicy) for policy in policies)

    def arrivals(self) -> np.ndarray:
        """[A, 1] arrival numbers of who lives now; 0 = nobody."""
        return np.where(self._agents["alive"], self._agents["arrival"], 0)[:, None]

    def policy_of(self, row: int, arrival: int, first: int, end: int) -> PolicyInfo:
        """What samples say of who acts for a life in ticks `first` to `end`, the latter not included, where no caller
        does. A newcomer has its row's policy."""
        acted: dict[PolicyInfo, int] = {}
        for codes, drops_schedules, ticks in self._course.between(first, end):
            is_scripted = self._registry.scripted[arrival - 1] and not drops_schedules
            info = SCHEDULES if is_scripted else self._policy(int(codes[row]))[0]
            acted[info] = acted.get(info, 0) + ticks
        return mixed(acted) if len(acted) > 1 else next(iter(acted))

    def policy_on(self, row: int) -> tuple[PolicyInfo, Policy]:
        """Who decides for the agent of a row, where no schedule does. Raises UserError where nobody does."""
        return self._policy(int(self._code[row]))

    def _policy(self, code: int) -> tuple[PolicyInfo, Policy]:
        if code not in self._policies:
            checked_name(OUTSIDE)
        return self._policies[code]

    # --- a segment, or a tick -----------------------------------------------------------------------------------
    def play_segment(self, out: Frames, first: int, ticks: int) -> None:
        """Play ticks in compiled code, into slots `first`, first + 1, ... of `out`."""
        params, observation = self.generated.params, self.generated.observation
        for slot, count in self._parts(first, ticks):
            play_segment(self.world, params, observation, self._tables, self.batch, out, slot, count)
        self.met()
        self.refuse_faults()
        if self._turn():
            self.bootstrap(out, first + ticks)

    def replay_segment(
        self, actions: np.ndarray, args: np.ndarray, out: Frames, start: int, ticks: int
    ) -> int:
        """Play stored actions again (see `kernels.take_stored`), from tick `start` on, into slots 0, 1, ... of `out`;
        returns the number of ticks that could be played.
        """
        if not self.compiled:
            return self._replay_by_ticks(actions, args, out, start, ticks)
        params, observation = self.generated.params, self.generated.observation
        self.met()
        for slot, count in self._parts(0, ticks):
            played = replay_segment(
                self.world, params, observation, self._tables, actions, args, self.batch, out, slot, start + slot,
                count,
            )  # fmt: skip
            self.refuse_faults()
            if played < count:
                return slot + played
        if self._turn():
            self.bootstrap(out, ticks)
        return ticks

    def _parts(self, first: int, ticks: int) -> Iterator[tuple[int, int]]:
        """Slots from `first` on, cut where something is otherwise from a tick on: each part's first, and its length."""
        end = first + ticks
        while first < end:
            self._turn()
            count = min(end - first, self._course.until_turn(self.world))
            yield first, count
            first += count

    def _turn(self) -> bool:
        """Make what is otherwise from this tick on. Twice is harmless. False = nothing is."""
        if not self._course.turn(self.world):
            return False
        self.met()
        return True

    def _replay_by_ticks(
        self, actions: np.ndarray, args: np.ndarray, out: Frames, start: int, ticks: int
    ) -> int:
        """The same where networks act that kernels do not play: they are asked for log-probs and values only."""
        for t in range(ticks):
            if not self.look_stored(actions, args, out, t, start + t):
                return t
            self.play(out, t)
            self.settle()
        self._registry.note(self.arrivals(), start + ticks)
        self.end(out, ticks)
        return ticks

    def look_stored(self, actions: np.ndarray, args: np.ndarray, out: Frames, t: int, tick: int) -> bool:
        """Show everybody slot `t`, and have everybody do what is stored of a tick; False = somebody lives of whom
        nothing is stored. Networks are asked for log-probs and values only.
        """
        params, observation = self.generated.params, self.generated.observation
        self._turn()
        known = look_again(
            self.world, params, observation, self._tables, actions, args, self.batch, out, t, tick
        )
        self.refuse_faults()
        if not known:
            return False
        self._registry.note(self.arrivals(), tick)
        for _, policy, rows in self._asked():
            if isinstance(policy, NetworkPolicy):
                answer = policy.judge(self.batch_of(out, t, rows), self._choices["action"][rows])
                self._choices["log_prob"][rows] = answer.log_probs
                self._choices["value"][rows] = answer.values
        return True

    def look(self, out: Frames, t: int) -> None:
        """Show everybody slot `t`; schedules and compiled policies decide."""
        params, observation = self.generated.params, self.generated.observation
        self._turn()
        look(self.world, params, observation, self._tables, self.batch, out, t)
        self.refuse_faults()

    def decide(self, out: Frames, t: int, but: Collection[int] = ()) -> None:
        """The policies of Python decide for their agents, save for the rows in `but`."""
        for info, policy, rows in self._asked(but):
            self._act(out, t, rows, info, policy)

    def choose(self, rows: Sequence[int], answers: Sequence[tuple]) -> None:
        """A caller decides for rows: action, object, target, quality, False, log-prob and value (st.ActionBatch)."""
        self._choices[rows] = np.array(answers, self._choices.dtype)

    def play(self, out: Frames, t: int) -> None:
        """Play the tick that slot `t` was seen before. Who leaves has seen slot t + 1, and is there until `settle`."""
        play_tick(self.world, self.generated.params, self.generated.observation, self.batch, out, t)

    def settle(self) -> None:
        """Remove who left, bring who is due."""
        settle(self.world, self.generated.params)
        self.met()

    def end(self, out: Frames, t: int) -> None:
        """Write what everybody sees behind the last tick, in slot `t`, and the critics' values of it."""
        self._turn()
        observe_end(self.world, self.generated.params, self.generated.observation, self._tables, out, t)
        self._bootstrap_from_python(out, t)

    def bootstrap(self, out: Frames, t: int) -> None:
        """Write the critics' values of what is seen in slot `t`; 0 for who has none."""
        out.value_preds[:, t][self._agents["alive"]] = 0.0
        value_networks(
            self.world.agents, self.world.script, self.generated.params.people, self._tables.networks, out.map,
            out.features, out.action_mask, t, out.value_preds,
        )  # fmt: skip
        self._bootstrap_from_python(out, t)

    def _bootstrap_from_python(self, out: Frames, t: int) -> None:
        self.refuse_faults()
        for info, policy, rows in self._asked():
            batch = self.batch_of(out, t, rows)
            out.value_preds[rows, t] = checked_values(policy.values(batch), batch, info.kind)

    def refuse_faults(self) -> None:
        """Raise UserError where a network gave numbers that are not finite: whoever plays ticks without this asks."""
        for n, name in enumerate(self.generated.networks):
            refuse_fault(self._tables.networks, n, name)

    # --- batches ------------------------------------------------------------------------------------------------
    def _asked(self, but: Collection[int] = ()) -> Iterator[tuple[PolicyInfo, Policy, np.ndarray]]:
        """The policies of Python, each with the rows for whose agents it decides now, save for those in `but`."""
        for code, (info, policy) in self._policies.items():
            if code in self._compiled:
                continue
            rows = self._rows_of(code)
            if but:
                rows = rows[[row not in but for row in rows.tolist()]]
            if len(rows):
                yield info, policy, rows

    def _rows_of(self, code: int) -> np.ndarray:
        """The rows for whose agents a policy decides now: alive, without a schedule (which never ends)."""
        if code not in self._mine:
            mine = self._agents["alive"] & (self._entry == st.NOTHING) & (self._code == code)
            self._mine[code] = np.flatnonzero(mine)
        return self._mine[code]

    def batch_of(self, out: Frames, t: int, rows: np.ndarray) -> PolicyBatch:
        """What the agents of some rows see in slot `t`, copied."""
        every = len(rows) == len(self._code)
        agents = self._agents if every else self._agents[rows]
        arrival, positions = agents["arrival"], np.empty((len(rows), 2), np.int16)
        positions[:, 0], positions[:, 1] = agents["x"], agents["y"]
        return PolicyBatch(
            maps=copied(out.map, rows, t), features=copied(out.features, rows, t),
            masks=copied(out.action_mask, rows, t),
            tick=int(self.world.clock.tick[0]), arrival=arrival.copy(), row=rows.copy(),
            seed=int(self.generated.params.town.seed[0]),
            agent_ids=tuple([self._registry.names[number - 1] for number in arrival.tolist()]),
            positions=positions,
        )  # fmt: skip

    def _act(self, out: Frames, t: int, rows: np.ndarray, info: PolicyInfo, policy: Policy) -> None:
        batch, space = self.batch_of(out, t, rows), self.generated.action_space
        answer = checked_actions(
            policy.act(batch), batch, info.kind,
            dim=space.dim, objects=len(self.generated.names.objects), agents=len(self._registry.names),
        )  # fmt: skip
        choices = self._choices
        some = rows if len(rows) < len(choices) else slice(None)
        choices["action"][some], choices["object"][some] = answer.actions, answer.object
        choices["target"][some], choices["quality"][some] = answer.target, answer.quality
        choices["log_prob"][some], choices["value"][some] = answer.log_probs, answer.values
        choices["labelled"][some] = False
