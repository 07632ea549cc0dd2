"""A suite: which configs are run with which seeds, for how long, and by which policy.

`{name, defaults: {ticks, policy, segment_ticks, ignore_schedules}, runs: [{name, config, seeds, ticks,
policy}]}`; paths are relative to the suite file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from townlet.config.schema.types import (
    ID_PATTERN,
    ID_RULE,
    LARGEST_SEED,
    Flag,
    Identifier,
    Named,
    Section,
    Text,
    Whole,
    expected,
    invalid,
)
from townlet.config.shipped import existing
from townlet.config.validation import Reading, config_error, read
from townlet.config.yaml_loader import Keys, read_document
from townlet.errors import ConfigError, Problem, UserError
from townlet.vocabulary import PolicyName

MOST_SEEDS = 1_000_000
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
    if len(set(seeds)) < len(seeds):
        again = next(seed for index, seed in enumerate(seeds) if seed in set(seeds[:index]))
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
    policy: PolicyName | None = Field(
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
    policy: PolicyName | None = Field(default=None, description="Policy. Default: that of `defaults`.")


class SuiteInFile(Section):
    """A suite as it is written."""

    name: Identifier = Field(description="The suite's name in data sets.")
    defaults: SuiteDefaults = Field(
        default=SuiteDefaults(), description="Values for all runs that do not give their own."
    )
    runs: tuple[SuiteEntry, ...] = Field(description="The runs.")

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
    policy: str | None  # None = the config's


@dataclass(frozen=True)
class Suite:
    """What a suite file says."""

    name: str
    runs: tuple[SuiteRun, ...]
    folder: Path  # what paths are relative to
    segment_ticks: int | None = None  # None = chosen by size, 0 = never cut
    ignore_schedules: bool = False


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
    document = read_document(file, os.fspath(path))
    reading = read(SuiteInFile, document, placeholders={"name": "suite"})
    if reading.value is None:
        raise config_error(reading.problems, reading.more)
    folder = file.resolve().parent
    wrong = [reading.problem(keys, message) for keys, message in _mistakes(reading, reading.value, folder)]
    problems = [*reading.problems, *wrong]
    return _resolved(reading.value, folder), config_error(problems, reading.more).problems if problems else []


def is_suite(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a suite rather than a config: it has `runs` (or nearly so). Raises ConfigError for bad YAML."""
    data = read_document(existing(path), os.fspath(path)).data
    return isinstance(data, dict) and "config_id" not in data and not data.keys().isdisjoint(_OF_SUITES)


_OF_SUITES = {
    "runs",
    "run",
    "Runs",
    "defaults",
    "default",
}  # keys that no config has, and how they are mistyped


def _mistakes(reading: Reading[SuiteInFile], suite: SuiteInFile, folder: Path) -> Iterator[tuple[Keys, str]]:
    taken: dict[tuple[str, int | None], int] = {}
    for index, entry in enumerate(suite.runs):
        name = _name(entry)
        if not ID_PATTERN.fullmatch(name):
            yield (
                ("runs", index, "config"),
                f"'{name[:64]}' cannot name a run; give it a `name` ({ID_RULE})",
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
        if not (folder / entry.config).is_file():
            yield ("runs", index, "config"), f"expected a config file, found none at '{entry.config}'"


def _name(entry: SuiteEntry) -> str:
    return entry.name if entry.name is not None else Path(entry.config).stem


def _resolved(suite: SuiteInFile, folder: Path) -> Suite:
    """The defaults put into the runs. Those whose config is not there are left out."""
    defaults = suite.defaults
    runs = tuple(
        SuiteRun(
            name=_name(entry),
            config=folder / entry.config,
            seeds=entry.seeds or (),
            ticks=entry.ticks if entry.ticks is not None else defaults.ticks,
            policy=entry.policy if entry.policy is not None else defaults.policy,
        )
        for entry in suite.runs
        if (folder / entry.config).is_file()
    )
    return Suite(suite.name, runs, folder, defaults.segment_ticks, defaults.ignore_schedules)
