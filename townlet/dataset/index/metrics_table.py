"""`metrics.parquet`: a row a sample, with who it is, where its files are, and its metrics.

The same samples give the same bytes, in whatever order and by however many captures they came: rows are
sorted by run, row groups have a fixed length, and nothing about the writing stands in the file but the
version of the Parquet library.
"""

from __future__ import annotations

import io
import json
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.format.sample_facts import COLUMNS, row_of
from townlet.dataset.index.metrics_summary import metric_columns
from townlet.errors import CorruptSampleError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROW_GROUP = 8192  # rows
UNPACK_BATCH_SIZE = 1024  # runs
SAMPLES = "metrics.parquet"

RunKey = tuple[str, int]  # scenario and seed


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


def open_table(data: bytes, where: str) -> pq.ParquetFile:
    """metrics.parquet, from its bytes. Raises CorruptSampleError for anything else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise CorruptSampleError(f"{where}: not a table of samples ({error})") from error


class Rows:
    """The rows of an index that is there, opened from the file's bytes. Raises CorruptSampleError."""

    def __init__(self, data: bytes, where: str) -> None:
        import pyarrow as pa

        self._file = open_table(data, where)
        try:
            keys = self._file.read(columns=["scenario", "seed"])
        except (pa.ArrowException, OSError) as error:
            raise CorruptSampleError(f"{where}: not a table of samples ({error})") from error
        self._spans = _spans(keys)
        self._group = (-1, None)
        self._starts = [0]
        for number in range(self._file.num_row_groups):
            self._starts.append(self._starts[-1] + self._file.metadata.row_group(number).num_rows)

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
            self._group = number, self._file.read_row_group(number)
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
