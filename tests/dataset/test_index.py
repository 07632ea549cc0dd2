"""The index of a data set: grows, heals, never forgets a failure, and is the same bytes in any order."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from tests.dataset.captures import capture, content, index, records_for
from tests.samples import make_run
from townlet.dataset.aggregate import Aggregates
from townlet.dataset.commit import publish_run
from townlet.dataset.index import Failure, read_index, write_index
from townlet.dataset.places import run_folder
from townlet.dataset.reader import load_capture
from townlet.dataset.store import LocalStore
from townlet.errors import CorruptSampleError, TownletError
from townlet.run import Run

RUNS = [make_run(name, seed=seed, folder=run_folder(name, seed)) for name in ("a", "b") for seed in (1, 2)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def add(store: LocalStore, *runs: Run, failures: list[Failure] | None = None) -> dict:
    records = [records_for(store, run) for run in runs]
    published = [publish_run(store, run, some) for run, some in zip(runs, records, strict=True)]
    return index(store, published, records, failures=failures or [])


def test_what_it_says(store: LocalStore) -> None:
    document = add(store, *RUNS)
    assert read_index(store) == document
    metadata = document["metadata"]
    assert (metadata["complete"], metadata["run_count"], metadata["failure_count"]) == (True, 4, 0)
    assert (metadata["sample_count"], metadata["frame_count"]) == (8, 160)
    assert [(entry["scenario"], entry["seed"]) for entry in document["runs"]] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]
    assert document["runs"][0]["folder"] == "runs/a/seed-1"
    assert document["runs"][0]["fingerprint"] == RUNS[0].fingerprint
    assert metadata["size"] == sum(
        len(data) for name, data in content(store.root).items() if name.startswith("runs/")
    )
    assert json.loads(store.read("failures.json")) == {"failures": []}


def test_each_run_is_a_capture_of_its_own(store: LocalStore) -> None:
    add(store, *RUNS)
    opened = load_capture(store.root / "runs" / "b" / "seed-2")
    assert opened.metadata["fingerprint"] == RUNS[3].fingerprint
    assert len(list(opened)) == 2


def test_aggregates_are_over_all_samples(store: LocalStore) -> None:
    add(store, *RUNS)
    figures = json.loads(store.read("metrics.json"))
    assert sorted(figures["scenarios"]) == ["a", "b"]
    assert figures["overall"]["timesteps"] == {"count": 8, "mean": 20.0, "std": 0.0, "min": 20.0, "max": 20.0}
    assert figures["scenarios"]["a"]["reward_sum"]["count"] == 4


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_any_partition_and_order_gives_the_same_bytes(
    store: LocalStore, tmp_path: Path, order: tuple
) -> None:
    whole = LocalStore(tmp_path / "whole")
    add(whole, *RUNS)
    for number in order[:2]:
        add(store, RUNS[number])
    add(store, *(RUNS[number] for number in order[1:]))
    assert content(store.root) == content(whole.root)


def test_the_same_again_changes_nothing(store: LocalStore) -> None:
    capture(store, *RUNS)
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}
    capture(store, *RUNS)
    capture(store, *RUNS[:2])
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*")} == before


def test_damaged_figures_are_written_again(store: LocalStore) -> None:
    capture(store, *RUNS)
    whole = content(store.root)
    (store.root / "metrics.json").write_bytes(b"{}")
    capture(store, *RUNS)
    assert content(store.root) == whole


def test_failures_stay_until_the_run_is_there(store: LocalStore) -> None:
    failure = Failure("b", 2, "division by zero")
    document = add(store, *RUNS[:2], failures=[failure, failure])
    assert not document["metadata"]["complete"]
    assert json.loads(store.read("failures.json"))["failures"] == [failure._asdict()]
    document = add(store, RUNS[2])
    assert document["metadata"]["failure_count"] == 1
    document = add(store, failures=[failure._replace(reason="another reason")])
    assert json.loads(store.read("failures.json"))["failures"][0]["reason"] == "another reason"
    assert document["metadata"]["run_count"] == 3
    assert add(store, RUNS[3])["metadata"]["complete"]
    assert json.loads(store.read("failures.json")) == {"failures": []}


def test_nothing_but_failures(store: LocalStore) -> None:
    document = write_index(store, [], Aggregates(), [Failure("a", 1, "no")])
    assert document["metadata"] == {
        **document["metadata"],
        "complete": False,
        "run_count": 0,
        "sample_count": 0,
    }
    assert document["runs"] == []


def test_an_index_that_was_changed(store: LocalStore) -> None:
    add(store, *RUNS[:1])
    data = store.read("dataset.json")
    changes = [
        (data.replace(b'"complete":true', b'"complete":false'), "the index was changed after it was written"),
        (data.replace(b"\n", b" \n", 1), "the index was changed after it was written"),
        (data.replace(b'"format_version":2', b'"format_version":9'), "expected format version 2, found 9"),
        (b"[]", "not the index of a data set"),
        (data[:-9], "not the index of a data set"),
    ]
    for changed, message in changes:
        store.write_whole("dataset.json", [changed])
        with pytest.raises(CorruptSampleError, match=message):
            read_index(store)
        with pytest.raises(CorruptSampleError):
            add(store, RUNS[1])


def test_a_capture_that_the_index_names_is_gone(store: LocalStore) -> None:
    add(store, *RUNS[:2])
    store.delete("runs/a/seed-1")
    with pytest.raises(
        CorruptSampleError, match=r"runs/a/seed-1/rollout_sample_manifest\.json: named by dataset"
    ):
        add(store, RUNS[2])


def test_another_writer_meanwhile(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of two writers at once holds the runs of both."""
    real, others = LocalStore.compare_and_swap, []

    def swap(self: LocalStore, name: str, expected: str | None, parts: list) -> bool:
        if not others:
            others.append(1)
            add(LocalStore(store.root), RUNS[0])
        return real(self, name, expected, parts)

    monkeypatch.setattr(LocalStore, "compare_and_swap", swap)
    assert add(store, RUNS[1])["metadata"]["run_count"] == 2
    assert json.loads(store.read("metrics.json"))["overall"]["timesteps"]["count"] == 4
    monkeypatch.setattr(LocalStore, "compare_and_swap", lambda *_: False)
    with pytest.raises(TownletError, match=r"another writer keeps changing dataset\.json"):
        add(store, RUNS[2])
