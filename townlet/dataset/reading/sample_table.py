"""The tables of all shards, as one. Each is read when something of it is asked for, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.arguments import no_such
from townlet.arrays import I64, Array
from townlet.dataset.format.sample_facts import COLUMNS
from townlet.dataset.index.metrics_table import SampleRows, types_of
from townlet.dataset.reading.shard_parts import Part
from townlet.dataset.store.contract import REMOTE_THREADS

if TYPE_CHECKING:
    import pyarrow as pa


class SampleTable:
    """A row a sample. Columns are decoded when they are asked for, once."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._tables: dict[int, _PartTable] = {}
        self._columns: dict[str, Array] = {}
        self.starts = np.cumsum([0, *(part.entry.sample_count for part in parts)])  # [parts + 1] rows

    def __len__(self) -> int:
        return int(self.starts[-1])

    def part_of(self, rows: I64) -> I64:
        """[rows] Which shard each row is of."""
        return np.searchsorted(self.starts, rows, "right") - 1

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns: what identifies a sample, then its figures. Reads all shards."""
        found = {name for table in self._all() for name in table.names} or set(COLUMNS)
        return (*(name for name in COLUMNS if name in found), *sorted(found.difference(COLUMNS)))

    def arrow(self, name: str) -> pa.ChunkedArray:
        """[rows] Reads all shards. Raises KeyError."""
        import pyarrow as pa

        tables = list(self._all())
        if not any(name in table.names for table in tables) and (tables or name not in COLUMNS):
            raise no_such("column", name, self.names)
        columns = [table.column(name) for table in tables]
        return pa.chunked_array([chunk for column in columns for chunk in column.chunks], _type_of(name))

    def numpy(self, name: str) -> Array:
        """[rows] Read-only; NaN where a sample lacks a figure, strings as objects. Raises KeyError."""
        if name not in self._columns:
            column = self.arrow(name).to_numpy()
            column.flags.writeable = False
            self._columns[name] = column
        return self._columns[name]

    def at(self, name: str, rows: I64) -> Array:
        """[rows] What `numpy` gives, of some rows. Reads the shards that they are in. Raises KeyError."""
        part_of = self.part_of(rows)
        numbers = np.unique(part_of)
        if name in self._columns or not 0 < len(numbers) < len(self._parts):
            return self.numpy(name)[rows]
        tables = {int(number): self._table(int(number)) for number in numbers}
        if name not in COLUMNS and not any(name in table.names for table in tables.values()):
            return self.numpy(name)[rows]  # there may be such a column in others
        found: Array | None = None
        for number, table in tables.items():
            chosen = part_of == number
            values = table.column(name).to_numpy()[rows[chosen] - self.starts[number]]
            found = np.empty(len(rows), values.dtype) if found is None else found
            found[chosen] = values
        assert found is not None
        return found

    def row(self, row: int, names: Iterable[str]) -> dict[str, Any]:
        """What some columns say of a row. Reads its shard."""
        number = int(self.part_of(np.array([row]))[0])
        inside = row - int(self.starts[number])
        table = self._table(number)
        return {name: table.column(name)[inside].as_py() for name in names}

    def _all(self) -> list[_PartTable]:
        missing = [number for number in range(len(self._parts)) if number not in self._tables]
        if len(missing) > 1:
            with ThreadPoolExecutor(REMOTE_THREADS) as threads:
                list(threads.map(self._table, missing))
        return [self._table(number) for number in range(len(self._parts))]

    def _table(self, number: int) -> _PartTable:
        if number not in self._tables:
            self._tables[number] = _PartTable(self._parts[number].rows())
        return self._tables[number]


class _PartTable:
    """The table of one shard, with the columns that were asked for."""

    def __init__(self, rows: SampleRows) -> None:
        self._rows = rows
        self._columns: dict[str, pa.ChunkedArray] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return self._rows.names

    def column(self, name: str) -> pa.ChunkedArray:
        """[rows] Nulls where this shard has no such column."""
        import pyarrow as pa

        if name not in self._columns:
            if name in self.names:
                column = self._rows.column(name)
            else:
                column = pa.chunked_array([pa.nulls(len(self._rows), _type_of(name))])
            self._columns[name] = column
        return self._columns[name]


def _type_of(name: str) -> Any:
    import pyarrow as pa

    return pa.type_for_alias(types_of([name])[0][name])
