"""Where an agent stands, what is around it, and where the state of the world sends it, in plain Python.

Distances are searched for anew; none of the tables that the kernels use is read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from townlet.vocabulary import Names
from townlet.world import state as st

STEPS = ((0, -1), (0, 1), (1, 0), (-1, 0))  # north, south, east, west
FAR = 10**9
Tile = tuple[int, int]


@dataclass(frozen=True)
class Viewpoint:
    """One agent's point of view: what is where, and where its hints lead."""

    world: st.World
    params: st.Params
    config: Any
    names: Names
    hashes: Sequence[float]
    row: int

    # --- where things are -------------------------------------------------------------------------
    @property
    def here(self) -> Tile:
        return int(self.world.agents.x[self.row]), int(self.world.agents.y[self.row])

    @property
    def size(self) -> Tile:
        height, width = self.params.town.wall.shape
        return width, height

    def is_floor(self, tile: Tile) -> bool:
        (x, y), (width, height) = tile, self.size
        return 0 <= x < width and 0 <= y < height and not self.params.town.wall[y, x]

    def walk(self, start: Tile, goal: Tile) -> int:
        wall = tuple(tuple(bool(w) for w in row) for row in self.params.town.wall)
        return distances(wall, goal).get(start, FAR)

    def first_step(self, start: Tile, goal: Tile) -> int | None:
        """The first direction, in the order N, S, E, W, that is on a shortest path; None there, or if there
        is no way."""
        away = self.walk(start, goal)
        if away in (0, FAR):
            return None
        x, y = start
        return next(d for d, (dx, dy) in enumerate(STEPS) if self.walk((x + dx, y + dy), goal) == away - 1)

    def object_tile(self, o: int) -> Tile:
        return int(self.params.town.site.x[o]), int(self.params.town.site.y[o])

    def objects_of(self, kind: int) -> list[int]:
        return [o for o in range(len(self.names.objects)) if self.params.town.belongs[kind, o]]

    def nearest_of(self, objects: Sequence[int]) -> int | None:
        """The object with the shortest walk, the lowest index on ties; None if none can be reached."""
        reached = [(self.walk(self.here, self.object_tile(o)), o) for o in objects]
        walk, o = min(reached, default=(FAR, -1))
        return o if walk < FAR else None

    def place_tile(self, place: int) -> Tile:
        return int(self.params.town.place_x[place]), int(self.params.town.place_y[place])

    def others(self) -> list[int]:
        agents = self.world.agents
        return [j for j in range(len(agents.alive)) if agents.alive[j] and j != self.row]

    def tiles(self) -> list[list[Tile]]:
        compact = self.config.features.systems.observations == "compact"
        seen = self.config.observations
        side = seen.compact.map_window if compact else seen.hybrid.local_window
        x, y = self.here
        return [[(x - side // 2 + c, y - side // 2 + r) for c in range(side)] for r in range(side)]

    def is_reserved(self, o: int) -> bool:
        objects = self.world.objects
        return bool(objects.user[o] != st.NOBODY or objects.holder[o] != st.NOBODY)

    def objects_at(self, tile: Tile) -> list[int]:
        return [o for o in range(len(self.names.objects)) if self.object_tile(o) == tile]

    # --- hints ------------------------------------------------------------------------------------
    @property
    def day(self) -> int:
        return int(self.params.town.size[3])

    @property
    def now(self) -> int:
        return int(self.world.clock.tick[0])

    @property
    def since_midnight(self) -> int:
        """Ticks since the first day began, which the run may have begun within."""
        return self.now + int(self.params.town.size[4])

    def job(self) -> int | None:
        """The job, unless the agent has none or was dismissed."""
        job = int(self.params.people.job[self.row])
        return None if job == st.NOTHING or self.world.work.dismissed[self.row] else job

    def work_calls(self) -> Tile | None:
        job = self.job()
        if job is None or self.params.jobs.place[job] == st.NOTHING:
            return None
        start, length = int(self.params.jobs.start[job]), int(self.params.jobs.length[job])
        buffer = int(self.params.rules.arrival_buffer[0])
        time = self.since_midnight % self.day
        running = any((start + n) % self.day == time for n in range(length))
        soon = length > 0 and any((time + n) % self.day == start for n in range(1, buffer + 1))
        return self.place_tile(int(self.params.jobs.place[job])) if running or soon else None

    def wanted_object(self) -> int | None:
        """The nearest object that is ready for an affordance that raises the lowest need."""
        need = list(self.world.agents.need[self.row])
        lowest = need.index(min(need))
        found = []
        for k in range(len(self.names.affordances)):
            if self.params.affordances.need[k][lowest] > 0:
                kind = int(self.params.affordances.object_type[k])
                o = self.nearest_of([o for o in self.objects_of(kind) if self.world.events.ready[k, o]])
                if o is not None:
                    found.append((self.walk(self.here, self.object_tile(o)), k, o))
        return min(found)[2] if found else None

    def hint(self) -> tuple[Tile, int] | None:
        """The place hinted at and the distance at which it counts as reached."""
        i, queues = self.row, self.world.queues
        if self.world.running.affordance[i] != st.NOTHING:
            return None
        meet, work = int(self.world.events.meet_place[i]), self.work_calls()
        if meet != st.NOTHING:
            place, radius = self.place_tile(meet), 2
        elif queues.reserved[i] != st.NOTHING:
            place, radius = self.object_tile(int(queues.reserved[i])), 1
        elif queues.object[i] != st.NOTHING:
            place, radius = self.object_tile(int(queues.object[i])), 3
        elif work is not None:
            place, radius = work, 2
        else:
            o = self.wanted_object()
            if o is None:
                return None
            place, radius = self.object_tile(o), 2
        return None if apart(self.here, place) <= radius else (place, radius)


def apart(a: Tile, b: Tile) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


@cache
def distances(wall: tuple[tuple[bool, ...], ...], goal: Tile) -> dict[Tile, int]:
    """Walking distance to `goal` of every tile from which there is a way."""
    found, waiting = {goal: 0}, deque([goal])
    while waiting:
        x, y = waiting.popleft()
        for dx, dy in STEPS:
            tile = x + dx, y + dy
            inside = 0 <= tile[1] < len(wall) and 0 <= tile[0] < len(wall[0])
            if inside and not wall[tile[1]][tile[0]] and tile not in found:
                found[tile] = found[(x, y)] + 1
                waiting.append(tile)
    return found
