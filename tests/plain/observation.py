"""Observations in plain Python, from what the documents say: slow, by name, one agent at a time.

`look(...)` returns what the agent of one row sees: `{channel: [[...]]}`, `{feature: number}` and `[bool]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.plain.features import Features
from tests.plain.guided_mask import guided
from tests.plain.viewpoint import FAR, STEPS, Tile, apart
from townlet.vocabulary import Names
from townlet.world import state as st


@dataclass
class Seen:
    map: dict[str, list[list[float]]]
    features: dict[str, float]
    mask: list[bool]


class Look(Features):
    """All that one agent sees."""

    # --- map --------------------------------------------------------------------------------------
    def channel(self, shows: Any) -> list[list[float]]:
        return [[float(shows(tile)) for tile in row] for row in self.tiles()]

    def others_at(self, tile: Tile) -> int:
        agents = self.world.agents
        return sum((int(agents.x[j]), int(agents.y[j])) == tile for j in self.others())

    def map(self) -> dict[str, list[list[float]]]:
        variant = self.config.features.systems.observations
        channels = {
            "self": self.channel(lambda tile: tile == self.here),
            "agents": self.channel(self.others_at),
            "objects": self.channel(lambda tile: bool(self.objects_at(tile))),
            "reservations": self.channel(lambda tile: any(map(self.is_reserved, self.objects_at(tile)))),
        }
        if variant == "full":
            steps = {tile: self.path_step(tile) for row in self.tiles() for tile in row}
            channels["path_dx"] = self.channel(lambda tile: steps[tile][0])
            channels["path_dy"] = self.channel(lambda tile: steps[tile][1])
        if variant == "compact":
            channels["walkable"] = self.channel(self.is_floor)
            for name in self.config.observations.compact.object_channels or self.names.object_types:
                channels[f"object:{name}"] = self.channel(
                    lambda tile, name=name: any(
                        self.names.object_types[self.params.town.site.type[o]] == name
                        for o in self.objects_at(tile)
                    )
                )
        return channels

    def path_step(self, tile: Tile) -> Tile:
        goal = self.hint()
        if goal is None or not self.is_floor(tile) or apart(tile, goal[0]) <= goal[1]:
            return 0, 0
        step = self.first_step(tile, goal[0])
        return (0, 0) if step is None else STEPS[step]

    # --- mask -------------------------------------------------------------------------------------
    def mask(self) -> list[bool]:
        i, running = self.row, self.world.running
        busy = bool(running.affordance[i] != st.NOTHING)
        commit = self.config.policy_runtime.option_commit_ticks
        may = [True]
        x, y = self.here
        may += [not busy and self.is_floor((x + dx, y + dy)) for dx, dy in STEPS]
        if busy:
            may.append(bool(self.now - running.started[i] >= commit))
        else:
            may.append(bool(self.world.queues.object[i] != st.NOTHING))
        agents = self.world.agents
        tiles = [(int(agents.x[j]), int(agents.y[j])) for j in self.others()]
        may.append(not busy and any(apart(self.here, tile) <= 1 for tile in tiles))
        for k in range(len(self.names.affordances)):
            may += [not busy and self.may_request(k), not busy and self.may_start(k)]
        return may if self.config.actions is None else guided(self, may)

    def may_request(self, k: int) -> bool:
        i, world = self.row, self.world
        cost = -float(self.params.affordances.money[k]) * float(world.events.price[k])
        if cost > world.agents.wallet[i] or not world.events.any_ready[k]:
            return False
        if world.queues.cooling_until[i] <= self.now:
            return True
        objects = self.objects_of(int(self.params.affordances.object_type[k]))
        return any(
            world.events.ready[k, o]
            and world.clock.cooldown[i, o] <= self.now
            and self.walk(self.here, self.object_tile(o)) < FAR
            for o in objects
        )

    def may_start(self, k: int) -> bool:
        reserved = int(self.world.queues.reserved[self.row])
        objects = self.objects_of(int(self.params.affordances.object_type[k]))
        if reserved != st.NOTHING:
            objects = [o for o in objects if o == reserved]
        return any(apart(self.here, self.object_tile(o)) <= 1 for o in objects)


def look(
    world: st.World, params: st.Params, config: Any, names: Names, hashes: Sequence[float], row: int
) -> Seen:
    """What the agent of `row` sees. Numbers are cast to float32 and back, as they are stored."""
    view = Look(world, params, config, names, hashes, row)
    return Seen(
        view.map(),
        {name: float(np.float32(value)) for name, value in view.features().items()},
        [bool(bit) for bit in view.mask()],
    )
