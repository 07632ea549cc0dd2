"""Walking distances, regions and nearest objects against plain breadth-first searches."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as any_

from tests.world_arrays import distances
from townlet.generator import paths
from townlet.world.state import FAR


def fields(wall: np.ndarray, places: list[tuple[int, int]]) -> np.ndarray:
    """[P, H, W]: what `paths.distance_fields` makes of it."""
    found = np.empty((len(places), *wall.shape), np.uint16)
    x, y = (np.array([place[axis] for place in places], np.int64) for axis in (0, 1))
    paths.distance_fields(wall, x, y, found)
    return found


def drawn(text: str) -> np.ndarray:
    return np.array([[tile == "#" for tile in row] for row in text.split()])


def test_walls_are_walked_around() -> None:
    found = fields(drawn("..#. ..#. ...."), [(0, 0)])[0]
    assert found.tolist() == [[0, 1, FAR, 7], [1, 2, FAR, 6], [2, 3, 4, 5]]


def test_regions_are_numbered_in_row_major_order() -> None:
    region = np.empty((3, 4), np.int32)
    paths.regions(drawn(".#.. ##.. ..#."), region)
    assert region.tolist() == [[0, -1, 1, 1], [-1, -1, 1, 1], [2, 2, -1, 1]]


def test_the_nearest_object_of_a_type_is_the_lowest_on_ties() -> None:
    """Objects 0 and 2 are of type 0, on both ends of a corridor; object 1 of type 1 is behind a wall.

    The last row is the set of both types."""
    found = fields(drawn("....#."), [(3, 0), (5, 0), (0, 0)])
    nearest = np.empty((4, 1, 6), np.int16)
    belongs = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 1]], np.bool_)
    paths.nearest_objects(found, np.array([0, 1, 2]), belongs, nearest)
    both = [2, 2, 0, 0, -1, 1]
    assert nearest[:, 0].tolist() == [[2, 2, 0, 0, -1, -1], [-1, -1, -1, -1, -1, 1], [-1] * 6, both]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    any_.lists(any_.lists(any_.booleans(), min_size=5, max_size=5), min_size=1, max_size=5),
    any_.integers(0, 24),
)
def test_like_a_plain_search(rows: list[list[bool]], start: int) -> None:
    wall = np.array(rows)
    x, y = start % 5, start // 5 % len(rows)
    wall[y, x] = False
    found = fields(wall, [(x, y)])[0]
    np.testing.assert_array_equal(found, distances(wall, x, y))
    region = np.empty(wall.shape, np.int32)
    paths.regions(wall, region)
    np.testing.assert_array_equal(region == region[y, x], found < FAR)
    assert ((region < 0) == wall).all()
