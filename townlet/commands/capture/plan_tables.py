"""A plan beside what is there, as tables or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from townlet.console.formatting import clock, count, counted_as, number, print_json, print_table, size
from townlet.console.printing import next_step, remark, say
from townlet.dataset.status.status import TO_SIMULATE, RunStatus, StatusOfRun
from townlet.planning.cost_estimate import Cost
from townlet.planning.plan import Plan
from townlet.planning.plan_status import PlanStatus, fits, plan_status, warn_of_space
from townlet.run import RunRef

MOST_ROWS = 20  # runs that are listed one by one unasked

Pair = tuple[RunRef, StatusOfRun]


def show(
    planned: Plan,
    output: str,
    command: str,
    *,
    each: bool = False,
    json: bool = False,
    quiet: bool = False,
    overwrite: bool = False,
) -> None:
    """Compare with the output, estimate, and print. Raises OutputError where the output cannot be one.

    `command`: the line that captures what is planned. `each`: one line for each run.
    """
    found = plan_status(planned, output, quiet=quiet, overwrite=overwrite)
    if json:
        print_json(as_json(found))
        return
    if not quiet:
        for notice in planned.notices:
            remark(f"note: {notice}")
    print_plan(found, "" if quiet else command, each=each)


def as_json(plan_status: PlanStatus) -> dict[str, Any]:
    """For scripts; each run, whatever their number."""
    planned, cost = plan_status.planned, plan_status.cost
    return {
        "output": plan_status.output,
        "data_set": planned.is_data_set,
        "suites": list(planned.suites),
        "not_selected": planned.left_out,
        "counts": dict(Counter(found.status.value for found in plan_status.statuses)),
        "refused": plan_status.refusal or None,
        "estimate": None if cost is None else cost._asdict(),
        "free_bytes": plan_status.free,
        "fits": fits(plan_status),
        "notices": list(planned.notices),
        "seeds": {
            name: {"distinct": None} if seeds is None else seeds._asdict()
            for name, seeds in plan_status.seeds.items()
        },
        "runs": [
            {
                "scenario": run.name,
                "seed": run.seed,
                "ticks": run.ticks,
                "folder": run.folder,
                "fingerprint": run.fingerprint,
                "status": found.status.value,
                "why": found.why,
            }
            for run, found in _pairs(plan_status)
        ],
    }


def print_plan(plan_status: PlanStatus, command: str, *, each: bool) -> None:
    """The table to standard output; warnings, and what to type next (`command`; "": nothing), to standard error."""
    pairs = _pairs(plan_status)
    if each or len(pairs) <= MOST_ROWS:
        _print_runs(pairs, plan_status)
    else:
        _print_scenarios(pairs, plan_status)
        _print_long_reasons(pairs)
    _print_totals(plan_status)
    _print_warnings(plan_status, command)


def _pairs(plan_status: PlanStatus) -> list[Pair]:
    """By name and seed."""
    pairs = zip(plan_status.planned.runs, plan_status.statuses, strict=True)
    return sorted(pairs, key=lambda pair: (pair[0].name, pair[0].seed))


def _print_runs(pairs: Sequence[Pair], plan_status: PlanStatus) -> None:
    columns = ("run", "seed", "ticks", "~frames", "~size", "~core time", "status", "why")
    rows = [
        (run.name, str(run.seed), count(run.ticks), *_costs([run], found, plan_status), found.status.value, found.why)
        for run, found in pairs
    ]  # fmt: skip
    _print_filled(columns, rows, numbers=columns[1:6])


def _costs(runs: Iterable[RunRef], found: StatusOfRun, plan_status: PlanStatus) -> tuple[str, str, str]:
    """Frames, bytes and core time of runs that are to be simulated."""
    if found.status not in TO_SIMULATE:
        return "", "", ""
    return _amounts(_sum(runs, plan_status))


def _sum(runs: Iterable[RunRef], plan_status: PlanStatus) -> Cost | None:
    costs = [cost for run in runs if (cost := plan_status.estimate.cost(run))]
    return sum(costs, Cost()) if costs else None


def _amounts(cost: Cost | None) -> tuple[str, str, str]:
    return ("?", "?", "?") if cost is None else (count(cost.frames), size(cost.size), _time(cost.seconds))


def _time(seconds: float) -> str:
    return (
        f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.0f} s" if seconds < 60 else clock(seconds)
    )


def _print_scenarios(pairs: Sequence[Pair], plan_status: PlanStatus) -> None:
    columns = (
        "scenario",
        "runs",
        *(status.value for status in RunStatus),
        "ticks",
        "~frames",
        "~size",
        "~core time",
        "why",
    )
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair[0].name, []).append(pair)
    rows = [_scenario_row(name, group, plan_status) for name, group in groups.items()]
    _print_filled(columns, rows, numbers=columns[1:-1])


def _print_filled(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]) -> None:
    """A table without the columns in which nothing stands."""
    filled = [
        index
        for index, column in enumerate(columns)
        if column == "seed" or any(row[index] not in ("", "0") for row in rows)
    ]
    shown = [columns[index] for index in filled]
    print_table(shown, [[row[index] for index in filled] for row in rows], numbers=numbers)


def _scenario_row(name: str, group: Sequence[Pair], plan_status: PlanStatus) -> tuple[str, ...]:
    statuses = Counter(found.status for _, found in group)
    missing = [run for run, found in group if found.status in TO_SIMULATE]
    reasons = Counter(found.why.partition(":")[0] for _, found in group if found.why)
    why = ", ".join(f"{times} {reason}" for reason, times in reasons.most_common())
    numbers = (len(group), *(statuses[status] for status in RunStatus))
    costs = _amounts(_sum(missing, plan_status)) if missing else ("", "", "")
    ticks = count(sum(run.ticks for run in missing)) if missing else ""
    return (name, *map(str, numbers), ticks, *costs, why)


def _print_long_reasons(pairs: Sequence[Pair]) -> None:
    """The runs of whose reason there is more to say than a table has room for."""
    shown = [(run, found) for run, found in pairs if ":" in found.why or found.status is RunStatus.OTHER]
    for run, found in shown[:MOST_ROWS]:
        say(f"{run.label()}: {found.why}")
    if len(shown) > MOST_ROWS:
        say(f"... and {len(shown) - MOST_ROWS} more; --all or --json shows them")


def _print_totals(plan_status: PlanStatus) -> None:
    statuses, planned = plan_status.statuses, plan_status.planned
    counts = Counter(found.status for found in statuses)
    parts = [f"{counts[status]} {status}" for status in RunStatus if counts[status]]
    say(f"{number(len(statuses), 'run')}: {', '.join(parts)}")
    _print_seeds(plan_status)
    if planned.left_out:
        say(f"--limit: {number(planned.left_out, 'run')} not selected")
    cost, to_simulate = plan_status.cost, plan_status.of(*TO_SIMULATE)
    if to_simulate and cost is not None:
        say(
            f"to simulate: {counted_as(cost.ticks, 'tick')}; estimated from a trial of "
            f"{plan_status.estimate.seconds:.1f} s: {counted_as(cost.frames, 'frame')}, "
            f"{counted_as(cost.samples, 'sample')}, {size(cost.size)}, "
            f"{_time(cost.seconds)} of one core"
        )
    if plan_status.free is not None and cost is not None and to_simulate:
        say(f"disk: {size(plan_status.free)} free")


def _print_seeds(plan_status: PlanStatus) -> None:
    """How many seeds differ, as far as it is known: of those that do not all differ, and of those not played yet."""
    for name, seeds in plan_status.seeds.items():
        if seeds is not None and seeds.distinct < seeds.count:
            say(f"{name}: {seeds}")
    unknown = [name for name, seeds in plan_status.seeds.items() if seeds is None]
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        say(f"{', '.join(unknown[:3])}{more}: how many seeds differ is known once they are captured")


def _print_warnings(plan_status: PlanStatus, command: str) -> None:
    for name, reason in sorted(plan_status.estimate.failures.items() if plan_status.of(*TO_SIMULATE) else ()):
        remark(f"warning: a trial of {name} failed: {reason}")
    warn_of_space(plan_status)
    if plan_status.refusal:
        remark(f"a capture would be refused: {plan_status.refusal}")
    elif plan_status.of(RunStatus.OTHER):
        remark(
            "a capture would be refused, because something else is there; choose another output folder, or "
            "give --overwrite to replace it"
        )
    elif command and plan_status.remaining:
        next_step(command)
    elif command:
        remark("nothing to do")
