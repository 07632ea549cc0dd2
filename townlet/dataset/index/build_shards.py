"""The shards of the next index: those that nothing has changed as they are, the others made anew, one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import NamedTuple

import msgspec

from townlet.dataset.format.paths import INDEX, inside
from townlet.dataset.format.records import FileRecord, RunRecord, SampleRecord
from townlet.dataset.index.index_document import (
    RunEntry,
    RunKey,
    ShardEntry,
    ShardKey,
    content_of,
    run_entry,
    runs_bytes,
    shard_entry,
    shard_key,
)
from townlet.dataset.index.index_places import staged_index_file
from townlet.dataset.index.metrics_table import Rows, SampleRows, pack, pack_rows, unpack, write_rows
from townlet.dataset.index.populations import Population, populations_of
from townlet.dataset.index.read_index import DataSetIndex
from townlet.dataset.index.shard_summaries import FirstRun, ShardSummary, summarise_shard
from townlet.dataset.store.contract import Store, holds
from townlet.errors import CorruptSampleError
from townlet.escaping import shown


class IndexedRun(NamedTuple):
    """What the index keeps of a published capture: about a kilobyte, as there are many of them in one place."""

    key: RunKey
    entry: bytes  # `RunEntry`, packed
    rows: bytes  # of its samples, packed


class Shard(NamedTuple):
    """A shard of the next index."""

    entry: ShardEntry
    summary: ShardSummary
    made: tuple[FileRecord, ...] = ()  # its files, where it is new: staged, unless they have their names
    kept: tuple[Population, ...] = ()  # of the runs that were there before, also where they are written anew
    added: tuple[Population, ...] = ()


class Source(NamedTuple):
    """The shards that the next index begins with: of the index that is there, or of another data set."""

    index: DataSetIndex
    summaries: Mapping[ShardKey, ShardSummary]  # where they are known
    only: Collection[RunKey] | None = None  # the runs that are taken over; None = all
    is_here: bool = True  # in the store that is written to


def indexed(run: RunRecord, samples: Sequence[SampleRecord]) -> IndexedRun:
    """A published capture, small enough to travel."""
    return IndexedRun((run.run, run.seed), pack(run_entry(run).as_mapping()), pack_rows(samples))


def build_shards(
    store: Store, source: Source | None, given: Iterable[IndexedRun], dropped: Iterable[RunKey]
) -> Iterator[Shard]:
    """All shards of the next index, by scenario and range of seeds.

    `given`: runs by scenario and seed, which replace those of the source. `dropped`: runs of the source that are left
    out. What is made anew is staged at once, so that memory is needed for one shard.
    """
    gone: dict[ShardKey, set[int]] = {}
    for scenario, seed in dropped:
        gone.setdefault(shard_key(scenario, seed), set()).add(seed)
    builder = _Builder(store, source, gone)
    waiting = deque(source.index.shards if source else ())
    for key, some in groupby(given, key=lambda run: shard_key(*run.key)):
        while waiting and waiting[0].key < key:
            yield from builder.kept(waiting.popleft())
        before = waiting.popleft() if waiting and waiting[0].key == key else None
        yield from builder.made(key, before, {run.key[1]: run for run in some})
    for shard in waiting:
        yield from builder.kept(shard)


class _Builder:
    def __init__(self, store: Store, source: Source | None, gone: Mapping[ShardKey, set[int]]) -> None:
        self._store = store
        self._source = source
        self._gone = gone
        self._old_rows: Rows | None = None

    def kept(self, shard: ShardEntry) -> Iterator[Shard]:
        """A shard to which nothing is added."""
        source = self._source
        assert source is not None
        key = shard.key
        summary = source.summaries.get(key)
        stays = source.is_here and source.only is None and not source.index.is_old
        if stays and key not in self._gone and summary is not None:
            yield Shard(shard, summary, kept=summary.populations)
        else:
            yield from self.made(key, shard, {})

    def made(
        self, key: ShardKey, before: ShardEntry | None, given: Mapping[int, IndexedRun]
    ) -> Iterator[Shard]:
        """A shard with these runs and those of the source; none where there is no run."""
        earlier = {} if before is None else self._runs_before(before)
        left_out = {*given, *self._gone.get(key, ())}
        kept = [run for seed, run in earlier.items() if seed not in left_out]
        _check_there(self._store, kept)
        added = [msgspec.convert(unpack(run.entry), RunEntry) for run in given.values()]
        runs = kept + added
        if not runs:
            return
        runs.sort(key=lambda run: run.seed)
        rows_before = self._rows_before(before) if before is not None and kept else None
        packed = {run.key: run.rows for run in given.values()}
        table = write_rows(packed, rows_before, [run.key for run in runs])
        listed = runs_bytes(runs)
        entry = shard_entry(runs, content_of(listed), content_of(table))
        rows = SampleRows(table, f"{self._store}: {entry.files[1].name}")
        if len(rows) != entry.sample_count:
            raise CorruptSampleError(
                f"{self._store}: the index counts {entry.sample_count} samples of {shown(entry.scenario)}, seeds "
                f"{entry.seeds}, and lists {len(rows)}"
            )
        for file, data in zip(entry.files, (listed, table), strict=True):
            if not holds(self._store, file.name, file):
                self._store.write_whole(staged_index_file(file), [data])
        first = self._first_run(before, runs[0]) if kept else None
        summary = summarise_shard(self._store, runs, rows, first)
        yield Shard(entry, summary, entry.files, *_populations(kept, added, earlier))

    def _first_run(self, before: ShardEntry | None, first: RunEntry) -> FirstRun | None:
        """What was known to be in the manifest of the first run of a shard."""
        if self._source is None or before is None or before.key not in self._source.summaries:
            return None
        if self._source.index.runs(before)[0] != first:
            return None
        known = self._source.summaries[before.key]
        return FirstRun(known.description, known.networks)

    def _runs_before(self, shard: ShardEntry) -> dict[int, RunEntry]:
        """The runs that are taken over from a shard of the source, by seed."""
        assert self._source is not None
        only = self._source.only
        runs = self._source.index.runs(shard)
        return {run.seed: run for run in runs if only is None or run.key in only}

    def _rows_before(self, shard: ShardEntry) -> Rows:
        """The rows of a shard of the source, by run. The one table of an index without shards is gone through once."""
        assert self._source is not None
        index = self._source.index
        if not index.is_old:
            return Rows(index.rows(shard))
        if self._old_rows is None:
            whole = index.old_table
            if whole is None:
                return Rows(index.rows(shard))
            self._old_rows = Rows(whole)
        return self._old_rows


def _populations(
    kept: Iterable[RunEntry], added: Iterable[RunEntry], earlier: Mapping[int, RunEntry]
) -> tuple[tuple[Population, ...], tuple[Population, ...]]:
    """Of what stays, and of what is new. A run that takes the place of one of its own population adds none."""
    again, new = [], []
    for run in added:
        before = earlier.get(run.seed)
        stays = before is not None and populations_of([before]) == populations_of([run])
        (again if stays else new).append(run)
    return populations_of([*kept, *again]), populations_of(new)


def _check_there(store: Store, entries: Collection[RunEntry]) -> None:
    """Raise CorruptSampleError where a capture's manifest is gone: an index must not outlive what it names."""
    places = [inside(entry.folder, entry.manifest) for entry in entries]
    if not places:
        return
    with ThreadPoolExecutor(16) as threads:
        sizes = list(threads.map(store.size, places))
    for place, entry, found in zip(places, entries, sizes, strict=True):
        if found != entry.manifest_size:
            raise CorruptSampleError(f"{store}: {shown(place)}: named by {INDEX}, but not whole")
