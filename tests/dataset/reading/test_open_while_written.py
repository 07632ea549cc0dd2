"""Readers beside writers: the old data set or the new one, never a mixture, never an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture
from tests.samples import make_run, make_samples
from townlet import dataset
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.shard_parts import ChangedError
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions import versions
from townlet.errors import UserError
from townlet.run import Run


def scene_run(seed: int, ticks: int = 5) -> Run:
    return make_run("scene", seed, ticks=ticks, folder=run_folder("scene", seed))


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[threading.Thread]:
    """Work goes on in a thread of its own; what it raises is raised at the end."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(timeout=60)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


def digests(samples: Any) -> list[str]:
    return [sample.content_digest() for sample in samples]


def expected(run: Run) -> list[str]:
    return digests(sample for _, sample in make_samples(run))


@pytest.mark.campaign
def test_while_runs_are_added(tmp_path: Path) -> None:
    runs = [scene_run(seed) for seed in range(20)]
    content = {run.seed: expected(run) for run in runs}
    capture(LocalStore(tmp_path), runs[0])

    def write() -> None:
        for run in runs[1:]:
            capture(LocalStore(tmp_path), run)

    seen = []
    first = dataset.open(tmp_path)
    with beside(write) as writer:
        while writer.is_alive():
            opened = dataset.open(tmp_path)
            seeds = [seed for _, seed in opened.runs]
            assert seeds == list(range(len(seeds)))
            assert digests(opened) == [digest for seed in seeds for digest in content[seed]]
            assert opened.samples["content_digest"].tolist() == digests(opened)
            seen.append(len(seeds))
    assert seen == sorted(seen) and seen[0] < seen[-1] <= 20
    assert digests(first) == content[0]
    assert len(dataset.open(tmp_path)) == 40


@pytest.mark.campaign
def test_while_versions_are_published_and_pruned(tmp_path: Path) -> None:
    """Each version has its own content; a reader whose version is pruned under it is told so, and no more."""
    store = LocalStore(tmp_path)
    content = {version: expected(scene_run(0, ticks=version)) for version in range(1, 26)}

    def publish(version: int) -> None:
        capture(store.below(versions.version_folder(version)), scene_run(0, ticks=version))
        versions.publish(store, version)

    publish(1)
    later = datetime.now(UTC) + timedelta(days=1)

    def write() -> None:
        for version in range(2, 26):
            publish(version)
            versions.finish_publishing(store, later + timedelta(hours=2 * version))
            versions.prune(store, 1, later + timedelta(hours=2 * version + 1, minutes=30))

    seen, pruned = [], 0
    with beside(write) as writer:
        while writer.is_alive():
            opened = dataset.open(tmp_path)
            version = int(opened.place.rpartition("/")[2])
            try:
                assert digests(opened) == content[version]
            except ChangedError as error:
                assert "was removed since it was opened" in str(error)
                pruned += 1
            seen.append(version)
    assert seen == sorted(seen) and len(set(seen)) > 1
    assert digests(dataset.open(tmp_path)) == content[25]


def test_in_an_object_store() -> None:
    """Everything is read through the store, whichever it is."""
    pytest.importorskip("obstore")
    from obstore.store import MemoryStore

    from townlet.dataset.store.object_store import Bucket, ObjectStore

    store = ObjectStore(Bucket("memory://bucket", MemoryStore()), "deep/set")
    capture(store, scene_run(0), scene_run(1))
    opened = dataset.open(store)
    assert opened.place == "memory://bucket/deep/set"
    assert digests(opened) == expected(scene_run(0)) + expected(scene_run(1))
    assert opened.windows(2)[0].steps == 2
    assert opened.joint("scene", 1).agents == ("alice", "bob")
    there = opened.capture("scene", 1)
    assert there.agents == ("alice", "bob")
    assert there.place == "memory://bucket/deep/set/runs/scene/seed-1"
    with pytest.raises(UserError, match="not in a folder of this machine, so it has no path"):
        there.path  # noqa: B018
    (one, *_) = dataset.open(store.below("runs/scene/seed-1"))
    assert one.agent_id == "alice"
    store.delete("runs/scene/seed-1/rollout_sample_bob_002.npz")
    with pytest.raises(
        Exception, match=r"memory://bucket/deep/set/runs/scene/seed-1/.*bob_002\.npz: named by"
    ):
        opened[-1]
