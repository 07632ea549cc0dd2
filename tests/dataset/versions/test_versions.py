"""Versions of a data set: which one is current, publishing in one step, pruning, and who may write where."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.dataset.captures import capture, content
from tests.samples import make_run
from townlet.dataset.capture.overwrite import begin_overwrite
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.checking.gc import gc
from townlet.dataset.checking.verify import verify_store
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.read_index import read_index
from townlet.dataset.reading.capture import find_manifest_name
from townlet.dataset.store.contract import Buffer
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import (
    Pointer,
    check_versions,
    current_version,
    finish_publishing,
    is_versioned,
    next_version,
    prune,
    publish,
    read_pointer,
    resolve,
    version_folder,
)
from townlet.errors import CorruptSampleError, OutputError, TownletError, UserError

RUNS = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in (1, 2)]
NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def make_version(store: LocalStore, version: int, now: datetime = NOW) -> None:
    """A version with as many runs as its number says, published."""
    capture(store.below(version_folder(version)), *RUNS[:version])
    publish(store, version)
    finish_publishing(store, now)


def make_empty_versions(store: LocalStore, count: int, now: datetime = NOW) -> None:
    for version in range(1, count + 1):
        store.write_whole(f"{version_folder(version)}/dataset.json", [b"%d" % version])
        publish(store, version)
        finish_publishing(store, now)


def versions_in(store: LocalStore) -> list[str]:
    return sorted(os.listdir(store.root / "versions"))


def test_nothing_is_published_yet(store: LocalStore) -> None:
    assert current_version(store) is None
    assert next_version(store) == 1
    assert not is_versioned(store)
    with pytest.raises(UserError, match=r"found neither dataset\.json nor current\.json"):
        resolve(store)
    capture(store.below(version_folder(1)), *RUNS)
    assert is_versioned(store)
    assert current_version(store) is None
    for look in (resolve, verify_store, find_manifest_name):
        with pytest.raises(UserError, match="no version is current"):
            look(store)


def test_a_plain_data_set_is_itself(store: LocalStore) -> None:
    capture(store, *RUNS)
    assert resolve(store) is store
    assert current_version(store) is None


def test_readers_and_people_see_the_current_version(store: LocalStore) -> None:
    for version in (1, 2):
        make_version(store, version)
        found = resolve(store)
        assert read_index(found).facts.run_count == version
        assert os.readlink(store.root / "current") == f"versions/{version}"
        digest = sha256_hex((store.root / "current" / "dataset.json").read_bytes())
        assert read_pointer(store) == Pointer(version, digest)
        assert verify_store(store).ok
    assert (store.root / "current.json").read_text() == f'{{"dataset_sha256":"{digest}","version":2}}\n'
    assert next_version(store) == 3
    assert not (store.root / ".staging").exists()


def test_what_was_resolved_stays_what_it_was(store: LocalStore) -> None:
    make_version(store, 1)
    old = resolve(store)
    make_version(store, 2)
    assert read_index(old).facts.run_count == 1


def test_somebody_else_was_faster(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    make_version(store, 1)
    before = content(store.root)

    def beaten(self: LocalStore, name: str, expected: str | None, parts: Sequence[Buffer]) -> bool:
        return False

    monkeypatch.setattr(LocalStore, "compare_and_swap", beaten)
    with pytest.raises(TownletError, match="somebody else has published"):
        publish(store, 1)
    assert content(store.root) == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"version":1}\n',
        '{"dataset_sha256":"00","version":0}\n',
        '{"dataset_sha256":"00","version":"1"}\n',
        '{"dataset_sha256": "00", "version": 1}\n',
        '{"dataset_sha256":"00","more":1,"version":1}\n',
    ],
)
def test_a_pointer_that_is_none(store: LocalStore, text: str) -> None:
    store.write_whole("current.json", [text.encode()])
    with pytest.raises(CorruptSampleError, match=r"current\.json"):
        resolve(store)


def test_a_pointer_to_nothing(store: LocalStore) -> None:
    make_version(store, 1)
    shutil.rmtree(store.root / "versions")
    with pytest.raises(CorruptSampleError, match="names version 1, which has no"):
        resolve(store)


def test_settling_heals_the_link_and_the_log(store: LocalStore) -> None:
    make_version(store, 1)
    make_version(store, 2)
    before = content(store.root)
    for name in ("current", "capture_log.json"):
        (store.root / name).unlink()
        finish_publishing(store, NOW)
    assert os.readlink(store.root / "current") == "versions/2"
    assert json.loads(store.read("capture_log.json"))["retired"] == {"1": NOW.isoformat()}
    assert content(store.root) == before


def test_settling_twice_writes_nothing(store: LocalStore) -> None:
    make_version(store, 1)
    stamp = (store.root / "capture_log.json").stat().st_mtime_ns
    finish_publishing(store, NOW + HOUR)
    assert (store.root / "capture_log.json").stat().st_mtime_ns == stamp


def test_a_killed_writer_leaves_nothing(store: LocalStore) -> None:
    make_version(store, 1)
    store.write_whole(".staging/0123.tmp", [b"half"])
    finish_publishing(store, NOW)
    assert not (store.root / ".staging").exists()


def test_no_links_no_harm(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refused)
    make_version(store, 1)
    assert current_version(store) == 1
    assert not (store.root / "current").is_symlink()


def test_the_current_version_is_lost(store: LocalStore) -> None:
    """The log still tells which one it was: it is published again, and nothing is simulated."""
    make_version(store, 1)
    make_version(store, 2)
    (store.root / "current.json").unlink()
    assert next_version(store) == 2


@pytest.mark.parametrize("lost", [["current.json"], ["current.json", "capture_log.json"]])
def test_where_it_is_lost_which_version_is_current_nothing_is_swept(
    store: LocalStore, lost: list[str]
) -> None:
    make_version(store, 1)
    make_version(store, 2)
    for name in lost:
        store.delete(name)
    before = content(store.root)
    for everything in (False, True):
        with pytest.raises(CorruptSampleError, match=r"current\.json is missing, .* nothing is removed"):
            gc(store.root, everything=everything)
    assert content(store.root) == before


def test_pruning_keeps_the_newest_and_what_may_be_read(store: LocalStore) -> None:
    make_empty_versions(store, 4)
    assert prune(store, 2, NOW + HOUR - timedelta(seconds=1)) == []
    assert prune(store, 2, NOW + HOUR) == [1, 2]
    assert versions_in(store) == ["3", "4"]
    assert prune(store, 1, NOW + HOUR) == [3]
    assert prune(store, 1, NOW + HOUR) == []
    assert versions_in(store) == ["4"]


def test_pruning_counts_from_when_a_version_was_replaced(store: LocalStore) -> None:
    make_empty_versions(store, 2)
    store.write_whole("versions/3/dataset.json", [b"3"])
    publish(store, 3)
    finish_publishing(store, NOW + HOUR)
    assert prune(store, 1, NOW + HOUR) == [1]
    assert versions_in(store) == ["2", "3"]


def test_a_clock_that_was_put_back_removes_nothing(store: LocalStore) -> None:
    make_empty_versions(store, 2)
    assert prune(store, 1, NOW - 100 * HOUR) == []


def test_pruning_that_is_cut_short_is_finished(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    make_empty_versions(store, 3)
    store.write_whole("versions/1/runs/a/seed-0/sample.npz", [b"large"])
    whole = LocalStore.delete

    def cut(self: LocalStore, name: str) -> None:
        if name == "versions/1":
            raise KeyboardInterrupt
        whole(self, name)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(LocalStore, "delete", cut)
        prune(store, 1, NOW + HOUR)
    assert store.size("versions/1/dataset.json") is None  # no reader takes the rest for a data set
    assert prune(store, 1, NOW + HOUR) == [1, 2]
    assert versions_in(store) == ["3"]


def test_without_its_log_pruning_starts_an_hour_anew(store: LocalStore) -> None:
    make_empty_versions(store, 3)
    store.delete("capture_log.json")
    finish_publishing(store, NOW + HOUR)
    assert prune(store, 1, NOW + HOUR) == []
    assert prune(store, 1, NOW + 2 * HOUR) == [1, 2]


def test_where_versions_may_be_made(store: LocalStore) -> None:
    check_versions(store)
    assert not store.root.exists()
    make_version(store, 1)
    check_versions(store)
    store.delete("current.json")  # the first one was begun
    check_versions(store)


def test_where_versions_may_not_be_made(store: LocalStore, tmp_path: Path) -> None:
    capture(store, *RUNS)
    with pytest.raises(OutputError, match=r"a data set without versions; .* move it to NEW/versions/1"):
        check_versions(store)
    single = LocalStore(tmp_path / "single")
    capture(single, make_run())
    with pytest.raises(OutputError, match=r"holds a capture \(rollout_sample_manifest\.json\)"):
        check_versions(single)
    versioned = LocalStore(tmp_path / "versioned")
    make_version(versioned, 1)
    with pytest.raises(OutputError, match=rf"is a version of {versioned}; give --output {versioned}$"):
        check_versions(LocalStore(versioned.root / "current"))
    mine = LocalStore(tmp_path / "mine")
    mine.write_whole("thesis/chapter.tex", [b"mine"])
    with pytest.raises(OutputError, match=r"found thesis/chapter\.tex; choose another output folder"):
        check_versions(mine)


def test_a_data_set_that_is_moved_in_is_version_one(store: LocalStore, tmp_path: Path) -> None:
    plain = LocalStore(tmp_path / "plain")
    capture(plain, *RUNS)
    (store.root / "versions").mkdir(parents=True)
    plain.root.rename(store.root / "versions" / "1")
    check_versions(store)
    assert next_version(store) == 1


@pytest.mark.parametrize("runs", [RUNS, [make_run()]], ids=["data set", "capture"])
def test_plain_captures_keep_out(store: LocalStore, runs: list) -> None:
    make_version(store, 1)
    before = content(store.root)
    for place, message in ((store, "holds a versioned data set"), (resolve(store), "is a version of")):
        with pytest.raises(OutputError, match=message):
            check_output(place, runs)
        with pytest.raises(OutputError, match=message):
            begin_overwrite(place.root, runs)
    link = store.root / "current"
    with pytest.raises(OutputError, match="is a version of"):
        begin_overwrite(link, runs)
    assert content(store.root) == before
    check_output(store.below(version_folder(2)), RUNS)  # the next one is not published yet
