"""What is said of each version: its state, and what changed from the one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.captures import capture
from tests.samples import make_run
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.index_document import Failure
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.history import FIRST, VersionFacts, history_of
from townlet.dataset.versions.versions import finish_publishing, publish, utc_now, version_folder
from townlet.run import Run


def runs(*seeds: int, name: str = "scene", ticks: int = 4) -> list[Run]:
    return [make_run(name=name, seed=seed, ticks=ticks, folder=run_folder(name, seed)) for seed in seeds]


def add(store: LocalStore, version: int, made: list[Run], *, published: bool = True) -> None:
    capture(store.below(version_folder(version)), *made)
    if published:
        publish(store, version)
        finish_publishing(store, utc_now())


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "data")


def told(store: LocalStore) -> list[tuple[int, str, str]]:
    return [(one.version, one.state, one.why) for one in history_of(store)]


def test_what_changed(store: LocalStore) -> None:
    add(store, 1, runs(0, 1))
    add(store, 2, runs(0, 1, 2))
    add(store, 3, runs(0, 1, 2, ticks=5))
    add(store, 4, runs(0, 1000, ticks=5))
    add(store, 5, runs(0, 1000, ticks=5))
    assert told(store) == [
        (1, "published", FIRST),
        (2, "published", "1 new"),
        (3, "published", "3 changed: ticks 4 -> 5"),
        (4, "published", "1 new; 2 removed"),
        (5, "current", "the same runs"),
    ]


def test_counts_and_times(store: LocalStore) -> None:
    add(store, 1, runs(0, 1))
    (one,) = history_of(store)
    assert one.facts is not None
    assert (one.facts.run_count, one.facts.sample_count) == (2, 4)
    assert one.finished is not None
    assert one.finished.endswith("+00:00")


def test_what_is_not_published(store: LocalStore) -> None:
    add(store, 1, runs(0))
    add(store, 2, runs(0, 1), published=False)
    assert told(store)[1] == (2, "not published", "refused: it drifted, or did not verify; 1 new")


def test_what_failed(store: LocalStore) -> None:
    from tests.dataset.captures import index, records_for
    from townlet.dataset.capture.commit import publish_runs

    add(store, 1, runs(0))
    below = store.below(version_folder(2))
    (run,) = runs(0)
    records = records_for(below, run)
    index(below, publish_runs(below, [(run, records)]), [records], failures=[Failure("scene", 7, "why")])
    assert told(store)[1] == (2, "not published", "refused: 1 failed; the same runs")


def test_what_is_begun_or_damaged(store: LocalStore) -> None:
    for version in (1, 2):
        add(store, version, runs(0, version))
    (store.root / "versions" / "1" / "dataset.json").write_bytes(b"{")
    (store.root / "versions" / "3" / ".staging").mkdir(parents=True)
    first, second, third = history_of(store)
    assert (first.state, first.facts) == ("damaged", None)
    assert second.why == FIRST
    assert third == VersionFacts(
        3, "not published", None, None, "not finished; the next `townlet regenerate` goes on with it"
    )


def test_a_config_that_cannot_be_read(store: LocalStore) -> None:
    add(store, 1, runs(0))
    add(store, 2, runs(0, ticks=5))
    next((store.root / "versions" / "1").rglob("*_config.json")).unlink()
    assert told(store)[1][2] == "1 changed: its inputs, but they cannot be read"
