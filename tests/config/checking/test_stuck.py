"""Schedules that cannot go on: what is said of them, and what is not said of those that can."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from townlet.config import Resolved
from townlet.config.checking.stuck import SPARE_TICKS
from townlet.world.rules import queues

Load = Callable[[str], Resolved]
TOWN = """\
config_id: t
world: {{grid_size: [20, 20]}}
scenario:
  objects:
    - {{id: shower_1, type: shower, position: [3, 3]}}
    - {{id: shower_2, type: shower, position: [9, 9]}}
    - {{id: till, type: checkout, position: [3, 5]}}
  agents:
    - id: ana
      position: {at}
      wallet: {wallet}
      schedule:
        - {entries}
"""
REQUEST = "{kind: request, object: shower_1, affordance: use_shower}"
GRANTED = "{kind: request, object: shower_1, affordance: use_shower, until: granted}"
START = "{kind: start, object: shower_1, affordance: use_shower, until: finished}"
ONCE = "{kind: start, object: shower_1, affordance: use_shower}"


def town(*entries: str, at: str = "[3, 4]", wallet: float = 2) -> str:
    return TOWN.format(entries="\n        - ".join(entries), at=at, wallet=wallet)


def test_a_reservation_lapses_here_as_there() -> None:
    assert SPARE_TICKS == queues.SPARE_TICKS


STUCK = [
    ([START], 0, "is tried and refused for ever: nothing requests 'shower_1' before it; add a `request`"),
    ([ONCE], 0, "is refused each time: nothing requests 'shower_1' before it"),
    (["{kind: wait}", START, GRANTED], 1, "for ever: nothing requests 'shower_1' before it"),
    (["{kind: start, affordance: use_shower, until: finished}"], 0, "nothing requests 'use_shower' before it"),
    ([REQUEST, "{kind: wait, ticks: 6}", START], 2, "at least 7 ticks after the request, and its"),
    ([REQUEST, "{kind: chat, ticks: 9}", START], 2, "at least 10 ticks after the request"),
    ([GRANTED, "{kind: move, position: [3, 15]}", "{kind: move, position: [3, 4]}", START], 3, "lapses after 6"),
    ([GRANTED, "{kind: release}", START], 2, "the `release` before it gives the reservation of 'shower_1' back"),
    ([GRANTED, "{kind: request, object: till, affordance: pay}", START], 2, "the request before it is for 'till'"),
    (["{kind: request, object: shower_2, affordance: use_shower}", START], 1, "is for 'shower_2', not for 'shower_1'"),
    ([GRANTED, START, START], 2, "nothing requests 'shower_1' before it"),
    ([GRANTED, "{kind: move, position: [3, 7]}", START], 2, "it stands 4 tiles from 'shower_1', which is"),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "index", "message"), STUCK)
def test_what_is_refused_for_ever(load: Load, entries: list[str], index: int, message: str) -> None:
    (warning,) = load(town(*entries)).warnings
    place = f"town.yaml:{13 + index}:11: scenario.agents[0].schedule[{index}]: this start "
    assert warning.startswith(place) and message in warning


GOES_ON = [
    [GRANTED, START],
    [REQUEST, START],
    [REQUEST, "{kind: wait, until: granted}", START, "{kind: wait, ticks: 99}"],
    [REQUEST, "{kind: wait, ticks: 5}", START],
    [GRANTED, "{kind: move, position: [3, 2]}", START],
    ["{kind: request, affordance: use_shower, until: granted}", START],
    [ONCE, GRANTED],  # refused in the first round only
    [START.replace("}", ", blocked: true}")],  # expected to be refused
    [GRANTED, "{kind: release, object: shower_1}", GRANTED, START],
    ["{kind: wait}"],
]


@pytest.mark.parametrize("entries", GOES_ON)
def test_what_goes_on(load: Load, entries: list[str]) -> None:
    assert load(town(*entries)).warnings == ()


def test_who_stands_too_far_away_or_cannot_pay(load: Load) -> None:
    (far,) = load(town(GRANTED, START, at="[3, 5]")).warnings
    assert "it stands 2 tiles from 'shower_1'" in far
    (poor,) = load(town(GRANTED, START, wallet=0.1)).warnings
    assert "it costs 0.2 coins, and 'ana' has 0.1 and earns none" in poor


def test_what_walls_and_chance_may_change_is_not_said(load: Load) -> None:
    far = town(GRANTED, "{kind: wait, ticks: 9}", START)
    assert load(far).warnings
    assert load(far.replace("20]}", "20], walls: [[3, 0]]}")).warnings == ()
    somewhere = far.replace("      position: [3, 4]\n", "")
    assert load(somewhere).warnings == ()  # it may begin at the other end of the grid, 38 tiles away
    assert load(somewhere.replace("ticks: 9", "ticks: 43")).warnings
