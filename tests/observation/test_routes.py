"""Tables of ways, worked out by hand in a town of 3 x 2 tiles with a wall.

F # a      The fridge F (0, 0) and the place W (2, 0): the way between them leads around the wall, 4 tiles.
. . .
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.observation.towns import scene
from townlet.generator.generate import GeneratedWorld
from townlet.observation import routes
from townlet.observation.routes import DIRECTIONS, STAY
from townlet.world.state import EAST, NORTH, NOTHING, SOUTH, WEST, Town

SPAN = 5  # width + height: the distance of what cannot be reached
NOWHERE = SPAN * DIRECTIONS + STAY


@pytest.fixture(scope="module")
def generated() -> GeneratedWorld:
    jobs = {"clerk": {"start_tick": 0, "end_tick": 50, "location": "a"}}
    return scene(["F#a", "..."], agents={"a": "clerk"}, objects={"F": "fridge"}, jobs=jobs)


@pytest.fixture
def town(generated: GeneratedWorld) -> Town:
    return generated.params.town


def test_first_steps(town: Town) -> None:
    step = routes.first_steps(town)
    fridge, work = int(town.site.place[0]), 1
    assert step[fridge].tolist() == [[STAY, STAY, SOUTH], [NORTH, WEST, WEST]]
    assert step[work].tolist() == [[SOUTH, STAY, STAY], [EAST, EAST, NORTH]]


def test_of_several_shortest_ways_the_first_direction_counts() -> None:
    town = scene([".a", "F."], objects={"F": "fridge"}).params.town
    assert routes.first_steps(town)[0].tolist() == [[SOUTH, SOUTH], [STAY, WEST]]


def test_what_a_code_means(town: Town) -> None:
    meaning = routes.table(town)
    assert meaning[4 * DIRECTIONS + SOUTH].tolist() == pytest.approx([0, 1, 4 / SPAN])
    assert meaning[2 * DIRECTIONS + WEST].tolist() == pytest.approx([-1, 0, 2 / SPAN])
    assert meaning[STAY].tolist() == [0, 0, 0]
    assert meaning[NOWHERE].tolist() == [0, 0, 1]


def test_ways_to_the_nearest_object_of_a_type(generated: GeneratedWorld, town: Town) -> None:
    codes = routes.to_nearest(town)
    fridge, bed = (generated.names.object_types.index(name) for name in ("fridge", "bed"))
    assert codes[..., fridge].tolist() == [
        [STAY, NOWHERE, 4 * DIRECTIONS + SOUTH],
        [1 * DIRECTIONS + NORTH, 2 * DIRECTIONS + WEST, 3 * DIRECTIONS + WEST],
    ]
    assert (codes[..., bed] == NOWHERE).all()  # there is none


def test_ways_to_places(town: Town) -> None:
    codes = routes.to_places(town, np.array([1, NOTHING]))
    assert codes[0].tolist() == [
        [4 * DIRECTIONS + SOUTH, NOWHERE, STAY],
        [3 * DIRECTIONS + EAST, 2 * DIRECTIONS + EAST, 1 * DIRECTIONS + NORTH],
    ]
    assert (codes[1] == NOWHERE).all()


def test_targets(generated: GeneratedWorld, town: Town) -> None:
    """By tile: dx / width, dy / height, walking distance / (width + height)."""
    fridge = generated.names.object_types.index("fridge")
    found = routes.targets(town, [fridge, NOTHING])
    assert found[0, 2, :3].tolist() == pytest.approx([-2 / 3, 0, 4 / SPAN])
    assert found[1, 0, :3].tolist() == pytest.approx([0, -1 / 2, 1 / SPAN])
    assert (found[..., 3:] == [0, 0, 1]).all()
