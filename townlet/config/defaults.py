"""What a config leaves out, filled in: affordances of schedule entries, plain occupations, default jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from townlet.config.affordances import DEFAULT_STOCK, AffordanceEntry, AffordanceFile
from townlet.config.notices import some
from townlet.config.schema import Config, JobSpec, PriceSpike, ScenarioAgent, ScheduleEntry
from townlet.config.schema.types import in_order
from townlet.config.type_text import closest_name

OCCUPATION_TICKS = 30
OBJECT_ACTIONS = ("request", "start")
INGREDIENTS = "raw_ingredients"
MOST_HINTS = 20  # among notices of a kind: each asks for the nearest of many names


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


def used_on(config: Config, affordances: AffordanceFile) -> dict[str, tuple[str, ...]]:
    """Affordances that schedules request or start, with the types of the objects that they name for it."""
    types = object_types(config, affordances)
    found: dict[str, dict[str, None]] = {}
    for _, _, _, entry in scheduled(config):
        if entry.kind in OBJECT_ACTIONS and entry.affordance is not None:
            kinds = found.setdefault(entry.affordance, {})
            if entry.object in types:
                kinds[types[entry.object]] = None
    return {name: tuple(kinds) for name, kinds in found.items()}


def offered(config: Config, affordances: AffordanceFile) -> dict[str, tuple[str, ...]]:
    """What an entry that names an object of a type, and no affordance, may mean, by the object's type.

    What the file defines for the type; where that is nothing, what schedules use its objects for.
    """
    defined = _by_type((entry.id, entry.types) for entry in affordances.affordances)
    used = _by_type(used_on(config, affordances).items())
    kinds = set(object_types(config, affordances).values())
    return {kind: tuple(defined.get(kind) or used.get(kind, ())) for kind in kinds}


def _by_type(affordances: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, list[str]]:
    """Affordances by type of object, in their order."""
    found: dict[str, list[str]] = {}
    for name, kinds in affordances:
        for kind in kinds:
            found.setdefault(kind, []).append(name)
    return found


def fill_in_defaults(
    config: Config, affordances: AffordanceFile, *, resolved: bool = False
) -> tuple[Config, AffordanceFile, list[str]]:
    """A config without mistakes, with all that it leaves out: see the functions below.

    Returns the notices that go with it. `resolved`: the config of a capture, of an earlier version perhaps: what it
    says of stocks was said then, and what it leaves out means what it meant.
    """
    config = _with_affordances(config, affordances)
    affordances, notices = _with_uses(config, affordances)
    config, more = _without_unknown_names(config, affordances)
    if not resolved:
        config, affordances = filled_to_replenishment(config, affordances)
    return _with_time_of_day(config), affordances, [*notices, *_scenery(config, affordances), *more]


def _with_uses(config: Config, affordances: AffordanceFile) -> tuple[AffordanceFile, list[str]]:
    """What schedules use affordances for, beyond the file: on more types of objects, and plain occupations."""
    notices, entries = [], list(affordances.affordances)
    places = {entry.id: index for index, entry in enumerate(entries)}
    shifts = _shifts(config)
    for name, kinds in used_on(config, affordances).items():
        if name in places:
            entry = entries[places[name]]
            more = tuple(sorted(set(kinds) - set(entry.types)))
            if more:
                entries[places[name]] = entry.model_copy(
                    update={"also_types": (*(entry.also_types or ()), *more)}
                )
                notices.append(
                    f"the affordance '{name}' is for a {' or '.join(entry.types)}; schedules use it on a "
                    f"{' and a '.join(more)}, which offers it too"
                )
            continue
        ticks = shifts.get(name, OCCUPATION_TICKS)
        more = tuple(sorted(kinds[1:])) or None
        entries.append(
            AffordanceEntry(
                id=name, object_type=kinds[0], also_types=more, duration=ticks, interruptible=True
            )
        )
        hint = _hint(name, places, len(notices))
        notices.append(
            f"no file defines the affordance '{name}'{hint}: it is a plain occupation of a "
            f"{' and a '.join((kinds[0], *(more or ())))}, {ticks} ticks, without effects"
        )
    return affordances.model_copy(update={"affordances": tuple(entries)}), notices


def _hint(name: str, known: Iterable[str], told: int) -> str:
    """The known name that is meant perhaps; nothing where so many notices were `told` that nobody reads them all."""
    close = closest_name(name, known) if told < MOST_HINTS else None
    return f" (did you mean '{close}'?)" if close else ""


def _scenery(config: Config, affordances: AffordanceFile) -> list[str]:
    """A notice for each type of objects of the scenario that nobody can use."""
    usable = {kind for entry in affordances.affordances for kind in entry.types}
    unused: dict[str, list[str]] = {}
    for thing in config.scenario.objects if config.scenario else ():
        if thing.type not in usable:
            unused.setdefault(thing.type, []).append(thing.id)
    notices = []
    for kind, names in unused.items():
        hint = _hint(kind, sorted(usable), len(notices))
        notices.append(f"scenery: no affordance is for a {kind}{hint}, so nobody can use {some(names)}")
    return notices


def filled_to_replenishment(config: Config, affordances: AffordanceFile) -> tuple[Config, AffordanceFile]:
    """What begins with fewer raw ingredients than a day brings is filled up to what a day brings.

    `filled_to` stays where it matters only: it is left out where an object begins with as much, and for what the
    object does not keep.
    """
    daily = config.economy.stove_stock_replenish

    def in_full(thing: Any, kind: str) -> Any:
        stock = {**DEFAULT_STOCK.get(kind, {}), **(thing.stock or {})}
        wanted = {INGREDIENTS: daily, **(thing.filled_to or {})}
        filled = {name: amount for name, amount in wanted.items() if name in stock and amount > stock[name]}
        return thing.model_copy(update={"filled_to": in_order(filled) or None})

    shared = tuple(in_full(entry, entry.object_type) for entry in affordances.objects)
    if shared != affordances.objects:
        affordances = affordances.model_copy(update={"objects": shared})
    if config.scenario is not None:
        own = tuple(in_full(thing, thing.type) for thing in config.scenario.objects)
        if own != config.scenario.objects:
            config = config.model_copy(
                update={"scenario": config.scenario.model_copy(update={"objects": own})}
            )
    return config, affordances


def _with_time_of_day(config: Config) -> Config:
    """`time_sin` and `time_cos` follow the day, unless the config says otherwise; the number is written down."""
    seen = config.observations
    if seen.hybrid.time_ticks_per_day is not None:
        return config
    hybrid = seen.hybrid.model_copy(update={"time_ticks_per_day": config.world.ticks_per_day})
    return config.model_copy(update={"observations": seen.model_copy(update={"hybrid": hybrid})})


def _shifts(config: Config) -> dict[str, int]:
    """By affordance that schedules use: the length of the shift of the first to do it who has one."""
    found: dict[str, int] = {}
    for _, agent, _, entry in scheduled(config):
        if entry.affordance is not None and entry.kind in OBJECT_ACTIONS and agent.job in config.jobs:
            shift = config.jobs[agent.job].shift_ticks(config.world.ticks_per_day)
            if shift:
                found.setdefault(entry.affordance, shift)
    return found


def _with_affordances(config: Config, affordances: AffordanceFile) -> Config:
    """Entries that name only an object get the one affordance that it is offered for (see `offered`)."""
    if config.scenario is None:
        return config
    types, choices = object_types(config, affordances), offered(config, affordances)

    def in_full(entry: ScheduleEntry) -> ScheduleEntry:
        if entry.kind not in OBJECT_ACTIONS or entry.affordance is not None or entry.object is None:
            return entry
        (only,) = choices[types[entry.object]]
        return entry.model_copy(update={"affordance": only})

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
    notices += _without_place(config, affordances)
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


def _without_place(config: Config, affordances: AffordanceFile) -> Iterator[str]:
    """A notice for each meeting at an object that is not there: it never takes place."""
    objects = object_types(config, affordances)
    told = 0
    for name, event in config.perturbations.events.items():
        place = getattr(event, "location", None)
        if isinstance(place, str) and place not in objects:
            hint = _hint(place, objects, told)
            told += 1
            yield (
                f"perturbations.events.{name}.location: no object is called '{place}'{hint}; the event finds no "
                "place, and never begins"
            )


def jobs_that_fit(config: Config, written: bool) -> tuple[Config, list[str]]:
    """Jobs that nobody has and that do not fit the day or the grid are left out, with a notice.

    Without one, where the config lists no jobs: then they are the default ones, and go by where they stand. None
    is left out where an agent's job is none of them: it may be the one that is meant.
    """
    held = {agent.job for agent in (config.scenario.agents if config.scenario else ())} if written else set()
    if held - {None, *config.jobs}:
        return config, []
    walls = config.world.wall_tiles()
    jobs = {
        name: job
        for name, job in config.jobs.items()
        if name in held or (_fits(job, config, walls) and (written or job.location is not None))
    }
    left = sorted(set(config.jobs) - set(jobs)) if written else []
    what = "it does" if len(left) == 1 else "they do"
    notices = [f"jobs: nobody has the job {some(left)}, and {what} not fit the day or the grid: left out"]
    return config.model_copy(update={"jobs": jobs}), notices if left else []


def _fits(job: JobSpec, config: Config, walls: frozenset[tuple[int, int]]) -> bool:
    (width, height), place = config.world.grid_size, job.location
    if max(job.start_tick, job.end_tick) > config.world.ticks_per_day:
        return False
    return place is None or (place[0] < width and place[1] < height and place not in walls)
