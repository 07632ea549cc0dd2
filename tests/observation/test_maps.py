"""The map in small scenes that were worked out by hand: each channel, the edges, windows of even and odd size."""

from __future__ import annotations

import numpy as np

from tests.observation.towns import Buffers, hints, scene

SMALL = {"hybrid": {"local_window": 3}}
COMPACT = {"systems": {"observations": "compact"}}


def test_the_map_shows_what_is_around_and_nothing_beyond_the_edge() -> None:
    generated = scene(["ab.", "F.."], agents={"a": "", "b": ""}, objects={"F": "fridge"}, observations=SMALL)
    generated.world.grid.reserved[1 + 1, 0 + 1] = 1
    seen = Buffers(generated).observe()
    assert seen.channel("self") == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert seen.channel("agents") == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert seen.channel("objects") == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert seen.channel("reservations") == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert seen.channel("agents", row=1) == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert seen.channel("objects", row=1) == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_who_was_passed_through_is_seen_on_the_own_tile() -> None:
    generated = scene(["ab"], agents={"a": "", "b": ""}, observations=SMALL)
    generated.world.agents.x[1], generated.world.grid.agents[1, 1:3] = 0, [2, 0]
    assert Buffers(generated).observe().channel("agents")[1] == [0, 1, 0]


def test_a_window_of_even_size_shows_one_tile_more_to_the_north_and_west() -> None:
    generated = scene(["..F..", ".....", "S.a..", ".....", "....B"], objects={"F": "fridge", "S": "stove", "B": "bed"},
                  observations={"hybrid": {"local_window": 4}})  # fmt: skip
    seen = Buffers(generated).observe()
    assert seen.channel("self") == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert seen.channel("objects") == [[0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_compact_shows_floor_and_each_type_of_object() -> None:
    generated = scene(
        ["#.F", ".a.", "B.G"], objects={"F": "fridge", "G": "fridge", "B": "bed"}, features=COMPACT,
        observations={"compact": {"map_window": 3, "object_channels": ["fridge", "bed", "piano"]}},
    )  # fmt: skip
    seen = Buffers(generated).observe()
    assert seen.channel("walkable") == [[0, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert seen.channel("object:fridge") == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert seen.channel("object:bed") == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert seen.channel("object:piano") == [[0, 0, 0]] * 3
    assert seen.channel("objects") == [[0, 0, 1], [0, 0, 0], [1, 0, 1]]


def test_beyond_the_grid_nothing_is_floor() -> None:
    generated = scene(["a."], features=COMPACT, observations={"compact": {"map_window": 5}})
    assert Buffers(generated).observe().channel("walkable") == [
        [0] * 5,
        [0] * 5,
        [0, 0, 1, 1, 0],
        [0] * 5,
        [0] * 5,
    ]


def test_full_shows_the_way_from_every_tile() -> None:
    """Around a wall, to the fridge; within two tiles of it there is no step any more."""
    generated = scene(
        ["a#...",
         "..#.F",
         "....."],
        objects={"F": "fridge"},
        features={"systems": {"observations": "full"}},
        observations={"hybrid": {"local_window": 11}},
    )  # fmt: skip
    generated.world.agents.need[0] = [0.1, 0.5, 0.5]
    seen = Buffers(generated).observe()
    east = np.array(seen.channel("path_dx"))[5:8, 5:10]
    south = np.array(seen.channel("path_dy"))[5:8, 5:10]
    assert east.tolist() == [[0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 0]]
    assert south.tolist() == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert hints(seen) == ["south"]


def test_without_a_hint_the_way_is_nowhere() -> None:
    generated = scene(["a...F"], objects={"F": "fridge"}, features={"systems": {"observations": "full"}})
    generated.world.agents.need[0] = [0.9, 0.1, 0.9]  # what it lacks most is a shower, and there is none
    seen = Buffers(generated, fill=5.0).observe()
    assert not np.any(seen.channel("path_dx")) and not np.any(seen.channel("path_dy"))
