"""What a data set says of its samples: who they are, where they lie, their figures. No sample is read here.

`dataset.json` is read once; of the shards of the index those that are asked for are read, once, and kept: whoever
writes into the data set afterwards changes nothing for those who have opened it. Columns are decoded when they are
asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet import arguments
from townlet.arrays import I64, Array, Bool
from townlet.dataset.format.paths import INDEX
from townlet.dataset.index.index_document import RunEntry, RunKey
from townlet.dataset.index.index_places import IndexMoved
from townlet.dataset.index.read_index import read_index
from townlet.dataset.reading.capture import Capture, SampleEntry, entry_of, find_manifest_name, read_capture
from townlet.dataset.reading.sample_table import SampleTable
from townlet.dataset.reading.shard_parts import ChangedError, Part, part_of_capture, parts_of, removed
from townlet.dataset.store.contract import Store
from townlet.dataset.versions.versions import POINTER, resolve
from townlet.errors import CorruptSampleError, NoSuchItem, TownletError, UserError
from townlet.notebook import Shown, listed, of, pandas

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ATTEMPTS = 5  # at a data set whose versions come and go

Spans = Mapping[str, Sequence[tuple[int, int]]]  # scenario -> first and last seed of each range of seeds


class SampleIndex(Shown):
    """The runs of a data set, and the rows of all their samples: by scenario, seed, arrival and segment.

    Shards are read when something of them is asked for.
    """

    def __init__(
        self, store: Store, metadata: Mapping[str, Any], parts: Sequence[Part], manifest: str | None = None
    ) -> None:
        self.store = store
        self.manifest = manifest  # of the capture that this is, if it is no data set
        self.metadata = metadata
        self._parts = parts
        self.runs = Runs(parts)
        self.table = SampleTable(parts)
        self.units: I64 | None = (
            None  # [runs] see splitting/units.py, which finds them when they are asked for
        )

    @staticmethod
    def of_capture(capture: Capture) -> SampleIndex:
        """Of a data set of one run."""
        part = part_of_capture(capture)
        entry = part.entry
        metadata = {
            "sample_count": entry.sample_count,
            "frame_count": entry.frame_count,
            "size": entry.size,
            "run_count": 1,
            "complete": True,
            "failure_count": 0,
            "suites": [],
        }
        return SampleIndex(capture.store, metadata, [part], capture.manifest_record.name)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def run_of(self) -> I64:
        """[rows] Which of `runs` a row is of. Reads all shards."""
        return self.runs_of(np.arange(len(self)))

    def runs_of(self, rows: I64) -> I64:
        """[rows] Which of `runs` some rows are of. Reads the shards that they are in."""
        found = np.empty(len(rows), np.int64)
        part_of = self.table.part_of(rows)
        for number in np.unique(part_of):
            chosen = part_of == number
            inside = rows[chosen] - self.table.starts[number]
            ends = self.runs.ends_of_part(int(number))
            found[chosen] = self.runs.starts[number] + np.searchsorted(ends, inside, "right")
        return found

    def rows_of(self, scenarios: Container[str] | None, seeds: Container[int] | None) -> Bool:
        """[rows] Whether a row is of some scenarios and seeds (None: any). Reads the shards with such seeds."""
        found = np.zeros(len(self), bool)
        for number, part in enumerate(self._parts):
            if scenarios is not None and part.entry.scenario not in scenarios:
                continue
            rows = slice(self.table.starts[number], self.table.starts[number + 1])
            chosen = [True] if seeds is None else [seed in seeds for seed in part.entry.seed_list()]
            if all(chosen):
                found[rows] = True
            elif any(chosen):
                counts = [run.sample_count for run in self.runs.of_part(number)]
                found[rows] = np.repeat(chosen, counts)
        return found

    @cached_property
    def run_index(self) -> dict[RunKey, int]:
        """Where in `runs` a scenario with a seed stands."""
        return {key: index for index, key in enumerate(self.runs.keys)}

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.entry.scenario for part in self._parts))

    def _facts(self) -> dict[str, Any]:
        return {
            "of": of(len(self), "sample"),
            "runs": f"{len(self.runs):,} of {listed(self.scenarios)}",
            "place": self.store,
        }

    def folder(self, row: int) -> str:
        """Of a sample's run, in the store."""
        return self.runs[int(self.runs_of(np.array([row]))[0])].folder

    def entry(self, row: int) -> SampleEntry:
        """What is needed to read a sample."""
        known = self.table.row(row, _ENTRY)
        for name in (known["sample"], known["meta"]):
            if "/" in name or name in ("", ".", ".."):
                raise CorruptSampleError(f"{self.store}: {INDEX} names {name!r}, no file of a run's folder")
        return entry_of(known, INDEX)

    def capture(self, run: int) -> Capture:
        entry = self.runs[run]
        try:
            return read_capture(self.store, entry.folder, entry.manifest, entry.manifest_sha256)
        except (CorruptSampleError, UserError) as error:
            raise self.with_place(error, run) from error

    def with_place(self, error: TownletError, run: int) -> TownletError:
        """The error, or what is behind it: the data set was removed, or this run was replaced, since it was read."""
        mine = self.runs[run]
        try:
            now = read_sample_index(self.store, self.manifest)
            other = now.run_index.get(mine.key)
            if other is not None and now.runs[other].manifest_sha256 == mine.manifest_sha256:
                return error
        except ChangedError as gone:
            return gone
        except TownletError:
            return error
        return ChangedError(
            f"{self.store}: {mine.scenario} seed {mine.seed} was replaced since the data set was opened; "
            "open it again"
        )

    @cached_property
    def identity(self) -> str:
        """SHA-256 (hex) over the digests of the shards, in their order: the same for the same samples."""
        return hashlib.sha256("".join(part.digest for part in self._parts).encode()).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.store, self.manifest, _spans(self._parts), self.identity)

    def limited(self, spans: Spans) -> SampleIndex:
        """Only the runs in these spans."""
        parts = [
            limited for part in self._parts if (limited := part.limited(spans.get(part.entry.scenario, ())))
        ]
        return SampleIndex(self.store, self.metadata, parts)


class Runs(Sequence[RunEntry], Shown):
    """The runs of a data set, by scenario and seed. Those of a shard are read when one of them is asked for, and kept.

    `keys` and `len` read nothing.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._read: dict[int, tuple[RunEntry, ...]] = {}
        self._ends: dict[int, I64] = {}
        self.starts = np.cumsum([0, *(part.entry.run_count for part in parts)])  # [parts + 1]

    def __len__(self) -> int:
        return int(self.starts[-1])

    @cached_property
    def keys(self) -> tuple[RunKey, ...]:
        """Scenario and seed of each."""
        return tuple((part.entry.scenario, seed) for part in self._parts for seed in part.entry.seed_list())

    def of_part(self, number: int) -> tuple[RunEntry, ...]:
        """The runs of a shard."""
        if number not in self._read:
            self._read[number] = self._parts[number].runs()
        return self._read[number]

    def ends_of_part(self, number: int) -> I64:
        """[runs of the shard] The row after the last one of each, counted from the shard's first."""
        if number not in self._ends:
            self._ends[number] = np.cumsum([run.sample_count for run in self.of_part(number)])
        return self._ends[number]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        index = arguments.whole("index", index)
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise NoSuchItem(f"expected a run in 0..{len(self) - 1}, got {index}")
        part = int(np.searchsorted(self.starts, number, "right")) - 1
        return self.of_part(part)[number - int(self.starts[part])]

    def _facts(self) -> dict[str, Any]:
        names = dict.fromkeys(part.entry.scenario for part in self._parts)
        return {"of": of(len(self), "run"), "scenarios": listed(names)}

    def __iter__(self) -> Iterator[RunEntry]:
        for number in range(len(self._parts)):
            yield from self.of_part(number)


def open_sample_index(store: Store) -> SampleIndex:
    """Of a data set, of the current version of a versioned one, or of a capture, which is a data set of one run.

    Raises UserError where there is none of these, CorruptSampleError where what is there is damaged.
    """
    if store.size(INDEX) is None and store.size(POINTER) is None:
        return SampleIndex.of_capture(read_capture(store, "", find_manifest_name(store)))
    for _ in range(MAX_ATTEMPTS):  # the version that is current now may be pruned before it is read
        try:
            return read_sample_index(resolve(store))
        except (ChangedError, CorruptSampleError):
            continue
    return read_sample_index(resolve(store))


def read_sample_index(store: Store, manifest: str | None = None) -> SampleIndex:
    """Of the data set in this very store, or of the capture with this manifest. Raises ChangedError without one."""
    if manifest is not None:
        if store.size(manifest) is None:
            raise removed(store)
        return SampleIndex.of_capture(read_capture(store, "", manifest))
    try:
        index = read_index(store)
        return SampleIndex(store, index.facts.as_mapping(), parts_of(index))
    except (FileNotFoundError, IndexMoved) as error:
        raise removed(store) from error


def _reopened(store: Store, manifest: str | None, spans: Spans, identity: str) -> SampleIndex:
    """The index that was pickled, read anew: the same samples, though others may have come since."""
    found = read_sample_index(store, manifest)
    if found.identity != identity:
        found = found.limited(spans)
    if found.identity != identity:
        raise ChangedError(f"{store}: samples were replaced since the data set was opened; open it again")
    return found


def _spans(parts: Iterable[Part]) -> dict[str, list[tuple[int, int]]]:
    """The seeds of each scenario, as ranges: a few numbers, however many runs."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for part in parts:
        ranges = spans.setdefault(part.entry.scenario, [])
        for first, last in part.entry.spans():
            if ranges and ranges[-1][1] == first - 1:
                ranges[-1] = ranges[-1][0], last
            else:
                ranges.append((first, last))
    return spans


# The columns that say where a sample lies and what it has to be.
_ENTRY = ("sample", "sha256", "size", "meta", "meta_sha256", "meta_size", "agent_id", "frame_count")


class SampleColumns(Mapping[str, Array], Shown):
    """Columns by name, decoded when they are asked for; `rows` of them."""

    def __init__(self, sample_index: SampleIndex, rows: I64) -> None:
        self._sample_index = sample_index
        self._all = len(rows) == len(sample_index) and bool((rows == np.arange(len(rows))).all())
        self._rows = rows

    def __getitem__(self, name: str) -> Array:
        """Raises NoSuchName, saying which there are."""
        table = self._sample_index.table
        return table.numpy(name) if self._all else table.at(name, self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sample_index.table.names)

    def __len__(self) -> int:
        return len(self._sample_index.table.names)

    def __repr__(self) -> str:
        return f"<{len(self)} columns of {len(self._rows)} samples: {', '.join(self)}>"

    def _facts(self) -> dict[str, Any]:
        return {"samples": f"{len(self._rows):,}", "columns": listed(self, 40)}

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def to_pandas(self, names: Iterable[str] | None = None) -> Any:
        """A DataFrame, a row a sample. Raises UserError without pandas, NoSuchName for a column that is none."""
        chosen = self if names is None else arguments.texts("to_pandas: names", names)
        return pandas("to_pandas").DataFrame({name: self[name] for name in chosen})

    def to_arrow(self, names: Iterable[str] | None = None) -> pa.Table:
        """The columns as an Arrow table."""
        import pyarrow as pa

        chosen = self if names is None else arguments.texts("to_arrow: names", names)
        table = pa.table({name: self._sample_index.table.arrow(name) for name in chosen})
        return table if self._all else table.take(pa.array(self._rows))
