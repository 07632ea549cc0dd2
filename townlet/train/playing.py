"""The runs of a training, played in memory: the samples that a capture of the same runs would write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from townlet.dataset.format.canonical import sha256_hex
from townlet.policy_text import Models
from townlet.run import Run
from townlet.samples import ReplaySample
from townlet.train.rollouts import rollouts


class InMemory:
    """Plays runs, whose policy is a model's digest or a built-in one's name."""

    def __init__(self, models: Models | None = None) -> None:
        self._models = dict(models or {})  # of networks that configs name for single agents

    def __call__(self, runs: Sequence[Run], model: bytes, iteration: int) -> Iterator[ReplaySample]:
        return rollouts(runs, {**self._models, sha256_hex(model): model})
