"""Towns for the tests of observations: small ones from a few lines, and any at all, in any state."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

from townlet.config.affordances import AffordanceFile
from townlet.config.load import Resolved
from townlet.config.schema import Config
from townlet.generator.generate import GeneratedWorld, generate
from townlet.observation.encode import observe
from townlet.observation.layout import ALL_ALIVE
from townlet.world import state as st

OFFERS: tuple[dict[str, Any], ...] = (
    {"id": "wash", "object_type": "shower", "duration": 30, "effects": {"hygiene": 0.4, "money": -0.5}},
    {"id": "eat", "object_type": "fridge", "duration": 15, "effects": {"hunger": 0.4, "meals": -1}},
    {"id": "snack", "object_type": "fridge", "duration": 2, "effects": {"hunger": 0.1, "hygiene": -0.1}},
    {"id": "cook", "object_type": "stove", "duration": 40, "effects": {"hunger": 0.1, "energy": 0.05}},
    {"id": "rest", "object_type": "bed", "duration": 60, "effects": {"energy": 0.8}, "interruptible": True},
)
SHARED: tuple[dict[str, Any], ...] = (  # offered by several types
    {"id": "tidy", "object_type": "bed", "also_types": ["stove"], "duration": 4, "effects": {"hygiene": 0.1}},
    {"id": "scrub", "object_type": "lamp", "also_types": ["shower", "fridge"], "duration": 3},
)
TYPES = ("shower", "fridge", "stove", "bed", "lamp")  # nobody can do anything with a lamp


def town(
    config: dict[str, Any], offers: tuple[dict[str, Any], ...] = OFFERS
) -> tuple[Resolved, GeneratedWorld]:
    """The world of a config at tick zero."""
    resolved = Resolved(
        config=Config.model_validate({"config_id": "test", **config}),
        affordances=AffordanceFile.model_validate(
            {"objects": [], "affordances": [{**offer, "preconds": []} for offer in offers]}
        ),
        name="test",
        config_path="test.yaml",
    )
    return resolved, generate(resolved, seed=3)


def scene(
    rows: list[str],
    *,
    agents: dict[str, str] | None = None,
    objects: dict[str, str] | None = None,
    **config: Any,
) -> GeneratedWorld:
    """A town drawn as a map: a letter of `agents` or `objects` stands where an agent or object does.

    `agents` gives a job ("" = none) by letter, `objects` a type.
    """
    agents, objects = agents or {"a": ""}, objects or {}
    at = {mark: [x, y] for y, row in enumerate(rows) for x, mark in enumerate(row)}
    floor = "\n".join("".join("#" if mark == "#" else "." for mark in row) for row in rows)
    jobs = config.pop("jobs", {})
    _, generated = town(
        {
            **config,
            "world": {"map": floor, "ticks_per_day": 100},
            "jobs": {name: {**job, "location": at[job["location"]]} for name, job in jobs.items()},
            "scenario": {
                "objects": [{"id": m, "type": kind, "position": at[m]} for m, kind in objects.items()],
                "agents": [{"id": m, "position": at[m], "job": job or None} for m, job in agents.items()],
            },
        }
    )
    return generated


class Buffers:
    """What `observe` writes to, full of what was there before."""

    def __init__(self, generated: GeneratedWorld, slots: int = 3, fill: float = 7.0):
        agents, layout = len(generated.names.agents), generated.layout
        self.generated = generated
        self.maps = np.full((agents, slots, *layout.map_shape), fill, np.float32)
        self.features = np.full((agents, slots, len(layout.feature_names)), fill, np.float32)
        self.masks = np.full((agents, slots, generated.action_space.dim), True)

    def observe(self, t: int = 0, which: int = ALL_ALIVE) -> Buffers:
        generated = self.generated
        observe(
            generated.world,
            generated.params,
            generated.observation,
            self.maps,
            self.features,
            self.masks,
            t,
            which,
        )
        return self

    def channel(self, name: str, row: int = 0, t: int = 0) -> list[list[float]]:
        return self.maps[row, t, self.generated.layout.map_channels.index(name)].tolist()

    def feature(self, name: str, row: int = 0, t: int = 0) -> float:
        return float(self.features[row, t, self.generated.layout.feature_names.index(name)])

    def legal(self, row: int = 0, t: int = 0) -> list[str]:
        """The actions that the mask admits, as `request eat`, `move north`."""
        actions = self.generated.action_space.actions
        return [
            " ".join(action[key] for key in ("kind", "direction", "affordance") if key in action)
            for action, legal in zip(actions, self.masks[row, t], strict=True)
            if legal
        ]


HINTS = ("north", "south", "east", "west")


def hints(seen: Buffers, row: int = 0) -> list[str]:
    return [name for name in HINTS if seen.feature(f"path_hint_{name}", row)]


# --- any town --------------------------------------------------------------------------------------
def any_config(random: Random) -> dict[str, Any]:
    """A config of a small town in which anything may be switched on."""
    width, height = random.randint(1, 9), random.randint(4, 9)
    tiles = [(x, y) for x in range(width) for y in range(height)]
    random.shuffle(tiles)
    agents = random.randint(1, min(5, len(tiles) // 2))
    free, walls = tiles[: max(agents, len(tiles) * 2 // 3)], tiles[max(agents, len(tiles) * 2 // 3) :]
    jobs = {
        f"job{n}": {
            "start_tick": random.randrange(60),
            "end_tick": random.randrange(60),
            "wage_rate": 0.1,
            "location": random.choice([None, random.choice(free)]),
        }
        for n in range(2)
    }
    names = [None, *jobs]
    return {
        "features": {
            "systems": {"observations": random.choice(["hybrid", "full", "compact"])},
            "behavior": {"personality_profiles": random.random() < 0.5},
            "observations": {"personality_channels": random.random() < 0.5},
        },
        "world": {"grid_size": [width, height], "ticks_per_day": 60, "walls": walls},
        "economy": {"rent_per_day": random.choice([0.0, 1.5])},
        "jobs": jobs,
        "behavior": {"job_arrival_buffer": random.choice([0, 5, 100])},
        "policy_runtime": {"option_commit_ticks": random.choice([0, 5])},
        "actions": {
            "mask": random.choice(["legal", "guided", "guided"]),
            "guided_release": random.random() < 0.5,
            "queue_patience": random.choice([0, 4, 30]),
        },
        "queue_fairness": {"cooldown_ticks": random.choice([0, 20]), "age_priority_weight": 0.5},
        "observations": any_observations(random),
        "scenario": {
            "objects": [
                {"id": f"thing{n}", "type": random.choice(TYPES), "position": random.choice(free)}
                for n in range(random.randint(0, 7))
            ],
            "agents": [
                {"id": f"agent{n}", "position": free[n], "job": random.choice(names)} for n in range(agents)
            ],
        },
    }


def any_observations(random: Random) -> dict[str, Any]:
    def flag() -> bool:
        return random.random() < 0.5

    return {
        "extended": flag(),
        "hybrid": {
            "local_window": random.choice([3, 4, 5, 11, 12]),
            "include_targets": flag(),
            "time_ticks_per_day": random.choice([1, 7, 60, 1440]),
        },
        "compact": {
            "map_window": random.choice([3, 4, 7, 8]),
            "include_targets": flag(),
            "object_channels": random.choice([[], ["bed"], ["lamp", "piano", "fridge"]]),
            "normalize_counts": flag(),
        },
        "social_snippet": {
            "top_friends": random.randint(0, 3),
            "top_rivals": random.randint(0, 3),
            "embed_dim": random.choice([1, 3, 8, 32]),
            "include_aggregates": flag(),
        },
    }


def disturb(random: Random, generated: GeneratedWorld) -> None:
    """Put a world into some state that a game might reach, or nearly: what is observed may have any value."""
    world, params = generated.world, generated.params
    world.clock.tick[0] = random.randrange(200)
    params.town.size[4] = random.randrange(int(params.town.size[3]))
    _lives(random, generated)
    _things(random, world, params)
    _ties(random, world)
    _work(random, world)
    _events(random, world, params)


def _lives(random: Random, generated: GeneratedWorld) -> None:
    agents, now, town = generated.world.agents, int(generated.world.clock.tick[0]), generated.params.town
    pad, floor = int(town.size[2]), np.argwhere(~town.wall)
    generated.world.grid.agents[:] = 0
    for i in range(len(agents.alive)):
        agents.alive[i] = random.random() < 0.8
        agents.leaving[i] = random.choice([st.STAYS, st.STAYS, st.FAINTED])
        agents.y[i], agents.x[i] = random.choice(floor.tolist())
        for n in range(3):
            agents.need[i][n] = random.choice([0.0, 0.25, random.random(), 1.0])
        agents.born[i] = random.randint(0, now)
        agents.wallet[i] = random.choice([0.0, 0.5, random.random() * 3])
        agents.personality[i][:] = [random.uniform(-1, 1) for _ in range(3)]
        agents.faint_ticks[i], agents.unpaid_days[i] = random.randint(0, 30), random.randint(0, 4)
        agents.slot[i] = random.randrange(64)
        agents.last_action[i] = random.randrange(generated.action_space.dim)
        agents.last_success[i], agents.last_duration[i] = random.random() < 0.5, random.randint(0, 60)
        if agents.alive[i]:
            generated.world.grid.agents[agents.y[i] + pad, agents.x[i] + pad] += 1
    arrivals = random.sample(range(1, 50), len(agents.alive))
    agents.arrival[:] = arrivals


def _things(random: Random, world: st.World, params: st.Params) -> None:
    agents, queues, running, objects = world.agents, world.queues, world.running, world.objects
    site, now = params.town.site, int(world.clock.tick[0])
    for i in range(len(agents.alive)):
        usable = [
            o for o in range(len(site.type)) if (params.town.belongs[params.affordances.object_type, o]).any()
        ]
        for o in range(len(site.type)):
            world.clock.cooldown[i, o] = random.choice([0, now, now + 1, now + 10])
            queues.cooling_until[i] = max(queues.cooling_until[i], world.clock.cooldown[i, o])
        if not usable or not agents.alive[i]:
            continue
        o, what = random.choice(usable), random.choice(["nothing", "wait", "wait", "reserve", "use"])
        k = random.choice(np.flatnonzero(params.town.belongs[params.affordances.object_type, o]).tolist())
        taken = objects.user[o] != st.NOBODY or objects.holder[o] != st.NOBODY
        if what == "wait" or (what == "reserve" and not taken):
            queues.object[i], queues.affordance[i] = o, k
            queues.since[i], queues.ticket[i] = random.randint(max(0, now - 9), now), random.randrange(4)
            if what == "wait":
                objects.waiting[o] += 1
            else:
                queues.reserved[i], objects.holder[o] = o, i
        elif what == "use" and not taken:
            running.affordance[i], running.object[i], objects.user[o] = k, o, i
            running.left[i] = random.randint(1, int(params.affordances.duration[k]))
            running.started[i] = now - random.randint(0, 9)
    pad = int(params.town.size[2])
    for o in range(len(site.type)):
        objects.stock[o] = [random.randrange(9), random.randrange(9)]
        if objects.user[o] != st.NOBODY or objects.holder[o] != st.NOBODY:
            world.grid.reserved[site.y[o] + pad, site.x[o] + pad] = 1


def _ties(random: Random, world: st.World) -> None:
    ties, rows = world.ties, len(world.agents.alive)
    for i in range(rows):
        for j in range(rows):
            if i != j and random.random() < 0.6:
                ties.trust[i, j] = random.choice([0.0, 0.25, random.uniform(-1, 1)])
                ties.familiarity[i, j] = random.choice([0.0, 0.25, -ties.trust[i, j], random.uniform(-1, 1)])
                ties.rivalry[i, j] = random.choice([0.0, 0.7, 0.75, random.random()])
        felt = (ties.trust[i] != 0) | (ties.familiarity[i] != 0) | (ties.rivalry[i] != 0)
        ties.count[i] = felt.sum()


def _work(random: Random, world: st.World) -> None:
    work = world.work
    for i in range(len(work.state)):
        work.state[i] = random.randrange(5)
        work.on_site[i], work.dismissed[i] = random.random() < 0.5, random.random() < 0.2
        work.withheld[i], work.lateness[i] = random.random(), random.randrange(5)
        work.shifts[i] = random.randrange(6)
        work.missed[i][:] = [random.random() < 0.5 for _ in work.missed[i]]


def _events(random: Random, world: st.World, params: st.Params) -> None:
    events, site = world.events, params.town.site
    places = len(params.town.place_x)
    for i in range(len(events.meet_place)):
        events.meet_place[i] = random.randrange(places) if places and random.random() < 0.2 else st.NOTHING
    for k in range(len(events.price)):
        events.price[k] = random.choice([1.0, 1.5, 3.0])
        for o in range(len(site.type)):
            offers = params.town.belongs[params.affordances.object_type[k], o]
            events.ready[k, o] = offers and random.random() < 0.6
        events.any_ready[k] = events.ready[k].any()
    events.price_level[0] = random.choice([1.0, 1.7])
    events.utility[:] = [random.random() < 0.5, random.random() < 0.5]
    for o in range(len(site.type)):
        events.closed[o] = random.random() < 0.3
