"""A run in one sentence: who lived and died, what was finished, what was refused; each part with its moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.console.formatting import number
from townlet.escaping import shown
from townlet.observation.columns import RIVALRY_MAX
from townlet.world import state as st
from townlet.world.records import plain
from townlet.world.refusals import REASONS, WAITING

if TYPE_CHECKING:
    from townlet.generator.generate import GeneratedWorld
    from townlet.playback.playback import Moment

MOST_FINISHED = 5  # affordances that are named
ENDS = {st.FAINTED: "fainted", st.EVICTED: "evicted"}  # by the code of why an agent leaves
_FIRST_WAIT = len(REASONS) - len(WAITING)


@dataclass
class Count:
    """How often something happened, and where first."""

    times: int = 0
    tick: int | None = None
    arrival: int = 0

    def add(self, times: int, tick: int, arrival: int) -> None:
        if times and not self.times:
            self.tick, self.arrival = tick, arrival
        self.times += times


@dataclass
class Tally:
    """What happens in a run, counted moment by moment. Ticks come in order."""

    generated: GeneratedWorld
    left: dict[int, tuple[int, str]] = field(
        default_factory=dict
    )  # by arrival number: the last tick, and why
    finished: dict[int, Count] = field(default_factory=dict)  # by affordance
    refused: Count = field(default_factory=Count)
    unexpected: Count = field(default_factory=Count)  # refused, and no schedule's author has said so
    clipped: Count = field(default_factory=Count)
    rivalry: float = 0.0
    rivalry_at: Count = field(default_factory=Count)

    def note(self, moment: Moment) -> None:
        """Count a moment's tick."""
        tick, alive, arrival = plain(moment.world.tick), moment.arrival > 0, moment.arrival
        refusal = tick["refusal"]
        refused = alive & (refusal > 0) & (refusal < _FIRST_WAIT)
        self._add(self.refused, refused, moment)
        self._add(self.unexpected, refused & ~moment.seen.blocked[:, 0], moment)
        self._add(self.clipped, alive & (moment.seen.reward_terms[:, 0, st.CLIP] != 0), moment)
        for row in np.flatnonzero(alive & (tick["finished"] != st.NOTHING)).tolist():
            counted = self.finished.setdefault(int(tick["finished"][row]), Count())
            counted.add(1, moment.tick, int(arrival[row]))
        leaving = plain(moment.world.agents)["leaving"]
        for row in np.flatnonzero(alive & (leaving != st.STAYS)).tolist():
            self.left[int(arrival[row])] = moment.tick, ENDS[int(leaving[row])]
        rivalry = np.where(alive, moment.seen.features[:, 0, RIVALRY_MAX], 0.0)
        if rivalry.max() > self.rivalry:
            row = int(rivalry.argmax())
            self.rivalry, self.rivalry_at = float(rivalry[row]), Count(1, moment.tick, int(arrival[row]))

    def _add(self, count: Count, rows: np.ndarray, moment: Moment) -> None:
        times = int(rows.sum())
        if times:
            count.add(times, moment.tick, int(moment.arrival[int(rows.argmax())]))

    def verdict(self, names: list[str]) -> list[dict[str, Any]]:
        """The parts of the sentence. `names`: of all who ever lived, by arrival number, less one."""

        def part(text: str, count: Count | None = None) -> dict[str, Any]:
            at = count if count is not None and count.times else Count()
            return {
                "text": text,
                "tick": at.tick,
                "agent": shown(names[at.arrival - 1]) if at.arrival else None,
            }

        return [part(text, count) for text, count in self._parts(len(names))]

    def _parts(self, lives: int) -> Iterator[tuple[str, Count | None]]:
        yield "1 life" if lives == 1 else f"{lives} lives", None
        yield from self._deaths()
        yield from self._finished()
        yield self._refusals()
        if self.rivalry > 0:
            yield f"rivalry peaked at {self.rivalry:.2f}", self.rivalry_at
        if self.clipped.times:
            yield f"{number(self.clipped.times, 'reward')} clipped", self.clipped
        else:
            yield "no reward clipped", None

    def _refusals(self) -> tuple[str, Count]:
        """How many, and how many no schedule's author has said; that leads where there are both."""
        refused, unexpected = self.refused.times, self.unexpected.times
        if unexpected == refused:
            return number(refused, "refusal"), self.refused
        if not unexpected:
            return f"{number(refused, 'refusal')}, {'' if refused == 1 else 'all '}expected", self.refused
        return f"{number(refused, 'refusal')} ({unexpected} not expected)", self.unexpected

    def _deaths(self) -> Iterator[tuple[str, Count | None]]:
        if not self.left:
            yield "0 deaths", None
        for why in ENDS.values():
            ends = [(tick, arrival) for arrival, (tick, found) in self.left.items() if found == why]
            if ends:
                yield f"{len(ends)} {why}", Count(len(ends), *min(ends))

    def _finished(self) -> Iterator[tuple[str, Count | None]]:
        names = self.generated.names.affordances
        often = sorted(self.finished.items(), key=lambda item: (-item[1].times, item[0]))
        for k, count in often[:MOST_FINISHED]:
            yield f"{shown(names[k])} finished {number(count.times, 'time')}", count
        if len(often) > MOST_FINISHED:
            yield f"{number(len(often) - MOST_FINISHED, 'other affordance')} finished", None
        if not often:
            yield "nothing finished", None
