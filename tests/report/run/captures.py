"""Captures of shipped configs, as a command would write them, and what a page of theirs holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.report.read_page import arrays_of, read_page
from tests.rollout.test_replay import captured
from townlet.dataset.reading.capture import Capture
from townlet.planning.plan import Request, plan
from townlet.policy_text import NO_MODELS, Models
from townlet.report.run.page import run_page

SCENARIOS = ("employment_punctuality", "hard_winter", "kitchen_breakfast", "market_day", "observation_baseline",
             "queue_conflict", "rivalry_decay")  # fmt: skip


def capture_of(config: str, folder: Path, **asked: Any) -> Capture:
    """A capture of a shipped config for its own ticks, unless `asked` (of a Request) says otherwise."""
    (run,) = plan(Request((f"{config}.yaml",), **asked)).playable()
    return captured(run, folder)


class Shown:
    """A run as its page has it."""

    def __init__(self, capture: Capture, models: Models = NO_MODELS, **how: Any) -> None:
        self.page = run_page(capture, models, **how)
        document, block = read_page(self.page)
        (self.run,) = document["runs"]
        self.arrays, self.lives = arrays_of(self.run, block), self.run["lives"]
        self.first = self.run["head"]["first"]

    def life(self, name: str) -> int:
        """The number of a life."""
        return [life["name"] for life in self.lives].index(name) + 1

    def row(self, name: str) -> int:
        return self.lives[self.life(name) - 1]["row"]

    def features(self, row: int) -> np.ndarray:
        """[T, F] the features of a row, as its changes make them."""
        start, at, value = (self.arrays[f"feature_{name}"] for name in ("start", "at", "value"))
        rows, ticks = self.arrays["who"].shape
        found = np.zeros((ticks, len(self.run["features"])), np.float32)
        for f in range(found.shape[1]):
            some = slice(start[f * rows + row], start[f * rows + row + 1])
            for t, number in zip(at[some].tolist(), value[some], strict=True):
                found[t:, f] = number
        return found
