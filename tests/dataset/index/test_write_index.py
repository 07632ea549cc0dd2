"""The index of a data set: grows, heals, never forgets a failure, and is the same bytes in any order."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.commands.data.hostile import signed
from tests.dataset.captures import capture, content, index, records_for
from tests.samples import make_run
from townlet.dataset.capture.commit import publish_run
from townlet.dataset.format.canonical import document_bytes
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.finish_index import delete_staged_index, finish_moves
from townlet.dataset.index.index_document import Failure
from townlet.dataset.index.index_places import index_files
from townlet.dataset.index.read_index import DataSetIndex, read_index, read_whole
from townlet.dataset.index.write_index import write_index
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store.contract import Buffer, holds
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, TownletError
from townlet.run import Run

RUNS = [make_run(name, seed=seed, folder=run_folder(name, seed)) for name in ("a", "b") for seed in (1, 2)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def add(store: LocalStore, *runs: Run, failures: list[Failure] | None = None) -> DataSetIndex:
    records = [records_for(store, run) for run in runs]
    published = [publish_run(store, run, some) for run, some in zip(runs, records, strict=True)]
    return index(store, published, records, failures=failures or [])


def test_what_it_says(store: LocalStore) -> None:
    written = add(store, *RUNS)
    index = read_index(store)
    assert index.root == written.root
    facts, runs = index.facts, list(index.entries())
    assert (facts.complete, facts.run_count, facts.failure_count) == (True, 4, 0)
    assert (facts.sample_count, facts.frame_count) == (8, 160)
    assert [run.key for run in runs] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert [(shard.scenario, shard.seeds) for shard in index.shards] == [("a", "1..2"), ("b", "1..2")]
    assert runs[0].folder == "runs/a/seed-1"
    assert runs[0].fingerprint == RUNS[0].fingerprint
    assert facts.size == sum(
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
    assert not document.facts.complete
    assert json.loads(store.read("failures.json"))["failures"] == [failure._asdict() | {"seed_text": "2"}]
    document = add(store, RUNS[2])
    assert document.facts.failure_count == 1
    document = add(store, failures=[failure._replace(reason="another reason")])
    assert json.loads(store.read("failures.json"))["failures"][0]["reason"] == "another reason"
    assert document.facts.run_count == 3
    assert add(store, RUNS[3]).facts.complete
    assert json.loads(store.read("failures.json")) == {"failures": []}


def test_nothing_but_failures(store: LocalStore) -> None:
    document = write_index(store, [], [Failure("a", 1, "no")])
    facts = document.facts
    assert (facts.complete, facts.run_count, facts.sample_count, document.shards) == (False, 0, 0, ())


def test_an_index_that_was_changed(store: LocalStore) -> None:
    add(store, *RUNS[:1])
    data = store.read("dataset.json")
    changes = [
        (data.replace(b'"complete":true', b'"complete":false'), "the index was changed after it was written"),
        (data.replace(b"\n", b" \n", 1), "the index was changed after it was written"),
        (data.replace(b'"index_version":3', b'"index_version":9'), "expected index version 3, found 9"),
        (b"[]", "not the index of a data set: expected object, got array"),
        (data[:-9], r"not the index of a data set \(not JSON: input data was truncated\)"),
    ]
    for changed, message in changes:
        store.write_whole("dataset.json", [changed])
        with pytest.raises(CorruptSampleError, match=message):
            read_index(store)
        with pytest.raises(CorruptSampleError):
            add(store, RUNS[1])


def named_file(name: str) -> dict[str, Any]:
    return {"name": name, "sha256": "a" * 64, "size": 1}


@pytest.mark.parametrize(
    ("files", "shard", "message"),
    [
        ({"samples": named_file("runs/a/seed-1/x.npz")}, {}, "metadata.files.samples: expected none"),
        ({"metrics": named_file("../x")}, {}, "metadata.files.metrics.name: expected 'metrics.json'"),
        ({"summaries": named_file("x")}, {}, "metadata.files.summaries: expected a file that is named by"),
        ({"summaries": None}, {}, "metadata.files.summaries: expected a file that is named by"),
        ({}, {"scenario": "../../x"}, r"shards\[0\].scenario: expected 1 to 64 of"),
        ({}, {"seeds": "0..1000"}, r"shards\[0\].seeds: expected 1 seeds of one thousand"),
        ({}, {"sample_count": 9}, "metadata: sample_count: expected 2 in all, found 9"),
    ],
)
def test_another_index_with_a_digest_that_is_right(
    store: LocalStore, files: dict[str, Any], shard: dict[str, Any], message: str
) -> None:
    add(store, *RUNS[:1])
    document = json.loads(store.read("dataset.json"))
    document["metadata"]["files"].update(files)
    document["shards"][0].update(shard)
    store.write_whole("dataset.json", [signed(document_bytes(document))])
    with pytest.raises(CorruptSampleError, match=message):
        read_index(store)


def test_a_capture_that_the_index_names_is_gone(store: LocalStore) -> None:
    add(store, *RUNS[:2])
    store.delete("runs/a/seed-1")
    with pytest.raises(
        CorruptSampleError, match=r"runs/a/seed-1/rollout_sample_manifest\.json: named by dataset"
    ):
        add(store, make_run("a", seed=3, folder=run_folder("a", 3)))


def test_another_writer_meanwhile(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of two writers at once holds the runs of both."""
    real, others = LocalStore.compare_and_swap, []

    def swap(self: LocalStore, name: str, expected: str | None, parts: list) -> bool:
        if not others:
            others.append(1)
            add(LocalStore(store.root), RUNS[0])
        return real(self, name, expected, parts)

    monkeypatch.setattr(LocalStore, "compare_and_swap", swap)
    assert add(store, RUNS[1]).facts.run_count == 2
    assert json.loads(store.read("metrics.json"))["overall"]["timesteps"]["count"] == 4
    monkeypatch.setattr(LocalStore, "compare_and_swap", lambda *_: False)
    with pytest.raises(TownletError, match=r"another writer keeps changing dataset\.json"):
        add(store, RUNS[2])


def test_a_writer_leaves_alone_what_another_is_about_to_commit(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were its companions swept up, and it killed after its commit, nobody could read the index any more."""
    add(store, RUNS[0])
    real, busy = LocalStore.compare_and_swap, [1]

    def swap(self: LocalStore, name: str, expected: str | None, parts: list) -> bool:
        if not busy:
            return real(self, name, expected, parts)
        busy.pop()
        add(LocalStore(store.root), RUNS[0])
        assert real(self, name, expected, parts)
        raise Killed

    monkeypatch.setattr(LocalStore, "compare_and_swap", swap)
    with pytest.raises(Killed):
        add(store, RUNS[1])
    document, _ = read_whole(store, KINDS)
    assert document.facts.run_count == len(list(document.entries())) == 2
    delete_staged_index(store)
    assert read_whole(store, KINDS)[0].root == document.root
    assert not (store.root / ".staging").exists()
    (store.root / ".staging" / "index").mkdir(parents=True)  # by a writer that was killed after its last move
    delete_staged_index(store)
    assert not (store.root / ".staging").exists()


class Killed(Exception):
    """Stands for a SIGKILL: nothing that the writer would do afterwards is done."""


class Mortal(LocalStore):
    """A store whose writer dies at its n-th change."""

    def __init__(self, root: Path, changes: int) -> None:
        super().__init__(root)
        self.changes = changes

    def _count(self) -> None:
        self.changes -= 1
        if self.changes < 0:
            raise Killed

    def write_whole(self, name: str, parts: Sequence[Buffer]) -> None:
        self._count()
        super().write_whole(name, parts)

    def compare_and_swap(self, name: str, expected: str | None, parts: Sequence[Buffer]) -> bool:
        self._count()
        return super().compare_and_swap(name, expected, parts)

    def move(self, source: str, target: str) -> None:
        self._count()
        super().move(source, target)

    def delete(self, name: str) -> None:
        self._count()
        super().delete(name)


def rows_of(index: DataSetIndex) -> int:
    return sum(len(index.rows(shard)) for shard in index.shards)


# Of the changes that a writer makes, those about its commit; the rest in a campaign.
A_FEW = [pytest.param(n, marks=() if n in (0, 4, 8, 9, 12, 16) else pytest.mark.campaign) for n in range(24)]
KINDS = ("summaries", "metrics", "failures", "card")


@pytest.mark.parametrize("changes", A_FEW)
def test_a_writer_killed_at_any_step_leaves_the_old_index_or_the_new_one(
    store: LocalStore, tmp_path: Path, changes: int
) -> None:
    old = add(store, *RUNS[:2])
    old_card = store.read("README.md")
    records = [records_for(store, run) for run in RUNS]
    published = [publish_run(store, run, some) for run, some in zip(RUNS, records, strict=True)]
    with contextlib.suppress(Killed):
        index(Mortal(store.root, changes), published, records)
    document, companions = read_whole(store, KINDS)
    assert document.facts.run_count in (2, 4)
    assert (document.root == old.root) == (companions["card"] == old_card)
    assert rows_of(document) == document.facts.sample_count
    finish_moves(store)
    for file in index_files(document.root):
        assert holds(store, file.name, file)
    index(store, published, records)
    whole = LocalStore(tmp_path / "whole")
    add(whole, *RUNS)
    delete_staged_index(store)
    assert content(store.root) == content(whole.root)


@pytest.mark.campaign
def test_a_reader_beside_a_writer_never_sees_a_mixture(store: LocalStore) -> None:
    records = [records_for(store, run) for run in RUNS]
    published = [publish_run(store, run, some) for run, some in zip(RUNS, records, strict=True)]
    index(store, published[:1], records[:1])
    over = threading.Event()
    seen: list[int] = []
    problems: list[Exception] = []

    def read() -> None:
        reader = LocalStore(store.root)
        while not over.is_set():
            try:
                document, companions = read_whole(reader, KINDS)
                figures = json.loads(companions["metrics"])["overall"]["timesteps"]
                assert figures["count"] == document.facts.sample_count
                seen.append(document.facts.run_count)
            except Exception as error:
                problems.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(12):
        some = 1 + number % len(RUNS)
        index(store, published[:some], records[:some], failures=[Failure("z", number, "no")])
    over.set()
    for thread in threads:
        thread.join()
    assert not problems
    assert seen


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_was_captured_in_part_stays_so_in_any_order(store: LocalStore, order: tuple[int, ...]) -> None:
    records = [records_for(store, run) for run in RUNS]
    published = [publish_run(store, run, some) for run, some in zip(RUNS, records, strict=True)]
    captures = [(["x"], True), (["y"], False), ([], True)]
    for number in order:
        suites, whole = captures[number]
        one = slice(number, number + 1)
        document = index(store, published[one], records[one], suites=suites, whole=whole)
    assert (document.facts.complete, document.facts.partial) == (False, ("y",))
    document = index(store, published[3:], records[3:], suites=["y"])
    assert (document.facts.complete, document.facts.partial) == (True, ())
    document = index(store, [], [], whole=False)
    assert (document.facts.complete, document.facts.partial) == (False, ("",))
    assert "(configs that were captured by themselves)" in store.read("README.md").decode()
