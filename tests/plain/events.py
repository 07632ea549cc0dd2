"""Plain twin of townlet/world/rules/events.py, written from its docstring: a town's perturbations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from math import prod

SPIKE, BLACKOUT, OUTAGE, MEET = range(4)


@dataclass(frozen=True)
class Spec:
    kind: int
    probability: float
    cooldown: int
    duration: tuple[int, int]
    magnitude: tuple[float, float]
    hits: tuple[bool, ...]
    place: int


@dataclass(frozen=True)
class Limits:
    concurrent: int
    pause: int  # between the starts of any two
    agent_pause: int
    grace: int
    window: int
    most: int


@dataclass
class Event:
    """What is known of one event: when it is due today, and its present or latest occurrence."""

    spec: Spec
    draw: Callable[[int, int], float]  # (day, index) -> [0, 1)
    due: int | None = None
    until: int = 0
    ready: int = 0
    magnitude: float = 1.0
    pair: tuple[int, ...] = ()


@dataclass
class Town:
    specs: list[Spec]
    draws: list[Callable[[int, int], float]]
    limits: Limits
    day_length: int
    begun: int = 0  # tick of day at tick zero
    events: list[Event] = field(init=False)
    starts: list[int] = field(default_factory=list)
    nudged: dict[int, int] = field(default_factory=dict)  # row -> when it was last nudged

    def __post_init__(self) -> None:
        self.events = [Event(spec, draw) for spec, draw in zip(self.specs, self.draws, strict=True)]

    def play(self, tick: int, rivalry: list[list[float]], alive: list[bool]) -> None:
        day, time = divmod(tick + self.begun, self.day_length)
        if tick == 0 or time == 0:
            for event in self.events:
                due = event.draw(day, 0) < event.spec.probability
                event.due = tick - time + int(event.draw(day, 1) * self.day_length) if due else None
        for event in self.events:
            if event.due == tick and self.allowed(event, tick):
                if event.spec.kind != MEET or self.invite(event, tick, rivalry, alive):
                    self.begin(event, tick, day)

    def active(self, tick: int) -> list[Event]:
        return [event for event in self.events if event.until > tick]

    def allowed(self, event: Event, tick: int) -> bool:
        limits = self.limits
        return (
            tick >= limits.grace
            and tick >= event.ready
            and len(self.active(tick)) < limits.concurrent
            and (not self.starts or tick - self.starts[-1] >= limits.pause)
            and sum(tick - start < limits.window for start in self.starts) < limits.most
        )

    def invite(self, event: Event, tick: int, rivalry: list[list[float]], alive: list[bool]) -> bool:
        meets = [other for other in self.active(tick) if other.pair]
        if any(other.spec.place == event.spec.place for other in meets):
            return False
        busy = {row for other in meets for row in other.pair}
        free = [
            row
            for row, lives in enumerate(alive)
            if lives and row not in busy and tick - self.nudged.get(row, -(10**9)) >= self.limits.agent_pause
        ]
        pairs = [(i, j) for i, j in combinations(free, 2) if rivalry[i][j] + rivalry[j][i] > 0]
        if not pairs:
            return False
        event.pair = max(pairs, key=lambda pair: rivalry[pair[0]][pair[1]] + rivalry[pair[1]][pair[0]])
        self.nudged.update(dict.fromkeys(event.pair, tick))
        return True

    def begin(self, event: Event, tick: int, day: int) -> None:
        low, high = event.spec.duration
        least, most = event.spec.magnitude
        event.until = tick + max(1, low + int(event.draw(day, 2) * (high - low + 1)))
        event.magnitude = least + event.draw(day, 3) * (most - least)
        event.ready = event.until + event.spec.cooldown
        self.starts.append(tick)

    def prices(self, tick: int, count: int) -> tuple[list[float], float]:
        spikes = [event for event in self.active(tick) if event.spec.kind == SPIKE]
        each = [prod(event.magnitude for event in spikes if event.spec.hits[k]) for k in range(count)]
        return [float(price) for price in each], float(prod(event.magnitude for event in spikes))

    def utilities(self, tick: int) -> list[bool]:
        kinds = [event.spec.kind for event in self.active(tick)]
        return [BLACKOUT not in kinds, OUTAGE not in kinds]

    def meeting(self, tick: int, rows: int) -> list[int]:
        """By row: the place it is nudged to; -1."""
        places = [-1] * rows
        for event in self.active(tick):
            for row in event.pair if event.spec.kind == MEET else ():
                places[row] = event.spec.place
        return places
