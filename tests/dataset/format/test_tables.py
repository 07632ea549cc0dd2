"""Parquet tables that are not what they should be: damaged, of other types, or claiming to be large."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from townlet.dataset.format.tables import open_parquet, read_columns
from townlet.errors import CorruptSampleError

TYPES = {"name": "string", "seed": "int64", "done": "bool", "figure": "double"}


def written(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    options = {"compression": "zstd", "store_schema": False, "write_page_checksum": True, **options}
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def columns(**changes: Any) -> dict[str, Any]:
    return {
        "name": ["a", "b", "ä"],
        "seed": [1, 2, 3],
        "done": [True, False, True],
        "figure": [0.5, None, 2.0],
    } | changes


def read(data: bytes) -> dict[str, list[Any]]:
    file = open_parquet(data, "metrics.parquet")
    return read_columns(file, TYPES, "metrics.parquet", nullable=["figure"]).to_pydict()


def test_columns_come_as_they_were_asked_for() -> None:
    assert read(written(columns())) == columns()
    file = open_parquet(written(columns(), row_group_size=2), "x")
    table = read_columns(file, {"seed": "int64", "name": "string"}, "x", row_groups=[1])
    assert table.to_pydict() == {"seed": [3], "name": ["ä"]}
    assert table.schema.field("name").type == pa.string()


@pytest.mark.parametrize("texts", [[None, None, None], [None, "x", None]])
def test_text_that_samples_of_earlier_versions_lack(texts: list[str | None]) -> None:
    file = open_parquet(written(columns(name=pa.array(texts, pa.string()))), "x")
    assert read_columns(file, {"name": "string"}, "x", nullable=["name"]).to_pydict() == {"name": texts}
    with pytest.raises(CorruptSampleError, match="name: not a table of samples"):
        read_columns(file, {"name": "string"}, "x")


NOT_UTF8 = pa.Array.from_buffers(
    pa.string(), 3, [None, pa.py_buffer(np.array([0, 1, 2, 3], np.int32)), pa.py_buffer(b"\xff\xfea")]
)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (columns(name=NOT_UTF8), "name: not a table of samples"),
        (columns(seed=["1", "2", "3"]), "seed: .*expected a column of int64, found string"),
        (columns(seed=[0.5, 1, 2]), "expected a column of int64, found double"),
        (columns(name=[1, 2, 3]), "name: .*expected a column of string, found int64"),
        (columns(name=pa.array([b"a", b"b", b"c"])), "expected a column of string, found binary"),
        (columns(name=[["a"], ["b"], ["c"]]), "metrics.parquet"),
        (columns(name=["a", None, "c"]), "name: .*expected a value in each row"),
        (columns(seed=[1, None, 3]), "seed: .*expected a value in each row"),
    ],
)
def test_other_columns_are_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(CorruptSampleError, match=says):
        read(written(changed))


def test_a_missing_column_is_named() -> None:
    data = written({name: column for name, column in columns().items() if name != "done"})
    with pytest.raises(CorruptSampleError, match=r"metrics\.parquet: has no column done"):
        read(data)


@pytest.mark.parametrize(
    ("text", "rows"), [("a", 20_000_000), ("a" * 1_000_000, 300_000), ("a" * 20_000_000, 1)]
)
def test_small_files_that_claim_to_be_large_are_refused(text: str, rows: int) -> None:
    indices = pa.array(np.zeros(rows, np.int32))
    data = written({"name": pa.DictionaryArray.from_arrays(indices, pa.array([text]))})
    assert len(data) < 1 << 20
    with pytest.raises(CorruptSampleError, match="x: "):
        read_columns(open_parquet(data, "x"), {"name": "string"}, "x")


def test_any_damaged_byte_is_an_error_or_harmless() -> None:
    data = written({"name": [f"agent_{n}" for n in range(50)], "seed": list(range(50))})
    rng = np.random.default_rng(3)
    for at in rng.integers(0, len(data), 300):
        changed = bytearray(data)
        changed[at] ^= 1 << int(rng.integers(8))
        try:
            read_columns(open_parquet(bytes(changed), "x"), {"name": "string", "seed": "int64"}, "x")
        except CorruptSampleError as error:
            assert "x: " in str(error)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1PAR1", b"PAR1" + b"\xff" * 40 + b"PAR1", b"\0" * 4000])
def test_what_is_no_table_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptSampleError, match="x: not a table of samples"):
        open_parquet(data, "x")
