"""Plain twin of townlet/world/rules/employment.py, written from its docstring: one agent and its job."""

from __future__ import annotations

from dataclasses import dataclass, field

PRE, ON_TIME, LATE, ABSENT, POST = range(5)


@dataclass(frozen=True)
class Job:
    start: int
    length: int
    wage: float
    penalty: float


@dataclass(frozen=True)
class Terms:
    """The config's numbers."""

    day_length: int
    grace: int
    cutoff: int
    max_absent: int
    enforce: bool
    window: int


@dataclass
class Today:
    """What happened in one tick."""

    on_site: bool = False
    late: bool = False
    absent: bool = False
    arrived_late: bool = False
    paid: float = 0.0


@dataclass
class Worker:
    job: Job
    terms: Terms
    state: int = PRE
    on_roll: bool = False
    arrived: bool = False
    withheld: float = 0.0
    lateness: int = 0
    history: list[bool] = field(default_factory=list)  # of counted shifts: was it missed
    absences: list[int] = field(default_factory=list)  # days
    dismissed: bool = False

    def play(self, tick: int, here: bool) -> Today:
        today = Today()
        if self.dismissed or self.job.length == 0:
            return today
        day, time = divmod(tick, self.terms.day_length)
        s = (time - self.job.start) % self.terms.day_length
        if self.on_roll and (s == self.job.length or (s == 0 and self.job.length >= self.terms.day_length)):
            self.end_shift(day, today)
        if self.dismissed:
            return today
        if s < self.job.length:
            self.work(s, day, here, today)
        else:
            self.state = self.off(time, s)
        return today

    def off(self, time: int, s: int) -> int:
        end = self.job.start + self.job.length
        if end <= self.terms.day_length:
            return PRE if time < self.job.start else POST
        return POST if s - self.job.length < (self.terms.day_length - self.job.length) / 2 else PRE

    def work(self, s: int, day: int, here: bool, today: Today) -> None:
        if s == 0:
            self.on_roll, self.arrived, self.state = True, False, ON_TIME
        if not self.on_roll:
            self.state = ON_TIME
        elif not self.arrived:
            if s == self.terms.grace + 1:
                self.withheld += self.job.penalty
                self.lateness += 1
                self.state = ABSENT if self.state == ABSENT else LATE
            if s == self.terms.cutoff + 1:
                self.state = ABSENT
                self.miss(day, today)
                if self.dismissed:
                    return
            if here and self.state == LATE:
                self.state, today.arrived_late = ON_TIME, True
        today.late = self.state == LATE
        if here:
            self.arrived, today.on_site = True, True
            off = min(self.withheld, self.job.wage)
            self.withheld -= off
            today.paid = self.job.wage - off

    def end_shift(self, day: int, today: Today) -> None:
        self.on_roll = False
        self.history.append(self.state == ABSENT or not self.arrived)
        if self.state != ABSENT and not self.arrived:
            self.miss(day, today)

    def miss(self, day: int, today: Today) -> None:
        today.absent = True
        self.absences.append(day)
        lately = len([absence for absence in self.absences if day - absence < 7])
        if self.terms.enforce and 0 < self.terms.max_absent <= lately:
            if self.on_roll:
                self.history.append(True)
                self.on_roll = False
            self.dismissed, self.state = True, PRE

    def attendance(self) -> float:
        last = self.history[-self.terms.window :]
        return last.count(False) / len(last) if last else 1.0
