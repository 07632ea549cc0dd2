"""What a plan would change in a version: which runs stay as they are, and why the others do not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.format.documents import MOST_BYTES, MOST_INDEX_BYTES, parse_object
from townlet.dataset.format.manifest import described_file, parse_manifest, run_options
from townlet.dataset.format.paths import INDEX, RUNS, inside
from townlet.dataset.index.index_document import (
    INDEX_VERSION,
    RunEntry,
    ShardKey,
    index_version_of,
    shard_key,
)
from townlet.dataset.index.index_places import IndexMoved
from townlet.dataset.index.old_form import OLD_VERSION
from townlet.dataset.index.read_index import DataSetIndex, read_index
from townlet.dataset.status.run_status import entry_status
from townlet.dataset.status.status import RunStatus
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError, OutputError
from townlet.run import FORMAT_VERSION, RULES_VERSION, RunRef

ChangeState = Literal["unchanged", "changed", "new", "removed"]
STATES: tuple[ChangeState, ...] = ("unchanged", "changed", "new", "removed")

MOST_DIFFERENCES = 3  # that a reason names; the rest is counted
LONGEST_VALUE = 40  # characters of a value in a reason

Key = tuple[str, int]  # scenario, seed


class Change(NamedTuple):
    """What becomes of one run."""

    scenario: str
    seed: int
    state: ChangeState
    reason: str  # "" for what is unchanged


@dataclass(frozen=True)
class Changes:
    """Of all runs, by scenario and seed."""

    runs: tuple[Change, ...]
    carried: tuple[RunEntry, ...]  # the index entries of the unchanged runs

    @property
    def any(self) -> bool:
        return len(self.carried) < len(self.runs)

    def counts(self) -> dict[ChangeState, int]:
        """How many runs are in which state; all states, also those without any."""
        found = Counter(change.state for change in self.runs)
        return {state: found[state] for state in STATES}

    def by_scenario(self) -> list[tuple[str, ChangeState, list[int], str]]:
        """(scenario, state, seeds, reason): a row for each scenario, state and reason, in that order."""
        rows: dict[tuple[str, int, str], list[int]] = {}
        for change in self.runs:
            key = (change.scenario, STATES.index(change.state), change.reason)
            rows.setdefault(key, []).append(change.seed)
        return [(name, STATES[state], rows[name, state, why], why) for name, state, why in sorted(rows)]


def compare(store: Store | None, runs: Sequence[RunRef], configs: Mapping[str, str]) -> Changes:
    """Compare planned runs, and their configs by digest, with the version in `store` (None: there is no version yet).

    Of the version's index it reads the shards in which there are planned runs; it asks for the size of the manifests
    of these, and reads one capture's config a scenario. From an index, or a shard of it, that is damaged or of another
    format nothing is carried over: all its runs are `changed`.
    """
    index, broken = (None, "") if store is None else _index(store)
    planned = {(run.name, run.seed): run for run in runs}
    known = _KnownRuns(store, index, broken)
    reasons = _Reasons(store, {name for name, _ in known.keys}, configs)
    names = {name for name, _ in planned}
    changes: list[Change] = []
    carried: list[RunEntry] = []
    for key in sorted({*planned, *known.keys}):
        run = planned.get(key)
        if run is None:
            changes.append(Change(*key, "removed", _not_any_more(key[0], names)))
            continue
        entry, broken = known.entry(key)
        if entry is None:
            changes.append(Change(*key, "changed" if broken else "new", broken or reasons.new(key[0])))
            continue
        status = entry_status(entry, run, known.manifest_size(entry))
        if status is RunStatus.OTHER:
            changes.append(Change(*key, "changed", reasons.changed(run, entry)))
        elif status is RunStatus.DAMAGED:
            changes.append(Change(*key, "changed", "its manifest is missing or cut short"))
        else:
            changes.append(Change(*key, "unchanged", ""))
            carried.append(entry)
    return Changes(tuple(changes), tuple(carried))


def differences(stored: Any, asked: Any, path: str = "") -> Iterator[str]:
    """`rewards.survival_tick 0.0 -> 0.1`: where two JSON values differ, a line a place, in the order of names."""
    if isinstance(stored, dict) and isinstance(asked, dict):
        for key in sorted({*stored, *asked}):
            inner = f"{path}.{key}" if path else key
            if key not in stored or key not in asked:
                yield f"{inner} {'added' if key in asked else 'removed'}"
            else:
                yield from differences(stored[key], asked[key], inner)
    elif isinstance(stored, list) and isinstance(asked, list):
        if len(stored) != len(asked):
            yield f"{path} {len(stored)} -> {len(asked)} entries"
        for number, pair in enumerate(zip(stored, asked, strict=False)):
            yield from differences(*pair, f"{path}[{number}]")
    elif stored != asked or type(stored) is not type(asked):
        yield f"{path} {_shown(stored)} -> {_shown(asked)}"


class _Reasons:
    """Why runs are new or changed. What one run of a scenario is told holds for the others: it is read once."""

    def __init__(self, store: Store | None, scenarios: Collection[str], configs: Mapping[str, str]) -> None:
        self._store = store
        self._scenarios = scenarios
        self._configs = configs
        self._changed: dict[tuple[str, str], str] = {}

    def new(self, scenario: str) -> str:
        if self._store is None:
            return "there is no version yet"
        return "another seed" if scenario in self._scenarios else "another scenario"

    def changed(self, run: RunRef, entry: RunEntry) -> str:
        key = run.name, run.config_digest
        if key not in self._changed:
            self._changed[key] = self._read(run, entry)
        return self._changed[key]

    def _read(self, run: RunRef, entry: RunEntry) -> str:
        assert self._store is not None  # who has an entry has a store
        place = _manifest_of(entry)
        try:
            document = parse_manifest(self._store.read(place, MOST_BYTES), place)
            file = described_file(document, "config")
            config = inside(entry.folder, file.name)
            stored = parse_object(self._store.read(config, file.size), config, "the config of a capture")
        except (CorruptSampleError, OutputError, FileNotFoundError):
            return "its inputs, but the old ones are not readable"
        asked = json.loads(self._configs[run.config_digest])
        found = [*_differences_of_options(document["metadata"], run), *differences_of_config(stored, asked)]
        more = len(found) - MOST_DIFFERENCES
        shown = found[:MOST_DIFFERENCES] + ([f"and {more} more"] if more > 0 else [])
        return ", ".join(shown) or "its inputs"


def _differences_of_options(metadata: Mapping[str, Any], run: RunRef) -> Iterator[str]:
    """In all that a fingerprint holds but the config."""
    asked = {
        "rules_version": RULES_VERSION,
        "format_version": FORMAT_VERSION,
        "ticks": run.ticks,
        **run_options(run),
    }
    for name, value in asked.items():
        found = metadata.get(name)
        if found != value:
            yield f"{name.replace('_', ' ')} {_shown(found)} -> {_shown(value)}"


def differences_of_config(stored: Any, asked: Any) -> Iterator[str]:
    """In the resolved config, affordances included; not in its name and place, which decide nothing."""
    old, new = ({**facts, "name": "", "config_path": ""} for facts in (stored, asked))
    for line in differences(old, new):
        yield line.removeprefix("config.")


def _not_any_more(scenario: str, planned: Collection[str]) -> str:
    return "its seed is not in the suite any more" if scenario in planned else "not in the suite any more"


class _KnownRuns:
    """The runs of a version's index: all by their keys; a shard is read when one of its runs is asked for."""

    def __init__(self, store: Store | None, index: DataSetIndex | None, broken: str) -> None:
        self.keys: list[Key] = []
        self._store = store
        self._index = index
        self._broken = broken
        self._sizes: Mapping[str, int] | None = None
        self._damaged: set[ShardKey] = set()
        for shard in index.shards if index else ():
            self.keys += [(shard.scenario, seed) for seed in shard.seed_list()]

    def entry(self, key: Key) -> tuple[RunEntry | None, str]:
        """What the index says of a run, or None; and why nothing there can be gone on from, where that is so."""
        if self._index is None:
            return None, self._broken
        shard = shard_key(*key)
        if shard not in self._damaged:
            try:
                return self._index.entry(*key), ""
            except (CorruptSampleError, IndexMoved):
                self._damaged.add(shard)
        return None, _DAMAGED

    def manifest_size(self, entry: RunEntry) -> int | None:
        """An object store lists a thousand names in the time that it takes to ask for one."""
        assert self._store is not None  # who has an entry has a store
        if self._store.renames:
            return self._store.size(_manifest_of(entry))
        if self._sizes is None:
            self._sizes = {file.name: file.size for file in self._store.list(RUNS)}
        return self._sizes.get(_manifest_of(entry))


_DAMAGED = f"the version's {INDEX} is damaged or missing"


def _index(store: Store) -> tuple[DataSetIndex | None, str]:
    """A version's index; or none, and why nothing in it can be gone on from."""
    try:
        return read_index(store), ""
    except (CorruptSampleError, FileNotFoundError):
        return None, _why_unusable(store)


def _why_unusable(store: Store) -> str:
    try:
        version = index_version_of(store.read(INDEX, MOST_INDEX_BYTES), str(store))
    except (FileNotFoundError, CorruptSampleError):
        return _DAMAGED
    if version not in (INDEX_VERSION, OLD_VERSION):
        return f"index version of {INDEX} {_shown(version)} -> {INDEX_VERSION}"
    return _DAMAGED


def _manifest_of(entry: RunEntry) -> str:
    return inside(entry.folder, entry.manifest)


def _shown(value: Any) -> str:
    text = (
        "none" if value is None else value if isinstance(value, str) else line_bytes(value).decode().strip()
    )
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
