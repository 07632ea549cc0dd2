"""`townlet inspect DATASET`: its scenarios, the runs to look at, and what happens in them. No sample is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.console.formatting import count, counted_as, number, print_table, size
from townlet.console.printing import say
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.index_document import parse_failures
from townlet.dataset.index.metrics_summary import parse_figures
from townlet.dataset.index.populations import distinct_seeds
from townlet.dataset.index.read_index import read_whole
from townlet.dataset.reading.data_set import open as open_data_set
from townlet.report.dataset.lives import RunRows, run_rows
from townlet.report.facts.warnings import MOSTLY

if TYPE_CHECKING:
    from townlet.dataset.reading.data_set import DataSet
    from townlet.dataset.store.contract import Store

NO_VALUE = "-"
LONGEST_NAME = 22  # characters of a scenario in a table, which has 80 columns; JSON has it whole
COUNTED = ("request", "start", "chat", "move", "wait", "release")  # kinds of actions, as metrics count them
NOTE = "(return: rewards of a run's lives, by the agents it began with; ± over seeds)"


def facts_of_data_set(store: Store) -> dict[str, Any]:
    """Facts of a data set, from its index, its metrics and the table of its samples."""
    index, index_files = read_whole(store, ["metrics", "failures"])
    metrics = parse_figures(index_files["metrics"], str(store))
    failures = [failure._asdict() for failure in parse_failures(index_files["failures"], str(store))]
    keys = ("run_count", "sample_count", "frame_count", "size", "complete")
    totals = {key: getattr(index.facts, key) for key in keys}
    scenarios: dict[str, dict[str, Any]] = {}
    for shard in index.shards:
        known = scenarios.setdefault(shard.scenario, {"runs": 0, "samples": 0, "frames": 0, "size": 0})
        known["runs"] += shard.run_count
        known["samples"] += shard.sample_count
        known["frames"] += shard.frame_count
        known["size"] += shard.size
    for name, seeds in distinct_seeds(run for shard in index.shards for run in index.runs(shard)).items():
        scenarios[name]["distinct"] = seeds.distinct
    data_set = open_data_set(store) if scenarios else None
    for name, known in scenarios.items():
        known["metrics"] = metrics["scenarios"].get(name, {})
        if data_set is not None and known["samples"]:
            of_scenario = data_set.filter(scenario=name)
            rows = run_rows(of_scenario)
            known["returns"] = _returns(name, rows)
            known["events"] = _events(of_scenario, rows)
    return {
        "data_set": str(store),
        **totals,
        "scenarios": scenarios,
        "failures": failures,
        "warnings": _warnings(scenarios, failures),
    }


def _returns(scenario: str, rows: RunRows) -> dict[str, Any]:
    """What runs are worth, and which of them to look at."""
    chosen = rows.best_median_worst()
    best, worst = chosen["best"], chosen.get("worst", chosen["best"])
    found: dict[str, Any] = {"mean": float(rows.returns.mean()), "std": float(rows.returns.std())}
    for what, run in (("best", best), ("worst", worst)):
        seed = rows.seeds[run]
        found[what] = {"seed": seed, "return": float(rows.returns[run]), "folder": run_folder(scenario, seed)}
    return found


def _events(data_set: DataSet, rows: RunRows) -> dict[str, int]:
    """How often something happened in all runs of a scenario, as far as the metrics of samples count it."""
    found = {"lives": len(rows.lives.run), "ended": int(rows.ended.sum())}
    columns = data_set.samples
    for kind in COUNTED:
        if f"action_{kind}_count" in columns:
            found[kind] = int(np.nansum(np.asarray(columns[f"action_{kind}_count"], np.float64)))
    known = ~np.isnan(rows.refused)
    if known.any():
        found["refused"] = int(np.rint((rows.refused * rows.frames)[known]).sum())
    return found


def _warnings(scenarios: Mapping[str, Any], failures: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for name, known in scenarios.items():
        if known["distinct"] < known["runs"]:
            found.append(
                f"{name}: {known['runs']} seeds, {known['distinct']} distinct: the others are copies"
            )
        clipped = known["metrics"].get("reward_clip_ratio", {}).get("mean", 0.0)
        if clipped >= MOSTLY:
            found.append(f"{name}: the clip cuts {clipped:.0%} of the rewards; such a reward teaches little")
    found += [
        f"failed: {failure['scenario']} seed {failure['seed']}: {failure['reason']}" for failure in failures
    ]
    return found


def show_data_set(facts: Mapping[str, Any]) -> None:
    """Print such facts, in tables that 80 columns hold."""
    complete = "complete" if facts["complete"] else "not complete"
    say(f"data set {facts['data_set']}")
    say(
        f"{number(facts['run_count'], 'run')}, {number(facts['sample_count'], 'sample')}, "
        f"{counted_as(facts['frame_count'], 'frame')}, {size(facts['size'])}, {complete}"
    )
    say()
    _print_scenarios(facts["scenarios"])
    say(NOTE)
    say()
    say("runs to look at: `townlet inspect` or `townlet report` with their folder")
    _print_runs(facts["scenarios"])
    say()
    say("what happens, in all runs together")
    _print_events(facts["scenarios"])


def _print_scenarios(scenarios: Mapping[str, Any]) -> None:
    rows = []
    for name, known in scenarios.items():
        returns = known.get("returns")
        spread = NO_VALUE if returns is None else f"{returns['mean']:.4g} ± {returns['std']:.2g}"
        clipped = known["metrics"].get("reward_clip_ratio")
        rows.append((
            _cut(name), str(known["runs"]), str(known["distinct"]), count(known["frames"]), size(known["size"]),
            spread, f"{clipped['mean']:.0%}" if clipped else NO_VALUE,
        ))  # fmt: skip
    columns = ("scenario", "runs", "distinct", "frames", "size", "return", "clipped")
    print_table(columns, rows, numbers=columns[1:])


def _print_runs(scenarios: Mapping[str, Any]) -> None:
    rows = []
    for known in scenarios.values():
        returns = known.get("returns")
        if returns is None:
            continue
        chosen = ["best", "worst"] if returns["best"]["seed"] != returns["worst"]["seed"] else ["best"]
        for what in chosen:
            rows.append(
                (
                    what if len(chosen) > 1 else "only",
                    f"{returns[what]['return']:.4g}",
                    returns[what]["folder"],
                )
            )
    print_table(("run", "return", "folder"), rows, numbers=("return",))


def _print_events(scenarios: Mapping[str, Any]) -> None:
    shown = {"lives": "lives", "ended": "ended", "request": "requests", "start": "starts", "chat": "chats",
             "refused": "refused"}  # fmt: skip
    rows = []
    for name, known in scenarios.items():
        events = known.get("events", {})
        rows.append((_cut(name), *(count(events[key]) if key in events else NO_VALUE for key in shown)))
    print_table(("scenario", *shown.values()), rows, numbers=tuple(shown.values()))


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."
