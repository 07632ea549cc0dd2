"""A plan beside what is there, as tables or as JSON."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from townlet.console.formatting import clock, count, print_table, size
from townlet.dataset.status.run_status import Finding
from townlet.planning.cost_estimate import Cost
from townlet.planning.plan_status import PlanStatus, fits, warn_of_space
from townlet.run import RunRef

MOST_ROWS = 20  # runs that are listed one by one unasked

Pair = tuple[RunRef, Finding]


def as_json(prospect: PlanStatus) -> dict[str, Any]:
    """For scripts; each run, whatever their number."""
    planned, cost = prospect.planned, prospect.cost
    return {
        "output": prospect.output,
        "data_set": planned.is_data_set,
        "suites": list(planned.suites),
        "left_out": planned.left_out,
        "counts": dict(Counter(finding.standing for finding in prospect.findings)),
        "refused": prospect.refusal or None,
        "estimate": None if cost is None else cost._asdict(),
        "free_bytes": prospect.free,
        "fits": fits(prospect),
        "notices": list(planned.notices),
        "runs": [
            {
                "scenario": run.name,
                "seed": run.seed,
                "ticks": run.ticks,
                "folder": run.folder,
                "fingerprint": run.fingerprint,
                "standing": finding.standing,
                "why": finding.why,
            }
            for run, finding in _pairs(prospect)
        ],
    }


def print_plan(prospect: PlanStatus, *, each: bool) -> None:
    """The table to standard output; what to mind, to standard error."""
    pairs = _pairs(prospect)
    if each or len(pairs) <= MOST_ROWS:
        _print_runs(pairs, prospect)
    else:
        _print_scenarios(pairs, prospect)
        _print_peculiar(pairs)
    _print_totals(prospect)
    _print_warnings(prospect)


def _pairs(prospect: PlanStatus) -> list[Pair]:
    """By name and seed."""
    pairs = zip(prospect.planned.runs, prospect.findings, strict=True)
    return sorted(pairs, key=lambda pair: (pair[0].name, pair[0].seed))


def _print_runs(pairs: Sequence[Pair], prospect: PlanStatus) -> None:
    columns = ("run", "seed", "ticks", "~frames", "~size", "~core time", "is", "why")
    rows = [
        (run.name, str(run.seed), count(run.ticks), *_costs([run], finding, prospect), finding.standing, finding.why)
        for run, finding in pairs
    ]  # fmt: skip
    _print_filled(columns, rows, numbers=columns[1:6])


def _costs(runs: Iterable[RunRef], finding: Finding, prospect: PlanStatus) -> tuple[str, str, str]:
    """Frames, bytes and core time of missing runs."""
    if finding.standing != "missing":
        return "", "", ""
    return _figures(_sum(runs, prospect))


def _sum(runs: Iterable[RunRef], prospect: PlanStatus) -> Cost | None:
    costs = [cost for run in runs if (cost := prospect.estimate.cost(run))]
    return sum(costs, Cost()) if costs else None


def _figures(cost: Cost | None) -> tuple[str, str, str]:
    return ("?", "?", "?") if cost is None else (count(cost.frames), size(cost.size), _time(cost.seconds))


def _time(seconds: float) -> str:
    return (
        f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.0f} s" if seconds < 60 else clock(seconds)
    )


def _print_scenarios(pairs: Sequence[Pair], prospect: PlanStatus) -> None:
    columns = (
        "scenario",
        "runs",
        "done",
        "simulated",
        "missing",
        "ticks",
        "~frames",
        "~size",
        "~core time",
        "why",
    )
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair[0].name, []).append(pair)
    rows = [_scenario_row(name, group, prospect) for name, group in groups.items()]
    _print_filled(columns, rows, numbers=columns[1:9])


def _print_filled(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]) -> None:
    """A table without the columns in which nothing stands."""
    filled = [
        index
        for index, column in enumerate(columns)
        if column in ("seed", "done") or any(row[index] not in ("", "0") for row in rows)
    ]
    shown = [columns[index] for index in filled]
    print_table(shown, [[row[index] for index in filled] for row in rows], numbers=numbers)


def _scenario_row(name: str, group: Sequence[Pair], prospect: PlanStatus) -> tuple[str, ...]:
    standings = Counter(finding.standing for _, finding in group)
    missing = [run for run, finding in group if finding.standing == "missing"]
    reasons = Counter(finding.why.partition(":")[0] for _, finding in group if finding.why)
    why = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
    numbers = (len(group), standings["done"], standings["simulated"], standings["missing"])
    costs = _figures(_sum(missing, prospect)) if missing else ("", "", "")
    ticks = count(sum(run.ticks for run in missing)) if missing else ""
    return (name, *map(str, numbers), ticks, *costs, why)


def _print_peculiar(pairs: Sequence[Pair]) -> None:
    """The runs of whose reason there is more to say than a table has room for."""
    peculiar = [
        (run, finding) for run, finding in pairs if ":" in finding.why or finding.standing == "refused"
    ]
    for run, finding in peculiar[:MOST_ROWS]:
        print(f"{run.label()}: {finding.why}")
    if len(peculiar) > MOST_ROWS:
        print(f"... and {len(peculiar) - MOST_ROWS} more; --all or --json shows them")


def _print_totals(prospect: PlanStatus) -> None:
    findings, planned = prospect.findings, prospect.planned
    counts = Counter(finding.standing for finding in findings)
    parts = [f"{counts[name]} {name}" for name in ("done", "simulated", "missing", "refused") if counts[name]]
    print(f"{len(findings)} run{'s' * (len(findings) != 1)}: {', '.join(parts)}")
    if planned.left_out:
        print(f"--limit leaves {planned.left_out} runs out")
    cost = prospect.cost
    if counts["missing"] and cost is not None:
        print(
            f"missing: {count(cost.ticks)} ticks; estimated from a pilot of {prospect.estimate.seconds:.1f} s: "
            f"{count(cost.frames)} frames, {count(cost.samples)} samples, {size(cost.size)}, "
            f"{_time(cost.seconds)} of one core"
        )
    if prospect.free is not None and cost is not None and counts["missing"]:
        print(f"disk: {size(prospect.free)} free")


def _print_warnings(prospect: PlanStatus) -> None:
    for name, reason in sorted(prospect.estimate.failures.items() if prospect.of("missing") else ()):
        print(f"warning: playing a little of {name} failed: {reason}", file=sys.stderr)
    warn_of_space(prospect)
    if prospect.refusal:
        print(f"a capture would be refused: {prospect.refusal}", file=sys.stderr)
    elif prospect.of("refused"):
        print(
            "a capture would be refused, because something else is there; choose another output folder, or "
            "give --overwrite to replace it",
            file=sys.stderr,
        )
    elif prospect.of("missing", "simulated"):
        print("next: townlet capture with the same words", file=sys.stderr)
    else:
        print("nothing to do", file=sys.stderr)
