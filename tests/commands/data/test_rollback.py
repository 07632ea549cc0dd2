"""`townlet rollback`: an earlier version is current again, in one step, and nothing else has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from tests.dataset.captures import capture
from tests.samples import make_run
from townlet.commands.data.run_rollback import roll_back
from townlet.commands.look.places import facts_of_place
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket
from townlet.dataset.versions.versions import (
    current_version,
    finish_publishing,
    next_version,
    prune,
    publish,
    resolve,
    utc_now,
    version_folder,
)
from townlet.errors import CorruptSampleError, TownletError, UserError

RUNS = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in range(4)]


def add_version(store: Store, version: int, *, published: bool = True) -> None:
    """A version with as many runs as its number says."""
    capture(store.below(version_folder(version)), *RUNS[:version])
    if published:
        publish(store, version)
        finish_publishing(store, utc_now())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Three versions, the third current; and a fourth that was refused."""
    store = LocalStore(tmp_path / "data")
    for version in (1, 2, 3):
        add_version(store, version)
    add_version(store, 4, published=False)
    return tmp_path / "data"


def pointer(place: Path) -> dict[str, object]:
    return json.loads((place / "current.json").read_text())


def runs_seen(place: Path) -> int:
    from townlet import dataset

    return len(dataset.open(place).runs)


def test_back_and_forward_again(townlet: Townlet, place: Path) -> None:
    before = pointer(place)
    said = townlet("rollback", place, 1)
    assert said.code == 0
    assert said.out.startswith(f"{place}: version 1 is current (checked: 1 run, ")
    assert said.out.endswith("before, it was version 3\n")
    assert said.err == f"to undo this: townlet rollback {place} 3\nnext: townlet list {place}\n"
    assert (pointer(place)["version"], pointer(place)["newest"]) == (1, 3)
    assert os.readlink(place / "current") == "versions/1"
    assert runs_seen(place) == 1
    assert sorted(os.listdir(place / "versions")) == ["1", "2", "3", "4"]
    assert townlet("verify", place).code == 0
    assert townlet("rollback", place, 3).code == 0
    assert pointer(place) == before, "the same bytes as if nobody had gone back"
    assert runs_seen(place) == 3


def test_the_current_one_is_left_alone(townlet: Townlet, place: Path) -> None:
    before = (place / "current.json").stat()
    assert townlet("rollback", place, 3).out == f"{place}: version 3 is the current one already\n"
    assert (place / "current.json").stat() == before


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (
            "4",
            "version 4 was never published: it was refused, or is still being built, and `townlet regenerate` goes",
        ),
        ("9", "there is no version 9; the published versions are 1, 2, 3"),
        ("0", "argument VERSION: expected a number of 1 or more, got '0'"),
        ("one", "argument VERSION: expected a number of 1 or more, got 'one'"),
    ],
)
def test_what_was_never_published_is_refused(
    townlet: Townlet, place: Path, version: str, message: str
) -> None:
    before = (place / "current.json").read_bytes()
    said = townlet("rollback", place, version)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert (place / "current.json").read_bytes() == before


def test_a_version_that_does_not_verify_is_refused(townlet: Townlet, place: Path) -> None:
    sample = next((place / "versions" / "2").rglob("*.npz"))
    sample.write_bytes(sample.read_bytes()[:-1] + b"?")
    before = (place / "current.json").read_bytes()
    said = townlet("rollback", place, 2)
    assert said.code == CorruptSampleError.exit_code
    assert "version 2 is not what was written, and does not become the current one:" in said.err
    assert sample.name in said.err
    assert (place / "current.json").read_bytes() == before


def test_who_writes_there_is_not_disturbed(townlet: Townlet, place: Path) -> None:
    with output_lock(place):
        said = townlet("rollback", place, 1)
    assert said.code == 2
    assert "is writing here" in said.err
    assert pointer(place)["version"] == 3


@pytest.mark.parametrize("made", ["nothing", "an empty folder", "a data set without versions"])
def test_a_place_without_versions(townlet: Townlet, tmp_path: Path, made: str) -> None:
    place = tmp_path / "other"
    if made != "nothing":
        place.mkdir()
    if made == "a data set without versions":
        capture(LocalStore(place), *RUNS[:1])
    said = townlet("rollback", place, 1)
    assert said.code == 2
    assert "expected " in said.err
    assert said.err.count("\n") == 1


def test_as_json_and_quiet(townlet: Townlet, place: Path) -> None:
    facts = {"place": str(place), "before": 3, "current": 2, "newest": 3, "changed": True}
    assert townlet("rollback", place, 2, "--json").json == facts
    assert townlet("rollback", place, 1, "--quiet") == (0, "", "")


def test_the_next_version_has_a_new_number(place: Path) -> None:
    """What readers have seen as version 3 is not made anew under the same number."""
    store = LocalStore(place)
    roll_back(store, 1)
    assert next_version(store) == 4
    publish(store, 4)
    finish_publishing(store, utc_now())
    assert current_version(store) == 4
    assert "newest" not in pointer(place)


def test_the_versions_in_between_count_as_old(place: Path) -> None:
    """They are pruned as others are, the newest last; the current one never."""
    from datetime import timedelta

    store = LocalStore(place)
    roll_back(store, 1)
    assert prune(store, 2, utc_now() + timedelta(hours=2)) == [2]
    assert prune(store, 1, utc_now() + timedelta(hours=2)) == [3]
    assert resolve(store).size("dataset.json") is not None
    with pytest.raises(UserError, match="there is no version 3"):
        roll_back(store, 3)


def test_gc_keeps_what_was_published(townlet: Townlet, place: Path) -> None:
    roll_back(LocalStore(place), 1)
    assert townlet("gc", place).code == 0
    assert sorted(os.listdir(place / "versions")) == ["1", "2", "3", "4"]
    assert "versions/4: not published yet" in townlet("gc", place).err
    townlet("gc", place, "--all")
    assert sorted(os.listdir(place / "versions")) == ["1", "2", "3"]


def test_a_forged_newest_is_damage(place: Path) -> None:
    store = LocalStore(place)
    for newest in (1, 0, 3, -1, "3", None):
        facts = {**pointer(place), "newest": newest}
        text = json.dumps(facts, sort_keys=True, separators=(",", ":")) + "\n"
        (place / "current.json").write_text(text)
        with pytest.raises(CorruptSampleError, match=r"current\.json"):
            current_version(store)
        facts.pop("newest")
        (place / "current.json").write_text(json.dumps(facts, sort_keys=True, separators=(",", ":")) + "\n")
    assert current_version(store) == 3


def test_somebody_else_publishes_meanwhile(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(place)
    monkeypatch.setattr(LocalStore, "compare_and_swap", lambda *_: False)
    with pytest.raises(TownletError, match="somebody else has published a version"):
        roll_back(store, 1)
    assert current_version(store) == 3


def test_in_an_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    obstore = pytest.importorskip("obstore", reason="the extra `cloud` is not installed")
    store = ObjectStore(Bucket("memory://bucket", obstore.store.MemoryStore()), "data")
    monkeypatch.setattr("townlet.dataset.versions.versions.open_store", lambda place: store)
    for version in (1, 2):
        add_version(store, version)
    done = roll_back(store, 1)
    assert (done.before, done.version, done.newest) == (2, 1, 2)
    assert current_version(store) == 1
    monkeypatch.setattr("townlet.commands.look.places.open_store", lambda place: store)
    facts = facts_of_place("s3://bucket/data")
    assert [(one["version"], one["state"]) for one in facts["versions"]] == [(1, "current"), (2, "published")]


def test_one_that_was_cut_short_is_made_whole(townlet: Townlet, place: Path) -> None:
    """Killed after the pointer was replaced, and before the link was."""
    assert townlet("rollback", place, 1).code == 0
    (place / "current").unlink()
    (place / "current").symlink_to("versions/3")
    said = townlet("rollback", place, 1)
    assert (said.code, said.out) == (0, f"{place}: version 1 is the current one already\n")
    assert os.readlink(place / "current") == "versions/1"
