"""A config file and its affordance file -> `Resolved`, or every mistake in them at once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import ValidationError

from townlet.config.affordances import AffordanceFile, EntriesOfFile
from townlet.config.checks import AUTO_SEEDED, check_config
from townlet.config.defaults import default_jobs_that_fit, fill_in_defaults
from townlet.config.schema import Config, Scenario, ScenarioAgent, ScenarioObject
from townlet.config.type_text import closest_name
from townlet.config.validation import Reading, config_error, read, without_effect
from townlet.config.yaml_loader import path_text, read_document
from townlet.errors import ConfigError, Problem

PACKAGE = Path(__file__).resolve().parent.parent
SUFFIXES = (".yaml", ".yml", ".json")


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
    entries, theirs = _affordances(reading, file)
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
    return Resolved(config, affordances, safe_name(file.stem), _shown_path(file, root), tuple(notices))


def auto_seed(resolved: Resolved) -> Resolved:
    """Add `alice` and `bob`, and an object of each kind that the affordances use and the town lacks.

    A config that spawns anybody is returned as it is.
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


def shipped_root() -> Path:
    """The folder of the shipped configs: inside an installed package, else beside it."""
    installed = PACKAGE / "_configs"
    return installed if installed.is_dir() else PACKAGE.parent / "configs"


def shipped_configs() -> list[str]:
    """The shipped configs' paths in that folder, posix, without affordance files and suites."""
    return _shipped_in("examples", "scenarios")


def shipped_suites() -> list[str]:
    """The shipped suites' paths in that folder, posix."""
    return _shipped_in("suites")


def _shipped_in(*folders: str) -> list[str]:
    root = shipped_root()
    found = (path.relative_to(root) for path in root.rglob("*") if path.suffix in SUFFIXES)
    return sorted(path.as_posix() for path in found if path.parts[0] in folders)


def find_shipped(name: str) -> Path:
    """A shipped file by its path (`examples/town.yaml`, `configs/examples/town.yaml`) or stem (`town`, `smoke`).

    Raises ConfigError, which lists the shipped configs and suites.
    """
    found = _shipped(name)
    if found is None:
        known = [*shipped_configs(), *shipped_suites()]
        close = closest_name(name, [PurePosixPath(path).stem for path in known])
        hint = f"; did you mean '{close}'?" if close else f"; there are: {', '.join(known)}"
        raise ConfigError([Problem(name, 0, 0, "", f"no shipped config has this name{hint}")])
    return found


def _shipped(name: str) -> Path | None:
    root = shipped_root()
    parts = PurePosixPath(name.replace(os.sep, "/")).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\0" in name:
        return None
    inner = parts[1:] if parts[0] == "configs" else parts
    if inner and _is_file(root.joinpath(*inner)):
        return root.joinpath(*inner)
    if len(parts) == 1:
        stem = parts[0]
        for path in (*shipped_configs(), *shipped_suites()):
            if stem in (PurePosixPath(path).stem, PurePosixPath(path).name):
                return root / path
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def existing(path: str | os.PathLike[str]) -> Path:
    """The path itself, or the shipped file of that name where there is none under it.

    A folder is none: who captured `smoke` into a folder of that name can say `smoke` again.
    """
    path = Path(path)
    try:
        missing = not path.exists() or path.is_dir()
    except (OSError, ValueError):
        return path
    return (_shipped(path.as_posix()) if missing else None) or path


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


def find_affordances(name: str, config_file: Path) -> Path | None:
    """Beside the config, in the folders above it, in the working folder, among the shipped configs."""
    folder = config_file.resolve().parent
    for place in (folder, *folder.parents, Path.cwd()):
        if _is_file(place / name):
            return place / name
    return _shipped(name)


def _affordances(reading: Reading[Config], file: Path) -> tuple[Reading[EntriesOfFile] | None, list[Problem]]:
    """The affordance file that a config names: what it says, and what is wrong with it."""
    assert reading.value is not None
    if not reading.intact("affordances", "affordances_file"):
        return None, []
    name = reading.value.affordances.affordances_file
    found = find_affordances(name, file)
    if found is None:
        where = ("affordances", "affordances_file")
        message = (
            f"expected an affordance file, found no '{name}' beside the config, in the folders above it, in "
            "the working folder, or among the shipped configs"
        )
        return None, [reading.problem(where, message)]
    label = _label_beside(found, name)
    try:
        document = read_document(found, label)
    except ConfigError as error:
        return None, error.problems
    entries = read(EntriesOfFile, document, placeholders={})
    return entries, list(entries.problems)


def _label_beside(found: Path, name: str) -> str:
    try:
        return os.path.relpath(found) if found.is_relative_to(Path.cwd()) else str(found)
    except (OSError, ValueError):
        return name
