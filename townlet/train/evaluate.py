"""How good policies are: what runs came to, means over runs with their standard errors, and differences of pairs.

Towns differ more by their seed than policies do, and the agents of one run share a town: a run counts once, and two
policies are compared by the runs of equal config and seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from townlet.generator.generate import generate_run
from townlet.policy_text import Models
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.play import play_segments
from townlet.rollout.player import Player
from townlet.run import Run
from townlet.world import state as st

SEGMENT_TICKS = 256  # that are held at a time; no figure depends on it


@dataclass(frozen=True)
class Outcome:
    """What one run came to. What is given by agent is divided by the agents that the town began with."""

    seed: int
    returns: float  # undiscounted reward of all lives, by agent
    fainted: int  # lives
    evicted: int  # lives
    wages: float  # coins, by agent
    chats: float  # chats that went well, by agent
    agent_steps: int


FIGURES = ("returns", "fainted", "evicted", "wages", "chats")  # of an Outcome


@dataclass(frozen=True)
class Mean:
    """A mean over runs."""

    mean: float
    error: float | None  # standard error: deviation over runs (n - 1) / sqrt(n); None of one run

    @classmethod
    def of(cls, values: Iterable[float]) -> Mean:
        """Of at least one number. The sums are exact before they are rounded, whatever the order."""
        numbers = [float(value) for value in values]
        count = len(numbers)
        mean = math.fsum(numbers) / count
        if count == 1:
            return cls(mean, None)
        squares = math.fsum((number - mean) ** 2 for number in numbers)
        return cls(mean, math.sqrt(squares / (count - 1) / count))


@dataclass(frozen=True)
class Result:
    """What one policy came to in one config, run by run."""

    outcomes: tuple[Outcome, ...]

    def mean(self, figure: str) -> Mean:
        """Of one of `FIGURES`."""
        return Mean.of(getattr(outcome, figure) for outcome in self.outcomes)

    def difference(self, other: Result, figure: str = "returns") -> Mean:
        """This policy's figure less the other's, pair by pair of runs with one seed."""
        there = {outcome.seed: getattr(outcome, figure) for outcome in other.outcomes}
        return Mean.of(getattr(outcome, figure) - there[outcome.seed] for outcome in self.outcomes)

    @property
    def runs_alike(self) -> bool:
        """Whether all runs came to the same, as where seeds change nothing."""
        return len(self.outcomes) > 1 and len({outcome.returns for outcome in self.outcomes}) == 1


def evaluate(
    runs: Sequence[Run],
    models: Models | None = None,
    played: Callable[[Outcome], object] = lambda outcome: None,
) -> Result:
    """Play the runs of one policy in one config, in memory. `played` is told of each run as it ends.

    `models`: the content of the networks that the runs name, by digest. Raises UserError where one cannot be played.
    """
    outcomes = []
    for run in runs:
        outcome = outcome_of(run, models or {})
        outcomes.append(outcome)
        played(outcome)
    return Result(tuple(outcomes))


def outcome_of(run: Run, models: Models) -> Outcome:
    """Play one run, a few hundred ticks at a time."""
    generated = generate_run(run)
    registry = AgentRegistry.of(generated)
    player = Player(generated, registry, models=models)
    rewards, steps = 0.0, 0
    for _, _, frames in play_segments(generated, run, registry, player):
        lived = frames.arrival[:, :-1] > 0
        rewards += math.fsum(frames.rewards[lived].tolist())
        steps += int(lived.sum())
        del frames, lived
    clock, agents = player.world.clock, len(generated.names.agents)
    return Outcome(
        seed=run.seed,
        returns=rewards / agents,
        fainted=int(clock.counts[st.N_FAINT]),
        evicted=int(clock.counts[st.N_EVICTION]),
        wages=float(clock.coins[st.COIN_WAGES]) / agents,
        chats=float(clock.counts[st.N_GOOD_CHAT]) / agents,
        agent_steps=steps,
    )
