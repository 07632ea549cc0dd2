"""Who lives in the town, and what their schedules say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from townlet.config.affordances import AffordanceEntry
from townlet.config.schema import PERSONALITIES, Config, ScenarioAgent, ScheduleEntry
from townlet.config.seeds import policy_of
from townlet.errors import UserError
from townlet.generator.town import Places, Thing, Tile
from townlet.policy_text import is_given, is_network
from townlet.vocabulary import ACTION_KINDS, OUTSIDE, POLICIES
from townlet.world import state as st
from townlet.world.rng import USE_PERSONALITY, draw

ENTRY_ENDS = {
    None: st.UNTIL_TICKS,
    "arrived": st.UNTIL_ARRIVED,
    "granted": st.UNTIL_GRANTED,
    "finished": st.UNTIL_FINISHED,
}


def build_people(
    config: Config, agents: Sequence[ScenarioAgent], tiles: Sequence[Tile], *, run_policy: str | None,
    networks: Sequence[str], ignore_schedules: bool, seed: int,
) -> st.People:  # fmt: skip
    """What a config fixes for each row, with `networks_of` it. Raises UserError for a policy that does not exist."""
    jobs = list(config.jobs)
    lengths = [0 if ignore_schedules else len(agent.schedule or ()) for agent in agents]
    first = np.zeros(len(agents) + 1, np.int64)
    np.cumsum(lengths, out=first[1:])
    return st.People(
        job=np.array(
            [st.NOTHING if agent.job is None else jobs.index(agent.job) for agent in agents], np.int64
        ),
        start_x=np.array([x for x, _ in tiles], np.int64),
        start_y=np.array([y for _, y in tiles], np.int64),
        start_wallet=np.array([agent.wallet for agent in agents], np.float64),
        home_personality=np.array(
            [_personality(config, agent, row + 1, seed) for row, agent in enumerate(agents)], np.float64
        ).reshape(len(agents), 3),
        policy=policy_codes(config, agents, run_policy, networks),
        script_first=first[:-1],
        script_end=first[1:],
    )


def policy_codes(
    config: Config, agents: Sequence[ScenarioAgent], run_policy: str | None, networks: Sequence[str]
) -> np.ndarray:
    """[A] int64: who decides for each row, where no schedule does. Raises UserError for no policy of ours."""
    codes = [_policy_code(policy_of(config, agent, run_policy), networks) for agent in agents]
    return np.array(codes, np.int64)


def networks_of(
    config: Config, agents: Sequence[ScenarioAgent], *run_policies: str | None
) -> tuple[str, ...]:
    """The networks that act in a run, each once, sorted: by their place here the world's people name them.

    `run_policies`: the run's; of one that leaves another, those of both.
    """
    policies = {policy_of(config, agent, run_policy) for agent in agents for run_policy in run_policies}
    return tuple(sorted(policy for policy in policies if is_network(policy)))


def _policy_code(name: str, networks: Sequence[str]) -> int:
    if name == OUTSIDE or is_given(name):
        return st.POLICY_OUTSIDE
    if name in networks:
        return st.POLICY_FIRST_NETWORK + networks.index(name)
    if name not in POLICIES:
        raise UserError(f"policy: expected one of {', '.join(POLICIES)}, got {name!r}")
    return POLICIES.index(name)


def _personality(config: Config, agent: ScenarioAgent, arrival: int, seed: int) -> tuple[float, float, float]:
    """Extroversion, forgiveness, ambition; zeros where the config does not switch personality on."""
    if not (config.features.relationship_modifiers or config.features.behavior.personality_profiles):
        return (0.0, 0.0, 0.0)
    named = agent.personality or config.personalities.overrides.get(agent.id)
    if named:
        return PERSONALITIES[named]
    weights = sorted(config.personalities.distribution.items())
    left = draw(seed, 0, arrival, USE_PERSONALITY, 0) * sum(weight for _, weight in weights)
    for name, weight in weights:
        left -= weight
        if left < 0:
            return PERSONALITIES[name]
    return PERSONALITIES[weights[-1][0]]


def build_schedule(
    agents: Sequence[ScenarioAgent], entries: Sequence[AffordanceEntry], objects: Sequence[Thing], places: Places,
    *, ignore_schedules: bool,
) -> st.Schedule:  # fmt: skip
    """All agents' schedule entries, one after another (People.script_first and script_end say whose)."""
    names = [agent.id for agent in agents]
    flat = [] if ignore_schedules else [entry for agent in agents for entry in agent.schedule or ()]
    object_ids = [thing.id for thing in objects]
    affordance_ids = [entry.id for entry in entries]
    return st.Schedule(
        kind=np.array([ACTION_KINDS.index(entry.kind) for entry in flat], np.int64),
        affordance=np.array([_affordance(entry, entries, objects, affordance_ids) for entry in flat], np.int64),
        object=np.array([_index(object_ids, entry.object, st.NOTHING) for entry in flat], np.int64),
        place=np.array([places.index(entry.position) if entry.position is not None else st.NOTHING for entry in flat],
                       np.int64),
        target=np.array([_index(names, entry.target, st.NOBODY) for entry in flat], np.int64),
        quality=np.array([entry.quality for entry in flat], np.float64),
        labelled=np.array([entry.blocked for entry in flat], np.bool_),
        ticks=np.array([entry.ticks for entry in flat], np.int64),
        until=np.array([ENTRY_ENDS[entry.until] for entry in flat], np.int64),
    )  # fmt: skip


def _index(names: Sequence[str], name: str | None, missing: int) -> int:
    return missing if name is None else names.index(name)


def _affordance(
    entry: ScheduleEntry, entries: Sequence[AffordanceEntry], objects: Sequence[Thing], ids: Sequence[str]
) -> int:
    """The affordance that a request or start means; where only an object is named, the one that its type offers."""
    if entry.affordance is not None:
        return ids.index(entry.affordance)
    if entry.kind in ("request", "start") and entry.object is not None:
        kind = next(thing.type for thing in objects if thing.id == entry.object)
        return next(k for k, offered in enumerate(entries) if kind in offered.types)
    return st.NOTHING
