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
        labels, sizes = np.unique(self.region[self.region >= 0], return_counts=True)
        if labels.size:
            free = self.region == labels[np.argmax(sizes)]
            for x, y in self.taken:
                if 0 <= y < free.shape[0] and 0 <= x < free.shape[1]:
                    free[y, x] = False
            tiles = np.flatnonzero(free)
            if tiles.size:
                key = zlib.crc32(f"{kind}:{name}".encode()) & 0x7FFFFFFF
                chosen = tiles[int(draw(self.seed, 0, key, USE_PLACEMENT, 0) * len(tiles))]
                y, x = divmod(int(chosen), free.shape[1])
                self.taken.add((x, y))
                self.notices.append(f"{kind} {name} has no position: put on [{x}, {y}]")
                return x, y
        raise UserError(f"{kind} {name}: no free tile is left on the grid; make world.grid_size larger")


def placed(
    things: Sequence[Thing], agents: Sequence[ScenarioAgent], region: np.ndarray, seed: int
) -> tuple[list[Thing], list[Tile], tuple[str, ...]]:
    """Objects and agents with tiles, and notices; those without a position are put on free ones, objects first."""
    given = [thing.position for thing in things] + [agent.position for agent in agents]
    placement = Placement(
        seed, region, {(int(x), int(y)) for x, y in (tile for tile in given if tile is not None)}
    )
    objects = [
        thing if thing.position is not None
        else replace(thing, position=placement.place("object", thing.id))
        for thing in things
    ]  # fmt: skip
    tiles = [
        agent.position if agent.position is not None else placement.place("agent", agent.id)
        for agent in agents
    ]
    return objects, [(int(x), int(y)) for x, y in tiles], tuple(placement.notices)
