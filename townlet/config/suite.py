"""A suite: which configs are run with which seeds, for how long, and by which policy.

`{name, defaults: {ticks, policy, segment_ticks, ignore_schedules}, runs: [{name, config, seeds, ticks,
policy}]}`; paths are relative to the suite file (to the link, then to what it leads to, where it is one), and lead to
configs or to captures.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from townlet.config.captured import captured_config, what_folder
from townlet.config.load import read_config_document
from townlet.config.schema.policies import PolicyText
from townlet.config.schema.types import (
    ID_PATTERN,
    ID_RULE,
    LARGEST_SEED,
    Flag,
    Identifier,
    Many,
    Named,
    Section,
    Text,
    Whole,
    expected,
    invalid,
)
from townlet.config.shipped import existing
from townlet.config.source.kinds import is_mapping_of, what_it_is
from townlet.config.source.networks import NetworkReader
from townlet.config.source.open_file import folders_of, is_folder, is_there, refuse
from townlet.config.type_text import quoted
from townlet.config.validation import Reading, config_error, read
from townlet.config.yaml_loader import Document, Keys
from townlet.errors import ConfigError, Problem, UserError
from townlet.escaping import shown
from townlet.policy_text import Models, is_network
from townlet.run import repeated_seed

MOST_SEEDS = 1_000_000
MOST_MISTAKES = 300  # of its runs that are looked for
SEED_SPAN = re.compile(r"\s*([0-9]{1,19})\s*(?:\.\.\s*([0-9]{1,19})\s*)?", re.ASCII)
SEEDS_RULE = "a seed, a span such as '0..99' (both ends included), or a list of them"


def parse_seeds(value: int | str | Sequence[int | str]) -> tuple[int, ...]:
    """`7`, `"7"`, `"0..99"`, `"0..3,8"` or a list of such -> the seeds in the order given.

    Raises UserError where it is anything else, names a seed twice, or more than a million.
    """
    try:
        return _seeds(value)
    except _NoSeeds as error:
        raise UserError(f"seeds: {error}") from None


class _NoSeeds(ValueError):
    """What is wrong with some seeds, in words."""


def _seeds(value: Any) -> tuple[int, ...]:
    parts: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    parts = [piece for part in parts for piece in (part.split(",") if isinstance(part, str) else [part])]
    if not parts:
        raise _NoSeeds(f"expected {SEEDS_RULE}, got an empty list")
    seeds: list[int] = []
    for part in parts:
        first, last = _span(part)
        if last - first + 1 + len(seeds) > MOST_SEEDS:
            raise _NoSeeds(f"expected at most {MOST_SEEDS:,} seeds, got more")
        seeds += range(first, last + 1)
    if (again := repeated_seed(seeds)) is not None:
        raise _NoSeeds(f"expected every seed once, got {again} twice")
    return tuple(seeds)


def _span(part: Any) -> tuple[int, int]:
    if isinstance(part, int) and not isinstance(part, bool):
        ends = (part, part)
    else:
        found = SEED_SPAN.fullmatch(part) if isinstance(part, str) else None
        if found is None:
            raise _NoSeeds(f"expected {SEEDS_RULE}, got {part!r}")
        ends = (int(found[1]), int(found[2] or found[1]))
    if not 0 <= ends[0] <= LARGEST_SEED or ends[1] > LARGEST_SEED:
        raise _NoSeeds(f"expected seeds from 0 to 2^63 - 1, got {part!r}")
    if ends[1] < ends[0]:
        raise _NoSeeds(f"expected a span that goes up, got {part!r}")
    return ends


def _read_seeds(value: Any) -> Any:
    if not isinstance(value, int | str | list | tuple) or isinstance(value, bool):
        raise expected(SEEDS_RULE)
    try:
        return _seeds(value)
    except _NoSeeds as error:
        raise invalid(str(error)) from None


_SEED = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": SEED_SPAN.pattern}]}
Seeds = Annotated[
    tuple[int, ...],
    BeforeValidator(_read_seeds),
    Named(SEEDS_RULE),
    WithJsonSchema({"anyOf": [*_SEED["anyOf"], {"type": "array", "items": _SEED, "minItems": 1}]}),
]


class SuiteDefaults(Section):
    """What holds for every run that does not say otherwise."""

    ticks: Whole | None = Field(default=None, ge=1, description="Ticks to play. Default: the config's.")
    policy: PolicyText | None = Field(
        default=None, description="Policy of agents without a schedule. Default: the config's."
    )
    segment_ticks: Whole | None = Field(
        default=None, ge=0, description="Ticks per segment; 0: never cut. Default: chosen by size."
    )
    ignore_schedules: Flag = Field(
        default=False, description="Whether agents with a schedule follow the policy too."
    )


class SuiteEntry(Section):
    """One config with its seeds."""

    name: Identifier | None = Field(
        default=None, description="Name of the captures. Default: the config's file name without suffix."
    )
    config: Text = Field(min_length=1, description="A path relative to the suite file.")
    seeds: Seeds | None = Field(default=None, description="Default: the config's own seed.")
    ticks: Whole | None = Field(default=None, ge=1, description="Ticks to play. Default: that of `defaults`.")
    policy: PolicyText | None = Field(default=None, description="Policy. Default: that of `defaults`.")


class SuiteInFile(Section):
    """A suite as it is written."""

    name: Identifier = Field(description="The suite's name in data sets.")
    defaults: SuiteDefaults = Field(
        default=SuiteDefaults(), description="Values for all runs that do not give their own."
    )
    runs: Many[SuiteEntry] = Field(description="The runs.")

    @field_validator("runs", mode="after")
    @classmethod
    def _some_run(cls, runs: tuple[SuiteEntry, ...]) -> tuple[SuiteEntry, ...]:
        if not runs:
            raise invalid("expected at least one run, got none")
        return runs


@dataclass(frozen=True)
class SuiteRun:
    """One config of a suite with its seeds; the suite's defaults are in it."""

    name: str
    config: Path
    seeds: tuple[int, ...]  # () = the config's own seed
    ticks: int | None  # None = the config's
    policy: str | None  # None = the config's; a network by its digest
    folder: Path  # the suite's, from where the config was found: that of a link to it, or its own

    @property
    def label(self) -> str:
        """The config's path as short as it can be from where the user is, and never the bare name of a shipped one."""
        try:
            path = os.path.relpath(self.config)
        except ValueError:
            return str(self.config)
        return os.path.join(os.curdir, path) if os.sep not in path and is_folder(self.config) else path


@dataclass(frozen=True)
class Suite:
    """What a suite file says."""

    name: str
    runs: tuple[SuiteRun, ...]
    folder: Path  # its own; what paths are relative to, where no link leads to it
    segment_ticks: int | None = None  # None = chosen by size, 0 = never cut
    ignore_schedules: bool = False
    models: Models = field(default_factory=dict, repr=False)  # the content of its networks' files, by digest
    networks: Mapping[str, Problem] = field(default_factory=dict, repr=False)  # the place of each, by digest


def load_suite(path: str | os.PathLike[str]) -> Suite:
    """Read a suite file. Raises ConfigError with every problem of it; the configs it names are not opened."""
    suite, problems = read_suite(path)
    if problems:
        raise ConfigError(problems)
    return suite


def read_suite(path: str | os.PathLike[str]) -> tuple[Suite, list[Problem]]:
    """A suite file less what is wrong in it, so that its configs can be looked at all the same, and what is wrong.

    Raises ConfigError where nothing can be made of the file.
    """
    file = existing(path)
    document = read_config_document(file, os.fspath(path))
    if not is_mapping_of(_KEYS, document.data, "runs"):
        found = what_it_is(document.data)
        message = f"expected a suite (a mapping with the keys `name` and `runs`), got {found}"
        raise refuse(document.label, message, *document.place(()))
    reading = read(SuiteInFile, document, placeholders={"name": "suite"})
    if reading.value is None:
        raise config_error(reading.problems, reading.more)
    folders = folders_of(file)
    found = {
        name: _find_config(name, folders) for name in dict.fromkeys(run.config for run in reading.value.runs)
    }
    mistakes = itertools.islice(_mistakes(reading, reading.value, found), MOST_MISTAKES)
    wrong = [reading.problem(keys, message) for keys, message in mistakes]
    suite = _resolved(reading.value, folders[-1], found)
    suite, not_read = _with_networks(reading, suite, folders)
    problems = [*reading.problems, *wrong, *not_read]
    return suite, config_error(problems, reading.more).problems if problems else []


def _with_networks(
    reading: Reading[SuiteInFile], suite: Suite, folders: Sequence[Path]
) -> tuple[Suite, list[Problem]]:
    """The suite with its networks by digest; and what is wrong with them, each once."""
    reader, problems = NetworkReader(folders), []
    places: dict[str, Problem] = {}
    known: dict[str, str] = {}
    for keys, policy in _policies(reading.value):
        if policy in known:
            continue
        try:
            known[policy] = reader.by_digest(policy)
        except UserError as error:
            known[policy] = policy
            problems.append(reading.problem(keys, str(error)))
        if is_network(policy):
            places.setdefault(known[policy], reading.problem(keys, ""))
    runs = tuple(replace(run, policy=known.get(run.policy or "", run.policy)) for run in suite.runs)
    return replace(suite, runs=runs, models=reader.models, networks=places), problems


def _policies(suite: SuiteInFile | None) -> Iterator[tuple[Keys, str]]:
    """Every policy that a suite names, with its place."""
    if suite is None:
        return
    if suite.defaults.policy is not None:
        yield ("defaults", "policy"), suite.defaults.policy
    for index, entry in enumerate(suite.runs):
        if entry.policy is not None:
            yield ("runs", index, "policy"), entry.policy


def is_suite(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a suite rather than a config: it has `runs` (or nearly so). Raises ConfigError for bad YAML."""
    return is_suite_document(read_config_document(existing(path), os.fspath(path)))


def is_suite_document(document: Document) -> bool:
    """The same, for a file that has been read."""
    data = document.data
    if not isinstance(data, dict) or "config_id" in data or data.keys().isdisjoint(_OF_SUITES):
        return False
    return 2 * sum(key in _KEYS for key in data) >= len(data)


# Keys that no config has, and how they are mistyped.
_OF_SUITES = {"runs", "run", "Runs", "defaults", "default"}
_KEYS = _OF_SUITES | SuiteInFile.model_fields.keys()


def _mistakes(reading: Reading[SuiteInFile], suite: SuiteInFile, found: Found) -> Iterator[tuple[Keys, str]]:
    taken: dict[tuple[str, int | None], int] = {}
    for index, entry in enumerate(suite.runs):
        name = _name(entry)
        if not ID_PATTERN.fullmatch(name):
            yield (
                ("runs", index, "config"),
                f"{shown(quoted(name))} cannot name a run; give it a `name` ({ID_RULE})",
            )
            continue
        for seed in entry.seeds or (None,) if reading.whole("runs", index) else ():
            other = taken.setdefault((name.lower(), seed), index)
            if other != index:
                line = reading.problem(("runs", other), "").line
                with_seed = "without seeds" if seed is None else f"with seed {seed}"
                message = f"the run '{name}' {with_seed} is there already, on line {line}"
                key = "name" if entry.name is not None else "config"
                yield ("runs", index, key), f"{message}; tell them apart by `name`"
                break
        place, _ = found[entry.config]
        if place is None:
            yield (
                ("runs", index, "config"),
                f"expected a config file, found none at {shown(quoted(entry.config))}",
            )
        elif is_folder(place) and captured_config(place) is None:
            yield ("runs", index, "config"), what_folder(place)


# The paths of entries, each with what it leads to (None: nothing) and the suite's folder from where it does.
Found = dict[str, tuple[Path | None, Path]]


def _name(entry: SuiteEntry) -> str:
    return entry.name if entry.name is not None else Path(entry.config).stem


def _find_config(name: str, folders: Sequence[Path]) -> tuple[Path | None, Path]:
    """What an entry's path leads to, and the suite's folder from where it does. None where there is nothing.

    `a/../b` is `b`, also where `a` is a link to another folder; what the system makes of it comes second.
    """
    for folder in folders:
        for place in (Path(os.path.normpath(folder / name)), folder / name):
            if is_there(place) or is_folder(place):
                return place, folder
    return None, folders[0]


def _resolved(suite: SuiteInFile, own: Path, found: Found) -> Suite:
    """The defaults put into the runs. Those whose config is not there are left out."""
    defaults = suite.defaults
    runs = tuple(
        SuiteRun(
            name=_name(entry),
            config=config,
            seeds=entry.seeds or (),
            ticks=entry.ticks if entry.ticks is not None else defaults.ticks,
            policy=entry.policy if entry.policy is not None else defaults.policy,
            folder=folder,
        )
        for entry in suite.runs
        for config, folder in (found[entry.config],)
        if config is not None and not (is_folder(config) and captured_config(config) is None)
    )
    return Suite(suite.name, runs, own, defaults.segment_ticks, defaults.ignore_schedules)
