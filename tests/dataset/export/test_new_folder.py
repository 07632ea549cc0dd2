"""Exports of episodes are there whole, or not at all, and never over something else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.dataset.towns import TOWN, capture_lives, town_run
from townlet import dataset
from townlet.dataset.export.lerobot import export_lerobot
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, OutputError, UserError


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Six lives of one layout."""
    folder = tmp_path_factory.mktemp("set")
    capture_lives(LocalStore(folder), town_run("town", 0), town_run("town", 1), lives=TOWN)
    return dataset.open(folder)


def test_nothing_is_written_over(opened: DataSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    for name in ("file", "empty"):
        with pytest.raises(OutputError, match=f"{name}: already exists; choose a new folder"):
            export_lerobot(opened, tmp_path / name)
    with pytest.raises(UserError, match="no sample fits, so there is nothing to export"):
        export_lerobot(opened.filter(seed=[]), tmp_path / "out")
    with pytest.raises(UserError, match="export_lerobot: output: expected a path"):
        export_lerobot(opened, 5)  # type: ignore[arg-type]
    assert sorted(os.listdir(tmp_path)) == ["empty", "file"]


@pytest.mark.parametrize("error", [CorruptSampleError("damaged"), KeyboardInterrupt()])
def test_all_or_nothing(opened: DataSet, tmp_path: Path, error: BaseException) -> None:
    def watched(episodes: Any) -> Iterator[Any]:
        for number, episode in enumerate(episodes):
            if number == 4:
                assert len(os.listdir(tmp_path)) == 1  # the folder that is being written
                raise error
            yield episode

    with pytest.raises(type(error)):
        export_lerobot(opened, tmp_path / "out", watched)
    assert os.listdir(tmp_path) == []


def test_a_full_disk(opened: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(OutputError, match="cannot write: the disk is full"):
        export_lerobot(opened, tmp_path / "out")
    assert os.listdir(tmp_path) == []
