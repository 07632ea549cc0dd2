"""`metrics.parquet`: a row a sample, with who it is, where its files are, and its figures.

The same samples give the same bytes, in whatever order and by however many captures they came: rows are
sorted by run, row groups have a fixed length, and nothing about the writing stands in the file but the
version of the Parquet library.
"""

from __future__ import annotations

import io
import json
import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.index.aggregate import Aggregates
from townlet.errors import CorruptSampleError

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 8192  # rows
UNPACK_BATCH_SIZE = 1024  # runs
SAMPLES = "metrics.parquet"

# Column -> its Arrow type. What identifies a sample and its files; figures follow, float64, sorted by name.
IDENTITY: dict[str, str] = {
    "scenario": "string",
    "seed": "int64",
    "agent_id": "string",
    "arrival": "int32",
    "segment": "int32",
    "sample": "string",  # the NPZ, in the folder of its run
    "meta": "string",  # its JSON sidecar
    "sha256": "string",
    "meta_sha256": "string",
    "size": "int64",  # bytes
    "meta_size": "int64",
    "frame_count": "int64",
    "first_tick": "int32",
    "done": "bool",  # also a figure: 1 where the episode ended
    "truncated": "bool",
    "content_digest": "string",
    "layout_digest": "string",
}

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
    columns = {name: [_identity(record)[name] for record in ordered] for name in IDENTITY}
    names = sorted({name for record in ordered for name in record.metrics} - {"done"})
    figures = {name: [record.metrics.get(name) for record in ordered] for name in names}
    return pack([columns, figures])


def write_rows(
    given: Mapping[RunKey, bytes], kept: Rows | None, keys: Iterable[RunKey], figures: Sequence[str]
) -> bytes:
    """The file with the rows of `keys`, in their order: packed ones, or else those of an earlier file.

    `figures`: the names of all figures that any row has. Memory: the file, and a row group.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {**IDENTITY, **dict.fromkeys(sorted(set(figures) - {"done"}), "double")}
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in types.items()])
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink, schema, compression="zstd", write_page_checksum=True, store_schema=False
    ) as writer:
        for table in _groups(_tables(given, kept, keys, schema), schema):
            writer.write_table(table, row_group_size=ROW_GROUP)
    return sink.getvalue()


class Rows:
    """The rows of an index that is there, opened from the file's bytes. Raises CorruptSampleError."""

    def __init__(self, data: bytes, where: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self._file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
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

    def add_figures(self, total: Aggregates, only: Collection[RunKey]) -> None:
        """Count the figures of these runs in `total`."""
        kept = (key for key in self._spans if key in only)
        for scenario, keys in groupby(kept, key=lambda key: key[0]):
            for table in self.of_runs(keys):
                for name in table.column_names:
                    if name not in IDENTITY or name == "done":
                        values = table.column(name).drop_null().cast("double").to_pylist()
                        total.add_all(scenario, name, values)

    def _row_group(self, number: int) -> pa.Table:
        if self._group[0] != number:
            self._group = number, self._file.read_row_group(number)
        return self._group[1]


def _identity(record: SampleRecord) -> dict[str, Any]:
    return {
        "scenario": record.run,
        "seed": record.seed,
        "agent_id": record.agent_id,
        "arrival": record.arrival,
        "segment": record.segment,
        "sample": record.npz.name,
        "meta": record.meta.name,
        "sha256": record.npz.sha256,
        "meta_sha256": record.meta.sha256,
        "size": record.npz.size,
        "meta_size": record.meta.size,
        "frame_count": record.frame_count,
        "first_tick": record.first_tick,
        "done": record.done,
        "truncated": record.truncated,
        "content_digest": record.content_digest,
        "layout_digest": record.layout_digest,
    }


def _spans(keys: pa.Table) -> dict[RunKey, tuple[int, int]]:
    """First row, and the row after the last, of each run."""
    spans: dict[RunKey, tuple[int, int]] = {}
    pairs = zip(keys.column("scenario").to_pylist(), keys.column("seed").to_pylist(), strict=True)
    for row, key in enumerate(pairs):
        first, _ = spans.get(key, (row, row))
        spans[key] = first, row + 1
    return spans


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
