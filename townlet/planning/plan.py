"""What was asked for -> the runs to capture: configs, suites and options, with their order of precedence.

Which value wins: command line, suite entry, suite defaults, `scenario`, top level, default. A capture that is captured
again stands for its config with the options of its run, as a suite entry would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from townlet.config.load import Resolved
from townlet.config.schema import DEFAULT_TICKS
from townlet.dataset.format.paths import run_folder
from townlet.errors import ConfigError, UserError
from townlet.notebook import Shown, listed, of
from townlet.planning.entries import Entry, entries_of
from townlet.planning.networks import network_problems
from townlet.planning.populations import refuse_two_under_one_name
from townlet.planning.request import Request, check_request
from townlet.planning.worlds import Worlds
from townlet.policy_text import Models
from townlet.run import Run, RunRef, canonical_json
from townlet.vocabulary import may_be_newcomer

if TYPE_CHECKING:
    from townlet.rollout.stored import StoredActions


@dataclass(frozen=True, repr=False)
class Plan(Shown):
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
    models: Models = field(default_factory=dict, repr=False)  # of the networks that runs name, by digest
    # Of the capture that a run leaves
    stored: StoredActions | None = field(default=None, repr=False, compare=False)

    def _facts(self) -> dict[str, Any]:
        names = dict.fromkeys(run.name for run in self.runs)
        return {
            "of": of(len(self.runs), "run"),
            "scenarios": listed(names),
            "expected frames": f"{sum(self.costs):,}",
        }

    @property
    def whole(self) -> bool:
        """Whether these are all the runs of what was asked for."""
        return not self.left_out

    def playable(self) -> Iterator[Run]:
        """The runs, with their configs at hand."""
        return (run.with_config(self.configs) for run in self.runs)


def plan(request: Request) -> Plan:
    """Read every config and suite and lay out the runs.

    Raises ConfigError with the mistakes of all files, networks that do not fit among them, and UserError for what fits
    none of them.
    """
    check_request(request)
    if request.from_tick is not None:
        return _plan_of_branch(request)
    entries = entries_of(request)
    several = len(entries) > 1 or len(request.seeds or ()) > 1
    is_data_set = request.as_data_set or several or any(entry.suite for entry in entries)
    worlds = Worlds()
    groups = [_group(entry, request, is_data_set, worlds) for entry in entries]
    _refuse_networks(groups)
    _refuse_same_names(groups)
    refuse_two_under_one_name([(group.first, group.entry.source) for group in groups])
    asked = sum(len(group.runs) for group in groups)
    groups = _limited(groups, request.limit)
    runs, costs = _longest_first(groups)
    return Plan(
        runs=runs,
        configs={group.first.config_digest: group.first.config_json for group in groups},
        costs=costs,
        is_data_set=is_data_set,
        notices=_notices(groups, worlds),
        suites=tuple(sorted({entry.suite for entry in entries} - {""})),
        left_out=asked - len(runs),
        models={digest: group.entry.models[digest] for group in groups for digest in group.first.models},
    )


def _plan_of_branch(request: Request) -> Plan:
    """The one run that leaves a capture. Raises as `branched_run`, and ConfigError for networks that do not fit."""
    from townlet.planning.branching import branched_run

    branched = branched_run(request)
    if problems := list(network_problems(branched.run, branched.models, branched.networks)):
        raise ConfigError(problems)
    return Plan(
        runs=(branched.run.ref(),),
        configs={branched.run.config_digest: branched.run.config_json},
        costs=(branched.run.ticks * branched.agents,),
        is_data_set=False,
        notices=(),
        models=branched.models,
        stored=branched.stored,
    )


class _Group(NamedTuple):
    """The runs of one config, which differ by their seeds. Of a hundred thousand runs, nothing is held twice."""

    entry: Entry
    first: Run
    runs: list[RunRef]
    cost: int  # expected frames of each


def _group(entry: Entry, request: Request, is_data_set: bool, worlds: Worlds) -> _Group:
    runs = _runs_of(entry, request, is_data_set, worlds)
    first = next(runs)
    cost = first.ticks * entry.lives(request.agent)
    return _Group(entry, first, [first.ref(), *(run.ref() for run in runs)], cost)


def _refuse_networks(groups: Iterable[_Group]) -> None:
    """Raise ConfigError for networks that are none, or do not fit their towns: before anything is played."""
    problems = [
        problem
        for group in groups
        for problem in network_problems(group.first, group.entry.models, group.entry.networks)
    ]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))


def _limited(groups: Iterable[_Group], limit: int | None) -> list[_Group]:
    """As many runs as a limit leaves."""
    if limit is None:
        return list(groups)
    kept: list[_Group] = []
    for group in groups:
        runs = group.runs[:limit]
        limit -= len(runs)
        if runs:
            kept.append(group._replace(runs=runs))
    return kept


def _longest_first(groups: Iterable[_Group]) -> tuple[tuple[RunRef, ...], tuple[int, ...]]:
    """The runs by expected frames, then by name and seed, and those frames."""
    alike: dict[tuple[int, str], list[RunRef]] = {}
    for group in groups:
        alike.setdefault((-group.cost, group.first.name), []).extend(group.runs)
    order = sorted(alike)
    for key in order:
        alike[key].sort(key=attrgetter("seed"))
    runs = tuple(run for key in order for run in alike[key])
    return runs, tuple(-key[0] for key in order for _ in alike[key])


class RequestedRuns(NamedTuple):
    """The runs of one config."""

    resolved: Resolved
    ticks: int  # of each
    seeds: int  # how many
    network_bytes: int  # of the largest model that is named for them; 0 = none


def requested_runs(request: Request) -> Iterator[RequestedRuns]:
    """What is to be played of each config. Nothing is built.

    Raises what `plan` raises for configs that cannot be read.
    """
    check_request(request)
    left = request.limit
    for entry in entries_of(request):
        seeds = len(request.seeds or entry.seeds or (0,))
        if left is not None:
            seeds = min(seeds, left)
            left -= seeds
        largest = max(map(len, entry.models.values()), default=0)
        yield RequestedRuns(entry.resolved, _ticks(entry, request), seeds, largest)


def _runs_of(entry: Entry, request: Request, is_data_set: bool, worlds: Worlds) -> Iterator[Run]:
    """The entry's runs, one for each seed."""
    agent = request.agent or entry.agent
    _check_agent(entry, agent)
    seeds = request.seeds or entry.seeds or (entry.resolved.seed,)
    first = Run(
        name=entry.name,
        seed=seeds[0],
        ticks=_ticks(entry, request),
        config_json=canonical_json(entry.resolved.to_json_dict()),
        config_path=entry.resolved.config_path,
        policy=entry.policy,
        agent=agent,
        auto_seeded=entry.auto_seeded,
        ignore_schedules=request.ignore_schedules or entry.ignore_schedules,
        compression=request.compression or entry.compression,
        prefix=request.prefix or entry.prefix,
        check=request.check,
    )
    first = replace(first, segment_ticks=_segment_ticks(first, entry, request, worlds))
    for seed in seeds:
        yield replace(first, seed=seed, folder=run_folder(entry.name, seed) if is_data_set else "")


def _ticks(entry: Entry, request: Request) -> int:
    scenario = entry.resolved.config.scenario
    return request.ticks or entry.ticks or (scenario and scenario.ticks) or DEFAULT_TICKS


def _segment_ticks(run: Run, entry: Entry, request: Request, worlds: Worlds) -> int:
    """How many ticks a sample holds at most; 0 where that is all of them."""
    fitting = max(worlds.segment_ticks(run), entry.uncut_ticks)
    asked = request.segment_ticks if request.segment_ticks is not None else entry.segment_ticks
    wanted = fitting if asked is None else asked
    return wanted if wanted < run.ticks else 0


def _check_agent(entry: Entry, agent: str | None) -> None:
    """Refuse a filter that can match nobody. Newcomers (`alice-2`) are known only when they arrive."""
    if agent is None:
        return
    names = [spawned.id for spawned in entry.resolved.agents]
    returns = entry.resolved.config.lifecycle.respawn_delay_ticks > 0
    if agent in names or (returns and may_be_newcomer(agent, names)):
        return
    known = ", ".join(names) or "none; --auto-seed-agents adds alice and bob"
    raise UserError(f"--agent: expected an agent of {entry.source} ({known}), got {agent!r}")


def _refuse_same_names(groups: Sequence[_Group]) -> None:
    """Two runs of one name and seed would be one folder; so, on some disks, would two cases of a name."""
    by_name: dict[str, list[_Group]] = {}
    for group in groups:
        by_name.setdefault(group.first.name.casefold(), []).append(group)
    for alike in by_name.values():
        if len(alike) == 1:
            continue
        seen: dict[int, _Group] = {}
        for group in alike:
            for run in group.runs:
                other = seen.setdefault(run.seed, group)
                if other is not group:
                    raise UserError(
                        f"two runs are called {run.name!r} and have seed {run.seed} "
                        f"({other.entry.source}, {group.entry.source}); tell them apart by `name` in a suite"
                    )


def _notices(groups: Sequence[_Group], worlds: Worlds) -> tuple[str, ...]:
    """What the configs' readers have to say, and where things were put; by config where there are several."""
    lines = [
        f"{group.entry.name}: {notice}" if len(groups) > 1 else notice
        for group in groups
        for notice in (*group.entry.resolved.notices, *_placed(group, worlds))
    ]
    return tuple(dict.fromkeys(lines))


def _placed(group: _Group, worlds: Worlds) -> Sequence[str]:
    """Where things without a position stand in these runs of one config, which differ by seed."""
    notices = worlds.notices(group.first)
    if len(group.runs) == 1 or not notices:
        return notices
    return ["some objects or agents have no position: every seed puts them on free tiles of its own"]
