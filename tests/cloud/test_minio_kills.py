"""Writers in an object store, killed at any moment: the next one ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cloud.conftest import PATIENCE, Start, Townlet
from tests.cloud.stored import stored
from townlet.dataset.checking.verify import verify_store
from townlet.dataset.format.paths import LEASE
from townlet.dataset.store.contract import Store
from townlet.dataset.store.open_store import open_store

pytestmark = pytest.mark.campaign

KILLS = 8
SUITE = """\
name: several
runs:
  - {{config: {configs}/kitchen_breakfast.yaml, seeds: 0..{last}}}
  - {{config: {configs}/queue_conflict.yaml, seeds: 0..{last}}}
"""
CONFIGS = Path(__file__).resolve().parent.parent.parent / "configs" / "scenarios"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "several.yaml"
    path.write_text(SUITE.format(configs=CONFIGS, last=19))
    return path


def kill_at_any_moment(start: Start, store: Store, words: list[object]) -> int:
    """Start a command again and again, and kill it each time a little later than before, until it has ended.

    The lease that each leaves would lapse after half a minute; here it is removed. Returns the kills.
    """
    dice, kills, after = random.Random(7), 0, 1.5
    while True:
        process = start(*words, "--quiet")
        try:
            process.wait(after if kills < KILLS else PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            store.delete(LEASE)
            look(store)
            kills, after = kills + 1, after + dice.random()
            continue
        assert process.returncode == 0, process.communicate()
        return kills


def look(store: Store) -> None:
    """Whatever is there, it is whole, or it says that it is not finished."""
    if store.size("dataset.json") is not None or store.size("current.json") is not None:
        report = verify_store(store)
        assert report.ok, report.problems


def test_a_capture(place: str, townlet: Townlet, start: Start, suite: Path, tmp_path: Path) -> None:
    words: list[object] = ["capture", suite, "--output"]
    assert townlet(*words, tmp_path / "local", "--quiet").code == 0
    assert kill_at_any_moment(start, open_store(place), [*words, place]) > 2
    assert stored(place) == stored(tmp_path / "local")
    assert townlet("verify", place).code == 0


def test_a_regeneration(place: str, townlet: Townlet, start: Start, suite: Path, tmp_path: Path) -> None:
    words: list[object] = ["regenerate", suite, "--output"]
    for output in (tmp_path / "local", place):
        assert townlet(*words, output, "--quiet").code == 0
    suite.write_text(SUITE.format(configs=CONFIGS, last=29))
    assert townlet(*words, tmp_path / "local", "--quiet").code == 0
    assert kill_at_any_moment(start, open_store(place), [*words, place]) > 2
    assert stored(f"{place}/versions/2") == stored(tmp_path / "local" / "versions" / "2")
    assert stored(f"{place}/versions/1") == stored(tmp_path / "local" / "versions" / "1")
    assert townlet("gc", place).code == 0
    there = {name for name in stored(place) if not name.startswith("versions/")}
    assert there == {"current.json"}
    said = townlet(*words, place)
    assert (said.code, "verified" in said.err + said.out or "unchanged" in said.err + said.out) == (0, True)
