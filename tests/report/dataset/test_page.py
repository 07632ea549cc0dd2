"""The page of a data set, and the replays that it leads to."""

from __future__ import annotations

import pytest

from tests.report.read_page import arrays_of, read_page
from townlet.dataset.reading.data_set import DataSet
from townlet.report.bundle import is_report
from townlet.report.dataset.page import data_set_page


@pytest.fixture
def kitchens(data_set: DataSet) -> DataSet:
    return data_set.filter(scenario="kitchen_breakfast")


def test_replays_lie_beside_the_page(kitchens: DataSet) -> None:
    written: dict[str, bytes] = {}
    page = data_set_page(kitchens, written.__setitem__, folder="my files")
    head, _ = read_page(page)
    replays = head["dataset"]["scenarios"][0]["replays"]
    assert [each["what"] for each in replays] == ["best", "median", "worst"] and "runs" not in head
    assert [each["file"] for each in replays] == [f"my%20files/{name}" for name in written]
    for each, (name, run) in zip(replays, written.items(), strict=True):
        found, _ = read_page(run)
        assert is_report(run) and name == f"kitchen_breakfast-seed-{each['seed']}.html"
        assert (found["kind"], found["runs"][0]["head"]["seed"]) == ("run", each["seed"])


def test_or_in_the_page(kitchens: DataSet) -> None:
    page = data_set_page(kitchens)
    head, block = read_page(page)
    replays = head["dataset"]["scenarios"][0]["replays"]
    assert [each["run"] for each in replays] == [0, 1, 2]
    assert [run["head"]["seed"] for run in head["runs"]] == [each["seed"] for each in replays]
    first = arrays_of(head["runs"][0], block)
    sample = kitchens.filter(seed=int(replays[0]["seed"]))[0]
    assert first["reward"][0, : sample.timesteps].tolist() == sample.rewards.tolist()
    assert page == data_set_page(kitchens)
