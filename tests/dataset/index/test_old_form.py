"""A data set whose index has no shards, as it was written before there were any: everything works, and it is left alone
until somebody writes."""

from __future__ import annotations

import contextlib
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture, content, flip
from tests.dataset.index.test_write_index import Killed, Mortal
from tests.samples import make_run
from townlet import dataset
from townlet.dataset.checking.diff import diff
from townlet.dataset.checking.gc import gc
from townlet.dataset.checking.verify import verify
from townlet.dataset.format.canonical import document_bytes, sha256_hex
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.finish_index import delete_staged_index, finish_moves
from townlet.dataset.index.index_document import INDEX_VERSION
from townlet.dataset.index.old_form import OLD_TABLE, OLD_VERSION
from townlet.dataset.index.read_index import read_index
from townlet.dataset.index.write_index import write_index
from townlet.dataset.status.known_index import read_index_for_status
from townlet.dataset.status.run_status import run_statuses
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.changes import compare
from townlet.dataset.versions.next_version import carry_over
from townlet.errors import CorruptSampleError
from townlet.run import MOST_SEED, Run, by_reference

# Of the some forty changes that a writer makes, those about its commit; the rest in a campaign.
A_FEW = [pytest.param(n, marks=() if n in (3, 11, 24) else pytest.mark.campaign) for n in range(42)]
FILE = Path(__file__).with_name("index_version_2.zip")


def make(name: str, seed: int) -> Run:
    return make_run(name, seed=seed, ticks=6, folder=run_folder(name, seed))


RUNS = [make("a", 0), make("a", 999), make("a", 1000), make("b", MOST_SEED)]


@pytest.fixture
def old(tmp_path: Path) -> LocalStore:
    return extracted(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> LocalStore:
    """The same captures with an index of today, made of nothing but their manifests."""
    return without_index(tmp_path / "new", *RUNS)


def extracted(folder: Path) -> LocalStore:
    with zipfile.ZipFile(FILE) as archive:
        archive.extractall(folder)
    return LocalStore(folder)


def without_index(folder: Path, *runs: Run) -> LocalStore:
    """Some of the captures, indexed anew."""
    store = extracted(folder)
    for name in ("dataset.json", OLD_TABLE, "metrics.json", "failures.json", "README.md"):
        store.delete(name)
    for run in RUNS:
        if run not in runs:
            store.delete(run.folder)
    capture(store, *runs)
    return store


def test_it_is_read_as_if_it_had_shards(old: LocalStore) -> None:
    index = read_index(old)
    assert (index.is_old, index.facts.index_version) == (True, OLD_VERSION)
    assert [(shard.scenario, shard.seeds) for shard in index.shards] == [
        ("a", "0, 999"),
        ("a", "1000"),
        ("b", str(MOST_SEED)),
    ]
    assert [run.key for run in index.entries()] == [(run.name, run.seed) for run in RUNS]
    assert [len(index.rows(shard)) for shard in index.shards] == [4, 2, 2]


def test_opened_verified_and_compared_it_is_as_one_of_today(old: LocalStore, new: LocalStore) -> None:
    before = content(old.root)
    mine, theirs = dataset.open(old), dataset.open(new)
    assert [s.content_digest() for s in mine] == [s.content_digest() for s in theirs]
    assert len(mine.filter(scenario="a", seed=[999, 1000])) == 4
    for name in mine.samples:
        assert list(mine.samples[name]) == pytest.approx(list(theirs.samples[name]), nan_ok=True), name
    report = verify(old.root)
    assert (report.problems, report.notes, report.captures) == ([], [], 4)
    found = diff(old.root, new.root)
    assert (found.runs, found.metrics, found.same_runs) == ([], [], 4)
    assert gc(old.root).gone == []
    again = pickle.loads(pickle.dumps(mine.filter(seed=999)))
    assert [s.content_digest() for s in again] == [s.content_digest() for s in mine.filter(seed=999)]
    assert content(old.root) == before


def test_a_damaged_table_is_found(old: LocalStore) -> None:
    flip(old.root / OLD_TABLE, 2000)
    assert [(problem.kind, problem.name) for problem in verify(old.root).problems] == [("damaged", OLD_TABLE)]
    with pytest.raises(CorruptSampleError, match=r"metrics\.parquet: missing, or not the file"):
        dataset.open(old)
    with pytest.raises(CorruptSampleError, match=r"remove dataset\.json and capture again"):
        read_index_for_status(old)


def test_a_capture_goes_on_with_it(old: LocalStore, new: LocalStore) -> None:
    statuses = list(run_statuses(old, RUNS, read_index_for_status(old)))
    assert {found.status for found in statuses} == {"indexed"}
    runs = {name: data for name, data in content(old.root).items() if name.startswith("runs/")}
    more = make("a", 1001)
    capture(old, more)
    capture(new, more)
    write_index(new, [], suites=["tiny"])
    assert read_index(old).facts.index_version == INDEX_VERSION
    assert content(old.root) == content(new.root)
    assert runs.items() <= content(old.root).items()
    assert verify(old.root).ok


@pytest.mark.parametrize("changes", A_FEW)
def test_a_writer_killed_at_any_step_leaves_the_old_index_or_the_new_one(
    old: LocalStore, new: LocalStore, changes: int
) -> None:
    write_index(new, [], suites=["tiny"])
    with contextlib.suppress(Killed):
        write_index(Mortal(old.root, changes), [])
    index = read_index(old)
    assert index.is_old or index.root == read_index(new).root
    assert len(dataset.open(old).samples["seed"]) == 8
    assert verify(old.root).ok
    if changes % 2:
        finish_moves(old)
    write_index(old, [])
    delete_staged_index(old)
    assert content(old.root) == content(new.root)


def test_who_has_opened_it_goes_on_reading(old: LocalStore) -> None:
    opened, index = dataset.open(old), read_index(old)
    sent = pickle.dumps(opened)
    capture(old, make("a", 5), make("c", 1))
    assert [sample.agent_id for sample in opened] == ["alice", "bob"] * 4
    assert list(opened.samples["seed"]) == [0, 0, 999, 999, 1000, 1000, MOST_SEED, MOST_SEED]
    again = pickle.loads(sent)
    assert list(again.samples["seed"]) == list(opened.samples["seed"])
    # Not even the table had been read.
    assert [len(index.rows(shard)) for shard in index.shards] == [4, 2, 2]


def test_it_is_carried_over_into_a_next_version(old: LocalStore, tmp_path: Path) -> None:
    changes = compare(old, *by_reference(RUNS[1:]))
    assert changes.counts() == {"unchanged": 3, "changed": 0, "new": 0, "removed": 1}
    version = LocalStore(tmp_path / "version")
    carry_over(old, version, changes.carried, [])
    capture(version, *RUNS[1:])
    assert content(version.root) == content(without_index(tmp_path / "wanted", *RUNS[1:]).root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runs": []}, "expected 4 runs with 8 samples, found 0 with 0"),
        ({"runs": [7]}, r"runs\[0\]: expected object, got int"),
        ({"metadata": {"format_version": 2}}, "metadata: lacks"),
        ({"files": {"summaries": {"name": "a", "sha256": "a" * 64, "size": 1}}}, "summaries: expected none"),
        ({"metadata": {"format_version": 1}}, "expected index version 3, found 1"),
        ({"metadata": {"format_version": "\x1b[2J"}}, r"expected index version 3, found \\x1b\[2J"),
    ],
)
def test_another_document_is_refused(old: LocalStore, change: dict[str, Any], message: str) -> None:
    document = json.loads(old.read("dataset.json"))
    document["metadata"]["files"].update(change.get("files", {}))
    document |= change
    if document["metadata"].get("content_sha256"):
        document["metadata"]["content_sha256"] = "0" * 64
        document["metadata"]["content_sha256"] = sha256_hex(document_bytes(document))
    old.write_whole("dataset.json", [document_bytes(document)])
    with pytest.raises(CorruptSampleError, match=message):
        read_index(old)
