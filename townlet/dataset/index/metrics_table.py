"""The table of a shard: a row a sample, with who it is, where its files are, and its metrics.

The same samples give the same bytes, in whatever order and by however many captures they came: rows are
sorted by run, row groups have a fixed length, and nothing about the writing stands in the file but the
version of the Parquet library.
"""

from __future__ import annotations

import io
import json
import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from copy import copy
from functools import cached_property
from itertools import accumulate, groupby, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.arrays import F64, Bool
from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.format.sample_facts import COLUMNS, SAMPLE_FACTS, row_of
from townlet.dataset.format.tables import open_parquet, read_columns
from townlet.dataset.index.index_document import RunKey
from townlet.errors import CorruptSampleError
from townlet.escaping import shown

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROW_GROUP = 8192  # rows
UNPACK_BATCH_SIZE = 1024  # runs
MOST_FIGURE = 1e140  # absolute; the sum of squares of any number of larger ones may be no float64
FIGURE = "double"
_OPTIONAL = frozenset(fact.column for fact in SAMPLE_FACTS if fact.optional)


def pack(value: Any) -> bytes:
    """What JSON can say, packed to travel."""
    return zlib.compress(line_bytes(value))


def unpack(packed: bytes) -> Any:
    """What was packed."""
    return json.loads(zlib.decompress(packed))


def pack_rows(records: Sequence[SampleRecord]) -> bytes:
    """The rows of one run, packed to travel: 200 to 500 bytes a sample."""
    ordered = sorted(records, key=lambda record: (record.arrival, record.segment))
    rows = [row_of(record) for record in ordered]
    columns = {name: [row[number] for row in rows] for number, name in enumerate(COLUMNS)}
    names = sorted({name for record in ordered for name in record.metrics} - {"done"})
    figures = {name: [record.metrics.get(name) for record in ordered] for name in names}
    return pack([columns, figures])


def write_rows(given: Mapping[RunKey, bytes], kept: Rows | None, keys: Sequence[RunKey]) -> bytes:
    """The file with the rows of `keys`, in their order: packed ones, or else those of an earlier file.

    Memory: the file, and a row group.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    metrics = _metrics_of(given, kept, keys)
    types = {**COLUMNS, **dict.fromkeys(sorted(metrics - {"done"}), "double")}
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in types.items()])
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink, schema, compression="zstd", write_page_checksum=True, store_schema=False
    ) as writer:
        for table in _groups(_tables(given, kept, keys, schema), schema):
            writer.write_table(table, row_group_size=ROW_GROUP)
    return sink.getvalue()


class SampleRows:
    """Rows of a table of samples, all or some. Columns are decoded when they are asked for, and kept by none here.

    Everything that reads raises CorruptSampleError, naming the table, for what is no table of samples.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        self._whole: _Columns | None = None  # that these rows are some of
        self._first, self._count = 0, 0  # of the whole; where `_whole` is set
        self._kept: Bool | None = None  # which of the rows so far; None = all
        self._columns: _Columns | None = None

    def __len__(self) -> int:
        if self._kept is not None:
            return int(self._kept.sum())
        return self.file.metadata.num_rows if self._whole is None else self._count

    @cached_property
    def file(self) -> pq.ParquetFile:
        return open_parquet(self.data, self.where)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns: what identifies a sample, then its metrics. Some may be without any value in these rows."""
        return tuple(self.file.schema_arrow.names)

    def window(self, first: int, count: int) -> SampleRows:
        """Some rows of a whole table, whose columns are then kept for all its windows."""
        if self._columns is None:
            self._columns = _Columns(self)
        rows = self._same()
        rows._whole, rows._first, rows._count = self._columns, first, count
        return rows

    def of_seeds(self, seeds: Collection[int]) -> SampleRows:
        """The rows of these seeds."""
        kept = np.isin(self.column("seed").to_numpy(), np.fromiter(seeds, np.int64))
        if self._kept is not None:
            every = self._kept.copy()
            every[self._kept] = kept
            kept = every
        rows = self._same()
        rows._kept = kept
        return rows

    def column(self, name: str) -> pa.ChunkedArray:
        """[rows] Of the type that is expected; nulls only where a sample has no such metric. Raises KeyError too."""
        import pyarrow as pa

        if name not in self.names and name in COLUMNS and name not in _OPTIONAL:
            raise CorruptSampleError(f"{self.where}: has no column {name}")
        if name not in self.names:
            raise KeyError(name)
        if self._whole is not None:
            column = self._whole[name].slice(self._first, self._count)
        else:
            types, nullable = types_of([name])
            column = read_columns(self.file, types, self.where, nullable=nullable).column(name)
        return column if self._kept is None else column.filter(pa.array(self._kept))

    def figures(self, name: str) -> F64:
        """Of those samples that have a metric."""
        column = self.column(name).drop_null()
        values = column.cast(FIGURE).to_numpy()
        if not (np.abs(values) <= MOST_FIGURE).all():
            raise CorruptSampleError(
                f"{self.where}: {shown(name)}: expected finite numbers up to {MOST_FIGURE:g}"
            )
        return values

    def _same(self) -> SampleRows:
        rows = copy(self)
        rows.file = self.file
        return rows


class _Columns(dict[str, Any]):
    """Columns of a whole table, decoded when they are asked for."""

    def __init__(self, rows: SampleRows) -> None:
        super().__init__()
        self._rows = rows

    def __missing__(self, name: str) -> Any:
        column = self[name] = self._rows.column(name)
        return column


def row_group_starts(file: pq.ParquetFile) -> list[int]:
    """[row groups + 1] The first row of each, and the number of rows."""
    lengths = (file.metadata.row_group(number).num_rows for number in range(file.num_row_groups))
    return list(accumulate(lengths, initial=0))


def metric_columns(names: Iterable[str]) -> list[str]:
    """Which of a table's columns are metrics. `done` is one too: 1 where the episode ended."""
    return [name for name in names if name not in COLUMNS or name == "done"]


def types_of(names: Iterable[str]) -> tuple[dict[str, str], set[str]]:
    """The type of each column, and those in which a sample may have nothing."""
    types = {name: COLUMNS.get(name, FIGURE) for name in names}
    return types, {name for name in types if name not in COLUMNS or name in _OPTIONAL}


class Rows:
    """The rows of a table, by run: for whoever writes another table with them. Raises CorruptSampleError."""

    def __init__(self, rows: SampleRows) -> None:
        self._file, self._where = rows.file, rows.where
        keys = read_columns(self._file, types_of(["scenario", "seed"])[0], self._where)
        self._spans = _spans(keys)
        self._group: tuple[int, Any] = (-1, None)
        self._starts = row_group_starts(self._file)

    def __len__(self) -> int:
        return self._starts[-1]

    def of_runs(self, keys: Iterable[RunKey]) -> Iterator[pa.Table]:
        """The rows of some runs, in pieces as large as can be. Runs are best asked for in the file's order."""
        first = last = 0
        for key in keys:
            start, end = self._spans.get(key, (last, last))
            if start != last:
                yield from self._between(first, last)
                first = start
            last = end
        yield from self._between(first, last)

    def _between(self, first: int, last: int) -> Iterator[pa.Table]:
        while first < last:
            number = bisect_right(self._starts, first) - 1
            end = min(last, self._starts[number + 1])
            yield self._row_group(number).slice(first - self._starts[number], end - first)
            first = end

    def metrics_of(self, only: Set[RunKey]) -> set[str]:
        """The metrics that any row of these runs has."""
        names = metric_columns(self._file.schema_arrow.names)
        if self._spans.keys() <= only:
            return set(names)  # a file has no column in which nothing stands
        found: set[str] = set()
        for table in self.of_runs(key for key in self._spans if key in only):
            found |= {name for name in names if table.column(name).null_count < len(table)}
        return found

    def _row_group(self, number: int) -> pa.Table:
        if self._group[0] != number:
            types, nullable = types_of(self._file.schema_arrow.names)
            table = read_columns(self._file, types, self._where, row_groups=[number], nullable=nullable)
            self._group = number, table
        return self._group[1]


def _spans(keys: pa.Table) -> dict[RunKey, tuple[int, int]]:
    """First row, and the row after the last, of each run."""
    spans: dict[RunKey, tuple[int, int]] = {}
    pairs = zip(keys.column("scenario").to_pylist(), keys.column("seed").to_pylist(), strict=True)
    for row, key in enumerate(pairs):
        first, _ = spans.get(key, (row, row))
        spans[key] = first, row + 1
    return spans


def _metrics_of(given: Mapping[RunKey, bytes], kept: Rows | None, keys: Iterable[RunKey]) -> set[str]:
    """The metrics that any of the rows has: they are looked through once, before the first is written."""
    names: set[str] = set()
    others: set[RunKey] = set()
    for key in keys:
        if key in given:
            names.update(unpack(given[key])[1])
        else:
            others.add(key)
    return names if kept is None else names | kept.metrics_of(others)


def _tables(
    given: Mapping[RunKey, bytes], kept: Rows | None, keys: Iterable[RunKey], schema: pa.Schema
) -> Iterator[pa.Table]:
    """The rows of the runs, in pieces: packed ones are unpacked some thousand at a time."""
    for are_given, some in groupby(keys, key=given.__contains__):
        if are_given:
            while packed := [given[key] for key in islice(some, UNPACK_BATCH_SIZE)]:
                yield _unpacked([unpack(item) for item in packed], schema)
        elif kept is not None:
            for table in kept.of_runs(some):
                yield _fitted(table, schema)


def _unpacked(packed: list[tuple[dict[str, list[Any]], dict[str, list[Any]]]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    def values(name: str) -> list[Any]:
        found: list[Any] = []
        for identity, figures in packed:
            absent = [None] * len(identity["seed"])
            found += identity[name] if name in identity else figures.get(name, absent)
        return found

    return pa.table([pa.array(values(field.name), field.type) for field in schema], schema=schema)


def _fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table of an earlier file, with the columns of this one."""
    import pyarrow as pa

    there = set(table.column_names)
    columns = [
        table.column(field.name).cast(field.type) if field.name in there else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _groups(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of exactly `ROW_GROUP` rows, the last one of what is left: however the rows came."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += len(table)
        if count < ROW_GROUP:
            continue
        joined = pa.concat_tables(waiting)
        whole = count - count % ROW_GROUP
        for start in range(0, whole, ROW_GROUP):
            yield joined.slice(start, ROW_GROUP).combine_chunks()
        waiting, count = [joined.slice(whole)], count - whole
    if count:
        yield pa.concat_tables(waiting).combine_chunks()
