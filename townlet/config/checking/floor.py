"""What the floor of a town allows: who can walk where, whether everything finds a tile, and what its distances take.

What a capture would refuse when it builds the world is said here, with its place in the config. Things without a
position are put on free tiles of the largest connected piece of floor, whatever the seed
(`townlet/generator/placement.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from townlet.config.affordances import EntriesOfFile, ObjectInFile
from townlet.config.defaults import scheduled
from townlet.config.schema import Config, ScenarioAgent
from townlet.config.schema.scenario import MOST_AGENTS
from townlet.config.yaml_loader import Keys

Mistake = tuple[Keys, str]
AUTO_SEEDED = ("alice", "bob")
DISTANCE_BYTES = 2  # uint16, for each tile and place
MOST_DISTANCE_BYTES = 512_000_000  # of all walking distances of a town: 3,900 places on the largest grid

Tile = tuple[int, int]


class Floor:
    """The tiles that are no walls, in connected pieces."""

    def __init__(self, config: Config) -> None:
        self.width, self.height = config.world.grid_size
        self.walls = frozenset(
            (x, y) for x, y in config.world.wall_tiles() if x < self.width and y < self.height
        )

    @property
    def size(self) -> int:
        """Tiles of floor."""
        return self.width * self.height - len(self.walls)

    def is_floor(self, tile: Tile) -> bool:
        return tile[0] < self.width and tile[1] < self.height and tile not in self.walls

    @cached_property
    def pieces(self) -> list[int]:
        """The number of each tile's piece, row by row; -1 for walls. Pieces are numbered by their first tile."""
        piece = [-1] * (self.width * self.height)
        for x, y in self.walls:
            piece[y * self.width + x] = -2
        number = 0
        for start in range(len(piece)):
            if piece[start] == -1:
                self._fill(piece, start, number)
                number += 1
        return [max(found, -1) for found in piece]

    def _fill(self, piece: list[int], start: int, number: int) -> None:
        width, size = self.width, len(piece)
        piece[start] = number
        edge = [start]
        while edge:
            tile = edge.pop()
            x = tile % width
            around = (tile - width, tile + width, tile - 1 if x else -1, tile + 1 if x + 1 < width else -1)
            for other in around:
                if 0 <= other < size and piece[other] == -1:
                    piece[other] = number
                    edge.append(other)

    def piece(self, tile: Tile) -> int:
        """The piece that a floor tile belongs to."""
        return 0 if not self.walls else self.pieces[tile[1] * self.width + tile[0]]

    @cached_property
    def largest(self) -> tuple[int, int]:
        """Number and size of the largest piece, the first of equals; (0, 0) where there is no floor."""
        if not self.walls:
            return 0, self.size
        sizes: dict[int, int] = {}
        for number in self.pieces:
            if number >= 0:
                sizes[number] = sizes.get(number, 0) + 1
        return max(sizes.items(), key=lambda item: (item[1], -item[0]), default=(0, 0))


def floor_mistakes(config: Config, entries: EntriesOfFile | None) -> Iterator[Mistake]:
    """Whatever the floor does not allow those who live there; each mistake with its path in the config."""
    floor = Floor(config)
    yield from _walks(config, floor)
    scenario = config.scenario
    if scenario is not None and entries is not None:
        own = {thing.id for thing in scenario.objects}
        shared = [entry for entry in entries.root if isinstance(entry, ObjectInFile) and entry.id not in own]
        if 0 < len(scenario.agents) <= min(MOST_AGENTS, floor.size):
            things = [*shared, *scenario.objects, *_waiting(config)]
            yield from free_tile_mistakes(config, things, floor)
        yield from _distances(config, floor, len(shared) + len(scenario.objects))


def _walks(config: Config, floor: Floor) -> Iterator[Mistake]:
    """A schedule leads nobody to where walls keep it from: the entry would last for ever."""
    if not floor.walls:
        return
    for a, agent, e, entry in scheduled(config):
        if entry.position is None or not floor.is_floor(entry.position):
            continue
        piece = floor.piece(entry.position)
        for start in agents_begin_on(config, agent):
            if start is not None and not floor.is_floor(start):
                continue
            if piece != (floor.largest[0] if start is None else floor.piece(start)):
                where = (
                    f"{list(start)}" if start is not None else "the largest piece of floor, where it begins"
                )
                message = (
                    f"expected a tile that {agent.id} can reach from {where}, got {list(entry.position)}"
                )
                yield ("scenario", "agents", a, "schedule", e, "position"), f"{message}, which walls cut off"
                break


def agents_begin_on(config: Config, agent: ScenarioAgent) -> Sequence[Tile | None]:
    """The tiles on which an agent may start; None is any tile that is free."""
    starts = config.scenario.starts if config.scenario is not None else None
    if starts is None or starts.positions is None:
        return [agent.position]
    return [None] if isinstance(starts.positions, str) else starts.positions


def _waiting(config: Config) -> list[ScenarioAgent]:
    """The scenario's agents, but for those whom its `starts` give a tile; who starts anywhere has none."""
    assert config.scenario is not None
    starts, agents = config.scenario.starts, list(config.scenario.agents)
    if starts is None or starts.positions is None:
        return agents
    if not isinstance(starts.positions, str):
        return []
    return [agent.model_copy(update={"position": None}) for agent in agents]


def free_tile_mistakes(
    config: Config, things: Sequence[Any], floor: Floor | None = None
) -> Iterator[Mistake]:
    """Each of the `things` (objects and agents) without a position gets a tile of its own, of the largest piece."""
    floor = floor or Floor(config)
    placed = {thing.position for thing in things if thing.position is not None}
    number, size = floor.largest
    free = size - sum(floor.is_floor(tile) and floor.piece(tile) == number for tile in placed)
    waiting = sum(thing.position is None for thing in things)
    if waiting > free:
        who = f"{waiting} agents and objects without a position"
        message = f"expected a tile of its own for each of {who}, found {free} that are free and connected"
        path = ("world", "map") if config.world.map is not None else ("world", "grid_size")
        yield path, f"{message}; make the grid larger"


def _distances(config: Config, floor: Floor, objects: int) -> Iterator[Mistake]:
    """Walking distances are kept for every place that somebody may walk to."""
    jobs = {job.location for job in config.jobs.values() if job.location is not None}
    others = objects + len(config.perturbations.events)
    most = MOST_DISTANCE_BYTES // (DISTANCE_BYTES * floor.width * floor.height)
    if len(jobs) + others > most:
        yield (
            ("jobs",),
            f"expected at most {most:,} places on a grid of this size, got {len(jobs) + others:,}",
        )
        return
    walked: set[Tile] = set(jobs)
    for a, _, e, entry in scheduled(config):
        if entry.position is not None:
            walked.add(entry.position)
            if len(walked) + others > most:
                path = ("scenario", "agents", a, "schedule", e, "position")
                message = f"expected at most {most:,} places to walk to on a grid of this size, got more"
                yield path, f"{message}: the distances to all of them are kept in memory"
                return
