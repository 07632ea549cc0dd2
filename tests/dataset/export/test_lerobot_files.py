"""Columns of lists, whatever their sizes; files that end where they are full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from townlet.dataset.export.lerobot_files import NumberedFiles, list_column, tasks_table


@pytest.mark.parametrize("shape", [(3,), (0,), (2, 2, 3), (2, 0, 3), (0, 1, 1)])
def test_lists_are_the_array(shape: tuple[int, ...]) -> None:
    """Also of no numbers at all, as of a stranger's sample without features."""
    array = np.arange(4 * int(np.prod(shape)), dtype=np.float32).reshape(4, *shape)
    column = list_column(array, "float32", list(shape))
    column.validate(full=True)
    assert column.to_pylist() == array.tolist()


def test_numbers_are_a_column_of_their_own() -> None:
    for array, dtype in (
        (np.arange(3, dtype=np.int32), "int64"),
        (np.array([True, False]), "bool"),
        (np.ones(2, np.float32), "float32"),
    ):
        column = list_column(array, dtype, [1])
        assert column.type == pa.type_for_alias(dtype) and column.to_pylist() == array.tolist()


def test_a_slice_of_an_array() -> None:
    """As positions are a view of a larger array, not contiguous."""
    array = np.arange(12, dtype=np.int16).reshape(4, 3)[:, ::2]
    assert list_column(array, "int64", [2]).to_pylist() == array.tolist()


def test_files_end_where_they_are_full(tmp_path: Path) -> None:
    pattern = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    files = NumberedFiles(tmp_path, pattern, 1, 2)
    noise = np.random.default_rng(0).random(50_000)  # 0.4 MB that cannot be made smaller
    places = []
    for _ in range(10):
        announced = files.next_place
        places.append(files.write(pa.table({"x": noise})))
        assert places[-1] == announced
    files.close()
    assert places == [(0, 0)] * 3 + [(0, 1)] * 3 + [(1, 0)] * 3 + [(1, 1)]
    rows = [pq.read_metadata(path).num_rows for path in sorted(tmp_path.rglob("*.parquet"))]
    assert rows == [150_000, 150_000, 150_000, 50_000]


def test_no_file_where_there_is_nothing(tmp_path: Path) -> None:
    files = NumberedFiles(tmp_path, "{chunk_index}-{file_index}", 1, 2)
    files.close()
    assert list(tmp_path.iterdir()) == []


def test_tasks_for_who_reads_with_pyarrow() -> None:
    assert tasks_table(["eat", "sleep"]).to_pylist() == [
        {"task_index": 0, "task": "eat"},
        {"task_index": 1, "task": "sleep"},
    ]
