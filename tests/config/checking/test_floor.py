"""What a capture would refuse because of walls and room: said at its line; the same as the world's own arithmetic."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from townlet.config import Resolved, load_config
from townlet.config.checking import floor as floor_module
from townlet.config.checking.floor import Floor
from townlet.config.load import auto_seed, check_auto_seeded
from townlet.config.schema import Config
from townlet.errors import ConfigError, UserError
from townlet.generator import paths
from townlet.generator.generate import generate

Mistakes = Callable[[str], list[str]]
Load = Callable[[str], Resolved]

TWO_ROOMS = "config_id: t\nworld: {map: '..#...\n\n..#...'}\n"
WALKS = TWO_ROOMS + """\
scenario:
  agents:
    - {id: a, position: [0, 0], schedule: [{kind: wait}, {kind: move, position: [4, 1]}]}
    - {id: b, position: [5, 1], schedule: [{kind: move, position: [3, 0]}]}
    - id: c
      schedule: [{kind: move, position: [3, 0]}, {kind: move, position: [1, 0]}]
"""  # fmt: skip


def test_walks_that_walls_cut_off(mistakes: Mistakes) -> None:
    assert mistakes(WALKS) == [
        "town.yaml:7:81: scenario.agents[0].schedule[1].position: expected a tile that a can reach from [0, 0], "
        "got [4, 1], which walls cut off",
        "town.yaml:10:73: scenario.agents[2].schedule[1].position: expected a tile that c can reach from the largest "
        "piece of floor, where it begins, got [1, 0], which walls cut off",
    ]


def test_walks_that_have_another_mistake_are_told_once(mistakes: Mistakes) -> None:
    for tile, message in (
        ("[9, 9]", "expected a tile inside the 6x2 grid"),
        ("[2, 0]", "expected a floor tile"),
    ):
        found = mistakes(WALKS.replace("[4, 1]", tile))
        assert len(found) == 2 and message in found[0]


ROOM = "config_id: t\nworld: {grid_size: [2, 2]}\nscenario: {objects: [OBJECTS], agents: [AGENTS]}\n"


def test_no_free_tile(mistakes: Mistakes, load: Load) -> None:
    objects = ", ".join(f"{{id: o{number}, type: bed}}" for number in range(3))
    full = ROOM.replace("OBJECTS", objects)
    assert load(full.replace("AGENTS", "{id: a}")).agents
    message = (
        "town.yaml:2:20: world.grid_size: expected a tile of its own for each of 5 agents and objects without a "
        "position, found 4 that are free and connected; make the grid larger"
    )
    assert mistakes(full.replace("AGENTS", "{id: a}, {id: b}")) == [message]
    assert mistakes(full.replace("AGENTS", "{id: a, position: [1, 1]}, {id: b, position: [0, 0]}")) == [
        message.replace("5 agents", "3 agents").replace("found 4", "found 2")
    ]


def test_a_town_without_room_for_alice_and_bob(load: Load) -> None:
    resolved = load("config_id: t\nworld: {map: '..#...'}\n")
    with pytest.raises(ConfigError) as found:
        check_auto_seeded(resolved, "town.yaml")
    assert str(found.value).startswith(
        "town.yaml: world.map: expected a tile of its own for each of 9 agents and"
    )
    with pytest.raises(UserError, match="no free tile is left"):
        generate(auto_seed(resolved), seed=0)
    check_auto_seeded(load("config_id: t\n"), "town.yaml")


def test_places_that_nobody_could_hold_in_memory(mistakes: Mistakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor_module, "MOST_DISTANCE_BYTES", 2 * 10 * 10 * 5)
    moves = ", ".join(f"{{kind: move, position: [{number}, 0]}}" for number in range(6))
    text = "config_id: t\njobs: {}\nworld: {grid_size: [10, 10]}\nscenario: {agents: [{id: a, schedule: [MOVES]}]}\n"
    assert mistakes(text.replace("MOVES", moves)) == [
        "town.yaml:4:223: scenario.agents[0].schedule[5].position: expected at most 5 places to walk to on a grid of "
        "this size, got more: the distances to all of them are kept in memory"
    ]
    jobs = ", ".join(f"j{number}: {{location: [{number}, 0]}}" for number in range(6))
    assert mistakes(f"config_id: t\nworld: {{grid_size: [10, 10]}}\njobs: {{{jobs}}}\nscenario: {{}}\n") == [
        "town.yaml:3:7: jobs: expected at most 5 places on a grid of this size, got 6"
    ]


def test_pieces_are_those_of_the_world() -> None:
    draw = random.Random(1)
    for _ in range(20):
        width, height = draw.randint(1, 9), draw.randint(1, 9)
        walls = [(x, y) for x in range(width) for y in range(height) if draw.random() < 0.4]
        config = Config.model_validate(
            {"config_id": "t", "world": {"grid_size": [width, height], "walls": walls}}
        )
        wall = np.zeros((height, width), np.bool_)
        for x, y in walls:
            wall[y, x] = True
        region = np.empty((height, width), np.int32)
        paths.regions(wall, region)
        floor = Floor(config)
        assert floor.pieces == region.reshape(-1).tolist()
        labels, sizes = np.unique(region[region >= 0], return_counts=True)
        expected = (int(labels[np.argmax(sizes)]), int(sizes.max())) if labels.size else (0, 0)
        assert floor.largest == expected and floor.size == int((~wall).sum())


ARBITRARY = """\
config_id: t
world: {grid_size: [4, 3], walls: [WALLS]}
jobs: {}
scenario:
  objects: [OBJECTS]
  agents: [AGENTS]
"""


def test_what_loads_can_be_built(load: Load) -> None:
    """Towns so small that most have no room, or a wall in the way."""
    draw = random.Random(7)
    outcomes = set()
    for _ in range(60):
        resolved, refused = None, ""
        try:
            resolved = load(arbitrary(draw))
        except ConfigError as error:
            refused = str(error)
        outcomes.add("cut off" if "cut off" in refused else "tile of its own" if "of its own for" in refused else
                     "other" if refused else "loads")  # fmt: skip
        if resolved is not None:
            for seed in range(2):
                generate(resolved, seed=seed)
    assert outcomes == {"cut off", "tile of its own", "loads"}


def arbitrary(draw: random.Random) -> str:
    tiles = [[x, y] for x in range(4) for y in range(3)]
    walls = draw.sample(tiles, draw.randrange(7))
    floor = [tile for tile in tiles if tile not in walls]
    own = draw.sample(floor, 3)  # agents share no tile

    def place(tile: object) -> str:
        return f", position: {tile}" if draw.random() < 0.4 else ""

    def schedule() -> str:
        move = f", schedule: [{{kind: move, position: {draw.choice(floor)}}}]"
        return move if draw.random() < 0.5 else ""

    objects = [
        f"{{id: o{number}, type: bed{place(draw.choice(floor))}}}" for number in range(draw.randrange(6))
    ]
    agents = [f"{{id: a{number}{place(own[number])}{schedule()}}}" for number in range(1 + draw.randrange(3))]
    text = ARBITRARY.replace("WALLS", str(walls)[1:-1]).replace("OBJECTS", ", ".join(objects))
    return text.replace("AGENTS", ", ".join(agents))


def test_shipped_towns_have_room() -> None:
    assert load_config("town").agents
