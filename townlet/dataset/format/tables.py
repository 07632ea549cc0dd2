"""Parquet tables of an output, read as what they are expected to be: a digest says nothing of what a table claims.

Columns come out with the Arrow types that were asked for, text as valid UTF-8, and never larger than the bytes of
the file allow: a table of two megabytes that says it has a billion rows, or a name of a gigabyte, is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from townlet.errors import CorruptSampleError
from townlet.escaping import shown

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# What a column may take once it is decoded: some times the bytes of the file, and room for small ones.
MOST_TIMES = 64
ROOM = 16 << 20  # bytes
MOST_COLUMNS = 10_000
_TEXT = "string"


def open_parquet(data: bytes, where: str) -> pq.ParquetFile:
    """A table, from the bytes of its file. Text columns come as dictionaries: read them with `read_columns`.

    Raises CorruptSampleError for anything else, and for a table that claims more rows or columns than its bytes
    can hold.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with refusing(where):
        facts = pq.read_metadata(pa.BufferReader(data))
        kinds = {field.name: field.type for field in facts.schema.to_arrow_schema()}
        counted = sum(facts.row_group(number).num_rows for number in range(facts.num_row_groups))
        if facts.num_rows != counted or not 0 <= counted * 8 <= _most(len(data)):
            raise ValueError(f"it claims {facts.num_rows} rows")
        if not 0 < facts.num_columns <= MOST_COLUMNS or facts.num_columns != len(kinds):
            raise ValueError(f"it claims {facts.num_columns} columns")
        packed, unpacked = _claimed(facts, range(facts.num_row_groups))
        if not 0 <= packed <= len(data) or not 0 <= unpacked <= _most(len(data)):
            raise ValueError(f"its columns claim {packed} bytes, {unpacked} once they are unpacked")
        texts = [name for name, kind in kinds.items() if pa.types.is_string(kind)]
        source = pa.BufferReader(data)
        return pq.ParquetFile(source, metadata=facts, page_checksum_verification=True, read_dictionary=texts)


def read_columns(
    file: pq.ParquetFile,
    types: Mapping[str, str],
    where: str,
    *,
    row_groups: Sequence[int] | None = None,
    nullable: Collection[str] = (),
) -> pa.Table:
    """Columns of a table of `open_parquet`, each of the Arrow type that `types` names; all rows or some row groups.

    `nullable`: the columns in which nulls may stand. Raises CorruptSampleError, naming table and column, for one
    that is missing, of another type, has nulls or text that is no UTF-8, or is larger than the file allows.
    """
    import pyarrow as pa

    there = set(file.schema_arrow.names)
    for name in types:
        if name not in there:
            raise CorruptSampleError(f"{where}: has no column {shown(name)}")
    numbers = range(file.num_row_groups) if row_groups is None else list(row_groups)
    most = _most(_claimed(file.metadata, numbers)[0])
    columns = {}
    for name, kind in types.items():  # one by one: a message names the column
        with refusing(f"{where}: {shown(name)}"):
            column = file.read_row_groups(numbers, columns=[name], use_threads=False).column(name)
            columns[name] = _checked(column, kind, most, name in nullable)
    with refusing(where):
        return pa.table(columns)


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """Whatever a table's reader raises for a damaged or hostile one, as a CorruptSampleError."""
    import pyarrow as pa

    try:
        yield
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        OverflowError,
        MemoryError,
        KeyError,
        IndexError,
    ) as error:
        reason = shown(str(error).strip() or type(error).__name__)
        raise CorruptSampleError(f"{where}: not a table of samples ({reason[:300]})") from error


def _checked(column: pa.ChunkedArray, kind: str, most: int, nullable: bool) -> pa.ChunkedArray:
    """The column, once it is what it should be. Raises ValueError."""
    import pyarrow as pa

    found = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if found != pa.type_for_alias(kind):
        raise ValueError(f"expected a column of {kind}, found {found}")
    column.validate(full=True)
    if column.null_count and not nullable:
        raise ValueError("expected a value in each row, found none in some")
    if kind != _TEXT or column.type == found:
        return column
    if (size := sum(map(_decoded_size, column.chunks))) > most:
        raise ValueError(f"its text takes {size} bytes, more than the file can hold")
    return column.cast(found)


def _claimed(facts: pq.FileMetaData, row_groups: Sequence[int]) -> tuple[int, int]:
    """Bytes of some row groups as they lie in the file, and unpacked, as the table itself says."""
    packed = unpacked = 0
    for number in row_groups:
        group = facts.row_group(number)
        for index in range(group.num_columns):
            column = group.column(index)
            packed += column.total_compressed_size
            unpacked += column.total_uncompressed_size
    return packed, unpacked


def _decoded_size(chunk: pa.DictionaryArray) -> int:
    """Bytes of a chunk's text, once each row has its own."""
    import pyarrow.compute as pc

    lengths = pc.binary_length(chunk.dictionary).cast("int64")  # pyright: ignore[reportAttributeAccessIssue]
    return int(lengths.take(chunk.indices.drop_null()).to_numpy(zero_copy_only=False).sum())


def _most(size: int) -> int:
    """Bytes that a decoded column may take, of a file or row groups of this size."""
    return MOST_TIMES * size + ROOM
