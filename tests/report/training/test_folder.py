"""The folder of a training, read without torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report.training.folders import make_folder
from townlet.errors import CorruptSampleError
from townlet.report.training.folder import read_folder


def test_what_is_there(tmp_path: Path) -> None:
    folder = read_folder(make_folder(tmp_path))
    assert [row["iteration"] for row in folder.rows] == [1, 2, 3]
    (town,) = folder.towns
    assert (town.name, town.ticks, folder.missing, {*folder.models}) == ("tiny", 30, (), set())


def test_an_iteration_that_was_done_again_counts_once_and_half_a_line_not(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"iteration": 2, "steps": 20, "return": 99.0}) + "\n")
        file.write('[1]\n{"iteration": "4", "steps": 1}\n{"iteration": 4, "steps": 4')
    rows = read_folder(folder).rows
    assert [row["iteration"] for row in rows] == [1, 2, 3] and rows[1]["return"] == 99.0


def test_a_config_that_is_not_the_one_is_missing(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    configs = json.loads((folder / "towns.json").read_text())
    (folder / "towns.json").write_text(json.dumps({"tiny": configs["tiny"] + " "}))
    found = read_folder(folder)
    assert (found.towns, found.missing) == ((), ("tiny",))
    (folder / "towns.json").unlink()
    assert read_folder(folder).missing == ("tiny",), "as earlier versions left it"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"settings": {}, "towns": []}', "\x00"])
def test_something_else(tmp_path: Path, text: str) -> None:
    folder = make_folder(tmp_path)
    (folder / "training.json").write_text(text)
    with pytest.raises(CorruptSampleError, match=r"training\.json: expected what a training was told"):
        read_folder(folder)
