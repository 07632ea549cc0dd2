"""Config + seed -> the world at tick zero. Names stop here: below, everything is an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from townlet.arrays import I64
from townlet.config.load import Resolved
from townlet.config.schema import ScenarioAgent
from townlet.errors import UserError
from townlet.generator.blueprint import Blueprint, blueprint_of
from townlet.generator.people import build_people, networks_of, policy_codes
from townlet.generator.placement import placed
from townlet.generator.start import start_world
from townlet.generator.starts import start_time, started
from townlet.generator.town import Tile
from townlet.observation.layout import Layout, ObservationParams
from townlet.policy.actions import ActionSpace
from townlet.run import Run, Stretch, canonical_json
from townlet.vocabulary import Names
from townlet.world.records import column_names
from townlet.world.rules import affordances
from townlet.world.state import Params, World


class Turn(NamedTuple):
    """What is otherwise from a tick on, in a run that leaves another one."""

    tick: int
    seed: int  # of what is drawn from then on
    policy: I64  # [A]  codes, as People.policy
    drops_schedules: bool


@dataclass(frozen=True)
class GeneratedWorld:
    """Everything that a simulation needs, and what its indices mean. All but `world` may be shared: it is only read."""

    world: World
    params: Params
    observation: ObservationParams
    layout: Layout
    names: Names
    action_space: ActionSpace
    notices: tuple[str, ...]
    networks: tuple[str, ...] = ()  # network n of the world's people, as its policy is named
    turns: tuple[Turn, ...] = ()  # by tick; whoever plays the world makes them in `params` and `world`


def generate_run(run: Run) -> GeneratedWorld:
    """The world of a run at tick zero. Raises as `generate`."""
    blueprint = blueprint_of(run.config_json)
    own = Stretch(run.ticks, run.seed, run.policy, run.ignore_schedules)
    return _generate(blueprint, [*(run.branch.before if run.branch is not None else ()), own])


def generate(
    resolved: Resolved, *, seed: int, policy: str | None = None, ignore_schedules: bool = False
) -> GeneratedWorld:
    """The world of a config at tick zero.

    `policy` acts for agents without a schedule (None = the config's own, else `needs`; `outside` = somebody else
    decides). Raises UserError where the config has nobody in it, names an unknown policy, or leaves no free tile.
    """
    blueprint = blueprint_of(canonical_json(resolved.to_json_dict()))
    return _generate(blueprint, [Stretch(0, seed, policy, ignore_schedules)])


def _generate(blueprint: Blueprint, stretches: Sequence[Stretch]) -> GeneratedWorld:
    """The world before the first of some stretches of ticks, which are played one after another."""
    _, seed, policy, ignore_schedules = stretches[0]
    resolved = blueprint.resolved
    starts = resolved.config.scenario.starts if resolved.config.scenario is not None else None
    agents = started(resolved.agents, starts, seed)
    if not agents:
        raise UserError(
            f"{resolved.config_path or resolved.name}: scenario.agents: expected at least one agent, found nobody; "
            "list some, or capture with --auto-seed-agents, which adds alice and bob"
        )
    objects, tiles, notices = placed(
        blueprint.things, agents, blueprint.region, seed, starts.positions if starts is not None else None
    )
    _check_walks(resolved, agents, tiles, blueprint.region)
    ground = blueprint.ground(objects)
    networks = networks_of(resolved.config, agents, *(stretch.policy for stretch in stretches))
    people = build_people(
        resolved.config, agents, tiles, run_policy=policy, networks=networks, ignore_schedules=ignore_schedules,
        seed=seed,
    )  # fmt: skip
    params = ground.params(
        seed, people, ignore_schedules=ignore_schedules, start_time=start_time(starts, seed)
    )

    def first_world() -> World:
        world = start_world(resolved.config, params, agents, tiles)
        affordances.refresh(world.objects, world.events, params.town, params.affordances)
        return world

    # Of what a seed decides, the start depends on where things and people are placed, on who these people
    # are, and on what they begin with.
    persons = [getattr(people, name).tobytes() for name in column_names(people)]
    start = (tiles, [thing.position for thing in objects], persons, [agent.needs for agent in agents])
    world = blueprint.start(start, first_world)
    turns = tuple(
        Turn(
            before.until, stretch.seed, policy_codes(resolved.config, agents, stretch.policy, networks),
            stretch.ignore_schedules,
        )
        for before, stretch in pairwise(stretches)
    )  # fmt: skip
    return GeneratedWorld(
        world, params, ground.observation, ground.layout, ground.names, ground.action_space, notices, networks,
        turns,
    )  # fmt: skip


def _check_walks(
    resolved: Resolved, agents: Sequence[ScenarioAgent], tiles: Sequence[Tile], region: np.ndarray
) -> None:
    """A schedule leads nobody to where walls keep it from: the entry would last for ever. Raises UserError."""
    for i, (agent, (x, y)) in enumerate(zip(agents, tiles, strict=True)):
        for j, entry in enumerate(agent.schedule or ()):
            if entry.position is not None and region[entry.position[1], entry.position[0]] != region[y, x]:
                raise UserError(
                    f"{resolved.config_path or resolved.name}: scenario.agents[{i}].schedule[{j}].position: expected a "
                    f"tile that {agent.id} can reach from [{x}, {y}], got {list(entry.position)}, which walls cut off"
                )
