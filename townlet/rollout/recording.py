"""What a simulation that Python steps has recorded, and nobody has taken yet."""

from __future__ import annotations

import numpy as np

from townlet.generator.generate import GeneratedWorld
from townlet.rollout.agents import episodes
from townlet.rollout.buffers import Frames, frames

LEAST_TICKS = 64  # of the buffers
FORGETFUL_TICKS = 4  # of those that keep nothing: what is used again and again stays in a processor's cache


class Recording:
    """Segment buffers that grow: slot `now` is what is seen before the next tick. Frames stay until they are taken, or,
    unless they are to be kept at all (`keeps`), for some ticks.
    """

    def __init__(self, generated: GeneratedWorld, *, keeps: bool = True):
        self._generated, self.keeps = generated, keeps
        self.out = frames(generated, LEAST_TICKS if keeps else FORGETFUL_TICKS)
        self.start = 0  # the tick of slot 0
        self.now = 0
        self._taken: dict[int, int] = {}  # arrival number -> first tick whose frame nobody has taken

    def advance(self) -> None:
        """A tick has been played."""
        self.now += 1
        if self.now < self.out.actions.shape[1]:
            return
        if self.keeps:
            oldest = self._oldest()
            self.out = self._copied(oldest, max(LEAST_TICKS, 2 * (self.now - oldest)))
            self.start, self.now = self.start + oldest, self.now - oldest
        else:
            for buffer in self.out:
                seen: np.ndarray = buffer
                if seen.shape[1] > self.now:  # what is seen before the next tick
                    seen[:, 0] = seen[:, self.now]
            self.start, self.now = self.start + self.now, 0

    def episodes(self) -> list[tuple[int, int, int, int]]:
        """`(arrival number, row, first slot, end slot)` of every life with frames that nobody has taken."""
        if not self.keeps:
            return []
        found = []
        for row, first, end in episodes(self.out.arrival[:, : self.now + 1]):
            arrival = int(self.out.arrival[row, first])
            first = max(first, self._taken.get(arrival, 0) - self.start)
            if first < end:
                found.append((arrival, row, first, end))
        return found

    def take(self, arrival: int) -> None:
        """The frames of a life up to now are not needed any more."""
        self._taken[arrival] = self.start + self.now

    def copy(self) -> Recording:
        """Another recording, with the frames that nobody has taken."""
        oldest, other = self._oldest(), Recording.__new__(Recording)
        other._generated, other.keeps, other._taken = self._generated, self.keeps, dict(self._taken)
        other.start, other.now = self.start + oldest, self.now - oldest
        other.out = self._copied(oldest, max(LEAST_TICKS if self.keeps else FORGETFUL_TICKS, other.now + 1))
        return other

    def _oldest(self) -> int:
        """The first slot that is still needed."""
        return min((first for _, _, first, _ in self.episodes()), default=self.now)

    def _copied(self, oldest: int, ticks: int) -> Frames:
        """Buffers for `ticks` ticks that begin at slot `oldest` of these."""
        fresh = frames(self._generated, ticks)
        for old, new in zip(self.out, fresh, strict=True):
            seen: np.ndarray = old[:, oldest : self.now + 1]
            new[:, : seen.shape[1]] = seen
        return fresh
