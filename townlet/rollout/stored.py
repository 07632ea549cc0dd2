"""What a capture stores of a run, ready to be played again: who did what at which tick, and who decided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from townlet.arrays import F32, I64
from townlet.dataset.format.documents import convert_document
from townlet.dataset.format.manifest import RUN_OPTIONS
from townlet.dataset.format.models import BranchFacts
from townlet.dataset.reading.capture import Capture
from townlet.errors import CorruptSampleError, TownletError
from townlet.escaping import shown
from townlet.generator.generate import generate_run
from townlet.policy.base import PolicyActions, PolicyBatch
from townlet.policy_text import GivenPolicy, Models, given_name, is_given
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.player import Player
from townlet.run import Branch, Run, Stretch, canonical_json

NOT_STORED = -1  # an action of which nothing is stored


class NotOfARunError(TownletError):
    """What is stored cannot have come of a run: kernels take actions as they are. The message names no place."""


class StoredActions(NamedTuple):
    """By arrival number, less one, and tick; P people who ever lived, T ticks that are stored."""

    actions: I64  # [P, T]  ids; NOT_STORED where nobody lived
    args: F32  # [P, T, 3]  object, target, quality; -1 = not named
    log_probs: F32  # [P, T]  of the policies that acted
    values: F32  # [P, T]
    rewards: F32  # [P, T]

    def at_least(self, ticks: int) -> StoredActions:
        """The same for so many ticks or more: in those behind the last one nobody lived."""
        more = max(0, ticks - self.actions.shape[1])
        behind = ((0, 0), (0, more))
        return StoredActions(
            actions=np.pad(self.actions, behind, constant_values=NOT_STORED),
            args=np.pad(self.args, (*behind, (0, 0)), constant_values=-1.0),
            log_probs=np.pad(self.log_probs, behind),
            values=np.pad(self.values, behind),
            rewards=np.pad(self.rewards, behind),
        )


def run_of(capture: Capture) -> Run:
    """The run that made a capture, from its manifest and its stored config."""
    facts = capture.metadata
    stored = {name: facts[name] for name in ("config_path", *RUN_OPTIONS) if facts.get(name) is not None}
    return Run(
        name=facts.get("scenario_name") or "", seed=facts["seed"], ticks=facts["ticks"],
        config_json=canonical_json(capture.config), branch=branch_of(capture), **stored,
    )  # fmt: skip


def branch_of(capture: Capture) -> Branch | None:
    """Which run the run of a capture leaves, by its manifest; None where it leaves none. Raises CorruptSampleError."""
    facts = capture.metadata.get("branch")
    if facts is None:
        return None
    known = convert_document(
        BranchFacts, facts, capture.place, "what a manifest says of the run that this one leaves"
    )
    ticks = [stretch.until for stretch in known.before]
    if ticks != sorted(set(ticks)) or not ticks[-1] == known.tick < capture.metadata["ticks"]:
        raise CorruptSampleError(
            f"{capture.place}: branch: expected ticks that go up to {known.tick}, below the run's "
            f"{capture.metadata['ticks']}, found {shown(ticks[:5])}"
        )
    before = tuple(
        Stretch(stretch.until, stretch.seed, stretch.policy, stretch.ignore_schedules)
        for stretch in known.before
    )
    return Branch(
        content_digest=known.content_digest, scenario=known.scenario_name or "", seed=known.seed, before=before,
        changes=known.changes,
    )  # fmt: skip


def last_tick(capture: Capture) -> int:
    """The tick after the last one of which a frame is stored: what is allocated follows from what is there."""
    return max((record.first_tick + record.frame_count for record in capture.samples), default=0)


def stored_actions(capture: Capture, player: Player) -> StoredActions:
    """What is stored of everybody. Raises NotOfARunError, and CorruptSampleError where a file cannot be read."""
    names, ticks = player.generated.names, last_tick(capture)
    arrivals = max((record.arrival for record in capture.samples), default=0)
    if arrivals > len({record.arrival for record in capture.samples}) + len(names.agents):
        raise NotOfARunError(f"the agent with number {arrivals} is not one of those who can have lived here")
    # The first tick in which each may be named: a chat may be with who arrived later than the town began.
    born = np.zeros(max(arrivals, len(names.agents)), np.int64)
    born[len(names.agents) :] = ticks
    for record in capture.samples:
        born[record.arrival - 1] = min(born[record.arrival - 1], record.first_tick)
    actions = np.full((arrivals, ticks), NOT_STORED, np.int64)
    args = np.full((arrivals, ticks, 3), -1.0, np.float32)
    log_probs, values, rewards = np.zeros((3, arrivals, ticks), np.float32)
    for index, record in enumerate(capture.samples):
        sample = capture[index]
        if fault := _args_fault(sample.action_args, sample.tick, len(names.objects), born):
            raise NotOfARunError(f"{record.npz.name}: action_args: {fault}")
        where = slice(int(sample.tick[0]), int(sample.tick[0]) + sample.timesteps)
        if where != slice(record.first_tick, record.first_tick + record.frame_count):
            raise NotOfARunError(f"{record.npz.name}: has other ticks than the manifest says")
        who = record.arrival - 1
        actions[who, where], args[who, where] = sample.actions, sample.action_args
        log_probs[who, where], rewards[who, where] = sample.old_log_probs, sample.rewards
        values[who, where] = sample.value_preds[:-1]
    return StoredActions(actions, args, log_probs, values, rewards)


def _args_fault(args: np.ndarray, tick: np.ndarray, objects: int, born: np.ndarray) -> str:
    """What is wrong with arguments [T, 3] of actions at ticks [T]; "" where every object and every agent is one of the
    town. `born`: the first tick in which an agent, by arrival number less one, may be named."""
    for column, what, count in ((0, "objects", objects), (1, "agents", len(born))):
        numbers = args[:, column]
        if not ((numbers >= -1) & (numbers < count) & (numbers == np.floor(numbers))).all():
            return f"expected numbers of {count} {what}, or -1"
    named = args[:, 1] >= 0
    if (born[args[named, 1].astype(np.int64)] > tick[named]).any():
        return "names an agent who has not arrived yet"
    return ""


def player_of(run: Run, models: Models, registry: AgentRegistry | None = None) -> Player:
    """The run's town at tick zero, to be played again. Raises UserError where it cannot be played.

    `registry` is told of newcomers, and may know them from an earlier play of the same run.
    """
    generated = generate_run(run)
    given = GivenPolicy(_Stored(), given_name(run.policy)) if is_given(run.policy) else None
    return Player(generated, registry or AgentRegistry.of(generated), given, models)


class _Stored:
    """Stands for an object that decided: its actions are stored, its log-probs and values are its own."""

    def act(self, batch: PolicyBatch) -> PolicyActions:
        raise AssertionError("stored actions are taken")

    def values(self, batch: PolicyBatch) -> np.ndarray:
        return np.zeros(len(batch), np.float32)
