"""Reading the index of a data set: the root at once, and of the shards those that are asked for.

Whoever has read an index goes on with that one, whatever others write: runs are only added, so that a shard that was
replaced is found again inside the one that is there now.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.documents import MOST_INDEX_BYTES
from townlet.dataset.format.paths import INDEX
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.index_document import (
    INDEX_VERSION,
    Facts,
    Root,
    RunEntry,
    RunKey,
    ShardEntry,
    ShardKey,
    index_version_of,
    parse_root,
    parse_runs,
    runs_bytes,
    shard_key,
)
from townlet.dataset.index.index_places import IndexMoved, IndexRemoved, named_index_files, read_index_file
from townlet.dataset.index.metrics_table import SampleRows
from townlet.dataset.index.old_form import OLD_VERSION, Cut, OldIndex, parse_old_index
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError
from townlet.escaping import shown

READ_TIMEOUT_S = 10.0  # seconds that a reader tries to catch an index that is being replaced
RECENT_SHARDS = (
    8  # whose runs are kept: whoever goes through runs in order asks for those of one after the other
)


def read_index(store: Store) -> DataSetIndex:
    """The index that is there now. Raises CorruptSampleError or FileNotFoundError."""
    return parse_index(store, store.read(INDEX, MOST_INDEX_BYTES))


def parse_index(store: Store, data: bytes) -> DataSetIndex:
    """The index of a data set, from its dataset.json. Raises CorruptSampleError."""
    version = index_version_of(data, str(store))
    if version == OLD_VERSION:
        old = parse_old_index(data, str(store))
        return DataSetIndex(store, old.root, sha256_hex(data), old)
    if version != INDEX_VERSION:
        raise CorruptSampleError(
            f"{store}: {INDEX}: expected index version {INDEX_VERSION}, found {shown(version)}; "
            "read it with the Townlet that wrote it"
        )
    return DataSetIndex(store, parse_root(data, str(store)), sha256_hex(data))


def read_whole(store: Store, kinds: Iterable[str] = ()) -> tuple[DataSetIndex, dict[str, bytes]]:
    """The index and some of its named files, all of one moment, however often the index is being replaced.

    An index without shards has no `summaries`. Raises CorruptSampleError, or FileNotFoundError where there is no index.
    """
    kinds = tuple(kinds)
    deadline = time.monotonic() + READ_TIMEOUT_S
    while True:
        index = read_index(store)
        try:
            named = named_index_files(index.root)
            return index, {kind: index.file(kind) for kind in kinds if kind in named}
        except IndexMoved:
            if time.monotonic() > deadline:
                raise


class DataSetIndex:
    """The index of a data set as it was at one moment. Threads may share it."""

    def __init__(self, store: Store, root: Root, sha256: str, old: OldIndex | None = None) -> None:
        self.store = store
        self.root = root
        self.sha256 = sha256  # of dataset.json
        self.is_old = old is not None  # there are no files of shards
        self._old = old
        self._recent: OrderedDict[ShardKey, Mapping[int, RunEntry]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def facts(self) -> Facts:
        return self.root.metadata

    @property
    def shards(self) -> tuple[ShardEntry, ...]:
        """By scenario and range of seeds."""
        return self.root.shards

    @cached_property
    def by_key(self) -> Mapping[ShardKey, ShardEntry]:
        return {shard.key: shard for shard in self.shards}

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(shard.scenario for shard in self.shards))

    def file(self, kind: str) -> bytes:
        """An index file (`metrics`, `failures`, `card`, `summaries`) as the root names it.

        Raises IndexMoved where dataset.json has been replaced since, CorruptSampleError where the file is not what it
        was.
        """
        return self._bytes_of(named_index_files(self.root)[kind])

    def entry(self, scenario: str, seed: int) -> RunEntry | None:
        """What is said of a run; None where it is not there. Raises as `runs` does."""
        shard = self.by_key.get(shard_key(scenario, seed))
        return None if shard is None else self._runs_by_seed(shard).get(seed)

    def entries(self) -> Iterator[RunEntry]:
        """All runs, by scenario and seed; a shard of them at a time. Raises as `runs` does."""
        for shard in self.shards:
            yield from self.runs(shard)

    def runs(self, shard: ShardEntry) -> tuple[RunEntry, ...]:
        """The runs of a shard, by seed.

        Raises CorruptSampleError where they are not what was written, IndexMoved where dataset.json was replaced since
        and these runs are not in it as they were.
        """
        return tuple(self._runs_by_seed(shard).values())

    def rows(self, shard: ShardEntry) -> SampleRows:
        """The samples of the runs of a shard. Raises as `runs` does."""
        if self._old is not None:
            whole = self._old_table
            if whole is None:
                return self._rows_elsewhere(shard, named_index_files(self.root)["samples"])
            first = self._cuts[shard.key].first_row
            return whole.window(first, shard.sample_count)
        file = shard.files[1]
        data = read_index_file(self.store, file)
        if data is None:
            return self._rows_elsewhere(shard, file)
        rows = SampleRows(data, f"{self.store}: {file.name}")
        if len(rows) != shard.sample_count:
            raise CorruptSampleError(
                f"{rows.where} has {len(rows)} rows, {INDEX} counts {shard.sample_count} samples"
            )
        return rows

    def digest(self, shard: ShardEntry) -> str:
        """SHA-256 (hex) of the list of a shard's runs: the same for the same runs in every data set."""
        return shard.runs.sha256 or sha256_hex(runs_bytes(self.runs(shard)))

    def keep_old_table(self) -> None:
        """Read all samples of an index without shards, so that whoever replaces it takes nothing away.

        Raises IndexMoved where it was replaced since it was read, CorruptSampleError where the table is damaged.
        """
        if self._old_table is None:
            raise IndexMoved(f"{self.store}: {INDEX} was replaced")

    @property
    def old_table(self) -> SampleRows | None:
        """All samples, of an index without shards, where its table is still there."""
        return self._old_table

    @cached_property
    def _old_table(self) -> SampleRows | None:
        file = named_index_files(self.root)["samples"]
        data = read_index_file(self.store, file)
        if data is None:
            self._refuse_unless_replaced(file)
            return None
        rows = SampleRows(data, f"{self.store}: {file.name}")
        if len(rows) != self.facts.sample_count:
            raise CorruptSampleError(
                f"{rows.where} has {len(rows)} rows, {INDEX} counts {self.facts.sample_count} samples"
            )
        return rows

    def _runs_by_seed(self, shard: ShardEntry) -> Mapping[int, RunEntry]:
        key = shard.key
        with self._lock:
            if key in self._recent:
                self._recent.move_to_end(key)
                return self._recent[key]
        runs = {run.seed: run for run in self._read_runs(shard)}
        with self._lock:
            self._recent[key] = runs
            if len(self._recent) > RECENT_SHARDS:
                self._recent.popitem(last=False)
        return runs

    def _read_runs(self, shard: ShardEntry) -> tuple[RunEntry, ...]:
        if self._old is not None:
            first = self._cuts[shard.key].first_run
            return tuple(self._old.runs[first : first + shard.run_count])
        file = shard.files[0]
        data = read_index_file(self.store, file)
        if data is not None:
            return parse_runs(data, shard, f"{self.store}: {file.name}")
        return self._elsewhere(shard, file)[2]

    @cached_property
    def _cuts(self) -> Mapping[ShardKey, Cut]:
        assert self._old is not None
        return {shard.key: cut for shard, cut in zip(self.shards, self._old.cuts, strict=True)}

    def _rows_elsewhere(self, shard: ShardEntry, file: FileRecord) -> SampleRows:
        now, there, _ = self._elsewhere(shard, file)
        return now.rows(there).of_seeds(shard.seed_list())

    def _elsewhere(
        self, shard: ShardEntry, file: FileRecord
    ) -> tuple[DataSetIndex, ShardEntry, tuple[RunEntry, ...]]:
        """The index that is there now, its shard with the runs of this one, and these runs. `file`: what is missing."""
        now = self._refuse_unless_replaced(file)
        there = now.by_key.get(shard.key)
        if there is not None:
            seeds = set(shard.seed_list())
            runs = tuple(run for run in now.runs(there) if run.seed in seeds)
            if sha256_hex(runs_bytes(runs)) == self.digest(shard):
                return now, there, runs
        raise IndexMoved(f"{self.store}: runs of {shown(shard.scenario)} were replaced")

    def _bytes_of(self, file: FileRecord) -> bytes:
        data = read_index_file(self.store, file)
        if data is None:
            self._refuse_unless_replaced(file)
            raise IndexMoved(f"{self.store}: {INDEX} was replaced")
        return data

    def _refuse_unless_replaced(self, file: FileRecord) -> DataSetIndex:
        """The index that is there now, if it is another one: else a file of it is not what it was."""
        try:
            now = read_index(self.store)
        except FileNotFoundError:
            raise IndexRemoved(self.store) from None
        if now.sha256 == self.sha256:
            raise CorruptSampleError(
                f"{self.store}: {file.name}: missing, or not the file that {INDEX} names"
            )
        return now


class SelectedRuns(Sequence[RunEntry]):
    """Those runs of an index that are asked for and are there. Only their shards are read, one at a time."""

    def __init__(self, index: DataSetIndex, keys: Iterable[RunKey]) -> None:
        self._index = index
        self._seeds: dict[ShardKey, set[int]] = {}
        for scenario, seed in keys:
            self._seeds.setdefault(shard_key(scenario, seed), set()).add(seed)
        self._shards = [shard for shard in index.shards if shard.key in self._seeds]
        self._count = sum(
            len(self._seeds[shard.key].intersection(shard.seed_list())) for shard in self._shards
        )

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[RunEntry]:
        for shard in self._shards:
            seeds = self._seeds[shard.key]
            yield from (run for run in self._index.runs(shard) if run.seed in seeds)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return list(self)[index]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"expected a run in 0..{len(self) - 1}, got {index}")
        return next(islice(self, number, None))
