"""What `scenario.starts` changes of what is said of floors and schedules; messages of its own are in cases/."""

from __future__ import annotations

from collections.abc import Callable

from tests.config.checking.test_stuck import GRANTED, START, town
from townlet.config import Resolved

Mistakes = Callable[[str], list[str]]
Load = Callable[[str], Resolved]

TWO_ROOMS = """\
config_id: t
world: {map: '..#...\n\n..#...'}
scenario:
  starts: {positions: %s}
  agents:
    - {id: a, position: [0, 0], schedule: [{kind: move, position: [1, 1]}]}
    - {id: b, position: [5, 1]}
"""


def test_a_walk_has_to_be_possible_from_wherever_one_may_begin(mistakes: Mistakes, load: Load) -> None:
    path = "town.yaml:8:67: scenario.agents[0].schedule[0].position: expected a tile that a can reach from "
    assert mistakes(TWO_ROOMS % "[[0, 0], [5, 0]]") == [path + "[5, 0], got [1, 1], which walls cut off"]
    largest = "the largest piece of floor, where it begins, got [1, 1], which walls cut off"
    assert mistakes(TWO_ROOMS % "anywhere") == [path + largest]
    assert load(TWO_ROOMS % "[[0, 0], [1, 0]]").agents


def test_who_starts_anywhere_needs_a_free_tile(mistakes: Mistakes, load: Load) -> None:
    room = "config_id: t\nworld: {grid_size: [2, 1]}\nscenario:\n  starts: {positions: %s}\n" + (
        "  objects: [{id: o, type: bed, position: [0, 0]}]\n  agents: [{id: a, position: [0, 0]}, {id: b}]\n"
    )
    expected = "expected a tile of its own for each of 2 agents and objects without a position, found 1"
    assert [expected in message for message in mistakes(room % "anywhere")] == [True]
    assert load(room % "[[0, 0], [1, 0]]").agents  # also on the bed


def test_a_tile_that_is_no_floor(mistakes: Mistakes) -> None:
    found = mistakes(TWO_ROOMS.replace("[1, 1]}", "[1, 0]}") % "[[0, 0], [2, 0]]")
    assert [message.split(": ", 1)[1] for message in found] == [
        "scenario.starts.positions: expected floor tiles inside the 6x2 grid, got [2, 0]"
    ]


def test_a_schedule_that_may_go_on_with_what_the_seed_draws(load: Load) -> None:
    away = town(GRANTED, "{kind: move, position: [3, 7]}", START, at="[3, 4]")
    assert load(away).warnings  # it stands four tiles away, wherever it began
    poor = town(GRANTED, "{kind: move, position: [3, 4]}", START, wallet=0.1)
    rich = poor + "  starts: {wallet: [0, 1]}\n"
    assert len(load(poor).warnings) == 1 and not load(rich).warnings
