"""The map, and what stands on it."""

from __future__ import annotations

from tests.generator.towns import TOWN
from townlet.generator.generate import generate
from townlet.world.state import FAR


def test_distances_respect_walls(load) -> None:
    town = generate(load(TOWN % ""), seed=0).params.town
    field = town.distance[town.site.place[0]]
    assert field[2, 2] == 0 and field[1, 1] == 2
    assert field[1, 4] == FAR and field[0, 0] == FAR
    assert town.region[1, 1] != town.region[1, 4] and town.region[0, 0] == -1


def test_objects_by_tile_and_by_type(load) -> None:
    town = generate(load(TOWN % ""), seed=0).params.town
    width = int(town.size[0])
    near = {
        (x, y): town.near_object[town.near_first[y * width + x] : town.near_first[y * width + x + 1]].tolist()
        for x, y in ((2, 2), (1, 2), (1, 1), (4, 1))
    }
    assert near == {(2, 2): [0, 1], (1, 2): [0, 1], (1, 1): [1], (4, 1): []}  # fridge 0, stove 1
    fridge = int(town.site.type[0])
    assert town.of_type[town.of_type_first[fridge] : town.of_type_first[fridge + 1]].tolist() == [0]
    assert town.nearest[fridge, 1, 1] == 0 and town.nearest[fridge, 1, 4] == -1  # behind the wall
