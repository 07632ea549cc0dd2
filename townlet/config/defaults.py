"""What a config leaves out, filled in: affordances of schedule entries, plain occupations, default jobs."""

from __future__ import annotations

from collections.abc import Iterator

from townlet.config.affordances import AffordanceEntry, AffordanceFile
from townlet.config.schema import Config, PriceSpike, ScenarioAgent, ScheduleEntry
from townlet.config.type_text import closest_name

OCCUPATION_TICKS = 30
OBJECT_ACTIONS = ("request", "start")


def scheduled(config: Config) -> Iterator[tuple[int, ScenarioAgent, int, ScheduleEntry]]:
    """Every schedule entry, with its agent and both their indices."""
    for a, agent in enumerate(config.scenario.agents if config.scenario else ()):
        for e, entry in enumerate(agent.schedule or ()):
            yield a, agent, e, entry


def object_types(config: Config, affordances: AffordanceFile) -> dict[str, str]:
    """The type of every object of the town, by id."""
    shared = {entry.id: entry.object_type for entry in affordances.objects}
    own = {entry.id: entry.type for entry in (config.scenario.objects if config.scenario else ())}
    return {**shared, **own}


def occupations(config: Config, affordances: AffordanceFile) -> dict[str, tuple[str, ...]]:
    """Affordances that schedules use and no file defines, with the types of the objects they are used on."""
    defined = {entry.id for entry in affordances.affordances}
    types = object_types(config, affordances)
    found: dict[str, dict[str, None]] = {}
    for _, _, _, entry in scheduled(config):
        if entry.kind in OBJECT_ACTIONS and entry.affordance is not None and entry.affordance not in defined:
            used_on = found.setdefault(entry.affordance, {})
            if entry.object in types:
                used_on[types[entry.object]] = None
    return {name: tuple(used_on) for name, used_on in found.items()}


def fill_in_defaults(config: Config, affordances: AffordanceFile) -> tuple[Config, AffordanceFile, list[str]]:
    """A config without mistakes, its schedules' affordances filled in and its plain occupations defined.

    Returns the notices that go with it.
    """
    added, notices = [], []
    for name, used_on in occupations(config, affordances).items():
        ticks = _occupation_ticks(config, name)
        added.append(AffordanceEntry(id=name, object_type=used_on[0], duration=ticks, interruptible=True))
        close = closest_name(name, (entry.id for entry in affordances.affordances))
        hint = f" (did you mean '{close}'?)" if close else ""
        notices.append(
            f"no file defines the affordance '{name}'{hint}: it is a plain occupation of a {used_on[0]}, "
            f"{ticks} ticks, without effects"
        )
    config = _with_affordances(config, affordances)
    affordances = affordances.model_copy(update={"affordances": (*affordances.affordances, *added)})
    config, more = _without_unknown_names(config, affordances)
    return config, affordances, [*notices, *more]


def _occupation_ticks(config: Config, name: str) -> int:
    """The shift's length, where the first to do it who has a job does; else 30."""
    for _, agent, _, entry in scheduled(config):
        if entry.affordance == name and entry.kind in OBJECT_ACTIONS and agent.job in config.jobs:
            shift = config.jobs[agent.job].shift_ticks(config.world.ticks_per_day)
            if shift:
                return shift
    return OCCUPATION_TICKS


def _with_affordances(config: Config, affordances: AffordanceFile) -> Config:
    """Entries that name only an object get the one affordance that the file defines for its type."""
    if config.scenario is None:
        return config
    types = object_types(config, affordances)

    def in_full(entry: ScheduleEntry) -> ScheduleEntry:
        if entry.kind not in OBJECT_ACTIONS or entry.affordance is not None or entry.object is None:
            return entry
        (only,) = affordances.offered_by(types[entry.object])
        return entry.model_copy(update={"affordance": only.id})

    agents = tuple(
        agent.model_copy(update={"schedule": tuple(map(in_full, agent.schedule))})
        if agent.schedule
        else agent
        for agent in config.scenario.agents
    )
    return config.model_copy(update={"scenario": config.scenario.model_copy(update={"agents": agents})})


def _without_unknown_names(config: Config, affordances: AffordanceFile) -> tuple[Config, list[str]]:
    """Adds a notice for each name that this town does not have, and drops such targets of price spikes."""
    notices = []
    agents = {agent.id for agent in (config.scenario.agents if config.scenario else ())}
    unknown = [name for name in config.personalities.overrides if agents and name not in agents]
    if unknown:
        notices.append(f"personalities.overrides: no agent of the scenario is called {', '.join(unknown)}")
    types = {*affordances.object_types, *object_types(config, affordances).values()}
    channels = [name for name in config.observations.compact.object_channels if name not in types]
    if channels:
        notices.append(
            f"observations.compact.object_channels: nothing is of the type {', '.join(channels)}; always 0"
        )
    events = dict(config.perturbations.events)
    known = types | {entry.id for entry in affordances.affordances}
    for name, event in events.items():
        if isinstance(event, PriceSpike) and not known.issuperset(event.targets):
            unknown = [target for target in event.targets if target not in known]
            left = tuple(target for target in event.targets if target in known)
            events[name] = event.model_copy(update={"targets": left})
            notices.append(
                f"perturbations.events.{name}.targets: no affordance or object type is called "
                f"{', '.join(unknown)}; {'left out' if left else 'the price of meals rises'}"
            )
    perturbations = config.perturbations.model_copy(update={"events": events})
    return config.model_copy(update={"perturbations": perturbations}), notices


def default_jobs_that_fit(config: Config, written: bool) -> Config:
    """Default jobs that do not fit the day or the grid are left out; jobs that the config lists never are."""
    if written:
        return config
    width, height = config.world.grid_size
    walls = config.world.wall_tiles()
    jobs = {
        name: job
        for name, job in config.jobs.items()
        if job.end_tick <= config.world.ticks_per_day
        and job.location is not None
        and job.location[0] < width
        and job.location[1] < height
        and job.location not in walls
    }
    return config.model_copy(update={"jobs": jobs})
