"""What befalls agents and their town in a tick beside what they do: work, rent, lives, perturbations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from townlet.playback.playback import Moment, Playback
from townlet.playback.reasons import ticks
from townlet.vocabulary import NEEDS
from townlet.world import state as st
from townlet.world.records import plain
from townlet.world.rules.lifecycle import UNPAID_DAYS

EVENT_WORDS = {
    st.PRICE_SPIKE: "price spike", st.BLACKOUT: "blackout", st.OUTAGE: "outage", st.ARRANGED_MEET: "arranged meet",
}  # fmt: skip
Told = tuple[int, str, str, str]  # row, kind, what, then


class Happenings:
    """Those of one tick, each with its row, kind, and what the columns of a table say."""

    def __init__(self, playback: Playback, moment: Moment):
        self._name, self._now, self._arrival = playback.name, moment.tick, moment.arrival
        self._params, self._names = playback.generated.params, playback.generated.names
        self._before, self._after = moment.before, moment.world
        self._was, self._is = plain(moment.before.agents), plain(moment.world.agents)
        self._had, self._has = plain(moment.before.work), plain(moment.world.work)
        self._did = plain(moment.world.tick)

    # --- the town
    def of_the_town(self) -> Iterator[tuple[str, str, str]]:
        """Perturbations that end and begin on this tick: kind, what, then."""
        was, now, specs = self._before.events, self._after.events, self._params.events
        for e in np.flatnonzero((was.until == self._now) & (was.duration > 0)).tolist():
            yield "event", self._event_name(e), "ends"
        for e in np.flatnonzero((now.until != was.until) & (now.until > self._now)).tolist():
            lasts = ticks(int(now.until[e]) - self._now)
            yield "event", self._event_name(e), f"{self._what_it_does(e, int(specs.kind[e]))} for {lasts}"

    def _event_name(self, e: int) -> str:
        words, name = EVENT_WORDS[int(self._params.events.kind[e])], self._names.events[e]
        return words if name.replace("_", " ") == words else f"{words} {name}"

    def _what_it_does(self, e: int, kind: int) -> str:
        specs = self._params.events
        if kind == st.BLACKOUT:
            return "no power"
        if kind == st.OUTAGE:
            return "no water"
        if kind == st.PRICE_SPIKE:
            hit = [self._names.affordances[k] for k in np.flatnonzero(specs.hits[e]).tolist()]
            return f"prices x {float(self._after.events.magnitude[e]):.2f} of {', '.join(hit)}"
        place = int(specs.place[e])
        people = np.flatnonzero((self._after.events.meet_place == place) & (self._arrival != 0)).tolist()
        where = f"({int(self._params.town.place_x[place])}, {int(self._params.town.place_y[place])})"
        return f"{' and '.join(self._agent(row) for row in people)} are drawn to {where}"

    # --- lives
    def arrivals(self) -> Iterator[Told]:
        """Newcomers whose first tick this is."""
        if self._now:
            for row in self._rows(self._was["born"] == self._now):
                x, y = int(self._was["x"][row]), int(self._was["y"][row])
                yield row, "arrived", "arrives", f"at ({x}, {y}), with {self._was['wallet'][row]:.2f} coins"

    def of_agents(self, ties: Callable[[int, int], str]) -> Iterator[Told]:
        """Meals, work, rent and departures. `ties` tells what the tick did to the tie from a row to another."""
        yield from self._meals(ties)
        if len(self._params.jobs.start):
            yield from self._work()
        owes = self._is["unpaid_days"] > self._was["unpaid_days"]
        for row in self._rows(owes):
            costs, has = float(self._params.rules.rent[0]), float(self._is["wallet"][row])
            days = f"day {int(self._is['unpaid_days'][row])} of {UNPAID_DAYS}"
            yield row, "rent", "rent", f"unpaid ({days}): costs {costs:.2f}, has {has:.2f}"
        for row in self._rows(self._is["leaving"] != st.STAYS):
            yield self._departure(row)

    def _departure(self, row: int) -> Told:
        if self._is["leaving"][row] == st.EVICTED:
            days = int(self._is["unpaid_days"][row])
            return row, "evicted", "leaves the town", f"evicted: {days} days' rent unpaid"
        need = self._is["need"][row]
        worst = int(np.argmin(need))
        return row, "fainted", "leaves the town", f"fainted: {NEEDS[worst]} {need[worst]:.2f}"

    def _meals(self, ties: Callable[[int, int], str]) -> Iterator[Told]:
        if self._after.clock.counts[st.N_SHARED] == self._before.clock.counts[st.N_SHARED]:
            return
        pairs = np.argwhere(np.triu(self._after.ties.meal_shared != self._before.ties.meal_shared, 1))
        for i, j in pairs.tolist():
            yield i, "meal", f"shares a meal with {self._agent(j)}", ties(i, j)

    # --- work
    def _work(self) -> Iterator[Told]:
        counted = self._has["shifts"] > self._had["shifts"]
        for row in self._rows(counted):
            window, shifts = int(self._has["window"][row]), int(self._has["shifts"][row])
            missed = bool(self._has["missed"][row, (shifts - 1) % window])
            yield row, "shift", f"{self._shift(row)} ends", "missed" if missed else "attended"
        began = self._has["on_roll"].astype(bool) & (~self._had["on_roll"].astype(bool) | counted)
        for row in self._rows(began):
            here = "on site" if self._has["on_site"][row] else "not on site"
            yield row, "shift", f"{self._shift(row)} begins", here
        late = self._has["lateness"] > self._had["lateness"]
        for row in self._rows(late):
            penalty = float(self._params.jobs.penalty[int(self._params.people.job[row])])
            then = "late" + (f": {penalty:.2f} coins withheld" if penalty else "")
            yield row, "late", self._shift(row), then
        came = self._has["arrived"].astype(bool) & ~self._had["arrived"].astype(bool) & ~began
        for row in self._rows(came & self._has["on_roll"].astype(bool)):
            yield (
                row,
                "shift",
                f"{self._shift(row)}",
                "comes on site" + self._colleague(row, "helped_by", "helped by"),
            )
        for row in self._rows(self._did["absent"].astype(bool)):
            yield (
                row,
                "absent",
                self._shift(row),
                "absent" + self._colleague(row, "taken_over_by", "taken over by"),
            )
        for row in self._rows(self._has["dismissed"].astype(bool) & ~self._had["dismissed"].astype(bool)):
            yield row, "dismissed", self._shift(row), "dismissed: absent too often"

    def _shift(self, row: int) -> str:
        return f"shift as {self._names.jobs[int(self._params.people.job[row])]}"

    def _colleague(self, row: int, column: str, words: str) -> str:
        other = int(self._did[column][row])
        return f", {words} {self._agent(other)}" if other != st.NOBODY else ""

    # --- words
    def _agent(self, row: int) -> str:
        return self._name(int(self._arrival[row]))

    def _rows(self, chosen: np.ndarray) -> list[int]:
        """The rows of those chosen who lived in this tick, by arrival number."""
        found = np.flatnonzero(chosen & (self._arrival != 0))
        if len(found) < 2:
            return found.tolist()
        return found[np.argsort(self._arrival[found], kind="stable")].tolist()
