"""The data card, README.md of a data set: what it is, how it was captured, its figures, how to check and read it.

The same data set has the same card: no place, time, host or command line of anybody's stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from townlet.dataset.format.manifest import parse_manifest
from townlet.dataset.format.paths import inside
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError
from townlet.run import seed_spans

CARD = "README.md"
MOST_SPANS = 8  # of seeds, in a row of the table

# The figures that a reader looks at first, where there are such.
FIRST_FIGURES = (
    "timesteps",
    "reward_sum",
    "reward_mean",
    "reward_clip_ratio",
    "done",
    "need_hunger_mean",
    "need_hygiene_mean",
    "need_energy_mean",
    "wallet_last",
    "action_entropy",
    "action_blocked_ratio",
    "rivalry_max_max",
    "lateness_mean",
)


def card_bytes(
    store: Store,
    facts: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    figures: Mapping[str, Any],
) -> bytes:
    """The card of a data set with these runs, sorted by scenario. Reads one manifest a scenario."""
    parts = [
        *_what(facts, entries),
        *_scenarios(store, entries),
        *_how(facts, entries),
        *_figures(figures),
        *_use(),
    ]
    return ("\n".join(parts) + "\n").encode()


def _what(facts: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    names = ", ".join(facts["suites"])
    sums = {key: sum(entry[key] for entry in entries) for key in ("sample_count", "frame_count", "size")}
    yield f"# Replay data{f': {names}' if names else ''}"
    yield ""
    yield (
        "Rollouts of Townlet, a small-town life simulation: one sample an agent, ready for PPO training "
        "(observations, actions, log-probs, values, rewards, dones)."
    )
    yield ""
    yield (
        f"{len(entries):,} runs, {sums['sample_count']:,} samples, {sums['frame_count']:,} timesteps, "
        f"{sums['size']:,} bytes."
    )
    yield ""
    if not facts["complete"]:
        missing = facts["failure_count"]
        partly = ", ".join(name or "configs that were captured by themselves" for name in facts["partial"])
        reasons = [f"{missing:,} runs failed, see failures.json"] if missing else []
        reasons += [f"not all planned runs are there ({partly})"] if partly else []
        why = "; ".join(reasons)
        yield f"**Not complete:** {why}."
        yield ""


def _scenarios(store: Store, entries: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield "## Scenarios"
    yield ""
    yield "| scenario | runs | seeds | ticks | samples | timesteps | what happens |"
    yield "|---|--:|---|---|--:|--:|---|"
    for name, group in groupby(entries, key=lambda entry: entry["scenario"]):
        runs = list(group)
        ticks = ", ".join(
            str(value) for value in sorted({entry["ticks"] for entry in runs if entry["ticks"]})
        )
        yield (
            f"| {name} | {len(runs):,} | {_seeds(entry['seed'] for entry in runs)} | {ticks} "
            f"| {sum(entry['sample_count'] for entry in runs):,} "
            f"| {sum(entry['frame_count'] for entry in runs):,} | {_description(store, runs[0])} |"
        )
    yield ""


def _description(store: Store, entry: Mapping[str, Any]) -> str:
    place = inside(entry["folder"], entry["manifest"])
    try:
        manifest = parse_manifest(store.read(place), place)
    except FileNotFoundError as error:
        raise CorruptSampleError(f"{store}: {place}: captured, but gone") from error
    text = str(manifest["metadata"].get("scenario_description") or "")
    return " ".join(text.split()).replace("|", "\\|")


def _how(facts: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield "## How it was captured"
    yield ""
    if facts["suites"]:
        yield "```"
        for name in facts["suites"]:
            yield f"townlet capture {name}.yaml --output DIR"
        yield "```"
        yield ""
    yield (
        "Each run's folder is a capture of its own and holds the resolved config, so that it explains and replays "
        "itself. The same config and seed give the same samples, on any machine."
    )
    yield ""


def _figures(figures: Mapping[str, Any]) -> Iterable[str]:
    overall = figures["overall"]
    names = [name for name in FIRST_FIGURES if name in overall]
    if not names:
        return
    yield "## Figures"
    yield ""
    yield "Of all samples; metrics.json has all figures, also by scenario, and metrics.parquet has them by sample."
    yield ""
    yield "| figure | mean | standard deviation | minimum | maximum |"
    yield "|---|--:|--:|--:|--:|"
    for name in names:
        row = overall[name]
        yield f"| {name} | " + " | ".join(f"{row[key]:.6g}" for key in ("mean", "std", "min", "max")) + " |"
    yield ""


def _use() -> Iterable[str]:
    yield "## Checking and reading"
    yield ""
    yield "```"
    yield "townlet verify DIR             every byte is what it was when it was written"
    yield "townlet verify DIR --replay    every run, simulated again, gives the same arrays"
    yield "```"
    yield ""
    yield "```python"
    yield "import townlet.dataset"
    yield ""
    yield "data = townlet.dataset.open('DIR')"
    yield "print(len(data), data[0].features.shape)"
    yield "```"


def _seeds(seeds: Iterable[int]) -> str:
    """`0..99, 200`, cut where there are many spans."""
    spans = seed_spans(seeds)
    return ", ".join(spans[:MOST_SPANS]) + (", ..." if len(spans) > MOST_SPANS else "")
