"""The features of an observation in plain Python, by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tests.plain.viewpoint import FAR, STEPS, Tile, Viewpoint, apart
from townlet.vocabulary import NEEDS, STOCKS
from townlet.world import state as st


class Features(Viewpoint):
    """The numbers that one agent sees."""

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
        period = self.config.observations.hybrid.time_ticks_per_day or self.config.world.ticks_per_day
        angle = 2.0 * math.pi * ((self.since_midnight % period) / period)
        counted = min(int(work.shifts[i]), self.config.employment.attendance_window)
        missed = sum(bool(work.missed[i][w]) for w in range(counted))
        age = self.now - int(agents.born[i])
        found: dict[str, Any] = {f"need_{name}": agents.need[i][n] for n, name in enumerate(NEEDS)}
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
            "rent_unpaid": min(1.0, int(agents.unpaid_days[i]) / 2),
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
        job, time, starts, ends = self.job(), self.since_midnight % self.day, 1.0, 1.0
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
            for s, stock in enumerate(STOCKS):
                if any(site.kept[each][s] for each in self.objects_of(kind)):
                    kept = o is not None and bool(site.kept[o][s])
                    share = int(objects.stock[o][s]) / max(1, int(site.full[o][s])) if kept else 0.0
                    found[f"near_{name}_{stock}"] = share
            free = o is not None and not self.world.events.closed[o] and objects.user[o] == st.NOBODY
            found[f"near_{name}_free"] = free and objects.holder[o] in (st.NOBODY, self.row)
        return found


def mean(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values) if values else 0.0
