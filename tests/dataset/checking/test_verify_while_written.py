"""Verify and the readers while others write: what they find is one state of the data set, or they say so."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture
from tests.dataset.checking.test_verify_data_sets import runs, versioned
from townlet.dataset.checking.gc import gc
from townlet.dataset.checking.verify import verify
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import finish_publishing, publish, remove_version, utc_now


def while_writing(reading: Callable[[], None], write: Callable[[], Any]) -> int:
    """Read over and over again while something is written; returns how often."""
    done = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            write()
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    writer = threading.Thread(target=work)
    writer.start()
    rounds = 0
    try:
        while not done.is_set():
            reading()
            rounds += 1
    finally:
        writer.join()
    assert not failed, failed
    reading()
    return rounds


@pytest.mark.campaign
def test_a_data_set_that_grows_under_our_eyes(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "set")
    capture(store, *runs(0))

    def write() -> None:
        for seed in range(1, 13):
            capture(LocalStore(store.root), *runs(seed))
            if seed % 5 == 0:
                gc(store.root)

    def look() -> None:
        report = verify(store.root, workers=1)
        assert report.ok, report.problems

    assert while_writing(look, write) > 3
    assert verify(store.root).notes == []
    assert len(list(read_index(store).entries())) == 13


def test_versions_that_change_under_our_eyes(tmp_path: Path) -> None:
    store = versioned(tmp_path / "set", 1)
    draw = random.Random(1)

    def write() -> None:
        for version in range(2, 10):
            capture(store.below(f"versions/{version}"), *runs(*draw.sample(range(20), 2)))
            publish(store, version)
            finish_publishing(store, utc_now())
            remove_version(store, version - 1)  # sooner than `prune` would

    def look() -> None:
        report = verify(store.root, workers=1)
        assert report.ok, report.problems

    assert while_writing(look, write) > 3
    assert verify(store.root).versions == (9,)
