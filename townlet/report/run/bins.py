"""A long run in short: bins of equal length, with the sum of rewards, the mean of needs, and what was done most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from townlet.observation.columns import NEED_HUNGER
from townlet.report.run.doing import IDLE, LOWEST, Doing
from townlet.vocabulary import NEEDS

if TYPE_CHECKING:
    from townlet.playback.playback import Moment

MOST_BINS = 1500


def bin_ticks(ticks: int) -> int:
    """How long the bins of so many ticks are."""
    return max(1, -(-ticks // MOST_BINS))


class Bins:
    """A whole run's ticks, so many a bin. Where nobody lives in a bin, needs are NaN, and what is done is IDLE."""

    def __init__(self, agents: int, ticks: int, affordances: int) -> None:
        self.ticks = bin_ticks(ticks)
        count = max(1, -(-ticks // self.ticks))
        self._reward = np.zeros((agents, count))
        self._need = np.zeros((agents, len(NEEDS), count))
        self._lived = np.zeros((agents, count), np.int64)
        self._doing = np.full((agents, count), IDLE, np.int16)
        self._times = np.zeros(
            (agents, affordances - LOWEST), np.int64
        )  # of the present bin, by code less LOWEST
        self._rows = np.arange(agents)
        self._open = 0  # the present bin

    def note(self, moment: Moment, doing: Doing) -> None:
        """Add a moment's tick. Ticks come in order."""
        b, alive = moment.tick // self.ticks, moment.arrival > 0
        if b != self._open:
            self._close()
            self._open = b
        seen = moment.seen
        self._reward[alive, b] += seen.rewards[alive, 0]
        self._need[alive, :, b] += seen.features[alive, 0, NEED_HUNGER : NEED_HUNGER + len(NEEDS)]
        self._lived[alive, b] += 1
        self._times[self._rows[alive], doing.code[alive] - LOWEST] += 1

    def _close(self) -> None:
        most = self._times.argmax(axis=1) + LOWEST
        self._doing[:, self._open] = np.where(self._times.any(axis=1), most, IDLE)
        self._times[:] = 0

    def finished(self) -> dict[str, np.ndarray]:
        """The arrays, by name."""
        self._close()
        lived = np.where(self._lived > 0, self._lived, 1)[:, None]
        need = np.where(self._lived[:, None] > 0, self._need / lived, np.nan)
        return {
            "bin_reward": self._reward.astype(np.float32),
            "bin_need": need.astype(np.float32),
            "bin_doing": self._doing,
        }
