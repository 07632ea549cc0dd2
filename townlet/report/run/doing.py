"""What everybody is busy with in a tick, as codes: told by the world before and after it, by no stored array."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from townlet.arrays import F64, I64
from townlet.world import state as st
from townlet.world.records import plain

# Beside the index of an affordance: what an agent does that is busy with none.
IDLE, WALKS, QUEUES, HOLDS, WORKS = -1, -2, -3, -4, -5
LOWEST = WORKS


class Doing(NamedTuple):
    """Of one tick, by row."""

    code: I64  # [A]  index of an affordance, or IDLE ... WORKS
    left: I64  # [A]  ticks left of the affordance, this one included; 0 without one
    queued_at: I64  # [A]  the object that it queues for, or holds, after the tick; -1 = none
    place: I64  # [A]  0 = holds the reservation, or queues nowhere; 1 = next, 2 = behind that, ...
    object: I64  # [A]  the object that its action names, or meant; -1 = none
    target: I64  # [A]  arrival number of whom its chat is for; 0 = nobody


def doing_of(before: st.World, after: st.World, age_weight: float) -> Doing:
    """What the rows do in the tick between two worlds; `after` holds those who leave still."""
    queues, tick, running = plain(after.queues), plain(after.tick), plain(after.running)
    works = np.asarray(plain(after.work)["on_site"], np.bool_)
    code = np.full(len(tick), IDLE, np.int64)
    code[works] = WORKS
    code[queues["object"] != st.NOTHING] = QUEUES
    code[queues["reserved"] != st.NOTHING] = HOLDS
    code[(tick["kind"] == st.MOVE) & tick["success"]] = WALKS
    finished, under_way = tick["finished"] != st.NOTHING, running["affordance"] != st.NOTHING
    code[finished] = tick["finished"][finished]
    code[under_way] = running["affordance"][under_way]
    left = np.where(under_way, running["left"] + 1, finished.astype(np.int64))
    return Doing(
        code, left, queues["object"].astype(np.int64), _places(after, age_weight), _objects(before, after),
        _targets(after),
    )  # fmt: skip


def _places(after: st.World, age_weight: float) -> I64:
    """The place of each row among those who wait for the same object, as the next grant has it."""
    queues, arrival = plain(after.queues), plain(after.agents)["arrival"]
    places = np.zeros(len(queues), np.int64)
    waits = (queues["object"] != st.NOTHING) & (queues["reserved"] == st.NOTHING)
    if not waits.any():
        return places
    now = int(after.clock.tick[0])  # the next tick: the clock has moved on
    rows = np.flatnonzero(waits)
    score: F64 = age_weight * (now - queues["since"][rows]) - queues["ticket"][rows]
    order = rows[np.lexsort((arrival[rows], -score, queues["object"][rows]))]
    there: dict[int, int] = {}
    for row in order.tolist():
        o = int(queues["object"][row])
        places[row] = there[o] = there.get(o, 0) + 1
    return places


def _objects(before: st.World, after: st.World) -> I64:
    """The object that each row's action names or meant: named, else what it got, else where it was refused."""
    tick, queues, running = plain(after.tick), plain(after.queues), plain(after.running)
    was, queued = plain(before.running)["object"], plain(before.queues)["object"]
    kind, meant = tick["kind"], np.full(len(tick), st.NOTHING, np.int64)
    about = (kind == st.REQUEST) | (kind == st.START) | (kind == st.RELEASE)
    if not about.any():
        return meant
    candidates = (
        (tick["object"], about),
        (tick["refusal_object"], about),
        (queues["object"], kind == st.REQUEST),
        (running["object"], kind == st.START),
        (was, kind == st.RELEASE),
        (queued, (kind == st.START) | (kind == st.RELEASE)),
    )
    for found, where in candidates:
        use = where & (meant == st.NOTHING) & (found != st.NOTHING)
        meant[use] = found[use]
    return meant


def _targets(after: st.World) -> I64:
    """The arrival numbers of those whom chats are for: named, else the partner, else who refused."""
    tick, arrival = plain(after.tick), plain(after.agents)["arrival"]
    found = np.zeros(len(tick), np.int64)
    for row in np.flatnonzero(tick["kind"] == st.CHAT).tolist():
        for key in ("target", "chat_with", "refusal_by"):
            other = int(tick[key][row])
            if other >= 0:
                found[row] = arrival[other]
                break
    return found
