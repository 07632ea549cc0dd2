"""What the index of a data set knows of runs, for whoever finds out how far they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from townlet.dataset.index.index_document import Facts, RunEntry, RunKey, ShardKey, parse_failures, shard_key
from townlet.dataset.index.read_index import DataSetIndex, read_whole
from townlet.dataset.index.shard_summaries import summaries_by_shard
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError

MENDING = (
    "; remove dataset.json and capture again what was in the data set: runs that hold are taken over, and "
    "the index is written anew"
)


class KnownIndex:
    """The index of a data set, or none. Of its shards those are read, and checked, that runs are looked up in.

    Threads may share it.
    """

    def __init__(self, index: DataSetIndex | None, failures: Mapping[RunKey, str]) -> None:
        self.index = index
        self.failures = failures  # reasons
        self._checked: set[ShardKey] = set()
        self._lock = threading.Lock()

    @property
    def facts(self) -> Facts | None:
        """What it says of the data set as a whole; None where there is no index."""
        return None if self.index is None else self.index.facts

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Of which it knows runs."""
        return () if self.index is None else self.index.scenarios

    def runs_of(self, scenario: str) -> Iterator[RunEntry]:
        """All runs of a scenario, by seed; a shard of them at a time. Raises CorruptSampleError."""
        for shard in self.index.shards if self.index else ():
            if self.index is not None and shard.scenario == scenario:
                yield from self.index.runs(shard)

    def entry(self, scenario: str, seed: int) -> RunEntry | None:
        """What it says of a run; None where it does not know it. Raises CorruptSampleError, saying what to do."""
        if self.index is None:
            return None
        try:
            entry = self.index.entry(scenario, seed)
            if entry is not None:
                self._check(self.index, shard_key(scenario, seed))
        except CorruptSampleError as error:
            raise CorruptSampleError(f"{error}{MENDING}") from error
        return entry

    def _check(self, index: DataSetIndex, key: ShardKey) -> None:
        """Read the table of a shard, once: whoever adds to it needs it, and should not learn that after the work."""
        with self._lock:
            if key not in self._checked:
                index.rows(index.by_key[key])
                self._checked.add(key)


NO_INDEX = KnownIndex(None, {})


def read_index_for_status(store: Store) -> KnownIndex:
    """The index of a data set, if there is one. Raises CorruptSampleError, saying what to do, where it is damaged."""
    try:
        index, files = read_whole(store, ["failures", "summaries"])
        failures = parse_failures(files["failures"], str(store))
        if "summaries" in files:  # who writes the index needs them, and is not told after the work
            summaries_by_shard(files["summaries"], index)
        if index.is_old:
            index.keep_old_table()
    except FileNotFoundError:
        return NO_INDEX
    except CorruptSampleError as error:
        raise CorruptSampleError(f"{error}{MENDING}") from error
    return KnownIndex(index, {(failure.scenario, failure.seed): failure.reason for failure in failures})
