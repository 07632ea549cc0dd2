"""The data card, README.md of a data set: what it is, how it was captured, its figures, how to check and read it.

The same data set has the same card: no place, time, host or command line of anybody's stands in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.index.build_shards import Shard
from townlet.dataset.index.index_document import ShardEntry
from townlet.dataset.index.populations import Seeds
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError
from townlet.escaping import markdown, typed
from townlet.policy.model_words import network_words, trained_words
from townlet.policy_text import MODEL_FOLDER, MOST_MODEL_BYTES, digest_of, digests_of, model_file

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
    facts: Mapping[str, Any],
    shards: Sequence[Shard],
    figures: Mapping[str, Any],
    trained: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The card of a data set with these shards, sorted by scenario. `trained`: see `trained_of`."""
    parts = [
        *_what(facts, shards),
        *_scenarios(shards),
        *_networks(shards, trained),
        *_how(facts),
        *_figures(figures),
        *_use(),
    ]
    return ("\n".join(parts) + "\n").encode()


def _what(facts: Mapping[str, Any], shards: Sequence[Shard]) -> Iterable[str]:
    names = ", ".join(map(markdown, facts["suites"]))
    runs, samples, frames, size = (
        sum(getattr(shard.entry, name) for shard in shards)
        for name in ("run_count", "sample_count", "frame_count", "size")
    )
    yield f"# Replay data{f': {names}' if names else ''}"
    yield ""
    yield (
        "Rollouts of Townlet, a small-town life simulation: one sample an agent, ready for PPO training "
        "(observations, actions, log-probs, values, rewards, dones)."
    )
    yield ""
    yield (f"{runs:,} runs, {samples:,} samples, {frames:,} timesteps, {size:,} bytes.")
    yield ""
    if not facts["complete"]:
        missing = facts["failure_count"]
        partly = ", ".join(
            markdown(name) or "configs that were captured by themselves" for name in facts["partial"]
        )
        reasons = [f"{missing:,} runs failed, see failures.json"] if missing else []
        reasons += [f"not all planned runs are there ({partly})"] if partly else []
        why = "; ".join(reasons)
        yield f"**Not complete:** {why}."
        yield ""


def _scenarios(shards: Sequence[Shard]) -> Iterable[str]:
    yield "## Scenarios"
    yield ""
    yield "| scenario | runs | seeds | ticks | samples | timesteps | what happens |"
    yield "|---|--:|---|---|--:|--:|---|"
    for name, group in groupby(shards, key=lambda shard: shard.entry.scenario):
        some = list(group)
        entries = [shard.entry for shard in some]
        ticks = ", ".join(
            map(str, sorted({ticks for shard in some for _, ticks in shard.summary.populations if ticks}))
        )
        runs, samples, frames = (
            sum(getattr(entry, name) for entry in entries)
            for name in ("run_count", "sample_count", "frame_count")
        )
        described = markdown(some[0].summary.description)
        seeds = _seeds(entries) + _distinct(some)
        yield f"| {markdown(name)} | {runs:,} | {seeds} | {ticks} | {samples:,} | {frames:,} | {described} |"
    yield ""


def trained_of(store: Store, shards: Sequence[Shard]) -> dict[str, str]:
    """How the models of a data set say that they were trained, by digest. One that is not there says nothing."""
    digests = digests_of(name for shard in shards for name in shard.summary.networks)
    trained = {}
    for digest in digests:
        with contextlib.suppress(FileNotFoundError, CorruptSampleError):
            data = store.read(f"{MODEL_FOLDER}/{model_file(digest)}", MOST_MODEL_BYTES)
            trained[digest] = trained_words(data) if sha256_hex(data) == digest else ""
    return trained


def _networks(shards: Sequence[Shard], trained: Mapping[str, str]) -> Iterable[str]:
    """Which networks act, where, and how they were made."""
    where: dict[str, list[str]] = {}
    for shard in shards:
        for name in shard.summary.networks:
            where.setdefault(name, []).append(shard.entry.scenario)
    if not where:
        return
    yield "## Networks"
    yield ""
    yield f"Their models are in `{MODEL_FOLDER}/`, each named by its SHA-256."
    yield ""
    yield "| network | acts in | how it was trained, as its file says |"
    yield "|---|---|---|"
    for name, scenarios in sorted(where.items()):
        acts = ", ".join(markdown(scenario) for scenario in dict.fromkeys(scenarios))
        said = markdown(trained.get(digest_of(name) or "", ""))
        yield f"| {markdown(network_words(name))} | {acts} | {said} |"
    yield ""


def _distinct(some: Sequence[Shard]) -> str:
    """Where seeds change nothing: known of a scenario whose seeds are all in one shard."""
    entry, distinct = some[0].entry, some[0].summary.distinct
    if len(some) > 1 or distinct is None or distinct == entry.run_count:
        return ""
    return f" ({Seeds(entry.run_count, distinct)})"


def _how(facts: Mapping[str, Any]) -> Iterable[str]:
    yield "## How it was captured"
    yield ""
    if facts["suites"]:
        yield "```"
        for name in facts["suites"]:
            yield f"townlet capture {typed(f'{name}.yaml')} --output DIR"
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
    yield (
        "Of all samples; metrics.json has all figures, also by scenario, and the tables in index/samples/ have them "
        "by sample."
    )
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


def _seeds(shards: Iterable[ShardEntry]) -> str:
    """`0..99, 200`, cut where there are many spans."""
    spans: list[tuple[int, int]] = []
    for first, last in (span for shard in shards for span in shard.spans()):
        if spans and spans[-1][1] == first - 1:
            spans[-1] = spans[-1][0], last
        else:
            spans.append((first, last))
    texts = [str(first) if first == last else f"{first}..{last}" for first, last in spans[:MOST_SPANS]]
    return ", ".join(texts) + (", ..." if len(spans) > MOST_SPANS else "")
