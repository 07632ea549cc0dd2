"""Plain twin of townlet/world/rules/social.py and townlet/world/relations.py, written from their docstrings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

TRUST, FAMILIARITY, RIVALRY = range(3)


@dataclass(frozen=True)
class Numbers:
    """The config's numbers."""

    step: float
    decay: float
    floor: float
    ceiling: float
    ghost: float
    handover: float
    queue: float
    max_edges: int
    ties_on: bool
    chat_rewards: bool
    avoid_rewards: bool
    base: float
    coeff_trust: float
    coeff_familiarity: float
    avoid: float


@dataclass(frozen=True)
class Person:
    arrival: int
    place: tuple[int, int]
    extroversion: float = 0.0
    forgiveness: float = 0.0
    ambition: float = 0.0
    alive: bool = True


@dataclass
class Doings:
    """What one agent did, or what happened to it, before the social step of a tick."""

    blocked_by: int | None = None
    waiting: int = 0
    rotated: bool = False
    over_work: bool = False
    through: int | None = None
    polite_to: int | None = None
    meal_since: int | None = None
    busy: bool = False
    chats: bool = False
    target: int | None = None
    quality: float = 1.0
    avoided: int = 0


@dataclass
class Society:
    people: list[Person]
    numbers: Numbers
    ties: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    meals: dict[tuple[int, int], int] = field(default_factory=dict)
    rewarded: dict[tuple[int, int], int] = field(default_factory=dict)
    earned: list[float] = field(default_factory=list)
    good: dict[int, int] = field(default_factory=dict)

    def tie(self, i: int, j: int) -> list[float]:
        return self.ties.setdefault((i, j), [0.0, 0.0, 0.0])

    # --- ties
    def change(self, i: int, j: int, trust: float, familiarity: float, rivalry: float) -> None:
        tie, milder = self.tie(i, j), 1.0 - 0.5 * self.people[i].forgiveness
        if self.numbers.ties_on:
            for kind, change in ((TRUST, trust), (FAMILIARITY, familiarity)):
                tie[kind] = min(1.0, max(-1.0, tie[kind] + (change * milder if change < 0 else change)))
        rise = rivalry * milder if rivalry > 0 else rivalry
        if tie[RIVALRY] > 0 or rise > 0:
            tie[RIVALRY] = min(self.numbers.ceiling, max(self.numbers.floor, tie[RIVALRY] + rise))
        rivals = [other for (owner, other), each in self.ties.items() if owner == i and each[RIVALRY] > 0]
        if len(rivals) > self.numbers.max_edges:
            self.ties[i, min(rivals, key=lambda other: (self.ties[i, other][RIVALRY], -other))][RIVALRY] = 0.0
        warm = {
            other: each[TRUST] + each[FAMILIARITY] for (owner, other), each in self.ties.items() if owner == i
        }
        friends = [other for other, warmth in warm.items() if warmth > 0]
        if len(friends) > self.numbers.max_edges:
            weakest = min(friends, key=lambda other: (warm[other], -other))
            self.ties[i, weakest][TRUST] = self.ties[i, weakest][FAMILIARITY] = 0.0

    def both(self, i: int, j: int, trust: float, familiarity: float, rivalry: float) -> None:
        self.change(i, j, trust, familiarity, rivalry)
        self.change(j, i, trust, familiarity, rivalry)

    def fade(self) -> None:
        step, floor = self.numbers.decay, self.numbers.floor
        for (owner, _), tie in self.ties.items():
            for kind in (TRUST, FAMILIARITY) if self.numbers.ties_on else ():
                tie[kind] = max(0.0, tie[kind] - step) if tie[kind] > 0 else min(0.0, tie[kind] + step)
            if tie[RIVALRY] > 0:
                fall = step * (1.0 + 0.5 * self.people[owner].forgiveness)
                tie[RIVALRY] = max(floor, tie[RIVALRY] - fall)

    # --- a tick
    def play(self, tick: int, doings: list[Doings], luck: Callable[[int], float]) -> None:
        """`luck(i)` is the draw that decides whether i's chat is good."""
        numbers, self.good = self.numbers, {}
        self.earned = [0.0] * len(self.people)
        self.fade()
        for i, did in enumerate(doings):
            if did.blocked_by is not None:
                amount = numbers.step * (1.0 + numbers.queue * did.waiting)
                amount += numbers.handover * numbers.step if did.rotated else 0.0
                for a, b in ((i, did.blocked_by), (did.blocked_by, i)):
                    self.change(a, b, 0.0, -0.05, self.as_work(a, amount) if did.over_work else amount)
        for i, did in enumerate(doings):
            if did.through is not None:
                self.both(i, did.through, 0.0, -0.05, numbers.step * numbers.ghost)
        for i, did in enumerate(doings):
            if did.polite_to is not None:
                self.both(i, did.polite_to, 0.05, 0.05, -0.05)
        self.eat(doings)
        for i in sorted(range(len(doings)), key=lambda i: self.people[i].arrival):
            if doings[i].chats and not doings[i].busy:
                self.chat(tick, i, doings[i], luck)
        for i, did in enumerate(doings):
            self.earned[i] += numbers.avoid * did.avoided if numbers.avoid_rewards else 0.0

    def as_work(self, i: int, amount: float) -> float:
        return amount * (1.0 + 0.3 * max(0.0, self.people[i].ambition))

    def apart(self, i: int, j: int) -> int:
        (ax, ay), (bx, by) = self.people[i].place, self.people[j].place
        return abs(ax - bx) + abs(ay - by)

    def eat(self, doings: list[Doings]) -> None:
        eaters = [(i, did.meal_since) for i, did in enumerate(doings) if did.meal_since is not None]
        for n, (i, since) in enumerate(eaters):
            for j, other in eaters[n + 1 :]:
                overlap = max(since, other)
                if self.apart(i, j) <= 2 and self.meals.get((i, j)) != overlap:
                    self.meals[i, j] = overlap
                    self.both(i, j, 0.10, 0.25, 0.0)

    def chat(self, tick: int, i: int, did: Doings, luck: Callable[[int], float]) -> None:
        near = [
            j
            for j, person in enumerate(self.people)
            if j != i and person.alive and self.apart(i, j) <= 1 and did.target in (None, j)
        ]
        if not near:
            return
        j = min(near, key=lambda j: (self.apart(i, j), self.people[j].arrival))
        trust, familiarity, _ = self.tie(i, j)
        if luck(i) >= min(1.0, max(0.0, 0.7 * (1.0 + 0.3 * trust) * (1.0 + 0.2 * familiarity))):
            self.both(i, j, 0.0, -0.05, 0.05)
            return
        self.good[i] = j
        for a, b in ((i, j), (j, i)):
            warmth = 0.10 * did.quality + 0.02 * max(0.0, self.people[a].extroversion)
            self.change(a, b, 0.05 * did.quality, warmth, 0.0)
        pair = (min(i, j), max(i, j))
        if self.numbers.chat_rewards and tick - self.rewarded.get(pair, -60) >= 60:
            self.rewarded[pair] = tick
            for a, b in ((i, j), (j, i)):
                trust, familiarity, _ = self.tie(a, b)
                liked = 1.0 + self.numbers.coeff_trust * trust + self.numbers.coeff_familiarity * familiarity
                self.earned[a] += self.numbers.base * liked
