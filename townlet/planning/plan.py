"""What was asked for -> the runs to capture: configs, suites and options, with their order of precedence.

Which value wins: command line, suite entry, suite defaults, `scenario`, top level, default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from townlet.config.load import Resolved, auto_seed, load_config
from townlet.config.schema import DEFAULT_TICKS
from townlet.config.suite import Suite, SuiteRun, is_suite, read_suite
from townlet.dataset.format.paths import run_folder
from townlet.errors import ConfigError, Problem, UserError
from townlet.run import Run, RunRef, by_reference, canonical_json, checked_seed
from townlet.vocabulary import COMPRESSIONS, POLICIES, may_be_newcomer

SEGMENT_BYTES = 256_000_000  # the frames of one segment stay below, unless --segment-ticks says otherwise
MOST_TICKS = 2**31 - 1  # stored as int32


@dataclass(frozen=True)
class Request:
    """What the user asked for. None: not said, so that a suite, a config or a default decides."""

    sources: tuple[str, ...]  # config files, suite files, or names of shipped ones
    ticks: int | None = None
    seeds: tuple[int, ...] | None = None
    policy: str | None = None
    agent: str | None = None
    auto_seed_agents: bool = False
    ignore_schedules: bool = False
    segment_ticks: int | None = None
    compression: str = "fast"
    prefix: str = "rollout_sample"
    check: bool = False
    as_data_set: bool = False  # even if it is one run
    limit: int | None = None  # only the first so many runs


@dataclass(frozen=True)
class Plan:
    """The runs, longest expected first, and what is to be said about them.

    A limit counts them as they are listed: configs and suites in the order given, a suite's runs in its own.
    """

    runs: tuple[RunRef, ...]
    configs: Mapping[str, str]  # their canonical JSON texts, by digest
    costs: tuple[int, ...]  # expected frames of each run
    is_data_set: bool  # False: the one run's capture is the output folder itself
    notices: tuple[str, ...]
    suites: tuple[str, ...] = ()  # names of the suites that were asked for, sorted
    left_out: int = 0  # runs that a limit has cut off

    @property
    def whole(self) -> bool:
        """Whether these are all the runs of what was asked for."""
        return not self.left_out

    def playable(self) -> Iterator[Run]:
        """The runs, with their configs at hand."""
        return (run.with_config(self.configs) for run in self.runs)


@dataclass(frozen=True)
class _Entry:
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
    ignore_schedules: bool = False

    def lives(self, agent: str | None) -> int:
        """How many agents' frames are written, unless somebody leaves or arrives."""
        return len(self.resolved.agents) if agent is None else 1


def plan(request: Request) -> Plan:
    """Read every config and suite and lay out the runs.

    Raises ConfigError with the mistakes of all files, and UserError for what fits none of them.
    """
    _check(request)
    entries = _entries(request)
    is_data_set = request.as_data_set or len(entries) > 1 or any(entry.suite for entry in entries)
    worlds = _Worlds()
    laid_out = [(run, entry) for entry in entries for run in _runs_of(entry, request, is_data_set, worlds)]
    _refuse_same_names(laid_out)
    asked = len(laid_out)
    laid_out = laid_out[: request.limit]
    costed = [(run.ticks * entry.lives(request.agent), run) for run, entry in laid_out]
    costed.sort(key=lambda pair: (-pair[0], pair[1].name, pair[1].seed))
    runs, configs = by_reference(run for _, run in costed)
    return Plan(
        runs=tuple(runs),
        configs=configs,
        costs=tuple(cost for cost, _ in costed),
        is_data_set=is_data_set,
        notices=_notices(laid_out, worlds),
        suites=tuple(sorted({entry.suite for entry in entries} - {""})),
        left_out=asked - len(laid_out),
    )


def requested_runs(request: Request) -> Iterator[tuple[Resolved, int, int]]:
    """Of each config: the config, how many ticks it is played, and for how many seeds. Nothing is built.

    Raises what `plan` raises for configs that cannot be read.
    """
    _check(request)
    left = request.limit
    for entry in _entries(request):
        seeds = len(request.seeds or entry.seeds or (0,))
        if left is not None:
            seeds = min(seeds, left)
            left -= seeds
        yield entry.resolved, _ticks(entry, request), seeds


def _check(request: Request) -> None:
    """What can be wrong with the options, whatever the configs say."""
    if request.ticks is not None and not 1 <= request.ticks <= MOST_TICKS:
        raise UserError(f"--ticks: expected 1 to 2^31 - 1, got {request.ticks}")
    if request.segment_ticks is not None and request.segment_ticks < 0:
        raise UserError(f"--segment-ticks: expected 0 (never cut) or more, got {request.segment_ticks}")
    if request.limit is not None and request.limit < 1:
        raise UserError(f"--limit: expected 1 run or more, got {request.limit}")
    for seed in request.seeds or ():
        checked_seed(seed, "--seed")
    if request.policy is not None and request.policy not in POLICIES:
        raise UserError(f"--policy: expected one of {', '.join(POLICIES)}, got {request.policy!r}")
    if request.compression not in COMPRESSIONS:
        raise UserError(
            f"--compression: expected one of {', '.join(COMPRESSIONS)}, got {request.compression!r}"
        )
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", request.prefix, re.ASCII):
        raise UserError(
            f"--prefix: expected 1 to 64 of A-Z a-z 0-9 _ . -, not starting with a dot or a dash, "
            f"got {request.prefix!r}"
        )


def _entries(request: Request) -> list[_Entry]:
    """Every config that is named, by itself or in a suite."""
    entries: list[_Entry] = []
    problems: list[Problem] = []
    for source in request.sources:
        try:
            if is_suite(source):
                suite, found = read_suite(source)
                problems += found
                entries += _entries_of(suite, problems)
            else:
                resolved = load_config(source)
                entries.append(_Entry(resolved, resolved.name, source))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    if request.auto_seed_agents:
        return [_seeded(entry) for entry in entries]
    return entries


def _seeded(entry: _Entry) -> _Entry:
    """With agents, where the config spawns nobody; else as it is, so that asking for it changes nothing."""
    if entry.resolved.agents:
        return entry
    return replace(entry, resolved=auto_seed(entry.resolved), auto_seeded=True)


def _entries_of(suite: Suite, problems: list[Problem]) -> Iterator[_Entry]:
    """A suite's configs; what is wrong with them goes into `problems`. One file is read once."""
    read: dict[Path, Resolved] = {}
    for run in suite.runs:
        try:
            if run.config not in read:
                read[run.config] = load_config(_shown(run.config), root=suite.folder)
        except ConfigError as error:
            problems += error.problems
            continue
        yield _entry_of(run, read[run.config], suite)


def _entry_of(run: SuiteRun, resolved: Resolved, suite: Suite) -> _Entry:
    return _Entry(
        resolved=resolved,
        name=run.name,
        source=_shown(run.config),
        suite=suite.name,
        seeds=run.seeds,
        ticks=run.ticks,
        policy=run.policy,
        segment_ticks=suite.segment_ticks,
        ignore_schedules=suite.ignore_schedules,
    )


def _shown(path: Path) -> str:
    """As short as it can be from where the user is."""
    try:
        return os.path.relpath(path)
    except ValueError:
        return str(path)


def _runs_of(entry: _Entry, request: Request, is_data_set: bool, worlds: _Worlds) -> Iterator[Run]:
    """The entry's runs, one for each seed."""
    _check_agent(entry, request.agent)
    seeds = request.seeds or entry.seeds or (entry.resolved.seed,)
    first = Run(
        name=entry.name,
        seed=seeds[0],
        ticks=_ticks(entry, request),
        config_json=canonical_json(entry.resolved.to_json_dict()),
        config_path=entry.resolved.config_path,
        policy=request.policy or entry.policy,
        agent=request.agent,
        auto_seeded=entry.auto_seeded,
        ignore_schedules=request.ignore_schedules or entry.ignore_schedules,
        compression=request.compression,
        prefix=request.prefix,
        check=request.check,
    )
    first = replace(first, segment_ticks=_segment_ticks(first, entry, request, worlds))
    for seed in seeds:
        yield replace(first, seed=seed, folder=run_folder(entry.name, seed) if is_data_set else "")


class _Worlds:
    """What the worlds of runs tell at tick zero. A config is built once, for all entries that have it."""

    def __init__(self) -> None:
        self._told: dict[tuple[Any, ...], tuple[int, tuple[str, ...]]] = {}

    def frame_bytes(self, run: Run) -> int:
        """Bytes of the frames that one tick takes. Raises ConfigError for a config that cannot be played."""
        return self._of(run)[0]

    def notices(self, run: Run) -> Sequence[str]:
        """Where things without a position stand."""
        return self._of(run)[1]

    def _of(self, run: Run) -> tuple[int, tuple[str, ...]]:
        from townlet.rollout.play import build_run, frame_bytes

        same = (run.config_digest, run.seed, run.policy, run.ignore_schedules)
        if same not in self._told:
            built = build_run(run)
            self._told[same] = frame_bytes(built), tuple(built.notices)
        return self._told[same]


def _ticks(entry: _Entry, request: Request) -> int:
    scenario = entry.resolved.config.scenario
    return request.ticks or entry.ticks or (scenario and scenario.ticks) or DEFAULT_TICKS


def _segment_ticks(run: Run, entry: _Entry, request: Request, worlds: _Worlds) -> int:
    """How many ticks a sample holds at most; 0 where that is all of them."""
    tick_bytes = worlds.frame_bytes(run)
    wanted = request.segment_ticks if request.segment_ticks is not None else entry.segment_ticks
    if wanted is None:
        wanted = 1 << max(0, (SEGMENT_BYTES // tick_bytes).bit_length() - 1)
    return wanted if wanted < run.ticks else 0


def _check_agent(entry: _Entry, agent: str | None) -> None:
    """Refuse a filter that can match nobody. Newcomers (`alice-2`) are known only when they arrive."""
    if agent is None:
        return
    names = [spawned.id for spawned in entry.resolved.agents]
    returns = entry.resolved.config.lifecycle.respawn_delay_ticks > 0
    if agent in names or (returns and may_be_newcomer(agent, names)):
        return
    known = ", ".join(names) or "none; --auto-seed-agents adds alice and bob"
    raise UserError(f"--agent: expected an agent of {entry.source} ({known}), got {agent!r}")


def _refuse_same_names(runs: Sequence[tuple[Run, _Entry]]) -> None:
    """Two runs of one name and seed would be one folder; so, on some disks, would two cases of a name."""
    seen: dict[tuple[str, int], _Entry] = {}
    for run, entry in runs:
        other = seen.setdefault((run.name.casefold(), run.seed), entry)
        if other is not entry:
            raise UserError(
                f"two runs are called {run.name!r} and have seed {run.seed} "
                f"({other.source}, {entry.source}); tell them apart by `name` in a suite"
            )


def _notices(laid_out: Sequence[tuple[Run, _Entry]], worlds: _Worlds) -> tuple[str, ...]:
    """What the configs' readers have to say, and where things were put; by config where there are several."""
    by_entry: dict[int, list[Run]] = {}
    for run, entry in laid_out:
        by_entry.setdefault(id(entry), []).append(run)
    entries = {id(entry): entry for _, entry in laid_out}
    lines = [
        f"{entry.name}: {notice}" if len(entries) > 1 else notice
        for key, entry in entries.items()
        for notice in (*entry.resolved.notices, *_placed(by_entry[key], worlds))
    ]
    return tuple(dict.fromkeys(lines))


def _placed(runs: Sequence[Run], worlds: _Worlds) -> Sequence[str]:
    """Where things without a position stand in these runs of one config, which differ by seed."""
    notices = worlds.notices(runs[0])
    if len(runs) == 1 or not notices:
        return notices
    return ["some objects or agents have no position: every seed puts them on free tiles of its own"]
