"""SIGKILL at random moments, with a reader beside: old or new, never a mixture, and the same bytes in the end."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import townlet.dataset
from tests.conftest import Chosen
from tests.pipelines.forker import Forker
from tests.pipelines.test_capture import files
from townlet.dataset.checking.verify import verify

pytestmark = pytest.mark.campaign

MOMENTS, SOME = 100, 40
SUITE = """\
name: mortal
defaults: {{ticks: {ticks}}}
runs:
  - {{config: {configs}/scenarios/kitchen_breakfast.yaml, seeds: 0..{last}}}
  - {{config: {configs}/scenarios/queue_conflict.yaml, seeds: 0..{last}}}
"""
CONFIGS = Path(__file__).resolve().parent.parent.parent / "configs"


@pytest.fixture
def forker(tmp_path: Path) -> Iterator[Forker]:
    forker = Forker(tmp_path / "commands.log")
    yield forker
    forker.close()


def suite(folder: Path, *, last: int, ticks: int = 40) -> Path:
    """A suite of 2 * (last + 1) runs."""
    path = folder / f"mortal-{last}-{ticks}.yaml"
    path.write_text(SUITE.format(configs=CONFIGS, last=last, ticks=ticks))
    return path


def undisturbed(forker: Forker, *words: object) -> float:
    """Run a command to its end; returns the seconds it took."""
    started = time.monotonic()
    forker.start(*words)
    assert forker.ended() == 0, forker.log.read_text()[-2000:]
    return time.monotonic() - started


class Reader(threading.Thread):
    """Opens and verifies a data set over and over. It may see only what one of these digests says."""

    def __init__(self, place: Path, allowed: set[str]) -> None:
        super().__init__(daemon=True)
        self.place, self.allowed = place, allowed
        self.problems: list[str] = []
        self.seen: set[str] = set()
        self.looks = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set() and not self.problems:
            try:
                self._look()
            except Exception as error:
                self.problems.append(f"{type(error).__name__}: {error}")

    def _look(self) -> None:
        data = townlet.dataset.open(self.place)
        digest = data.metadata["content_sha256"]
        if digest not in self.allowed:
            self.problems.append(f"a data set of {len(data)} samples that nobody has captured: {digest}")
        self.seen.add(digest)
        assert len(data[len(data) // 2].rewards) > 0
        report = verify(self.place)
        self.problems += map(str, report.problems)
        self.looks += 1

    def close(self) -> None:
        self._over.set()
        self.join(60)
        assert not self.problems


def killed_until_done(forker: Forker, draw: random.Random, seconds: float, *words: object) -> int:
    """Run a command over and over, killed at random moments, until it ends by itself; returns the kills."""
    kills = 0
    while True:
        process = forker.start(*words)
        # A little later each time: on a machine that has become busier it is to end some day, too.
        time.sleep(draw.uniform(0.0, 1.1 + 0.03 * kills) * seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        code = forker.ended()
        if code == 0:
            return kills
        assert code == -signal.SIGKILL, forker.log.read_text()[-2000:]
        kills += 1


def digest_of(place: Path) -> str:
    return townlet.dataset.open(place).metadata["content_sha256"]


@pytest.mark.parametrize("command", ["capture", "regenerate"])
def test_killed_a_hundred_times(forker: Forker, tmp_path: Path, chosen: Chosen, command: str) -> None:
    """The data set that is there stays what it is until the new one is, and nothing is left behind."""
    small, large = suite(tmp_path, last=1), suite(tmp_path, last=9)

    def words(source: Path, place: Path) -> tuple[object, ...]:
        return command, source, "--output", place, "--quiet"

    old, new, place = tmp_path / "old", tmp_path / "new", tmp_path / "data"
    undisturbed(forker, *words(small, old))
    shutil.copytree(old, new, symlinks=True)
    seconds = undisturbed(forker, *words(large, new))
    undisturbed(forker, "gc", new)
    expected, allowed = files(new), {digest_of(old), digest_of(new)}
    draw = random.Random(4)
    kills = rounds = looks = 0
    seen: set[str] = set()
    while kills < len(chosen(range(MOMENTS), few=SOME)):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(old, place, symlinks=True)
        reader = Reader(place, allowed)
        reader.start()
        kills += killed_until_done(forker, draw, seconds, *words(large, place))
        reader.close()
        rounds, looks, seen = rounds + 1, looks + reader.looks, seen | reader.seen
        undisturbed(forker, *words(large, place))
        undisturbed(forker, "gc", place)
        assert files(place) == expected
        assert not list(place.rglob(".staging"))
    print(f"{command}: {kills} kills in {rounds} rounds, {looks} looks of a reader")
    assert seen == allowed
    assert not list(tmp_path.glob(".*.lock"))
