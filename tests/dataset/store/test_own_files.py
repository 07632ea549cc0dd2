"""Which files beside the runs are ours: by index or digest; the data card is its readers' as soon as they change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.captures import capture, content
from tests.samples import make_run
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.checking.gc import gc
from townlet.dataset.checking.verify import verify
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index import write_index
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket
from townlet.dataset.store.own_files import own_index_files
from townlet.errors import OutputError
from townlet.run import Run


def runs(*seeds: int) -> list[Run]:
    return [make_run(seed=seed, ticks=3, folder=run_folder("scene", seed)) for seed in seeds]


def local(folder: Path) -> Store:
    return LocalStore(folder / "set")


def in_memory(folder: Path) -> Store:
    stores = pytest.importorskip("obstore.store")
    return ObjectStore(Bucket("memory://b", stores.MemoryStore()), "set")


@pytest.fixture(params=[local, in_memory])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    store = request.param(tmp_path)
    capture(store, *runs(1))
    return store


def cards(store: Store) -> dict[str, bytes]:
    return {name: store.read(name) for name in ("README.md", "README.new.md") if store.size(name) is not None}


def test_an_index_larger_than_any_is_not_read(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with (tmp_path / "dataset.json").open("wb") as file:
        file.truncate(1 << 40)
    assert "dataset.json" in own_index_files(store)


def test_a_card_that_nobody_has_changed_is_replaced(store: Store) -> None:
    old = cards(store)
    capture(store, *runs(2))
    assert list(cards(store)) == ["README.md"]
    assert cards(store) != old


@pytest.mark.parametrize("theirs", [b"", b"Mine.\n", b"# Replay data\n"])
def test_a_card_that_was_changed_stays_and_the_new_one_goes_beside_it(store: Store, theirs: bytes) -> None:
    store.write_whole("README.md", [theirs])
    capture(store, *runs(2))
    first = cards(store)
    assert first["README.md"] == theirs
    capture(store, *runs(3))  # the new card is ours, and is replaced
    assert cards(store)["README.md"] == theirs
    assert cards(store)["README.new.md"] != first["README.new.md"]
    store.move("README.new.md", "README.md")  # they take it
    capture(store, *runs(4))
    assert list(cards(store)) == ["README.md"]


def test_where_both_were_changed_both_stay(store: Store) -> None:
    for name in ("README.md", "README.new.md"):
        store.write_whole(name, [b"mine"])
    capture(store, *runs(2))
    assert cards(store) == {"README.md": b"mine", "README.new.md": b"mine"}
    assert not any(True for _ in store.list(".staging"))


def test_nothing_new_makes_no_new_card(store: Store) -> None:
    store.write_whole("README.md", [b"mine"])
    write_index.write_index(store, [])
    assert cards(store) == {"README.md": b"mine"}


def test_a_card_that_was_taken_away_is_written_again(store: Store) -> None:
    old = cards(store)
    store.delete("README.md")
    write_index.write_index(store, [])
    assert cards(store) == old


@pytest.mark.parametrize("edited", [False, True])
def test_killed_between_commit_and_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: bool
) -> None:
    """The card of before is known from the log, though no index names it any more."""
    store = LocalStore(tmp_path / "set")
    capture(store, *runs(1))
    if edited:
        store.write_whole("README.md", [b"mine"])

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(write_index, "place_card", die)
        capture(store, *runs(2))
    finished = gc(store.root).finished
    assert ("README.new.md" if edited else "README.md") in finished
    found = cards(store)
    assert list(found) == (["README.md", "README.new.md"] if edited else ["README.md"])
    assert b"| 2 |" in found["README.new.md" if edited else "README.md"]
    assert (found["README.md"] == b"mine") == edited
    report = verify(store.root)
    assert (report.ok, [note.kind for note in report.notes]) == (True, ["edited"] if edited else [])


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("README.md", b"mine"),
        ("metrics.json", b'{"overall": {}, "scenarios": {}}'),
        ("failures.json", b'{"failures": []}'),
        ("metrics.parquet", b"PAR1"),
        ("capture_log.json", b'{"host": "h", "pid": 1}'),
        ("capture_log.json", b"\xff"),
        ("index/notes.txt", b"mine"),
    ],
)
def test_files_of_others_in_a_new_output(tmp_path: Path, name: str, theirs: bytes) -> None:
    store = LocalStore(tmp_path / "set")
    store.write_new(name, [theirs])
    with pytest.raises(
        OutputError, match=f"expected an empty folder or a capture, found {name}; choose another"
    ):
        check_output(store, runs(1))
    assert (store.read(name), len(list(store.list()))) == (theirs, 1)


def test_ours_without_an_index_are_known_from_its_log(tmp_path: Path) -> None:
    """As it is where somebody has removed a damaged dataset.json, as the message says."""
    store = LocalStore(tmp_path / "set")
    capture(store, *runs(1, 2))
    whole = content(store.root)
    (store.root / "dataset.json").unlink()
    capture(store, *runs(1, 2))
    assert content(store.root) == whole
    for name in ("metrics.json", "failures.json"):
        (store.root / "dataset.json").unlink()
        (store.root / name).write_bytes(b"{}")
        capture(store, *runs(1, 2))
        assert content(store.root) == whole
    (store.root / "dataset.json").unlink()
    (store.root / "capture_log.json").unlink()
    with pytest.raises(OutputError, match=r"found README\.md, failures\.json, metrics\.json; choose another"):
        check_output(store, runs(1, 2))
    for name in ("README.md", "failures.json", "metrics.json"):
        (store.root / name).unlink()
    capture(store, *runs(1, 2))
    assert content(store.root) == whole
    (store.root / "dataset.json").unlink()
    (store.root / "README.md").write_bytes(b"mine")
    capture(store, *runs(1, 2))
    assert content(store.root) == {**whole, "README.md": b"mine", "README.new.md": whole["README.md"]}
