"""`townlet evaluate`: policies side by side in the same towns, with standard errors over runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from townlet.commands.capture.start import start_work
from townlet.config.load import Resolved
from townlet.config.suite import parse_seeds
from townlet.console.formatting import Meter, number, print_json, print_table
from townlet.console.parsing import Parser, positive
from townlet.console.printing import next_step, remark, say
from townlet.errors import UserError
from townlet.escaping import shown, typed
from townlet.planning.entries import Entry, entries_of
from townlet.planning.interpreted_cost import AGENT_STEP
from townlet.planning.request import MOST_TICKS, Request, check_request
from townlet.policy_text import checked_policy
from townlet.run import Run, seed_spans

if TYPE_CHECKING:
    from townlet.planning.plan import Plan
    from townlet.train.evaluate import Mean, Result

DEFAULT_SEEDS = "0..15"
DEFAULT_POLICIES = ("idle", "uniform", "needs")

EXAMPLES = """\
examples:
  townlet evaluate small_town
  townlet evaluate small_town town --policy needs --policy network:best.onnx
  townlet evaluate town --policy needs --policy 'network:best.onnx?mode=greedy' --seeds 100..131 --days 3 --json

Every policy plays the same towns: the same configs with the same seeds, in memory; nothing is written. Figures are
means over runs, a run counting once; +- is the standard error over runs. `difference` is the return less that of the
first policy, seed by seed, so that what a seed gives to both does not count. A return is the undiscounted reward of an
agent: that of all lives of a run, by the agents that the town begins with. Wages are coins, chats those that went well,
both by agent; fainted and evicted are lives of a run.

exit codes: 0 done; 2 wrong usage, config or model; 130 interrupted
"""


@dataclass(frozen=True)
class Town:
    """A config, and what each policy came to in it, in the order of the policies."""

    entry: Entry
    ticks: int
    results: tuple[Result, ...]


def main(argv: Sequence[str], prog: str = "townlet evaluate") -> int:
    """Returns the exit code; raises TownletError for mistakes."""
    arguments = _parser(prog).parse_args(argv)
    policies = _policies(arguments.policy or DEFAULT_POLICIES)
    request = _request(arguments)
    check_request(request)
    entries = entries_of(request)
    ticks = {entry.name: _ticks(entry.resolved, arguments) for entry in entries}
    played = start_work(lambda: _seconds(entries, ticks, request, policies), quiet=arguments.quiet)
    if played is not None:
        return played
    plans = _plans(request, policies)
    if not arguments.quiet:
        _print_notices(plans, entries, request)
    towns = _played(plans, entries, ticks, quiet=arguments.quiet)
    if arguments.json:
        print_json(as_json(towns, policies, plans))
    else:
        _print(towns, policies, request, arguments)
        if not arguments.quiet:
            words = (arguments.sources[0], "--policy", policies[-1], "--output", "samples/evaluated")
            next_step(f"townlet capture {typed(*words)}")
    return 0


def _parser(prog: str) -> Parser:
    usage = f"{prog} CONFIG|SUITE ... [--policy A --policy B ...] [options]"
    parser = Parser(
        prog, "Compare policies: return, fainted, wages and chats, in the same towns.", EXAMPLES, usage
    )
    parser.add_argument(
        "sources", nargs="+", metavar="CONFIG", help="a config or suite file, or the name of a shipped one"
    )
    parser.add_argument(
        "--policy",
        action="append",
        metavar="P",
        help=f"may be given repeatedly; a built-in one or network:PATH; default: {', '.join(DEFAULT_POLICIES)}",
    )
    parser.add_argument(
        "--seeds", default=DEFAULT_SEEDS, metavar="0..15", help=f"a run each; default: {DEFAULT_SEEDS}"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--days", type=positive, default=None, metavar="N", help="days of a run; default: 1")
    length.add_argument("--ticks", type=positive, default=None, metavar="N", help="ticks of a run, instead")
    parser.add_argument(
        "--ignore-schedules",
        action="store_true",
        help="let the policies act for all agents, also for those with a schedule",
    )
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print everything, run by run, as JSON")
    return parser


def _policies(typed: Sequence[str]) -> tuple[str, ...]:
    for at, policy in enumerate(typed):
        checked_policy(policy, "--policy")
        if policy in typed[:at]:
            raise UserError(f"--policy: expected every policy once, got {shown(repr(policy))} twice")
    return tuple(typed)


def _request(arguments: argparse.Namespace) -> Request:
    try:
        seeds = parse_seeds(arguments.seeds)
    except UserError as error:
        raise UserError(f"--{error}") from None
    sources = tuple(arguments.sources)
    return Request(sources, seeds=seeds, ignore_schedules=arguments.ignore_schedules, as_data_set=True)


def _ticks(resolved: Resolved, arguments: argparse.Namespace) -> int:
    """How long a run of a config is."""
    ticks = arguments.ticks or (arguments.days or 1) * resolved.config.world.ticks_per_day
    if ticks > MOST_TICKS:
        option = f"--ticks: expected 1 to 2^31 - 1, got {arguments.ticks}"
        raise UserError(
            option if arguments.ticks else f"--days: expected at most 2^31 - 1 ticks, got {ticks}"
        )
    return ticks


def _seconds(
    entries: Sequence[Entry], ticks: Mapping[str, int], request: Request, policies: Sequence[str]
) -> float:
    """How long it would take in plain Python."""
    steps = sum(ticks[entry.name] * len(entry.resolved.agents) for entry in entries)
    return steps * len(request.seeds or ()) * len(policies) * AGENT_STEP


def _plans(request: Request, policies: Sequence[str]) -> list[Plan]:
    """The runs of each policy. Raises ConfigError and UserError for whatever cannot be played, before anything is."""
    from townlet.planning.plan import plan

    return [plan(replace(request, policy=policy)) for policy in policies]


def _played(
    plans: Sequence[Plan], entries: Sequence[Entry], ticks: Mapping[str, int], *, quiet: bool
) -> list[Town]:
    """Play everything, config by config and policy by policy."""
    from townlet.train.evaluate import evaluate

    total, done = sum(len(plan.runs) for plan in plans), 0
    towns = []
    with Meter("runs", quiet=quiet) as meter:

        def played(_: object) -> None:
            nonlocal done
            done += 1
            meter.show(done, total)

        for entry in entries:
            length = ticks[entry.name]
            results = [evaluate(list(_runs(plan, entry.name, length)), plan.models, played) for plan in plans]
            towns.append(Town(entry, length, tuple(results)))
    return towns


def _runs(plan: Plan, name: str, ticks: int) -> Iterator[Run]:
    """The runs of one config, cut into pieces that fit into a processor's cache."""
    from townlet.train.evaluate import SEGMENT_TICKS

    for run in plan.runs:
        if run.name == name:
            yield replace(
                run.with_config(plan.configs),
                ticks=ticks,
                segment_ticks=SEGMENT_TICKS if ticks > SEGMENT_TICKS else 0,
            )


# --- what is said -----------------------------------------------------------------------------------------------------
def _print_notices(plans: Sequence[Plan], entries: Sequence[Entry], request: Request) -> None:
    for notice in dict.fromkeys(notice for plan in plans for notice in plan.notices):
        remark(f"note: {notice}")
    for entry in entries:
        others = _decided_otherwise(entry, request)
        if others:
            remark(
                f"note: {entry.name}: {', '.join(others)} follow a schedule or a policy of their own, and count in all "
                "figures; --ignore-schedules takes the schedules out"
            )


def _decided_otherwise(entry: Entry, request: Request) -> list[str]:
    """The agents for whom the policies in the table do not decide."""
    ignored = request.ignore_schedules or entry.ignore_schedules
    own = entry.resolved.config.policy.agents
    return [
        agent.id for agent in entry.resolved.agents if (agent.schedule and not ignored) or agent.id in own
    ]


def _print(
    towns: Sequence[Town], policies: Sequence[str], request: Request, arguments: argparse.Namespace
) -> None:
    evicted = any(outcome.evicted for town in towns for result in town.results for outcome in result.outcomes)
    several = len(towns) > 1
    columns = ["config"] * several + ["policy", "return", "+-", "difference", "+-", "fainted"]
    columns += ["evicted"] * evicted + ["wages", "chats"]
    rows = []
    for town in towns:
        for at, (policy, result) in enumerate(zip(policies, town.results, strict=True)):
            cells = [town.entry.name] * several + [policy, *_with_error(result.mean("returns"))]
            cells += _with_error(result.difference(town.results[0]), "+.1f") if at else ["", ""]
            cells += [f"{result.mean('fainted').mean:.2f}"]
            cells += [f"{result.mean('evicted').mean:.2f}"] * evicted
            rows.append([*cells, f"{result.mean('wages').mean:.2f}", f"{result.mean('chats').mean:.2f}"])
    print_table(columns, rows, numbers=[name for name in columns if name not in ("config", "policy")])
    seeds = request.seeds or ()
    days = (
        f"{number(arguments.days or 1, 'day')}"
        if arguments.ticks is None
        else number(arguments.ticks, "tick")
    )
    against = f"; difference: from {policies[0]}, seed by seed" if len(policies) > 1 else ""
    say(
        f"{number(len(seeds), 'run')} of {days}, seeds {', '.join(seed_spans(seeds))}; +-: standard error{against}"
    )
    for town in towns:
        _print_if_alike(town, policies)


def _with_error(mean: Mean, form: str = ".1f") -> list[str]:
    return [format(mean.mean, form), "" if mean.error is None else f"{mean.error:.1f}"]


def _print_if_alike(town: Town, policies: Sequence[str]) -> None:
    """A standard error of 0 means nothing where all runs are one."""
    alike = [policy for policy, result in zip(policies, town.results, strict=True) if result.runs_alike]
    if alike:
        remark(
            f"note: {town.entry.name}: {', '.join(alike)}: all runs came to the same, so that standard errors say "
            "nothing; `scenario.starts` lets runs begin differently"
        )


def as_json(towns: Sequence[Town], policies: Sequence[str], plans: Sequence[Plan]) -> dict[str, Any]:
    """For scripts: means with standard errors, and every run. Networks are named by digest, too."""
    named = [plan.runs[0].policy for plan in plans]
    return {
        "towns": [
            {
                "config": town.entry.name,
                "config_path": town.entry.resolved.config_path,
                "agents": len(town.entry.resolved.agents),
                "ticks": town.ticks,
                "policies": [
                    _policy_json(town, at, policy, named[at] or policy) for at, policy in enumerate(policies)
                ],
            }
            for town in towns
        ]
    }


def _policy_json(town: Town, at: int, policy: str, named: str) -> dict[str, Any]:
    from townlet.train.evaluate import FIGURES

    result = town.results[at]
    return {
        "policy": policy,
        "plays_as": named,
        **{figure: asdict(result.mean(figure)) for figure in FIGURES},
        "difference": asdict(result.difference(town.results[0])) if at else None,
        "runs": [asdict(outcome) for outcome in result.outcomes],
    }
