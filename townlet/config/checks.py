"""What one key cannot know: whether the parts of a config fit each other. Every mistake, with its place."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from townlet.config.affordances import AffordanceFile, EntriesOfFile, ObjectInFile
from townlet.config.checking.floor import AUTO_SEEDED, floor_mistakes
from townlet.config.checking.starts import start_mistakes
from townlet.config.defaults import OBJECT_ACTIONS, object_types, offered, scheduled, used_on
from townlet.config.schema import Config, ScenarioObject, ScheduleEntry
from townlet.config.schema.scenario import MOST_AFFORDANCES, MOST_AGENTS, MOST_OBJECTS
from townlet.config.type_text import unknown_name
from townlet.config.validation import Reading
from townlet.config.yaml_loader import Document, Keys
from townlet.errors import Problem

Mistake = tuple[Keys, str]
MOST_MISTAKES = 300  # that are looked for: each asks for the nearest of many names, and nobody reads them all


def check_config(
    reading: Reading[Config], config: Config, entries: Reading[EntriesOfFile] | None, jobs_written: bool
) -> list[Problem]:
    """The problems that span several keys, of the config and of its affordance file; of very many the first.

    `config` is `reading.value` with its default jobs settled. What is already known to be wrong is not
    reported again: a thing that was mistyped elsewhere still counts as being there.
    """
    file = entries.value.sorted_out() if entries is not None and entries.value is not None else None
    mistakes = list(itertools.islice(_mistakes(reading, config, entries, file, jobs_written), MOST_MISTAKES))
    problems = [reading.problem(path, message) for path, message in mistakes]
    if entries is not None and entries.value is not None:
        theirs = itertools.islice(_file(entries, config, reading), MOST_MISTAKES)
        problems += [entries.problem(path, message) for path, message in theirs]
    return problems


def _mistakes(
    reading: Reading[Config],
    config: Config,
    entries: Reading[EntriesOfFile] | None,
    file: AffordanceFile | None,
    jobs_written: bool,
) -> Iterator[Mistake]:
    """One after another: nobody reads a hundred thousand, and each asks for the nearest name."""
    yield from _jobs(config) if jobs_written else ()
    yield from _agents_and_objects(config, reading)
    yield from _rivalry(config)
    yield from start_mistakes(config) if reading.intact("world") else ()
    if file is not None and entries is not None and not _too_many(config, file):
        known = _KnownNames(config, file, reading.document, entries.document)
        count = len({*known.affordances, *known.used_on})
        if count > MOST_AFFORDANCES:
            message = f"expected at most {MOST_AFFORDANCES} affordances, got {count} with those of the file"
            yield ("scenario",), message
            return
        if ("scenario", "objects") not in reading.broken:
            for a, agent, e, entry in scheduled(config):
                path = ("scenario", "agents", a, "schedule", e)
                yield from (((*path, *rest), text) for rest, text in _entry(entry, agent.id, known))
    if reading.intact("world"):
        yield from _places(config, jobs_written)
        yield from floor_mistakes(config, entries.value if entries is not None else None)


def _too_many(config: Config, file: AffordanceFile) -> bool:
    """Whether more live or stand there than a town holds, which is told: names are not looked for among them."""
    scenario = config.scenario
    own = (len(scenario.objects), len(scenario.agents)) if scenario else (0, 0)
    return own[0] > MOST_OBJECTS or own[1] > MOST_AGENTS or len(file.objects) > MOST_OBJECTS


class _KnownNames:
    """Every name that a schedule may use."""

    def __init__(
        self, config: Config, file: AffordanceFile, config_text: Document, file_text: Document
    ) -> None:
        self.types = object_types(config, file)
        declared = _declared(config_text, "scenario", "objects")
        self.objects = {*self.types, *declared, *_declared(file_text, objects=True)}
        named = [agent.id for agent in (config.scenario.agents if config.scenario else ())]
        self.agents = tuple(dict.fromkeys([*_declared(config_text, "scenario", "agents"), *named]))
        self.affordances = {entry.id: entry.types for entry in file.affordances}
        self.mistyped = set(_declared(file_text, objects=False)) - set(self.affordances)
        self.offered = offered(config, file)
        self.used_on = used_on(config, file)


def _declared(document: Document, *path: str, objects: bool | None = None) -> tuple[str, ...]:
    """The ids that a list of the file gives, whatever else is wrong with its items.

    `objects` picks those entries of an affordance file that are objects, or that are not.
    """
    data = document.data
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    items = data if isinstance(data, list) else []
    wanted = [item for item in items if isinstance(item, dict)]
    if objects is not None:
        wanted = [item for item in wanted if (item.get("type") == "object") == objects]
    ids = [item.get("id") for item in wanted]
    return tuple(dict.fromkeys(name for name in ids if isinstance(name, str)))


def _entry(entry: ScheduleEntry, agent: str, known: _KnownNames) -> Iterator[Mistake]:
    if entry.target is not None and entry.target not in known.agents:
        yield ("target",), unknown_name("agent", entry.target, known.agents)
    elif entry.target == agent:
        yield ("target",), f"expected another agent, got '{agent}' itself"
    if entry.object is not None and entry.object not in known.objects:
        yield ("object",), unknown_name("object", entry.object, sorted(known.objects))
        return
    kind = known.types.get(entry.object) if entry.object is not None else None
    if entry.affordance is not None and entry.affordance not in known.mistyped:
        yield from _affordance(entry, kind, known)
    elif entry.kind in OBJECT_ACTIONS and kind is not None and entry.affordance is None:
        offered = known.offered[kind]
        if len(offered) != 1:
            choices = f"one of {', '.join(offered)}" if offered else f"no affordance is defined for a {kind}"
            yield (), f"expected an `affordance` for the object '{entry.object}' ({choices})"


def _affordance(entry: ScheduleEntry, kind: str | None, known: _KnownNames) -> Iterator[Mistake]:
    name = entry.affordance or ""
    kinds = (*known.affordances.get(name, ()), *known.used_on.get(name, ()))
    if not kinds:
        message = unknown_name("affordance", name, known.affordances)
        yield ("affordance",), f"{message} (one that no file defines needs an `object` that it occupies)"
    elif kind is not None and kind not in kinds:  # a release: what is requested or started, its object offers
        yield ("affordance",), f"'{name}' is for a {' or '.join(kinds)}, but '{entry.object}' is a {kind}"


def _agents_and_objects(config: Config, reading: Reading[Config]) -> Iterator[Mistake]:
    document = reading.document
    names = _declared(document, "scenario", "agents") or AUTO_SEEDED
    for name in config.policy.agents:
        if name not in names:
            yield ("policy", "agents", name), unknown_name("agent", name, names)
    scenario = config.scenario
    if scenario is None:
        return
    for group, what, things in (
        ("objects", "object", scenario.objects),
        ("agents", "agent", scenario.agents),
    ):
        ids = ((("scenario", group, index, "id"), thing.id) for index, thing in enumerate(things))
        yield from _repeated_ids(reading, what, ids)
    if len(scenario.objects) > MOST_OBJECTS:
        yield ("scenario", "objects"), f"expected at most {MOST_OBJECTS} objects, got {len(scenario.objects)}"
    if len(scenario.agents) > MOST_AGENTS:
        yield ("scenario", "agents"), f"expected at most {MOST_AGENTS} agents, got {len(scenario.agents)}"
    declared_jobs = document.data.get("jobs")
    jobs = {*config.jobs, *(declared_jobs if isinstance(declared_jobs, dict) else ())}
    for index, agent in enumerate(scenario.agents):
        if agent.job is not None and agent.job not in jobs:
            yield ("scenario", "agents", index, "job"), unknown_name("job", agent.job, list(config.jobs))


def _repeated_ids(reading: Reading[Any], what: str, ids: Iterable[tuple[Keys, str]]) -> Iterator[Mistake]:
    """Ids, each with its path, that are not the only one of their kind."""
    first: dict[str, tuple[Keys, str]] = {}
    for path, name in ids:
        before, same = first.setdefault(name.lower(), (path, name))
        if before != path:
            line = reading.problem(before, "").line
            if same == name:
                yield path, f"the {what} id '{name}' is taken on line {line}; ids must differ"
            else:
                message = f"the {what} id '{name}' differs from '{same}' on line {line} only in case"
                yield path, f"{message}; file names would clash on some systems"


def _jobs(config: Config) -> Iterator[Mistake]:
    day = config.world.ticks_per_day
    for name, job in config.jobs.items():
        for key in ("start_tick", "end_tick"):
            tick = getattr(job, key)
            if tick > day:
                yield ("jobs", name, key), f"expected a tick of day from 0 to {day}, got {tick}"


def _rivalry(config: Config) -> Iterator[Mistake]:
    rivalry = config.conflict.rivalry
    if rivalry.min_value > rivalry.max_value:
        message = f"expected min_value <= max_value, got {rivalry.min_value:g} and {rivalry.max_value:g}"
        yield ("conflict", "rivalry", "min_value"), message


def _places(config: Config, jobs_written: bool) -> Iterator[Mistake]:
    world = config.world
    width, height = world.grid_size
    walls = world.wall_tiles()
    for index, (x, y) in enumerate(world.walls):
        if x >= width or y >= height:
            yield ("world", "walls", index), _off_grid((x, y), config)
    agents_on: dict[tuple[int, int], str] = {}
    for path, tile in _tiles(config, jobs_written):
        if tile[0] >= width or tile[1] >= height:
            yield path, _off_grid(tile, config)
        elif tile in walls:
            yield path, f"expected a floor tile, got {list(tile)}, which is a wall"
        elif path[:2] == ("scenario", "agents") and path[-2] != "schedule" and len(path) == 4:
            name = config.scenario.agents[int(path[2])].id if config.scenario else ""
            other = agents_on.setdefault(tile, name)
            if other != name:
                yield path, f"expected a tile of its own, got {list(tile)}, where '{other}' begins"
    people = len(config.scenario.agents) if config.scenario else 0
    inside = sum(x < width and y < height for x, y in walls)
    if MOST_AGENTS >= people > width * height - inside:
        free = width * height - inside
        yield ("scenario", "agents"), f"expected at most one agent a floor tile ({free}), got {people}"


def _tiles(config: Config, jobs_written: bool) -> Iterator[tuple[Keys, tuple[int, int]]]:
    """Every tile that must be floor, with its path."""
    places: list[tuple[Keys, Any]] = []
    if jobs_written:
        places += [(("jobs", name, "location"), job.location) for name, job in config.jobs.items()]
    for name, event in config.perturbations.events.items():
        places.append((("perturbations", "events", name, "location"), getattr(event, "location", None)))
    scenario = config.scenario
    for group, things in (("objects", scenario.objects), ("agents", scenario.agents)) if scenario else ():
        for index, thing in enumerate(things):
            places.append((("scenario", group, index, "position"), thing.position))
    for a, _, e, entry in scheduled(config):
        places.append((("scenario", "agents", a, "schedule", e, "position"), entry.position))
    yield from ((path, place) for path, place in places if isinstance(place, tuple))


def _off_grid(tile: tuple[int, int], config: Config) -> str:
    width, height = config.world.grid_size
    return f"expected a tile inside the {width}x{height} grid, got {list(tile)}"


def repeated_entries(entries: Reading[EntriesOfFile]) -> Iterator[Mistake]:
    """Objects and affordances of an affordance file that have the same id, and too many of them."""
    root = entries.value.root if entries.value is not None else ()
    things = [index for index, entry in enumerate(root) if isinstance(entry, ObjectInFile)]
    others = [index for index, entry in enumerate(root) if not isinstance(entry, ObjectInFile)]
    for group, what in ((things, "object"), (others, "affordance")):
        yield from _repeated_ids(entries, what, (((index, "id"), root[index].id) for index in group))
    if len(others) > MOST_AFFORDANCES:
        yield (), f"expected at most {MOST_AFFORDANCES} affordances, got {len(others)}"


def _file(entries: Reading[EntriesOfFile], config: Config, reading: Reading[Config]) -> Iterator[Mistake]:
    """What is wrong in the affordance file itself, or with its objects in this town."""
    yield from repeated_entries(entries)
    root = entries.value.root if entries.value is not None else ()
    things = [index for index, entry in enumerate(root) if isinstance(entry, ObjectInFile)]
    scenario: Iterable[ScenarioObject] = config.scenario.objects if config.scenario else ()
    own = {thing.id: thing.type for thing in scenario}
    added = sum(root[index].id not in own for index in things)
    if added and len(own) + added > MOST_OBJECTS:
        yield (), f"expected at most {MOST_OBJECTS} objects with the scenario's, got {len(own) + added}"
    (width, height), walls = config.world.grid_size, config.world.wall_tiles()
    for index in things:
        entry = root[index]
        kind = own.get(entry.id, entry.object_type)
        if kind != entry.object_type:
            yield (index, "id"), f"'{entry.id}' is a {entry.object_type} here and a {kind} in the scenario"
        tile = getattr(entry, "position", None)
        if tile is not None and entry.id not in own and reading.intact("world"):
            if tile[0] >= width or tile[1] >= height:
                yield (index, "position"), f"{_off_grid(tile, config)} (of {reading.document.label})"
            elif tile in walls:
                yield (
                    (index, "position"),
                    f"expected a floor tile, got {list(tile)}, a wall in {reading.document.label}",
                )
