"""What versions there are of a data set, and what changed from each to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from townlet.dataset.format.documents import MOST_BYTES, parse_object
from townlet.dataset.format.manifest import RUN_OPTIONS, described_file, parse_manifest
from townlet.dataset.format.paths import inside
from townlet.dataset.index.index_document import Facts, RunEntry, ShardEntry, ShardKey
from townlet.dataset.index.index_places import IndexMoved
from townlet.dataset.index.read_index import DataSetIndex, read_index
from townlet.dataset.store.contract import Store
from townlet.dataset.store.own_files import read_log
from townlet.dataset.versions.changes import (
    MOST_DIFFERENCES,
    ChangeState,
    differences,
    differences_of_config,
)
from townlet.dataset.versions.versions import read_pointer, version_folder, versions_there
from townlet.errors import CorruptSampleError, OutputError

State = Literal["current", "published", "not published", "damaged"]
FIRST = "the first that is there"
OPTIONS = (
    "rules_version",
    "format_version",
    "ticks",
    *RUN_OPTIONS,
)  # what decides a run's bytes, but its config


class VersionFacts(NamedTuple):
    """Of one version. What cannot be read is None."""

    version: int
    state: State
    finished: str | None  # when it was made, ISO 8601 in UTC: what its log says
    facts: Facts | None  # of its index
    why: str  # what changed from the version before, as far as that is there; or why it is not published


def history_of(store: Store) -> Iterator[VersionFacts]:
    """The versions that are there, by number. Of what is the same in two versions nothing is read.

    Raises CorruptSampleError for a damaged `current.json`.
    """
    pointer = read_pointer(store)
    newest = 0 if pointer is None else pointer.newest
    before: DataSetIndex | None = None
    for version in versions_there(store):
        below = store.below(version_folder(version))
        log = read_log(below)
        finished = None if log is None else log.finished
        try:
            index = read_index(below)
        except FileNotFoundError:
            why = "not finished; the next `townlet regenerate` goes on with it"
            yield VersionFacts(
                version, "not published" if version > newest else "damaged", finished, None, why
            )
            continue
        except (CorruptSampleError, OutputError) as error:
            yield VersionFacts(version, "damaged", finished, None, str(error).removeprefix(f"{below}: "))
            continue
        changed = FIRST if before is None else _changed(before, index)
        if version > newest:
            why = _why_not(index.facts)
            yield VersionFacts(version, "not published", finished, index.facts, f"{why}; {changed}")
            continue
        is_current = pointer is not None and version == pointer.version
        state: State = "current" if is_current else "published"
        yield VersionFacts(version, state, finished, index.facts, changed)
        before = index


def _why_not(facts: Facts) -> str:
    """Nothing is kept of a refusal but what is there: failures are counted, a drift is not written down."""
    if facts.failure_count:
        return f"refused: {facts.failure_count} failed"
    return "not complete" if not facts.complete else "refused: it drifted, or did not verify"


def _changed(before: DataSetIndex, now: DataSetIndex) -> str:
    """`20 changed: rewards.survival_tick 0.0 -> 0.1; 2 new`, of the runs of two versions."""
    counts: Counter[ChangeState] = Counter()
    example: tuple[RunEntry, RunEntry] | None = None
    try:
        for key in sorted({*before.by_key, *now.by_key}):
            old, new = _shard(before, key), _shard(now, key)
            if old is None or new is None or before.digest(old) != now.digest(new):
                runs_before = {} if old is None else {run.seed: run for run in before.runs(old)}
                runs_now = {} if new is None else {run.seed: run for run in now.runs(new)}
                counts["new"] += len(runs_now.keys() - runs_before.keys())
                counts["removed"] += len(runs_before.keys() - runs_now.keys())
                for seed in sorted(runs_before.keys() & runs_now.keys()):
                    if runs_before[seed].fingerprint != runs_now[seed].fingerprint:
                        counts["changed"] += 1
                        example = example or (runs_before[seed], runs_now[seed])
    except (CorruptSampleError, OutputError, IndexMoved) as error:
        return f"what changed cannot be read: {error}"
    parts = [f"{counts[state]} {state}" for state in ("changed", "new", "removed") if counts[state]]
    if example is not None:
        parts[0] += f": {_why_changed(before.store, now.store, *example)}"
    return "; ".join(parts) or "the same runs"


def _shard(index: DataSetIndex, key: ShardKey) -> ShardEntry | None:
    return index.by_key.get(key)


def _why_changed(store_before: Store, store_now: Store, before: RunEntry, now: RunEntry) -> str:
    """Why one run is another than it was: its options and its config, compared."""
    try:
        (old_facts, old_config), (facts, config) = _read(store_before, before), _read(store_now, now)
    except (CorruptSampleError, OutputError, FileNotFoundError):
        return "its inputs, but they cannot be read"
    options = differences({k: old_facts.get(k) for k in OPTIONS}, {k: facts.get(k) for k in OPTIONS})
    found = [*options, *differences_of_config(old_config, config)]
    more = len(found) - MOST_DIFFERENCES
    return ", ".join(found[:MOST_DIFFERENCES] + ([f"and {more} more"] if more > 0 else [])) or "its inputs"


def _read(store: Store, entry: RunEntry) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a run's manifest says of it, and its config."""
    place = inside(entry.folder, entry.manifest)
    document = parse_manifest(store.read(place, MOST_BYTES), place)
    file = described_file(document, "config")
    config = inside(entry.folder, file.name)
    return document["metadata"], parse_object(
        store.read(config, file.size), config, "the config of a capture"
    )
