"""The map, and what stands on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from townlet.config.affordances import AffordanceFile
from townlet.config.schema import Config
from townlet.vocabulary import STOCKS
from townlet.world import paths
from townlet.world.state import Condition, Site, Town

Tile = tuple[int, int]

# What an object keeps where neither the affordance file nor the scenario says so.
DEFAULT_STOCK = {"fridge": {"meals": 5}, "stove": {"raw_ingredients": 3}}


@dataclass(frozen=True)
class Thing:
    """An object before it is an index."""

    id: str
    type: str
    position: Tile | None
    stock: dict[str, int]


def things(config: Config, affordances: AffordanceFile) -> list[Thing]:
    """The objects of the affordance file, then the scenario's; a scenario's object replaces one of the same id."""
    found: dict[str, Thing] = {}
    for entry in affordances.objects:
        found[entry.id] = _thing(entry.id, entry.object_type, entry.position, entry.stock)
    for item in config.scenario.objects if config.scenario else ():
        found[item.id] = _thing(item.id, item.type, item.position, item.stock)
    return list(found.values())


def _thing(name: str, kind: str, position: Tile | None, stock: dict | None) -> Thing:
    amounts = {**DEFAULT_STOCK.get(kind, {}), **{key: int(value) for key, value in (stock or {}).items()}}
    return Thing(name, kind, (int(position[0]), int(position[1])) if position is not None else None, amounts)


def walls(config: Config) -> np.ndarray:
    """[H, W] bool: True where nobody can stand."""
    width, height = config.world.grid_size
    wall = np.zeros((height, width), np.bool_)
    for x, y in config.world.wall_tiles():
        wall[y, x] = True
    return wall


@dataclass(frozen=True)
class Places:
    """Tiles with a distance field, without repetition, and their index."""

    tiles: tuple[Tile, ...]

    @classmethod
    def of(cls, tiles: Iterable[Tile]) -> Places:
        return cls(tuple(dict.fromkeys(tiles)))

    def index(self, tile: Sequence[int]) -> int:
        return self.tiles.index((int(tile[0]), int(tile[1])))


def build_town(
    config: Config, wall: np.ndarray, region: np.ndarray, objects: list[Thing], types: Sequence[str],
    offers: Sequence[int], places: Places, condition: Condition, *, pad: int,
) -> Town:  # fmt: skip
    """The map as arrays, with seed 0. `objects` all have positions; `offers` is the type index of each affordance."""
    height, width = wall.shape
    count = len(objects)
    tiles = [thing.position or (0, 0) for thing in objects]
    kind = np.array([types.index(thing.type) for thing in objects], np.int64)
    place = np.array([places.index(tile) for tile in tiles], np.int64)
    distance = np.empty((len(places.tiles), height, width), np.uint16)
    place_x = np.array([x for x, _ in places.tiles], np.int64)
    place_y = np.array([y for _, y in places.tiles], np.int64)
    paths.distance_fields(wall, place_x, place_y, distance)
    nearest = np.empty((len(types), height, width), np.int16)
    paths.nearest_objects(distance, place, kind, nearest)
    near_first, near_object = _near(tiles, width, height)
    of_type_first, of_type = _by_key(kind, len(types))
    offers_first, offer = _by_key(np.array(offers, np.int64), len(types))
    standing = _layer(wall, pad)
    amount = _layer(wall, pad)
    for x, y in tiles:
        standing[y + pad, x + pad] = 1
        amount[y + pad, x + pad] += 1
    walkable = _layer(wall, pad)
    walkable[pad : pad + height, pad : pad + width] = ~wall
    by_type = np.zeros((len(types), *walkable.shape), np.float32)
    for (x, y), index in zip(tiles, kind, strict=True):
        by_type[index, y + pad, x + pad] = 1
    kept = np.zeros((count, len(STOCKS)), np.bool_)
    full = np.zeros((count, len(STOCKS)), np.int64)
    for o, thing in enumerate(objects):
        for s, name in enumerate(STOCKS):
            if name in thing.stock:
                kept[o, s], full[o, s] = True, thing.stock[name]
    return Town(
        size=np.array([width, height, pad, config.world.ticks_per_day], np.int64),
        seed=np.zeros(1, np.int64),
        wall=wall, region=region, distance=distance, place_x=place_x, place_y=place_y,
        site=Site(
            type=kind, x=np.array([x for x, _ in tiles], np.int64), y=np.array([y for _, y in tiles], np.int64),
            place=place, kept=kept, full=full,
        ),
        condition=condition,
        near_first=near_first, near_object=near_object, nearest=nearest,
        of_type_first=of_type_first, of_type=of_type, offers_first=offers_first, offers=offer,
        layer_objects=standing, layer_walkable=walkable, layer_types=by_type, layer_count=amount,
    )  # fmt: skip


def _layer(wall: np.ndarray, pad: int) -> np.ndarray:
    height, width = wall.shape
    return np.zeros((height + 2 * pad, width + 2 * pad), np.float32)


def _near(tiles: Sequence[Tile], width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Objects within Manhattan distance 1 of each tile, as ranges of one list (lowest index first)."""
    near: list[list[int]] = [[] for _ in range(width * height)]
    for o, (x, y) in enumerate(tiles):
        for dx, dy in ((0, 0), (0, -1), (0, 1), (1, 0), (-1, 0)):
            if 0 <= x + dx < width and 0 <= y + dy < height:
                near[(y + dy) * width + x + dx].append(o)
    first = np.zeros(width * height + 1, np.int64)
    np.cumsum(list(map(len, near)), out=first[1:])
    return first, np.array(list(itertools.chain.from_iterable(near)), np.int64)


def _by_key(keys: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices grouped by key: `order[first[k]:first[k + 1]]` are those with key k, ascending."""
    order = np.argsort(keys, kind="stable").astype(np.int64)
    first = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=count)[:count], out=first[1:])
    return first, order
