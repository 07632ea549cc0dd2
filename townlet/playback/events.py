"""What happened in a run, a line each: what agents did that is worth a line, what came of it, and why it failed.

Waiting, walking and wages are not: they happen on most ticks. Events of a tick come in the order of its steps, those of
a step in the order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from townlet.playback.happenings import Happenings
from townlet.playback.playback import Moment, Playback
from townlet.playback.reasons import is_refusal, refusal_text, ticks
from townlet.vocabulary import DIRECTIONS, NEEDS, STOCKS
from townlet.world import state as st
from townlet.world.records import plain
from townlet.world.refusals import REASONS

# By what it is about: kinds of action and what becomes of them, queues, ties, work, life, the town.
KINDS = (
    "request", "wait", "grant", "start", "finish", "release", "chat", "refused", "lapse", "rotation", "ghost", "meal",
    "shift", "late", "absent", "dismissed", "rent", "fainted", "evicted", "arrived", "event",
)  # fmt: skip
SMALLEST = 0.005  # change of a tie that is told


class Event(NamedTuple):
    """One line. Names come as they are in the config: whoever prints them escapes them."""

    tick: int
    agent: str  # "" = nobody's: the town's
    kind: str  # one of KINDS
    what: str  # what was done, or happened: `request use_shower at shower_1`
    then: str  # what came of it: `granted`, `refused: reserved by alice (block 1 of 3)`
    refused: str | None = None  # why: one of REASONS; None too for a request that waits in a queue
    expected: bool = False  # a schedule's label said that the attempt is refused
    life: int = 0  # arrival number; 0 = the town


def events_of(playback: Playback, first: int = 0, last: int | None = None) -> Iterator[Event]:
    """The events of ticks `first` to `last`, both included (None: the last one stored), one tick held at a time.

    Raises as `Playback.moments`.
    """
    for moment in playback.moments(first, last):
        yield from events_at(playback, moment)


def events_at(playback: Playback, moment: Moment) -> Iterator[Event]:
    """The events of one tick, before the next one is played."""
    yield from _Tick(playback, moment).events()


class _Tick:
    """One tick, with the state before and after it as columns by row."""

    def __init__(self, playback: Playback, moment: Moment):
        self._name, self._now, self._seen = playback.name, moment.tick, moment.seen
        self._params, self._names = playback.generated.params, playback.generated.names
        self._before, self._after = moment.before, moment.world
        self._arrival = moment.arrival
        self._did = plain(moment.world.tick)
        self._was_queued, self._queued = plain(moment.before.queues), plain(moment.world.queues)
        self._was_busy, self._busy = plain(moment.before.running), plain(moment.world.running)
        self._offers = plain(self._params.affordances)
        self._happenings = Happenings(playback, moment)

    def events(self) -> Iterator[Event]:
        for kind, what, then in self._happenings.of_the_town():
            yield Event(self._now, "", kind, what, then)
        for row, kind, what, then in self._happenings.arrivals():
            yield self._event(row, kind, what, then)
        reserved = self._was_queued["reserved"]
        for row in self._rows((reserved != st.NOTHING) & (self._was_queued["deadline"] < self._now)):
            yield self._event(row, "lapse", f"reservation of {self._object(reserved[row])}", "lapses unused")
        for row in self._rows((self._did["kind"] != st.WAIT) | (self._did["refusal"] != 0)):
            yield from self._action(row)
        yield from self._queues()
        for row in self._rows(self._did["finished"] != st.NOTHING):
            yield self._finish(row)
        for row, kind, what, then in self._happenings.of_agents(self._ties):
            yield self._event(row, kind, what, then)

    # --- actions
    def _action(self, row: int) -> Iterator[Event]:
        kind, code = int(self._did["kind"][row]), int(self._did["refusal"][row])
        what = self._what(row, kind)
        if code:
            yield self._failed(row, code, what)
        elif kind == st.MOVE:
            through = int(self._did["ghost_through"][row])
            if through != st.NOBODY:
                then = f"passes through {self._agent(through)}" + self._rivalry(row, through)
                yield self._event(row, "ghost", what, then)
        elif kind == st.RELEASE:
            yield self._event(row, "release", what, self._released(row))
        elif kind == st.CHAT:
            ties = self._ties(row, int(self._did["chat_with"][row]))
            yield self._event(row, "chat", what, "; ".join(["good", *([ties] if ties else [])]))
        elif kind == st.REQUEST:
            held = self._was_queued["reserved"][row] == self._queued["object"][row]
            by = int(self._did["block_by"][row])  # its block took the reservation from the one before
            then = "granted" + (self._rivalry(row, by) if by != st.NOBODY else "")
            yield self._event(row, "request", what, "has it already" if held else then)
        else:
            k = int(self._did["affordance"][row])
            then = [
                ticks(int(self._offers["duration"][k])),
                *self._coins(k, 1.0),
                *self._stock(-self._offers["takes"][k]),
            ]
            yield self._event(row, "start", what, ", ".join(then))

    def _failed(self, row: int, code: int, what: str) -> Event:
        text = refusal_text(self._did_columns(), row, self._params, self._agent, self._names.objects)
        refused, by = is_refusal(code), int(self._did["refusal_by"][row])
        if not refused:
            return self._event(row, "wait", what, text)
        conflict = int(self._did["block_by"][row]) != st.NOBODY or int(self._did["kind"][row]) == st.CHAT
        rivalry = self._rivalry(row, by) if conflict and by != st.NOBODY else ""
        return self._event(row, "refused", what, f"refused: {text}{rivalry}", REASONS[code])

    def _did_columns(self) -> st.StepScratch:
        return self._after.tick

    def _what(self, row: int, kind: int) -> str:
        if kind == st.MOVE:
            return f"move {DIRECTIONS[int(self._did['action'][row]) - st.ACTION_MOVE]}"
        if kind == st.CHAT:
            return f"chat{self._partner(row)}"
        o = self._object_meant(row, kind)
        where = "" if o == st.NOTHING else self._object(o)
        if kind == st.RELEASE:
            return f"release {where}".rstrip()
        offer = self._names.affordances[int(self._did["affordance"][row])]
        verb = "request" if kind == st.REQUEST else "start"
        return f"{verb} {offer}{f' at {where}' if where else ''}"

    def _partner(self, row: int) -> str:
        named = int(self._seen.action_args[row, 0, 1])
        if named >= 0:
            return f" to {self._name(named + 1)}"
        found = int(self._did["chat_with"][row])
        found = int(self._did["refusal_by"][row]) if found == st.NOBODY else found
        return "" if found == st.NOBODY else f" to {self._agent(found)}"

    def _object_meant(self, row: int, kind: int) -> int:
        """The object that an action was about: the one it names, found or was refused at; NOTHING."""
        named, refused = int(self._did["object"][row]), int(self._did["refusal_object"][row])
        busy = int(self._did["refusal"][row]) == REASONS.index("busy")
        if named != st.NOTHING:
            return named
        if refused != st.NOTHING and not busy:
            return refused
        if busy:
            return st.NOTHING
        if kind == st.REQUEST:
            return int(self._queued["object"][row]) if self._did["success"][row] else st.NOTHING
        if kind == st.START:
            return self._used(row) if self._did["success"][row] else st.NOTHING
        left = int(self._was_busy["object"][row])
        return left if left != st.NOTHING else int(self._was_queued["object"][row])

    def _used(self, row: int) -> int:
        """The object that a row uses in this tick, its last one included."""
        for running in (self._busy, self._was_busy):
            if running["affordance"][row] != st.NOTHING:
                return int(running["object"][row])
        objects = plain(self._after.objects)  # begun and over within the tick
        found = np.flatnonzero((objects["last_user"] == row) & (objects["last_used"] == self._now))
        return int(found[0]) if len(found) else st.NOTHING

    def _released(self, row: int) -> str:
        k = int(self._was_busy["affordance"][row])
        if k == st.NOTHING:
            held = self._was_queued["reserved"][row] != st.NOTHING
            return "gives the reservation back" if held else "leaves the queue"
        duration = int(self._offers["duration"][k])
        played = duration - int(self._was_busy["left"][row])
        brought = self._effects(row, k, played / duration) if self._offers["interruptible"][k] else []
        return f"after {played} of {ticks(duration)}: {', '.join(brought) or 'no effect'}"

    # --- queues
    def _queues(self) -> Iterator[Event]:
        """Reservations that come to those who waited, and those that are lost to blocks."""
        held, holds = self._was_queued["reserved"], self._queued["reserved"]
        asked = (self._did["kind"] == st.REQUEST) & (self._did["success"] != 0)
        for row in self._rows((holds != st.NOTHING) & (holds != held) & ~asked):
            o, k = int(holds[row]), int(self._queued["affordance"][row])
            waited = self._now - int(self._queued["since"][row])
            what = f"{self._names.affordances[k]} at {self._object(o)}"
            yield self._event(row, "grant", what, f"granted after {ticks(waited)} in the queue")
        for row in self._rows(self._was_queued["rotated"] != self._queued["rotated"]):
            o = int(self._queued["object"][row])
            took = np.flatnonzero((self._did["block_rotated"] != 0) & (self._did["block_object"] == o))
            by = f", blocked by {self._agent(int(took[0]))}" if len(took) else ""
            what = f"reservation of {self._object(o)}" if o != st.NOTHING else "reservation"
            yield self._event(row, "rotation", what, f"goes to the tail of the queue{by}")

    def _finish(self, row: int) -> Event:
        k = int(self._did["finished"][row])
        o = self._used(row)
        what = f"finish {self._names.affordances[k]} at {self._object(o)}"
        brought = self._effects(row, k, 1.0) + self._stock(self._offers["gives"][k])
        return self._event(row, "finish", what, ", ".join(brought) or "no effect")

    def _stock(self, amounts: np.ndarray) -> list[str]:
        """What comes into the town's stock, or is taken of it."""
        named = zip(STOCKS, amounts.tolist(), strict=True)
        return [f"{amount:+d} {_stock_name(name, amount)}" for name, amount in named if amount]

    def _effects(self, row: int, k: int, share: float) -> list[str]:
        needs = self._offers["need"][k] * share
        found = [f"{name} {needs[n]:+.2f}" for n, name in enumerate(NEEDS) if needs[n] != 0]
        return found + self._coins(k, share, float(plain(self._before.agents)["wallet"][row]))

    def _coins(self, k: int, share: float, wallet: float = np.inf) -> list[str]:
        """What affordance `k` brings or costs, no more than there is; the price is that of this tick."""
        money = float(self._offers["money"][k])
        if money < 0:
            money = -min(wallet, -money * float(self._after.events.price[k]) * share) if share else 0.0
        else:
            money *= share
        return [f"{money:+.2f} coins"] if money else []

    # --- words
    def _event(self, row: int, kind: str, what: str, then: str, refused: str | None = None) -> Event:
        expected = kind in ("refused", "wait") and bool(self._seen.blocked[row, 0])
        life = int(self._arrival[row])
        then = f"{then} (expected)" if expected else then
        return Event(self._now, self._name(life), kind, what, then, refused, expected, life)

    def _rows(self, chosen: np.ndarray) -> list[int]:
        """The rows of those chosen who lived in this tick, by arrival number."""
        found = np.flatnonzero(chosen & (self._arrival != 0))
        return (
            found[np.argsort(self._arrival[found], kind="stable")].tolist()
            if len(found) > 1
            else found.tolist()
        )

    def _agent(self, row: int) -> str:
        return self._name(int(self._arrival[row]))

    def _object(self, o: int) -> str:
        return self._names.objects[o]

    def _rivalry(self, row: int, other: int) -> str:
        """What the tick did to the rivalry toward `other`, fading included."""
        change = self._after.ties.rivalry[row, other] - self._before.ties.rivalry[row, other]
        return f"; rivalry {change:+.2f}" if abs(change) >= SMALLEST else ""

    def _ties(self, row: int, other: int) -> str:
        """The same for trust and familiarity."""
        found = []
        for name in ("trust", "familiarity"):
            now, was = getattr(self._after.ties, name), getattr(self._before.ties, name)
            change = now[row, other] - was[row, other]
            if abs(change) >= SMALLEST:
                found.append(f"{name} {change:+.2f}")
        return ", ".join(found)


def _stock_name(name: str, amount: int) -> str:
    """`meals`, or one `meal`."""
    words = name.replace("_", " ")
    return words.removesuffix("s") if abs(amount) == 1 else words
