"""Where objects and agents stand that a config gives no position: the seed decides."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from townlet.config.schema import ScenarioAgent
from townlet.errors import UserError
from townlet.generator.town import Thing, Tile
from townlet.world.rng import USE_PLACEMENT, draw


@dataclass
class Placement:
    """Finds free tiles, the same ones for the same config and seed, and says which."""

    seed: int
    region: np.ndarray  # [H, W] int32
    taken: set[Tile]
    notices: list[str] = field(default_factory=list)

    def place(self, kind: str, name: str) -> Tile:
        """A free tile of the largest connected floor for `name`, noted. Raises UserError where none is left."""
        x, y = self._give(kind, name, self.free())
        self.notices.append(f"{kind} {name} has no position: put on [{x}, {y}]")
        return x, y

    def free(self) -> list[Tile]:
        """The tiles of the largest connected floor that nothing has, row by row."""
        labels, sizes = np.unique(self.region[self.region >= 0], return_counts=True)
        if not labels.size:
            return []
        free = self.region == labels[np.argmax(sizes)]
        for x, y in self.taken:
            if 0 <= y < free.shape[0] and 0 <= x < free.shape[1]:
                free[y, x] = False
        return [(int(x), int(y)) for y, x in np.argwhere(free)]

    def _give(self, kind: str, name: str, tiles: Sequence[Tile]) -> Tile:
        """One of `tiles` for `name`, which has it then. Raises UserError where there is none."""
        if not tiles:
            raise UserError(f"{kind} {name}: no free tile is left on the grid; make world.grid_size larger")
        key = zlib.crc32(f"{kind}:{name}".encode()) & 0x7FFFFFFF
        chosen = tiles[int(draw(self.seed, 0, key, USE_PLACEMENT, 0) * len(tiles))]
        self.taken.add(chosen)
        return chosen

    def start(self, name: str, positions: Sequence[Tile] | str, begun: set[Tile]) -> Tile:
        """The tile on which an agent starts, of `scenario.starts.positions`; `begun` are those of other agents."""
        among = (
            self.free() if isinstance(positions, str) else [tile for tile in positions if tile not in begun]
        )
        begun.add(tile := self._give("agent", name, among))
        return tile


def placed(
    things: Sequence[Thing],
    agents: Sequence[ScenarioAgent],
    region: np.ndarray,
    seed: int,
    positions: Sequence[Tile] | str | None = None,
) -> tuple[list[Thing], list[Tile], tuple[str, ...]]:
    """Objects and agents with tiles, and notices; those without a position are put on free ones, objects first.

    `positions`: of `scenario.starts`, where they are given; then the agents' own are not read.
    """
    given = [thing.position for thing in things]
    given += [agent.position for agent in agents] if positions is None else []
    placement = Placement(
        seed, region, {(int(x), int(y)) for x, y in (tile for tile in given if tile is not None)}
    )
    objects = [
        thing if thing.position is not None
        else replace(thing, position=placement.place("object", thing.id))
        for thing in things
    ]  # fmt: skip
    begun: set[Tile] = set()
    tiles = [
        placement.start(agent.id, positions, begun) if positions is not None
        else agent.position if agent.position is not None else placement.place("agent", agent.id)
        for agent in agents
    ]  # fmt: skip
    return objects, [(int(x), int(y)) for x, y in tiles], tuple(placement.notices)
