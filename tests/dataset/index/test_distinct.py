"""How many seeds differ, and where it is said of a data set that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.towns import capture_drawn, town_run
from townlet.cli import main
from townlet.commands.capture.outcome import CaptureOutcome, as_json, print_outcome
from townlet.dataset.index.index_document import RunEntry
from townlet.dataset.index.populations import Seeds, copies, distinct_seeds
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store.local import LocalStore


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `same` all three seeds are equal, of `some` two of three, of `town` none; `one` has one seed."""
    folder = tmp_path_factory.mktemp("set")
    drawn = {"same": (4, 4, 4), "some": (1, 2, 1), "town": (1, 2, 3), "one": (4,)}
    runs = [(town_run(name, seed), of) for name, some in drawn.items() for seed, of in enumerate(some)]
    capture_drawn(LocalStore(folder), *runs)
    return folder


def runs_of(folder: Path) -> list[RunEntry]:
    index = read_index(LocalStore(folder))
    return [run for shard in index.shards for run in index.runs(shard)]


def test_counts(folder: Path) -> None:
    entries = runs_of(folder)
    assert distinct_seeds(entries) == {
        "one": Seeds(1, 1), "same": Seeds(3, 1), "some": Seeds(3, 2), "town": Seeds(3, 3)
    }  # fmt: skip
    assert {name: str(seeds) for name, seeds in copies(entries).items()} == {
        "same": "3 seeds, 1 distinct",
        "some": "3 seeds, 2 distinct",
    }
    assert distinct_seeds([]) == {}


def test_the_card_says_it(folder: Path) -> None:
    rows = {
        line.split(" | ")[0][2:]: line
        for line in (folder / "README.md").read_text().splitlines()
        if " | " in line
    }
    assert (
        "| 0..2 (3 seeds, 1 distinct) |" in rows["same"] and "| 0..2 (3 seeds, 2 distinct) |" in rows["some"]
    )
    assert "| 0..2 |" in rows["town"] and "| 0 |" in rows["one"]


def test_inspect_says_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder)]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    first = next(n for n, line in enumerate(lines) if line.split()[:3] == ["scenario", "runs", "distinct"])
    assert [row.split()[:3] for row in lines[first + 1 : first + 5]] == [
        ["one", "1", "1"], ["same", "3", "1"], ["some", "3", "2"], ["town", "3", "3"]
    ]  # fmt: skip
    assert "warning: same: 3 seeds, 1 distinct: the others are copies" in said.err
    assert "town: 3 seeds" not in said.err and "one: 1 seed" not in said.err


def test_a_capture_says_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    totals = read_index(LocalStore(folder)).facts
    outcome = CaptureOutcome(str(folder), runs=runs_of(folder), totals=totals)
    print_outcome(outcome, quiet=False, seconds=1.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "same: 3 seeds, 1 distinct: the others are copies",
        "some: 3 seeds, 2 distinct: the others are copies",
    ]
    print_outcome(outcome, quiet=True, seconds=1.0)
    assert "distinct" not in capsys.readouterr().err
    assert as_json(outcome)["seeds"]["some"] == {"count": 3, "distinct": 2}
