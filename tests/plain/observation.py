"""Observations in plain Python, from what the documents say: slow, by name, one agent at a time.

`look(...)` returns what the agent of one row sees: `{channel: [[...]]}`, `{feature: number}` and `[bool]`. It reads
the state and the config, and none of the tables that the kernels use; distances are searched for anew.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from townlet.names import Names
from townlet.world import state as st

STEPS = ((0, -1), (0, 1), (1, 0), (-1, 0))  # north, south, east, west
FAR = 10**9
Tile = tuple[int, int]


@dataclass
class Seen:
    map: dict[str, list[list[float]]]
    features: dict[str, float]
    mask: list[bool]


@dataclass(frozen=True)
class Look:
    """One agent's point of view."""

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
        """The first direction, in the order N, S, E, W, that is on a shortest path; None there, or if there is no way."""
        away = self.walk(start, goal)
        if away in (0, FAR):
            return None
        x, y = start
        return next(d for d, (dx, dy) in enumerate(STEPS) if self.walk((x + dx, y + dy), goal) == away - 1)

    def object_tile(self, o: int) -> Tile:
        return int(self.params.town.site.x[o]), int(self.params.town.site.y[o])

    def objects_of(self, kind: int) -> list[int]:
        return [o for o in range(len(self.names.objects)) if self.params.town.site.type[o] == kind]

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

    # --- hints ------------------------------------------------------------------------------------
    @property
    def day(self) -> int:
        return int(self.params.town.size[3])

    @property
    def now(self) -> int:
        return int(self.world.clock.tick[0])

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
        time = self.now % self.day
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

    # --- map --------------------------------------------------------------------------------------
    def tiles(self) -> list[list[Tile]]:
        compact = self.config.features.systems.observations == "compact"
        seen = self.config.observations
        side = seen.compact.map_window if compact else seen.hybrid.local_window
        x, y = self.here
        return [[(x - side // 2 + c, y - side // 2 + r) for c in range(side)] for r in range(side)]

    def channel(self, shows: Any) -> list[list[float]]:
        return [[float(shows(tile)) for tile in row] for row in self.tiles()]

    def is_reserved(self, o: int) -> bool:
        objects = self.world.objects
        return bool(objects.user[o] != st.NOBODY or objects.holder[o] != st.NOBODY)

    def others_at(self, tile: Tile) -> int:
        agents = self.world.agents
        return sum((int(agents.x[j]), int(agents.y[j])) == tile for j in self.others())

    def objects_at(self, tile: Tile) -> list[int]:
        return [o for o in range(len(self.names.objects)) if self.object_tile(o) == tile]

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

    # --- features ---------------------------------------------------------------------------------
    def features(self) -> dict[str, float]:
        seen = self.config.observations
        compact = self.config.features.systems.observations == "compact"
        found = self.own() | self.rivalry() | self.path_hints()
        if (seen.compact if compact else seen.hybrid).include_targets:
            found |= self.targets()
        if self.config.features.observations.personality_channels:
            names = ("extroversion", "forgiveness", "ambition")
            values = self.world.agents.personality[self.row]
            found |= {f"personality_{name}": values[n] for n, name in enumerate(names)}
        found |= self.social()
        if compact:
            found |= self.nearby()
        if seen.extended:
            found |= self.doing() | self.status() | self.shift() | self.near()
        return found

    def own(self) -> dict[str, float]:
        i, agents, work, queues = self.row, self.world.agents, self.world.work, self.world.queues
        period = self.config.observations.hybrid.time_ticks_per_day
        angle = 2.0 * math.pi * ((self.now % period) / period)
        counted = min(int(work.shifts[i]), self.config.employment.attendance_window)
        missed = sum(bool(work.missed[i][w]) for w in range(counted))
        age = self.now - int(agents.born[i])
        found: dict[str, Any] = {f"need_{name}": agents.need[i][n] for n, name in enumerate(st.NEEDS)}
        states = ("pre", "on_time", "late", "absent", "post")
        found |= {f"shift_{name}": work.state[i] == code for code, name in enumerate(states)}
        return found | {
            "wallet": agents.wallet[i],
            "lateness_counter": work.lateness[i],
            "on_shift": work.on_site[i],
            "attendance_ratio": (counted - missed) / counted if counted else 1.0,
            "wages_withheld": work.withheld[i],
            "time_sin": math.sin(angle),
            "time_cos": math.cos(angle),
            "embedding_slot_norm": int(agents.slot[i]) / self.config.embedding_allocator.max_slots,
            "ctx_reset_flag": age == 0,
            "episode_progress": min(1.0, age / self.day),
            "last_action_id_hash": self.hashes[int(agents.last_action[i])],
            "last_action_success": agents.last_success[i],
            "last_action_duration": agents.last_duration[i],
            "reservation_active": queues.reserved[i] != st.NOTHING,
            "in_queue": queues.object[i] != st.NOTHING and queues.reserved[i] == st.NOTHING,
        }

    def path_hints(self) -> dict[str, float]:
        goal = self.hint()
        step = None if goal is None else self.first_step(self.here, goal[0])
        return {f"path_hint_{name}": step == d for d, name in enumerate(("north", "south", "east", "west"))}

    def ties(self) -> list[tuple[int, float, float, float]]:
        """(other row, trust, familiarity, rivalry) of every tie that is not zero."""
        ties, i = self.world.ties, self.row
        rows = range(len(self.world.agents.alive))
        found = [
            (j, float(ties.trust[i, j]), float(ties.familiarity[i, j]), float(ties.rivalry[i, j]))
            for j in rows
        ]
        return [tie for tie in found if any(tie[1:])]

    def rivalry(self) -> dict[str, float]:
        threshold = self.config.conflict.rivalry.avoid_threshold
        return {
            "rivalry_max": max((tie[3] for tie in self.ties()), default=0.0),
            "rivalry_avoid_count": sum(tie[3] > threshold for tie in self.ties()),
        }

    def social(self) -> dict[str, float]:
        snippet, ties = self.config.observations.social_snippet, self.ties()
        friends = sorted((tie for tie in ties if tie[1] + tie[2] > 0), key=lambda tie: -(tie[1] + tie[2]))
        rivals = sorted((tie for tie in ties if tie[3] > 0), key=lambda tie: -tie[3])
        slots: list[Any] = [*friends[: snippet.top_friends]]
        slots += [None] * (snippet.top_friends - len(slots)) + rivals[: snippet.top_rivals]
        slots += [None] * (snippet.top_friends + snippet.top_rivals - len(slots))
        found = {}
        for n, tie in enumerate(slots):
            numbers = [0.0] * (snippet.embed_dim + 3)
            if tie is not None:
                numbers = [*self.world.ties.identity[tie[0]], *tie[1:]]
            found |= {f"social_slot{n}_d{d}": number for d, number in enumerate(numbers)}
        if snippet.include_aggregates:
            trust, rivalry = [tie[1] for tie in ties], [tie[3] for tie in ties]
            found |= {"social_trust_mean": mean(trust), "social_trust_max": max(trust, default=0.0)}
            found |= {"social_rivalry_mean": mean(rivalry), "social_rivalry_max": max(rivalry, default=0.0)}
        return found

    def targets(self) -> dict[str, float]:
        (x, y), (width, height), found = self.here, self.size, {}
        for name in ("fridge", "stove", "bed", "shower"):
            kinds = [k for k, known in enumerate(self.names.object_types) if known == name]
            o = self.nearest_of([o for kind in kinds for o in self.objects_of(kind)])
            dx, dy, dist = 0.0, 0.0, 1.0
            if o is not None:
                tile = self.object_tile(o)
                dx, dy = (tile[0] - x) / width, (tile[1] - y) / height
                dist = min(1.0, self.walk(self.here, tile) / (width + height))
            found |= {f"{name}_dx": dx, f"{name}_dy": dy, f"{name}_dist": dist}
        return found

    def nearby(self) -> dict[str, float]:
        tiles = [tile for row in self.tiles() for tile in row]
        side, normalized = len(self.tiles()), self.config.observations.compact.normalize_counts
        area, length = (side * side, side) if normalized else (1, 1)
        agents = self.world.agents
        others = [(int(agents.x[j]), int(agents.y[j])) for j in self.others()]
        away = [apart(self.here, tile) for tile in others if tile in tiles]
        reserved = [tile for tile in tiles if any(map(self.is_reserved, self.objects_at(tile)))]
        return {
            "neighbor_agent_ratio": len(away) / area,
            "neighbor_object_ratio": sum(len(self.objects_at(tile)) for tile in tiles) / area,
            "reserved_tile_ratio": len(reserved) / area,
            "nearest_agent_distance": min([*away, side]) / length,
        }

    # --- extended ---------------------------------------------------------------------------------
    def doing(self) -> dict[str, float]:
        running, i = self.world.running, self.row
        k, cooldown = int(running.affordance[i]), self.config.queue_fairness.cooldown_ticks
        cooling = max(0, int(self.world.queues.cooling_until[i]) - self.now)
        found = {f"doing_{name}": float(n == k) for n, name in enumerate(self.names.affordances)}
        left = 0.0 if k == st.NOTHING else int(running.left[i]) / int(self.params.affordances.duration[k])
        return found | {"ticks_left": left, "cooldown_left": cooling / cooldown if cooldown else 0.0}

    def waits(self, i: int) -> bool:
        return bool(self.world.queues.object[i] != st.NOTHING and self.world.queues.reserved[i] == st.NOTHING)

    def queue_position(self) -> float:
        i, queues = self.row, self.world.queues
        if not self.waits(i):
            return 0.0
        rows = [
            j for j in range(len(queues.object)) if self.waits(j) and queues.object[j] == queues.object[i]
        ]
        weight = self.config.queue_fairness.age_priority_weight

        def comes(j: int) -> tuple[float, int]:
            score = weight * (self.now - int(queues.since[j])) - int(queues.ticket[j])
            return -score, int(self.world.agents.arrival[j])

        return 1.0 / (1 + sorted(rows, key=comes).index(i))

    def status(self) -> dict[str, float]:
        i, agents, events = self.row, self.world.agents, self.world.events
        rent = self.config.economy.rent_per_day
        return {
            "queue_position": self.queue_position(),
            "faint_countdown": int(agents.faint_ticks[i]) / int(self.params.rules.faint_after[0]),
            "rent_lacking": max(0.0, rent - float(agents.wallet[i])) / rent if rent else 0.0,
            "rent_unpaid": int(agents.unpaid_days[i]) / 2,
            "power_on": events.utility[st.POWER],
            "water_on": events.utility[st.WATER],
            "price_level": float(events.price_level[0]) - 1.0,
        }

    def route(self, goal: Tile | None) -> tuple[float, float, float]:
        """Step x, step y, and the distance as a share of width + height, at most 1; 0, 0, 1 without a way."""
        if goal is None or self.walk(self.here, goal) == FAR:
            return 0.0, 0.0, 1.0
        step = self.first_step(self.here, goal)
        dx, dy = (0, 0) if step is None else STEPS[step]
        return float(dx), float(dy), min(1.0, self.walk(self.here, goal) / sum(self.size))

    def shift(self) -> dict[str, float]:
        job, time, starts, ends = self.job(), self.now % self.day, 1.0, 1.0
        place = None
        if job is not None:
            start, length = int(self.params.jobs.start[job]), int(self.params.jobs.length[job])
            if length > 0:
                starts = next(n for n in range(self.day) if (time + n) % self.day == start) / self.day
                ends = (
                    next(n for n in range(self.day) if (time + n - start - length) % self.day == 0) / self.day
                )
            if self.params.jobs.place[job] != st.NOTHING:
                place = self.place_tile(int(self.params.jobs.place[job]))
        dx, dy, away = self.route(place)
        x, y = self.here
        walls = {
            f"wall_{name}": not self.is_floor((x + STEPS[d][0], y + STEPS[d][1]))
            for d, name in enumerate(("north", "south", "east", "west"))
        }
        return walls | {
            "shift_starts_in": starts, "shift_ends_in": ends,
            "job_step_x": dx, "job_step_y": dy, "job_distance": away,
        }  # fmt: skip

    def near(self) -> dict[str, float]:
        found: dict[str, float] = {}
        site, objects = self.params.town.site, self.world.objects
        for kind, name in enumerate(self.names.object_types):
            o = self.nearest_of(self.objects_of(kind))
            step_x, step_y, away = self.route(None if o is None else self.object_tile(o))
            found |= {f"near_{name}_step_x": step_x, f"near_{name}_step_y": step_y}
            found |= {f"near_{name}_distance": away}
            for s, stock in enumerate(st.STOCKS):
                if any(site.kept[each][s] for each in self.objects_of(kind)):
                    kept = o is not None and bool(site.kept[o][s])
                    share = int(objects.stock[o][s]) / max(1, int(site.full[o][s])) if kept else 0.0
                    found[f"near_{name}_{stock}"] = share
            free = o is not None and not self.world.events.closed[o] and objects.user[o] == st.NOBODY
            found[f"near_{name}_free"] = free and objects.holder[o] in (st.NOBODY, self.row)
        return found

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
        return may

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
        {name: channel for name, channel in view.map().items()},
        {name: float(np.float32(value)) for name, value in view.features().items()},
        [bool(bit) for bit in view.mask()],
    )


def apart(a: Tile, b: Tile) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def mean(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values) if values else 0.0


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
