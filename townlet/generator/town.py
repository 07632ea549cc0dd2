"""The map, and what stands on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from townlet.config.affordances import DEFAULT_STOCK, AffordanceEntry, AffordanceFile, ObjectEntry
from townlet.config.schema import Config, ScenarioObject
from townlet.generator import paths
from townlet.generator.affordances import NEEDS_UTILITY, UTILITY_FACTS
from townlet.generator.type_sets import TypeSets
from townlet.vocabulary import STOCKS
from townlet.world.state import Condition, Site, Town

Tile = tuple[int, int]


@dataclass(frozen=True)
class Thing:
    """An object before it is an index."""

    id: str
    type: str
    position: Tile | None
    stock: dict[str, int]
    filled_to: dict[str, int]  # where that is more than the stock at the start


def things(config: Config, affordances: AffordanceFile) -> list[Thing]:
    """The objects of the affordance file, then the scenario's; a scenario's object replaces one of the same id."""
    found: dict[str, Thing] = {}
    for entry in affordances.objects:
        found[entry.id] = _thing(entry.id, entry.object_type, entry)
    for item in config.scenario.objects if config.scenario else ():
        found[item.id] = _thing(item.id, item.type, item)
    return list(found.values())


def _thing(name: str, kind: str, entry: ObjectEntry | ScenarioObject) -> Thing:
    position = (int(entry.position[0]), int(entry.position[1])) if entry.position is not None else None
    amounts = {**DEFAULT_STOCK.get(kind, {}), **(entry.stock or {})}
    return Thing(
        name, kind, position, amounts, {str(stock): most for stock, most in (entry.filled_to or {}).items()}
    )


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
    config: Config, wall: np.ndarray, region: np.ndarray, objects: list[Thing], sets: TypeSets,
    entries: Sequence[AffordanceEntry], places: Places, condition: Condition, *, pad: int,
) -> Town:  # fmt: skip
    """The map as arrays, with seed 0. `objects` all have positions."""
    height, width = wall.shape
    types = sets.types
    tiles = [thing.position or (0, 0) for thing in objects]
    kind = np.array([types.index(thing.type) for thing in objects], np.int64)
    place = np.array([places.index(tile) for tile in tiles], np.int64)
    distance = np.empty((len(places.tiles), height, width), np.uint16)
    place_x = np.array([x for x, _ in places.tiles], np.int64)
    place_y = np.array([y for _, y in places.tiles], np.int64)
    paths.distance_fields(wall, place_x, place_y, distance)
    belongs = sets.belongs([thing.type for thing in objects])
    nearest = np.empty((len(sets.sets), height, width), np.int16)
    paths.nearest_objects(distance, place, belongs, nearest)
    near_first, near_object = _near(tiles, width, height)
    of_type_first, of_type = _in_rows(np.flatnonzero(row) for row in belongs)
    offers_first, offers = _in_rows(sets.offers(entries))
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
    return Town(
        size=np.array([width, height, pad, config.world.ticks_per_day, 0], np.int64),
        seed=np.zeros(1, np.int64),
        wall=wall, region=region, distance=distance, place_x=place_x, place_y=place_y,
        site=_site(objects, kind, place),
        condition=condition,
        near_first=near_first, near_object=near_object, belongs=belongs, nearest=nearest,
        of_type_first=of_type_first, of_type=of_type, offers_first=offers_first, offers=offers,
        layer_objects=standing, layer_walkable=walkable, layer_types=by_type, layer_count=amount,
    )  # fmt: skip


def _site(objects: list[Thing], kind: np.ndarray, place: np.ndarray) -> Site:
    """What never changes about the objects, which all have positions."""
    kept = np.zeros((len(objects), len(STOCKS)), np.bool_)
    start, full = np.zeros(kept.shape, np.int64), np.zeros(kept.shape, np.int64)
    bound = np.zeros((len(objects), len(UTILITY_FACTS)), np.bool_)
    for o, thing in enumerate(objects):
        bound[o] = [fact in NEEDS_UTILITY.get(thing.type, ()) for fact in UTILITY_FACTS]
        for s, name in enumerate(STOCKS):
            if name in thing.stock:
                kept[o, s], start[o, s] = True, thing.stock[name]
                full[o, s] = max(thing.stock[name], thing.filled_to.get(name, 0))
    return Site(
        type=kind, place=place, kept=kept, start=start, full=full, bound=bound,
        x=np.array([thing.position[0] for thing in objects if thing.position], np.int64),
        y=np.array([thing.position[1] for thing in objects if thing.position], np.int64),
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
    return _in_rows(near)


def _in_rows(rows: Iterable[Sequence[int] | np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Lists one after another: `flat[first[k]:first[k + 1]]` is the one of row k."""
    listed = [list(map(int, row)) for row in rows]
    first = np.zeros(len(listed) + 1, np.int64)
    np.cumsum([len(row) for row in listed], out=first[1:])
    return first, np.array(list(itertools.chain.from_iterable(listed)), np.int64)
