"""Config + seed -> the world at tick zero. Names stop here: below, everything is an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from townlet.config.schema import Config, ScenarioAgent
from townlet.errors import UserError
from townlet.generator.affordances import build_affordances
from townlet.generator.people import build_people, build_schedule
from townlet.generator.rules import build_events, build_jobs, build_rewards, build_rules, meet_tile
from townlet.generator.start import start_world
from townlet.generator.town import Placement, Places, Thing, Tile, build_town, things, walls
from townlet.observation.layout import Layout, ObservationParams, build_observation, window_of
from townlet.policy.actions import ActionSpace
from townlet.vocabulary import Names
from townlet.world import paths
from townlet.world.rules import affordances as affordance_rules
from townlet.world.state import Params, World

if TYPE_CHECKING:
    from townlet.config.load import Resolved


@dataclass(frozen=True)
class Built:
    """Everything that a simulation needs, and what its indices mean."""

    world: World
    params: Params
    observation: ObservationParams
    layout: Layout
    names: Names
    catalogue: ActionSpace
    notices: tuple[str, ...]


def build(
    resolved: Resolved, *, seed: int, policy: str | None = None, ignore_schedules: bool = False
) -> Built:
    """Build the world of a config.

    `policy` acts for agents without a schedule (None = the config's own, else `needs`; `outside` = somebody else
    decides). Raises UserError where the config has nobody in it, names an unknown policy, or leaves no free tile.
    """
    config, file = resolved.config, resolved.affordances
    agents = list(config.scenario.agents) if config.scenario else []
    if not agents:
        raise UserError(
            f"{resolved.config_path or resolved.name}: scenario.agents: expected at least one agent, found nobody; "
            "list some, or capture with --auto-seed-agents, which adds alice and bob"
        )
    wall = walls(config)
    region = np.empty(wall.shape, np.int32)
    paths.regions(wall, region)
    objects, tiles, notices = _placed(config, things(config, file), agents, wall, region, seed)
    _check_walks(resolved, agents, tiles, region)
    entries = file.affordances
    types = list(dict.fromkeys([entry.object_type for entry in entries] + [thing.type for thing in objects]))
    meets = _meets(config, objects, wall)
    places = Places.of([
        *(thing.position for thing in objects if thing.position),
        *(job.location for job in config.jobs.values() if job.location is not None),
        *meets.values(),
        *(entry.position for agent in agents for entry in agent.schedule or () if entry.position is not None),
    ])  # fmt: skip
    parts, condition = build_affordances(entries, types, config.economy)
    town = build_town(
        config, wall, region, objects, types, parts.object_type.tolist(), places,
        condition, pad=window_of(resolved) // 2, seed=seed,
    )  # fmt: skip
    params = Params(
        town=town,
        affordances=parts,
        people=build_people(
            config, agents, tiles, run_policy=policy, ignore_schedules=ignore_schedules, seed=seed
        ),
        schedule=build_schedule(agents, entries, objects, places, ignore_schedules=ignore_schedules),
        jobs=build_jobs(config, places),
        events=build_events(config, entries, parts.shares, meets, places),
        rules=build_rules(config),
        rewards=build_rewards(config),
    )
    names = Names(
        agents=tuple(agent.id for agent in agents),
        objects=tuple(thing.id for thing in objects),
        object_types=tuple(types),
        affordances=tuple(entry.id for entry in entries),
        jobs=tuple(config.jobs),
        events=tuple(config.perturbations.events),
    )
    catalogue = ActionSpace(names.affordances)
    layout, observation = build_observation(resolved, names, params, catalogue.hashes())
    world = start_world(config, params, agents, tiles)
    affordance_rules.refresh(world.objects, world.events, params.town, params.affordances)
    return Built(world, params, observation, layout, names, catalogue, tuple(notices))


def _placed(
    config: Config,
    found: list[Thing],
    agents: list[ScenarioAgent],
    wall: np.ndarray,
    region: np.ndarray,
    seed: int,
) -> tuple[list[Thing], list[Tile], list[str]]:
    """Objects and agents with tiles; those without a position are put on free ones, objects first."""
    taken = {(int(x), int(y)) for x, y in (thing.position for thing in found if thing.position is not None)}
    taken |= {(int(x), int(y)) for x, y in (agent.position for agent in agents if agent.position is not None)}
    placement = Placement(seed, wall, region, taken)
    objects = [
        thing if thing.position is not None
        else Thing(thing.id, thing.type, placement.place("object", thing.id), thing.stock)
        for thing in found
    ]  # fmt: skip
    tiles = [
        agent.position if agent.position is not None else placement.place("agent", agent.id)
        for agent in agents
    ]
    return objects, [(int(x), int(y)) for x, y in tiles], placement.notices


def _check_walks(
    resolved: Resolved, agents: list[ScenarioAgent], tiles: list[Tile], region: np.ndarray
) -> None:
    """A schedule leads nobody to where walls keep it from: the entry would last for ever. Raises UserError."""
    for i, (agent, (x, y)) in enumerate(zip(agents, tiles, strict=True)):
        for j, entry in enumerate(agent.schedule or ()):
            if entry.position is not None and region[entry.position[1], entry.position[0]] != region[y, x]:
                raise UserError(
                    f"{resolved.config_path or resolved.name}: scenario.agents[{i}].schedule[{j}].position: expected a "
                    f"tile that {agent.id} can reach from [{x}, {y}], got {list(entry.position)}, which walls cut off"
                )


def _meets(config: Config, objects: list[Thing], wall: np.ndarray) -> dict[str, Tile]:
    """The tile of every arranged meet; where none is given, the floor nearest the middle of the grid."""
    rows, columns = np.nonzero(~wall)
    middle = np.abs(columns - wall.shape[1] // 2) + np.abs(rows - wall.shape[0] // 2)
    centre = (int(columns[np.argmin(middle)]), int(rows[np.argmin(middle)]))
    tiles = {thing.id: thing.position for thing in objects if thing.position is not None}
    return {
        name: meet_tile(event.location, tiles, centre, f"perturbations.events.{name}")
        for name, event in config.perturbations.events.items()
        if event.kind == "arranged_meet"
    }
