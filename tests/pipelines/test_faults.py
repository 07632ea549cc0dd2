"""Sudden deaths and full disks: what is there afterwards, and what the same command makes of it."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pipelines.test_capture import files
from townlet.dataset.checking.verify import verify
from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.reading.capture import load_capture

Start = Callable[..., subprocess.Popen[str]]
PATIENCE = 300  # seconds; a machine may be busy
SMALL = ["capture", "kitchen_breakfast", "queue_conflict", "--seeds", "0..3", "--ticks", "60", "--quiet"]
PROCESSES = ["--workers", "2", "--direct_running_mode", "multi_processing"]
THREADS = ["--workers", "2", "--direct_running_mode", "multi_threading"]
MOMENTS = 8  # test_kills.py has more, in one process


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("undisturbed") / "data"


def captured(townlet: Start, folder: Path) -> float:
    """Capture without a hitch, unless that was done; returns the seconds it takes."""
    started = time.monotonic()
    if not folder.exists():
        code, err = finished(townlet(*SMALL, "--output", folder))
        assert code == 0, err
    return time.monotonic() - started


@pytest.mark.campaign
def test_sigkill_at_random_moments(townlet: Start, tmp_path: Path, undisturbed: Path) -> None:
    """What has a final name is whole at any time; the re-run ends with the bytes of an undisturbed one."""
    seconds = captured(townlet, undisturbed)
    expected = files(undisturbed)
    draw = random.Random(20)
    killed = moment = 0
    while killed < MOMENTS:
        place, moment = tmp_path / f"{moment}", moment + 1
        assert moment < 5 * MOMENTS, "it is over before it can be killed"
        process = townlet(*SMALL, "--output", place, *(PROCESSES if moment % 5 == 0 else []))
        try:
            process.communicate(timeout=draw.uniform(0.2, 1.0) * seconds)
            seconds *= 0.8  # it was over before: the first was slow, on a machine that was busy then
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            killed += 1
        assert_whole(place)
        code, err = finished(townlet(*SMALL, "--output", place))
        assert code == 0, err
        assert files(place) == expected
    assert not list(tmp_path.glob(".*.lock"))


def assert_whole(place: Path) -> None:
    """Every capture that has its manifest can be read, and a data set that has its index can be verified."""
    for manifest in place.rglob(f"*{MANIFEST_SUFFIX}"):
        if ".staging" not in manifest.parts:
            assert len(list(load_capture(manifest.parent))) > 0
    if (place / "dataset.json").exists():
        assert verify(place).ok


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 300 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs root that may mount a small disk; test_a_file_that_may_not_grow runs everywhere")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.campaign
@pytest.mark.parametrize("mode", [[], PROCESSES, THREADS], ids=["one worker", "processes", "threads"])
def test_a_full_disk(townlet: Start, small_disk: Path, undisturbed: Path, mode: list[str]) -> None:
    """One message, no half file under a final name; with room again, the same command finishes."""
    captured(townlet, undisturbed)
    code, err = finished(townlet(*SMALL, "--output", small_disk / "out", *mode))
    assert code == 2, err
    assert err.count("\n") == 1
    assert "the disk is full; free some space and run the same command again" in err
    assert_whole(small_disk / "out")
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    code, err = finished(townlet(*SMALL, "--output", small_disk / "out", *mode))
    assert code == 0, err
    assert files(small_disk / "out") == files(undisturbed)


@pytest.mark.campaign
def test_a_disk_that_turns_read_only(townlet: Start, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, err = finished(townlet(*SMALL, "--output", small_disk / "out"))
    assert code == 2
    assert "the file system is read-only; choose another output folder" in err
    assert err.count("\n") == 1


@pytest.mark.campaign
def test_a_file_that_may_not_grow(tmp_path: Path, townlet: Start) -> None:
    """Where nothing may be mounted: a limit on the size of files is a disk that is full too."""
    process = townlet(
        "capture", "kitchen_breakfast", "--ticks", "60", "--quiet", "--output", tmp_path / "out"
    )
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (6_000, 6_000))
    code, err = finished(process)
    assert code == 2, err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not list((tmp_path / "out").glob("*.npz"))
