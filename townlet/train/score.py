"""What runs came to: return of an agent, with its standard error over runs, and how many fainted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from townlet.samples import ReplaySample


@dataclass(frozen=True)
class Score:
    """Of several runs. A run's return is the undiscounted reward of all lives in it, by the agents it began with."""

    runs: int
    mean: float  # return of an agent
    error: float  # standard error of the mean over runs; 0 of one run
    ended: float  # lives that ended (fainted, evicted), a run

    def to_json_dict(self) -> dict[str, Any]:
        return {"runs": self.runs, "return": self.mean, "return_error": self.error, "ended": self.ended}


class Scorer:
    """Adds up samples as they come."""

    def __init__(self) -> None:
        self._rewards: dict[tuple[str, int], float] = {}
        self._agents: dict[tuple[str, int], set[int]] = {}
        self._ended = 0

    def watching(self, samples: Iterable[ReplaySample]) -> Iterator[ReplaySample]:
        """Pass samples on, and count them."""
        for sample in samples:
            self.add(sample)
            yield sample
            del sample  # its buffers are used again when nobody holds them

    def add(self, sample: ReplaySample) -> None:
        facts = sample.metadata["capture_metadata"]
        run = facts["scenario_name"], facts["seed"]
        self._rewards[run] = self._rewards.get(run, 0.0) + float(sample.rewards.sum(dtype=np.float64))
        first = self._agents.setdefault(run, set())
        if sample.metadata["born_tick"] == 0:
            first.add(sample.metadata["agent_index"])
        self._ended += bool(sample.dones[-1])

    def score(self) -> Score:
        """Of all that was added."""
        returns = [total / max(len(self._agents[run]), 1) for run, total in self._rewards.items()]
        count = len(returns)
        error = float(np.std(returns, ddof=1)) / math.sqrt(count) if count > 1 else 0.0
        return Score(count, float(np.mean(returns)) if returns else 0.0, error, self._ended / max(count, 1))


def score_of(samples: Iterable[ReplaySample]) -> Score:
    """The score of runs."""
    scorer = Scorer()
    for sample in samples:
        scorer.add(sample)
        del sample
    return scorer.score()
