"""Tables of LeRobot's layout: files that are numbered, lists as columns, the table of tasks and that of episodes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.arrays import Array
from townlet.dataset.export.feature_statistics import Statistics, whole_counts

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 100  # episodes whose rows are kept in memory


class NumberedFiles:
    """A table in several files below a folder: the next one is begun where this one has grown large."""

    def __init__(self, folder: Path, pattern: str, megabytes: int, files_in_chunk: int) -> None:
        self._folder, self._pattern = folder, pattern  # with {chunk_index} and {file_index}
        self._limit = megabytes * 2**20
        self._files_in_chunk = files_in_chunk
        self._begun = 0  # files
        self._path = folder
        self._writer: Any = None

    @property
    def next_place(self) -> tuple[int, int]:
        """Chunk and file that the next table will stand in."""
        number = self._begun if self._is_full() else self._begun - 1
        return divmod(number, self._files_in_chunk)

    def write(self, table: pa.Table) -> tuple[int, int]:
        """Add rows, all to one file; returns its chunk and its number there."""
        import pyarrow.parquet as pq

        chunk, file = self.next_place
        if self._is_full():
            self.close()
            self._begun += 1
            self._path = self._folder / self._pattern.format(chunk_index=chunk, file_index=file)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(
                self._path, table.schema, compression="snappy", write_page_checksum=True
            )
        self._writer.write_table(table)
        return chunk, file

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def _is_full(self) -> bool:
        return self._writer is None or self._path.stat().st_size >= self._limit


class EpisodeRows:
    """The table of episodes: what is known of each, and its statistics."""

    def __init__(self, files: NumberedFiles) -> None:
        self._files = files
        self._waiting: list[dict[str, Any]] = []
        self._schema: Any = None  # that of the first rows

    def add(self, row: dict[str, Any], statistics: dict[str, Statistics]) -> None:
        flat = {
            f"stats/{key}/{name}": whole_counts(name, array)
            for key, one in statistics.items()
            for name, array in one.items()
        }
        self._waiting.append({**row, **flat})
        if len(self._waiting) == ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        if self._waiting:
            self._flush()
        self._files.close()

    def _flush(self) -> None:
        import pyarrow as pa

        chunk, file = self._files.next_place
        place = {"meta/episodes/chunk_index": chunk, "meta/episodes/file_index": file}
        rows, self._waiting = [{**row, **place} for row in self._waiting], []
        table = pa.Table.from_pylist(rows, self._schema)
        self._schema = table.schema
        self._files.write(table)


def list_column(array: Array, dtype: str, shape: list[int]) -> pa.Array:
    """[T, ...] as a column: numbers for shape [1], lists of n numbers for [n], lists of lists for more axes."""
    import pyarrow as pa

    flat = np.ascontiguousarray(array).reshape(-1)
    values = pa.array(flat, pa.type_for_alias(dtype))
    if shape == [1]:
        return values
    lists = [
        len(array) * math.prod(shape[:axis]) for axis in range(len(shape))
    ]  # how many there are, by axis
    if len(shape) == 1 and shape[0]:
        return pa.FixedSizeListArray.from_arrays(values, shape[0])
    for count, size in zip(reversed(lists), reversed(shape), strict=True):
        values = pa.ListArray.from_arrays(np.arange(count + 1, dtype=np.int32) * size, values)
    return values


def tasks_table(tasks: list[str]) -> pa.Table:
    """Each task and its number. What pandas reads has the tasks as its index, which is where LeRobot looks for them."""
    import pyarrow as pa

    columns = [_for_pandas("task_index", "int64", "int64"), _for_pandas("task", "unicode", "object")]
    facts = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": columns,
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": None,
    }
    table = pa.table(
        {"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())}
    )
    return table.replace_schema_metadata({"pandas": json.dumps(facts)})


def _for_pandas(name: str, kind: str, dtype: str) -> dict[str, Any]:
    return {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": dtype, "metadata": None}
