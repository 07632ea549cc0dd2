"""What a training is told: every number of it, with its default, and what a wrong one is answered with."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, get_args

from townlet import arguments
from townlet.errors import UserError
from townlet.policy.network.write_model import Activation

ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
MOST_SEED = 10**9  # of a training: what it plays has this times 10^9 and more
MOST_HIDDEN, MOST_LAYERS = 4096, 8


@dataclass(frozen=True)
class PpoSettings:
    """All that decides the weights of a PPO training, but the towns and the model that it begins with."""

    seed: int = 0  # of the first weights, the towns that are played, and the order of rows
    runs: int = 8  # of each config in an iteration, each with a seed of its own
    ticks: int | None = (
        None  # of such a run; None: as many as the config has. Trials have as many as that always
    )
    gamma: float = 0.995  # a tick; the horizon is 1 / (1 - gamma) ticks
    lam: float = 0.95  # a tick with a choice; forced ticks pass returns through
    clip: float = 0.2  # of the ratio of probabilities
    epochs: int = 6  # over the rows with a choice, for the actor
    value_epochs: int = 2  # over all rows, for the critic
    batch: int = 512  # rows of a step
    lr: float = 5e-4  # of Adam, for the actor
    value_lr: float = 1e-3  # of Adam, for the critic
    entropy: float = 0.003  # weight of the entropy bonus
    kl_stop: float = 0.03  # the actor's epochs end where the mean divergence is above it; 0: they never do
    max_grad: float = 0.5  # norm that a gradient is cut to
    warmup: int = 0  # first iterations in which only the critic learns
    hidden: tuple[int, ...] = (128, 128)
    activation: Activation = "tanh"
    follow_hints: float = (
        6.0  # what the first logits of moves gain where the path hint shows them; 0: nothing
    )

    def __post_init__(self) -> None:
        arguments.whole("seed", self.seed, 0, MOST_SEED)
        arguments.whole("warmup", self.warmup, 0)
        for name in ("runs", "epochs", "value_epochs", "batch"):
            arguments.whole(name, getattr(self, name), 1)
        if self.ticks is not None:
            arguments.whole("ticks", self.ticks, 1)
        for name in ("gamma", "lam"):
            within(name, getattr(self, name), 0.0, 1.0)
        for name in ("clip", "lr", "value_lr", "max_grad"):
            above_zero(name, getattr(self, name))
        for name in ("entropy", "kl_stop", "follow_hints"):
            arguments.number(name, getattr(self, name), 0.0)
        checked_architecture(self.hidden, self.activation)

    def to_json_dict(self) -> dict[str, Any]:
        return asdict(self) | {"hidden": list(self.hidden)}


@dataclass(frozen=True)
class CloneSettings:
    """All that decides the weights of a clone, but the data."""

    seed: int = 0  # of the first weights, and the order of rows
    epochs: int = 10
    batch: int = 1024
    lr: float = 1e-3
    validation: float = 0.1  # share of the runs that is held out
    class_power: float = 0.5  # an action that was taken n times weighs n^-power
    hidden: tuple[int, ...] = (128, 128)
    activation: Activation = "tanh"
    memory_mb: float = 1000.0  # of rows that are mixed at a time

    def __post_init__(self) -> None:
        arguments.whole("seed", self.seed, 0, MOST_SEED)
        for name in ("epochs", "batch"):
            arguments.whole(name, getattr(self, name), 1)
        within("validation", self.validation, 0.0, 0.9)
        within("class_power", self.class_power, 0.0, 1.0)
        for name in ("lr", "memory_mb"):
            above_zero(name, getattr(self, name))
        checked_architecture(self.hidden, self.activation)

    def to_json_dict(self) -> dict[str, Any]:
        return asdict(self) | {"hidden": list(self.hidden)}


def checked_architecture(hidden: tuple[int, ...], activation: Any) -> None:
    """Raises UserError for layers that none would want."""
    if not isinstance(hidden, tuple) or not 1 <= len(hidden) <= MOST_LAYERS:
        raise UserError(
            f"hidden: expected the sizes of 1 to {MOST_LAYERS} layers, such as 128,128, got {hidden!r}"
        )
    for size in hidden:
        arguments.whole("hidden", size, 1, MOST_HIDDEN)
    if activation not in ACTIVATIONS:
        raise UserError(f"activation: expected {' or '.join(ACTIVATIONS)}, got {activation!r}")


def within(what: str, value: float, least: float, most: float) -> None:
    """Raises UserError for what is no number from `least` to `most`."""
    if arguments.number(what, value, least) > most:
        raise UserError(f"{what}: expected a number of {least:g} to {most:g}, got {value!r}")


def above_zero(what: str, value: float) -> None:
    """Raises UserError for what is no finite number above 0."""
    if arguments.number(what, value) <= 0 or not math.isfinite(value):
        raise UserError(f"{what}: expected a number above 0, got {value!r}")
