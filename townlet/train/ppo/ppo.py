"""PPO: capture, learn, capture. A training is a folder, and goes on from where it was stopped.

    for each iteration:
        model      = the network as an ONNX file
        samples    = the towns, played by that model with new seeds
        experience = their timesteps with advantages by lambda-returns
        update       the critic on all of them, the actor on those with a choice

Nothing but settings, towns, the first model and the iteration's number decides what an iteration does, so that one
that is done again does the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from townlet.dataset.format.canonical import sha256_hex
from townlet.policy.network.metadata import NetworkLayout
from townlet.run import Run, canonical_json
from townlet.samples import ReplaySample
from townlet.train.model.export import model_of
from townlet.train.model.networks import ActorCritic, Architecture, follow, normalisation_of
from townlet.train.ppo.experience import experience_of
from townlet.train.ppo.update import Losses, Optimisers, update
from townlet.train.score import Score, Scorer, score_of
from townlet.train.settings import PpoSettings
from townlet.train.towns import CHOOSING_SEED, Towns, training_seeds
from townlet.train.with_torch import one_thread

DIRECTIONS = ("north", "south", "east", "west")
FIRST_LOOK_RUNS = 4  # of each config, played by `uniform`: what features are normalised by

# Plays runs, whose policy is the model's digest, and gives their samples; `iteration` counts from 1.
Play = Callable[[Sequence[Run], bytes, int], Iterable[ReplaySample]]


@dataclass(frozen=True)
class Iteration:
    """What one iteration came to."""

    number: int  # from 1
    steps: int  # agent-steps up to now
    rows: int  # of this iteration
    score: Score  # of the runs that were learned from
    losses: Losses
    play_seconds: float
    learn_seconds: float
    chosen: Score | None = None  # of the runs that choose the best model, where they were played


@dataclass
class State:
    """All that changes."""

    network: ActorCritic
    optimisers: Optimisers
    number: int = 0  # iterations done
    steps: int = 0
    best: float | None = None  # the best model's return
    best_number: int = 0
    models: dict[str, bytes] = field(default_factory=dict)  # latest and best, by these words


class Ppo:
    """A training in memory. `play` plays the runs of an iteration, `play_chosen` those that choose the best model."""

    def __init__(
        self,
        towns: Towns,
        settings: PpoSettings,
        play: Play,
        play_chosen: Play,
        *,
        network: ActorCritic | None = None,
    ) -> None:
        self.towns, self.settings = towns, settings
        self._play, self._play_chosen = play, play_chosen
        network = network or first_network(towns, settings, play_chosen)
        self.state = State(network, Optimisers.of(network, settings))

    def model(self) -> bytes:
        """The network as it is now, as a model file."""
        facts = {"by": "townlet train ppo", "iterations": self.state.number, "steps": self.state.steps}
        facts |= {
            "towns": [run.name for run in self.towns.templates],
            "settings": self.settings.to_json_dict(),
        }
        return model_of(self.state.network, self.towns.layout, facts)

    def iterate(self, evaluate: int = 0) -> Iteration:
        """One iteration. `evaluate`: with how many runs of each config the model it ends with is tried; 0: not."""
        state, settings = self.state, self.settings
        number, model, started = state.number + 1, self.model(), time.perf_counter()
        digest = sha256_hex(model)
        seeds = training_seeds(settings.seed, number, settings.runs)
        runs = self.towns.runs(seeds, digest, settings.ticks)
        score = Scorer()
        samples = score.watching(self._play(runs, model, number))
        experience = experience_of(samples, digest, state.network.inputs, settings.gamma, settings.lam)
        played = time.perf_counter()
        with one_thread():
            losses = update(
                state.network, state.optimisers, experience, settings,
                np.random.default_rng([settings.seed, number]), critic_only=number <= settings.warmup,
            )  # fmt: skip
        learned = time.perf_counter()
        state.number, state.steps = number, state.steps + len(experience)
        return Iteration(
            number, state.steps, len(experience), score.score(), losses, played - started, learned - played,
            self._choose(evaluate) if evaluate else None,
        )  # fmt: skip

    def _choose(self, runs: int) -> Score:
        """Play the model as it is now with the seeds kept for that, and keep it where it is the best so far."""
        state, model = self.state, self.model()
        seeds = range(CHOOSING_SEED, CHOOSING_SEED + runs)
        played = self._play_chosen(self.towns.runs(seeds, sha256_hex(model)), model, state.number)
        score = score_of(played)
        if state.best is None or score.mean > state.best:
            state.best, state.best_number = score.mean, state.number
            state.models["best"] = model
        return score


def first_network(towns: Towns, settings: PpoSettings, play: Play) -> ActorCritic:
    """With inputs normalised by what `uniform` sees in a few runs, and weights that follow from the seed.

    It follows path hints: where work is many steps away, a policy that draws every step evenly is never there to learn
    what work is worth.
    """
    seeds = training_seeds(settings.seed, 0, FIRST_LOOK_RUNS)
    seen = [sample.features.copy() for sample in play(towns.runs(seeds, "uniform"), b"", 0)]
    features = np.concatenate(seen).astype(np.float64)
    normalisation = normalisation_of(features.mean(axis=0), features.std(axis=0))
    architecture = Architecture.of(towns.layout, settings.hidden, settings.activation)
    network = ActorCritic(architecture, normalisation, settings.seed)
    if settings.follow_hints:
        follow(network, hints(towns.layout), settings.follow_hints)
    return network


def hints(layout: NetworkLayout) -> list[tuple[int, int]]:
    """The features of the path hint that a town shows, each with the move that it stands for."""
    names, moves = (
        layout.feature_names,
        [canonical_json({"kind": "move", "direction": d}) for d in DIRECTIONS],
    )
    return [
        (names.index(f"path_hint_{direction}"), layout.action_names.index(move))
        for direction, move in zip(DIRECTIONS, moves, strict=True)
        if f"path_hint_{direction}" in names and move in layout.action_names
    ]


def describe(iteration: Iteration) -> dict[str, Any]:
    """An iteration as one line of metrics.jsonl."""
    facts: dict[str, Any] = {"iteration": iteration.number, "steps": iteration.steps, "rows": iteration.rows}
    facts |= iteration.score.to_json_dict() | iteration.losses._asdict()
    facts |= {"play_seconds": iteration.play_seconds, "learn_seconds": iteration.learn_seconds}
    if iteration.chosen is not None:
        facts |= {f"chosen_{key}": value for key, value in iteration.chosen.to_json_dict().items()}
    return facts
