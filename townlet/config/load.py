"""A config file and its affordance file -> `Resolved`, or every mistake in them at once."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import ValidationError

from townlet.config.affordances import AffordanceFile, EntriesOfFile
from townlet.config.checks import AUTO_SEEDED, check_config
from townlet.config.defaults import default_jobs_that_fit, fill_in_defaults
from townlet.config.schema import Config, Scenario, ScenarioAgent, ScenarioObject
from townlet.config.shipped import existing, is_file, shipped_file, shipped_root
from townlet.config.validation import Reading, config_error, read, without_effect
from townlet.config.yaml_loader import path_text, read_document
from townlet.errors import ConfigError, Problem


@dataclass(frozen=True)
class Resolved:
    """A config with all that it refers to: what decides a run, apart from the run's own options."""

    config: Config
    affordances: AffordanceFile
    name: str  # the file's stem, made safe for a folder's name
    config_path: str  # relative, posix; never absolute
    notices: tuple[str, ...] = field(
        default=(), compare=False
    )  # what the user should know; not part of the config

    def content(self) -> dict[str, Any]:
        """What decides a run: config and affordances, without names and places. JSON-safe."""
        return {
            "affordances": self.affordances.model_dump(mode="json", exclude_none=True),
            "config": self.config.model_dump(mode="json", exclude_none=True),
        }

    def to_json_dict(self) -> dict[str, Any]:
        """Everything but the notices, JSON-safe; `from_json_dict` is the inverse."""
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
            ScenarioObject(id=entry.id, type=entry.object_type, position=entry.position, stock=entry.stock)
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
    problem of both files; nothing else for whatever the files hold.
    """
    file = existing(path)
    document = read_document(file, os.fspath(path))
    reading = read(Config, document, placeholders={"config_id": "-"})
    problems = list(reading.problems)
    if reading.value is None:
        raise config_error(problems, reading.more)
    entries, theirs, from_elsewhere = _affordances(reading, file)
    jobs_written = "jobs" in document.data
    config = default_jobs_that_fit(reading.value, jobs_written)
    spanning, more = check_config(reading, config, entries, jobs_written)
    problems += [*theirs, *spanning]
    if problems or entries is None or entries.value is None:
        raise config_error(problems, more + (entries.more if entries is not None else 0))
    config, affordances, notices = fill_in_defaults(config, entries.value.sorted_out())
    config = _without_absolute_path(config)
    unread = [path_text(keys) for keys in without_effect(Config, document.data)]
    if unread:
        notices = [f"accepted, no effect on a capture: {', '.join(unread)}", *notices]
    notices = [*from_elsewhere, *notices]
    return Resolved(config, affordances, safe_name(file.stem), _shown_path(file, root), tuple(notices))


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
    return replace(resolved, config=config)


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
    return file.name


def _without_absolute_path(config: Config) -> Config:
    name = config.affordances.affordances_file
    for pure in (PurePosixPath(name), PureWindowsPath(name)):
        if pure.is_absolute():
            section = config.affordances.model_copy(update={"affordances_file": pure.name})
            return config.model_copy(update={"affordances": section})
    return config


def find_affordances(name: str, config_file: Path) -> tuple[Path | None, str]:
    """The affordance file that a config names, and where that is, if it is neither beside it nor a shipped one.

    Looked for beside the config, in the folders above it, in the working folder, among the shipped configs. The
    folders above end where every user may write: a file there can be anyone's.
    """
    folder = config_file.resolve().parent
    if is_file(folder / name):
        return folder / name, ""
    places = [(place, "in a folder above the config") for place in _own_folders_above(folder)]
    with contextlib.suppress(OSError):  # where the working folder is gone
        places.append((Path.cwd(), "in the working folder"))
    for place, where in places:
        if is_file(place / name):
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
    return file.resolve().is_relative_to(shipped_root().resolve())


def _affordances(
    reading: Reading[Config], file: Path
) -> tuple[Reading[EntriesOfFile] | None, list[Problem], list[str]]:
    """The affordance file that a config names: what it says, what is wrong with it, and what to tell the user."""
    assert reading.value is not None
    if not reading.intact("affordances", "affordances_file"):
        return None, [], []
    name = reading.value.affordances.affordances_file
    found, elsewhere = find_affordances(name, file)
    if found is None:
        where = ("affordances", "affordances_file")
        message = (
            f"expected an affordance file, found no '{name}' beside the config, in the folders above it, in "
            "the working folder, or among the shipped configs"
        )
        return None, [reading.problem(where, message)], []
    label = _label_beside(found, name)
    try:
        document = read_document(found, label)
    except ConfigError as error:
        return None, error.problems, []
    entries = read(EntriesOfFile, document, placeholders={})
    notices = [f"affordances are read from {label}, {elsewhere}"] if elsewhere else []
    return entries, list(entries.problems), notices


def _label_beside(found: Path, name: str) -> str:
    try:
        return os.path.relpath(found) if found.is_relative_to(Path.cwd()) else str(found)
    except (OSError, ValueError):
        return name
