"""The configs that are asked for, each with what its suite, its capture or the command line says of its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from townlet.config.load import Resolved, auto_seed, load_config
from townlet.config.shipped import existing
from townlet.config.source.networks import NetworkReader
from townlet.config.source.open_file import folders_of
from townlet.config.suite import Suite, SuiteRun, is_suite, read_suite
from townlet.errors import ConfigError, Problem, UserError
from townlet.escaping import shown
from townlet.planning.again import RunOptions, options_of_capture
from townlet.planning.request import Request
from townlet.policy_text import Models, given_name, is_given, is_network

DEFAULT_COMPRESSION = "fast"
DEFAULT_PREFIX = "rollout_sample"


@dataclass(frozen=True)
class Entry:
    """One config to run, with what its suite says about it."""

    resolved: Resolved
    name: str
    source: str  # how messages name it
    suite: str = ""  # the name of the one that it stands in
    auto_seeded: bool = False
    seeds: tuple[int, ...] = ()
    ticks: int | None = None
    policy: str | None = None
    segment_ticks: int | None = None
    uncut_ticks: int = 0  # that a capture of it has in one piece
    ignore_schedules: bool = False
    agent: str | None = None
    compression: str = DEFAULT_COMPRESSION
    prefix: str = DEFAULT_PREFIX
    models: Models = field(default_factory=dict, repr=False)  # of the networks that it names, by digest
    networks: Mapping[str, Problem] = field(default_factory=dict)  # where each is named, for messages

    def lives(self, agent: str | None) -> int:
        """How many agents' frames are written, unless somebody leaves or arrives."""
        return len(self.resolved.agents) if (agent or self.agent) is None else 1


def entries_of(request: Request) -> list[Entry]:
    """Every config that is named, by itself or in a suite. Raises ConfigError with the mistakes of all files."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    given = _given_policy(request)
    for source in request.sources:
        try:
            if is_suite(source):
                suite, found = read_suite(source)
                problems += found
                entries += _entries_of_suite(suite, problems)
            else:
                entries.append(_entry_of_config(source, given is None))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    if given is not None:
        entries = [_with_policy(entry, *given) for entry in entries]
    if request.auto_seed_agents:
        return [_seeded(entry) for entry in entries]
    return entries


def _given_policy(request: Request) -> tuple[str, Models, Mapping[str, Problem]] | None:
    """The policy of the command line, which wins: its name, with a network by its digest, and the network's content."""
    if request.policy is None:
        return None
    reader = NetworkReader()
    try:
        policy = reader.by_digest(request.policy)
    except UserError as error:
        raise UserError(f"--policy: {error}") from None
    return policy, reader.models, {policy: Problem("--policy", 0, 0, "", "")}


def _with_policy(entry: Entry, policy: str, models: Models, networks: Mapping[str, Problem]) -> Entry:
    """The same, played by another policy."""
    return replace(
        entry, policy=policy, models={**entry.models, **models}, networks={**entry.networks, **networks}
    )


def _policy_of_capture(source: str, policy: str | None) -> tuple[str | None, Models, Mapping[str, Problem]]:
    """The policy of a run that is captured again, and its network's content, which lies in the capture or its data set.
    Raises ConfigError."""
    place = Problem(source, 0, 0, "policy", "")
    if is_given(policy):
        message = f"an object of a program's decided, {shown(given_name(policy))}: give another --policy"
        raise ConfigError([replace(place, message=message)])
    if policy is None or not is_network(policy):
        return policy, {}, {}
    reader = NetworkReader(folders_of(existing(source)))
    try:
        return reader.by_digest(policy), reader.models, {policy: place}
    except UserError as error:
        raise ConfigError([replace(place, message=str(error))]) from None


def _entry_of_config(source: str, with_policy: bool) -> Entry:
    """A config; or a capture, whose run's options hold where nothing else is said. Raises ConfigError.

    `with_policy`: nobody gives another policy.
    """
    resolved = load_config(source)
    options = options_of_capture(source)
    if options is None:
        return _with_networks(Entry(resolved, resolved.name, source))
    entry = _with_networks(_entry_of_capture(resolved, options, source))
    if not with_policy:
        return entry
    policy, models, networks = _policy_of_capture(source, options.policy)
    return entry if policy is None else _with_policy(entry, policy, models, networks)


def _with_networks(entry: Entry) -> Entry:
    """With what its config names."""
    resolved = entry.resolved
    return replace(
        entry,
        models={**entry.models, **resolved.models},
        networks={**entry.networks, **resolved.networks},
    )


def _entry_of_capture(resolved: Resolved, options: RunOptions, source: str) -> Entry:
    return Entry(
        resolved,
        options.scenario_name or resolved.name,
        source,
        auto_seeded=options.auto_seeded,
        seeds=(options.seed,),
        ticks=options.ticks or None,
        segment_ticks=options.segment_ticks or None,
        uncut_ticks=0 if options.segment_ticks else options.ticks,
        ignore_schedules=options.ignore_schedules,
        agent=options.agent,
        compression=options.compression,
        prefix=options.prefix,
    )


def _seeded(entry: Entry) -> Entry:
    """With agents, where the config spawns nobody; else as it is, so that asking for it changes nothing."""
    if entry.resolved.agents:
        return entry
    return replace(entry, resolved=auto_seed(entry.resolved), auto_seeded=True)


def _entries_of_suite(suite: Suite, problems: list[Problem]) -> Iterator[Entry]:
    """A suite's configs; what is wrong with them goes into `problems`. One file is read once."""
    read: dict[Path, Resolved] = {}
    refused: set[Path] = set()
    for run in suite.runs:
        if run.config in refused:
            continue
        try:
            if run.config not in read:
                read[run.config] = load_config(run.label, root=run.folder)
        except ConfigError as error:
            refused.add(run.config)
            problems += error.problems
            continue
        yield _entry_of(run, read[run.config], suite)


def _entry_of(run: SuiteRun, resolved: Resolved, suite: Suite) -> Entry:
    entry = Entry(
        resolved=resolved,
        name=run.name,
        source=run.label,
        suite=suite.name,
        seeds=run.seeds,
        ticks=run.ticks,
        policy=run.policy,
        segment_ticks=suite.segment_ticks,
        ignore_schedules=suite.ignore_schedules,
        models=suite.models,
        networks=suite.networks,
    )
    return _with_networks(entry)
