"""A config's ground: everything that no seed changes, once every object has its tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.config.schema import Config
from townlet.generator.affordances import build_affordances
from townlet.generator.people import build_schedule
from townlet.generator.rules import build_events, build_jobs, build_rewards, build_rules, meet_tile
from townlet.generator.town import Places, Thing, Tile, build_town
from townlet.generator.type_sets import TypeSets
from townlet.observation.layout import Layout, ObservationParams, build_observation, window_of
from townlet.policy.actions import ActionSpace
from townlet.vocabulary import Names
from townlet.world import state as st

if TYPE_CHECKING:
    from townlet.config.load import Resolved


@dataclass(frozen=True, eq=False)
class Ground:
    """Shared by all worlds of a config: nobody writes to its arrays."""

    town: st.Town  # of seed 0
    affordances: st.Affordances
    schedule: st.Schedule
    no_schedule: st.Schedule  # where schedules are ignored
    jobs: st.Jobs
    events: st.EventSpecs
    rules: st.Rules
    rewards: st.RewardParams
    names: Names
    action_space: ActionSpace
    layout: Layout
    observation: ObservationParams

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(nbytes(value) for value in vars(self).values())

    def params(
        self, seed: int, people: st.People, *, ignore_schedules: bool, start_time: int = 0
    ) -> st.Params:
        """The parameters of one world, whose tick zero is the tick of day `start_time`."""
        size = np.array([*self.town.size[:4], start_time], np.int64)
        return st.Params(
            town=self.town._replace(seed=np.array([seed], np.int64), size=size),
            affordances=self.affordances,
            people=people,
            schedule=self.no_schedule if ignore_schedules else self.schedule,
            jobs=self.jobs,
            events=self.events,
            rules=self.rules,
            rewards=self.rewards,
        )


def nbytes(value: Any) -> int:
    """Bytes of an array, or of all arrays in a group of groups; 0 of anything else."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    return sum(map(nbytes, value)) if isinstance(value, tuple) and hasattr(value, "_fields") else 0


def make_ground(resolved: Resolved, objects: list[Thing], wall: np.ndarray, region: np.ndarray) -> Ground:
    """Of a config whose `objects` all have positions."""
    config, entries = resolved.config, resolved.affordances.affordances
    agents = resolved.agents
    sets = TypeSets.of(entries, [thing.type for thing in objects])
    meets = _meets(config, objects, wall)
    places = Places.of([
        *(thing.position for thing in objects if thing.position),
        *(job.location for job in config.jobs.values() if job.location is not None),
        *meets.values(),
        *(entry.position for agent in agents for entry in agent.schedule or () if entry.position is not None),
    ])  # fmt: skip
    affordances, condition = build_affordances(entries, sets, config.economy)
    town = build_town(
        config, wall, region, objects, sets, entries, places, condition, pad=window_of(resolved) // 2
    )  # fmt: skip
    jobs = build_jobs(config, places)
    names = Names(
        agents=tuple(agent.id for agent in agents),
        objects=tuple(thing.id for thing in objects),
        object_types=sets.types,
        affordances=tuple(entry.id for entry in entries),
        jobs=tuple(config.jobs),
        events=tuple(config.perturbations.events),
    )
    space = ActionSpace(names.affordances)
    layout, observation = build_observation(resolved, names, town, affordances, jobs, space.hashes())
    return Ground(
        town=town,
        affordances=affordances,
        schedule=build_schedule(agents, entries, objects, places, ignore_schedules=False),
        no_schedule=build_schedule(agents, entries, objects, places, ignore_schedules=True),
        jobs=jobs,
        events=build_events(config, entries, affordances.shares, meets, places),
        rules=build_rules(config),
        rewards=build_rewards(config),
        names=names,
        action_space=space,
        layout=layout,
        observation=observation,
    )


def _meets(config: Config, objects: list[Thing], wall: np.ndarray) -> dict[str, Tile]:
    """The tile of every arranged meet that finds one; where none is given, the floor nearest the middle of the grid."""
    rows, columns = np.nonzero(~wall)
    middle = np.abs(columns - wall.shape[1] // 2) + np.abs(rows - wall.shape[0] // 2)
    centre = (int(columns[np.argmin(middle)]), int(rows[np.argmin(middle)]))
    tiles = {thing.id: thing.position for thing in objects if thing.position is not None}
    found = {
        name: meet_tile(event.location, tiles, centre)
        for name, event in config.perturbations.events.items()
        if event.kind == "arranged_meet"
    }
    return {name: tile for name, tile in found.items() if tile is not None}
