"""A config file and its affordance file -> `Resolved`, or every mistake in them at once."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import ValidationError

from townlet import arguments
from townlet.config.affordances import AffordanceFile, EntriesOfFile
from townlet.config.captured import StoredConfig, stored_parts, what_folder
from townlet.config.checking.floor import AUTO_SEEDED, free_tile_mistakes
from townlet.config.checking.stuck import stuck_entries
from townlet.config.checks import check_config, repeated_entries
from townlet.config.defaults import fill_in_defaults, filled_to_replenishment, jobs_that_fit
from townlet.config.notices import notices_about
from townlet.config.schema import Config, Scenario, ScenarioAgent, ScenarioObject
from townlet.config.shipped import existing, shipped_file, shipped_root
from townlet.config.source.kinds import is_list_of_entries, is_mapping_of, what_it_is
from townlet.config.source.networks import NetworkReader
from townlet.config.source.open_file import folders_of, is_folder, is_there, refuse
from townlet.config.type_text import fields_by_key, quoted
from townlet.config.validation import Reading, config_error, read, without_effect
from townlet.config.yaml_loader import Document, Keys, path_text, read_document
from townlet.errors import ConfigError, Problem, UserError
from townlet.escaping import shown
from townlet.notebook import Shown, listed
from townlet.policy_text import Models, is_network


@dataclass(frozen=True, repr=False)
class Resolved(Shown):
    """A config with all that it refers to: what decides a run, apart from the run's own options."""

    config: Config
    affordances: AffordanceFile
    name: str  # the file's stem, made safe for a folder's name
    config_path: str  # relative, posix; never absolute
    notices: tuple[str, ...] = field(
        default=(), compare=False
    )  # what the user should know; not part of the config
    warnings: tuple[str, ...] = field(
        default=(), compare=False
    )  # likewise: what surely is not meant, each with its line
    models: Models = field(default_factory=dict, compare=False, repr=False)  # the content of networks' files
    networks: Mapping[str, Problem] = field(
        default_factory=dict, compare=False, repr=False
    )  # each network that the config names, by digest: the place where, for what is found to be wrong with it

    def _facts(self) -> dict[str, Any]:
        return {
            "config": self.name,
            "agents": f"{len(self.agents)}: {listed(agent.id for agent in self.agents)}",
            "affordances": len(self.affordances.affordances),
        }

    def content(self) -> dict[str, Any]:
        """What decides a run: config and affordances, without names and places. JSON-safe."""
        return {
            "affordances": self.affordances.model_dump(mode="json", exclude_none=True),
            "config": self.config.model_dump(mode="json", exclude_none=True),
        }

    def to_json_dict(self) -> dict[str, Any]:
        """Everything but notices and models, JSON-safe; `from_json_dict` is the inverse."""
        return {**self.content(), "config_path": self.config_path, "name": self.name}

    @classmethod
    def from_json_dict(cls, data: dict[str, Any]) -> Resolved:
        """What `to_json_dict` gave. Raises ConfigError for anything else."""
        try:
            return cls(
                config=Config.model_validate(data["config"]),
                affordances=AffordanceFile.model_validate(data["affordances"]),
                name=data["name"],
                config_path=data["config_path"],
            )
        except (KeyError, TypeError, ValidationError) as error:
            reason = "a key is missing" if isinstance(error, KeyError) else str(error).split("\n", 1)[0]
            raise ConfigError(
                [Problem("resolved config", 0, 0, "", f"not what was stored: {reason}")]
            ) from None

    @property
    def seed(self) -> int:
        """Of a run that names none: the scenario's, else the config's."""
        scenario = self.config.scenario
        return scenario.seed if scenario is not None and scenario.seed is not None else self.config.seed

    @property
    def objects(self) -> tuple[ScenarioObject, ...]:
        """All objects of the town: the affordance file's, then the scenario's (which wins in both)."""
        scenario = self.config.scenario.objects if self.config.scenario is not None else ()
        own = {entry.id for entry in scenario}
        shared = [
            ScenarioObject(
                id=entry.id,
                type=entry.object_type,
                position=entry.position,
                stock=entry.stock,
                filled_to=entry.filled_to,
            )
            for entry in self.affordances.objects
            if entry.id not in own
        ]
        return (*shared, *scenario)

    @property
    def agents(self) -> tuple[ScenarioAgent, ...]:
        """Those whom the config spawns."""
        return self.config.scenario.agents if self.config.scenario is not None else ()


def load_config(path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None) -> Resolved:
    """Read a config file, with the affordance file that it names.

    `root` is the folder that `config_path` is relative to (a suite's), unless the config is a shipped one. A
    relative path that names nothing is looked for among the shipped configs. Raises ConfigError with every
    problem of both files, nothing else for whatever the files hold; UserError for what is no path.
    """
    named = arguments.path("load_config: path", path)
    root = None if root is None else arguments.path("load_config: root", root)
    if not named:
        raise UserError("load_config: path: expected the path of a config, got nothing")
    file = existing(named)
    document = read_config_document(file, named)
    stored = stored_parts(document)
    document = stored.config if stored is not None else document
    _check_is_config(document)
    reading = read(Config, document, placeholders={"config_id": "-"})
    problems = list(reading.problems)
    if reading.value is None:
        raise config_error(problems, reading.more)
    entries, theirs, from_elsewhere = _affordances(reading, file, stored)
    jobs_written = "jobs" in document.data
    config, left_out = jobs_that_fit(reading.value, jobs_written)
    config, networks = _with_networks(reading, config, file)
    problems += [*theirs, *networks.problems, *check_config(reading, config, entries, jobs_written)]
    if problems or entries is None or entries.value is None:
        raise config_error(problems, entries.more if entries is not None else 0)
    config, affordances, notices = fill_in_defaults(
        config, entries.value.sorted_out(), resolved=stored is not None
    )
    config = _without_absolute_path(config)
    unread = [path_text(keys) for keys in without_effect(Config, document.data)]
    if unread:
        notices = [f"accepted, no effect on a capture: {', '.join(unread)}", *notices]
    if stored is None:  # what a capture has resolved says all keys, and was told of when they were written
        notices = [*from_elsewhere, *notices_about(document.data, config), *left_out, *notices]
    name = (stored and stored.name) or safe_name(file.resolve().stem)
    shown_path = (stored and stored.config_path) or _shown_path(file, root)
    resolved = Resolved(
        config,
        affordances,
        name,
        shown_path,
        tuple(notices),
        models=networks.models,
        networks=networks.places,
    )
    stuck = stuck_entries(config, affordances, resolved.objects)
    return replace(resolved, warnings=tuple(str(reading.problem(path, text)) for path, text in stuck))


@dataclass
class _Networks:
    """The networks that a config names."""

    models: Models
    places: dict[str, Problem] = field(default_factory=dict)  # see Resolved.networks
    problems: list[Problem] = field(default_factory=list)


def _with_networks(reading: Reading[Config], config: Config, file: Path) -> tuple[Config, _Networks]:
    """The config with its networks by digest; and what was read."""
    reader = NetworkReader(folders_of(file))
    found = _Networks(reader.models)

    def by_digest(policy: str, *keys: str) -> str:
        place: Keys = ("policy", *keys)
        try:
            named = reader.by_digest(policy)
        except UserError as error:
            found.problems.append(reading.problem(place, str(error)))
            return policy
        if is_network(named):
            found.places.setdefault(named, reading.problem(place, ""))
        return named

    section = config.policy
    default = None if section.default is None else by_digest(section.default, "default")
    agents = {name: by_digest(policy, "agents", name) for name, policy in section.agents.items()}
    section = section.model_copy(update={"default": default, "agents": agents})
    return (config.model_copy(update={"policy": section}) if found.places else config), found


def read_config_document(file: Path, label: str) -> Document:
    """A file that should be a config or a suite. Raises ConfigError."""
    if is_folder(file):
        raise refuse(label, what_folder(file))
    return read_document(file, label)


def _check_is_config(document: Document) -> None:
    """Raise ConfigError for a file that is something else, without quoting it."""
    if not is_mapping_of(fields_by_key(Config), document.data, "config_id"):
        found = what_it_is(document.data)
        raise refuse(
            document.label,
            f"expected a config (a mapping with the key `config_id`), got {found}",
            *document.place(()),
        )


def auto_seed(resolved: Resolved) -> Resolved:
    """Add `alice` and `bob`, and an object of each kind that the affordances use and the town lacks.

    A config that has agents is returned as it is.
    """
    if resolved.agents:
        return resolved
    scenario = resolved.config.scenario or Scenario()
    taken = {entry.id for entry in resolved.objects}
    there = {entry.type for entry in resolved.objects}
    added = []
    for object_type in dict.fromkeys(entry.object_type for entry in resolved.affordances.affordances):
        if object_type not in there:
            added.append(ScenarioObject(id=_free_id(object_type, taken), type=object_type))
    agents = tuple(ScenarioAgent(id=name) for name in AUTO_SEEDED)
    scenario = scenario.model_copy(update={"objects": (*scenario.objects, *added), "agents": agents})
    config = resolved.config.model_copy(update={"scenario": scenario})
    config, affordances = filled_to_replenishment(config, resolved.affordances)
    return replace(resolved, config=config, affordances=affordances)


def check_auto_seeded(resolved: Resolved, label: str) -> None:
    """Raise ConfigError for a config without agents that has no room for those that `auto_seed` would add."""
    seeded = auto_seed(resolved)
    found = free_tile_mistakes(seeded.config, [*seeded.objects, *seeded.agents])
    problems = [Problem(label, 0, 0, path_text(path), message) for path, message in found]
    if problems:
        raise ConfigError(problems)


def is_affordance_file(document: Document) -> bool:
    """Whether a file is a list of entries, each of an object or an affordance."""
    return bool(document.data) and is_list_of_entries(document.data)


def check_affordance_file(path: str | os.PathLike[str]) -> None:
    """Raise ConfigError with every mistake that an affordance file has in any town."""
    entries = read(EntriesOfFile, read_affordance_document(existing(path), os.fspath(path)), placeholders={})
    problems = list(entries.problems)
    if entries.value is not None:
        problems += [entries.problem(keys, message) for keys, message in repeated_entries(entries)]
    if problems:
        raise config_error(problems, entries.more)


def _free_id(object_type: str, taken: set[str]) -> str:
    number = 1
    while f"{object_type[:50]}_{number}" in taken:
        number += 1
    return f"{object_type[:50]}_{number}"


def safe_name(stem: str) -> str:
    """A file's stem as a folder's name: what is not a letter, digit, `_`, `.` or `-` becomes `_`."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", re.sub(r"^[.-]", "_", stem), flags=re.ASCII)[:64] or "_"


def _shown_path(file: Path, root: str | os.PathLike[str] | None) -> str:
    resolved = file.resolve()
    for folder in (shipped_root(), Path(root) if root is not None else None):
        if folder is not None and resolved.is_relative_to(folder.resolve()):
            return resolved.relative_to(folder.resolve()).as_posix()
    return resolved.name


def _without_absolute_path(config: Config) -> Config:
    name = config.affordances.affordances_file
    for pure in (PurePosixPath(name), PureWindowsPath(name)):
        if pure.is_absolute():
            section = config.affordances.model_copy(update={"affordances_file": pure.name})
            return config.model_copy(update={"affordances": section})
    return config


def find_affordances(name: str, config_file: Path) -> tuple[Path | None, str]:
    """The affordance file that a config names, and where that is, if it is neither beside it nor a shipped one.

    Looked for beside the config, in the folders above it, in the working folder, among the shipped configs. A config
    that is a link has two places: that of the link, then that of what it leads to. The folders above end where every
    user may write: a file there can be anyone's.
    """
    folders = folders_of(config_file)
    for folder in folders:
        if is_there(folder / name):
            return folder / name, ""
    above = dict.fromkeys(place for folder in folders for place in _own_folders_above(folder))
    places = [(place, "in a folder above the config") for place in above]
    with contextlib.suppress(OSError):  # where the working folder is gone
        places.append((Path.cwd(), "in the working folder"))
    for place, where in places:
        if is_there(place / name):
            found = place / name
            return found, "" if _is_shipped(found) else where
    return shipped_file(name), ""


def _own_folders_above(folder: Path) -> Iterator[Path]:
    for place in folder.parents:
        try:
            shared = place == place.parent or place.stat().st_mode & stat.S_IWOTH
        except OSError:
            shared = True
        if shared:
            return
        yield place


def _is_shipped(file: Path) -> bool:
    real = Path(
        os.path.realpath(file)
    )  # `Path.resolve` raises RuntimeError for links that lead to each other
    return real.is_relative_to(shipped_root().resolve())


def _affordances(
    reading: Reading[Config], file: Path, stored: StoredConfig | None
) -> tuple[Reading[EntriesOfFile] | None, list[Problem], list[str]]:
    """The affordance file that a config names: what it says, what is wrong with it, and what to tell the user."""
    assert reading.value is not None
    if stored is not None:
        entries = read(EntriesOfFile, stored.affordances, placeholders={})
        return entries, list(entries.problems), []
    if not reading.intact("affordances", "affordances_file"):
        return None, [], []
    name = reading.value.affordances.affordances_file
    found, elsewhere = find_affordances(name, file)
    if found is None:
        where = ("affordances", "affordances_file")
        message = (
            f"expected an affordance file, found no {shown(quoted(name))} beside the config, in the folders above it, "
            "in the working folder, or among the shipped configs"
        )
        return None, [reading.problem(where, message)], []
    label = _label_beside(found, name)
    try:
        document = read_affordance_document(found, label)
    except ConfigError as error:
        return None, error.problems, []
    entries = read(EntriesOfFile, document, placeholders={})
    notices = [f"affordances are read from {label}, {elsewhere}"] if elsewhere else []
    return entries, list(entries.problems), notices


def read_affordance_document(file: Path, label: str) -> Document:
    """A file that should be an affordance file. Raises ConfigError; one that is something else is not quoted."""
    document = read_document(file, label)
    if not is_list_of_entries(document.data):
        found = what_it_is(document.data)
        expected = "expected a list of entries, each of an object or an affordance"
        raise refuse(label, f"{expected}, got {found}", *document.place(()))
    return document


def _label_beside(found: Path, name: str) -> str:
    try:
        return os.path.relpath(found) if found.is_relative_to(Path.cwd()) else str(found)
    except (OSError, ValueError):
        return name
