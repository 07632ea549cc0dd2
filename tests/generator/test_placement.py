"""Where things stand that have no position."""

from __future__ import annotations

import numpy as np
import pytest

from tests.generator.towns import TOWN
from townlet.config import Resolved
from townlet.errors import UserError
from townlet.generator.generate import generate
from townlet.generator.placement import Placement


def test_what_has_no_position_is_put_on_the_same_free_tile_every_time(load) -> None:
    text = TOWN.replace("position: [2, 2], ", "") % ""
    first, second, other = (generate(load(text), seed=seed) for seed in (1, 1, 2))
    tiles = [(b.params.town.site.x[0], b.params.town.site.y[0]) for b in (first, second, other)]
    assert tiles[0] == tiles[1]
    assert not first.params.town.wall[tiles[0][1], tiles[0][0]]
    assert tiles[0] not in ((1, 1), (4, 1), (1, 2))
    assert first.notices == (f"object fridge has no position: put on [{tiles[0][0]}, {tiles[0][1]}]",)


def test_a_full_grid_is_refused(load) -> None:
    """Loading refuses one that is written so; a world may be asked for of one that was made otherwise."""
    world = "world: {grid_size: [3, 1], walls: [[1, 0]]}"  # two tiles that do not reach each other
    text = f"config_id: full\n{world}\njobs: {{}}\nscenario: {{agents: [{{id: a}}, {{id: b%s}}]}}\n"
    with pytest.raises(UserError, match="expected a tile of its own for each of 2 agents and objects"):
        load(text % "")
    resolved = load(text % ", position: [2, 0]")
    data = resolved.to_json_dict()
    del data["config"]["scenario"]["agents"][1]["position"]
    with pytest.raises(UserError, match="agent b: no free tile is left on the grid; make"):
        generate(Resolved.from_json_dict(data), seed=0)


def test_objects_are_placed_before_agents_and_never_on_one_another(load) -> None:
    text = TOWN.replace("position: [2, 2], ", "").replace("position: [4, 1]", "needs: {}") % ""
    for seed in range(20):
        generated = generate(load(text), seed=seed)
        site, people = generated.params.town.site, generated.params.people
        columns = [*site.x, *people.start_x], [*site.y, *people.start_y]
        tiles = list(zip(*columns, strict=True))
        assert len(set(tiles)) == 4
        assert [notice.split()[0] for notice in generated.notices] == ["object", "agent"]


def test_only_free_tiles_of_the_largest_floor_are_given() -> None:
    """Four connected tiles, of which one is taken, and two others beyond a wall."""
    region = np.array([[0, 0, -1, 1], [0, 0, -1, 1]], np.int32)
    placement = Placement(seed=7, region=region, taken={(1, 1)})
    given = {placement.place("object", name) for name in ("a", "b", "c")}
    assert given == {(0, 0), (1, 0), (0, 1)}
    assert len(placement.notices) == 3
    with pytest.raises(UserError, match="object d: no free tile is left"):
        placement.place("object", "d")
