"""The same bytes, always: whatever the environment, the workers, the order of the runs, compiled or not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tests.rollout.digests import digests
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.config.shipped import shipped_configs
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store import local as store
from townlet.pipelines.capture import build
from townlet.planning.plan import Plan, Request, plan

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [path.removesuffix(".yaml") for path in shipped_configs()]
LOGS = "capture_log.json"  # which tell the time
CONFIGS, SEEDS, TICKS = ("small_town", "queue_conflict"), "0..2", "50"
PATIENCE = 300  # seconds; a machine may be busy, and the first to come compiles
ANOTHER_CLOCK = """
import time
seconds, nanoseconds = time.time, time.time_ns
time.time = lambda: seconds() + {shift}
time.time_ns = lambda: nanoseconds() + {shift} * 10**9
"""


@dataclass(frozen=True)
class Surroundings:
    """Where and how a command is typed."""

    hash_seed: int
    folder: str = "somewhere"  # the working folder
    umask: int = 0o022
    clock: int = 0  # seconds that the clock goes wrong by
    words: tuple[str, ...] = ()  # of the command line, besides
    variables: dict[str, str] = field(default_factory=dict)


PLACES = [
    # The wrong clock goes with one worker: several speak to each other, by the real one.
    Surroundings(0, clock=1_000_000_000, words=("--workers", "1"), variables={"TZ": "UTC", "LC_ALL": "C"}),
    Surroundings(
        1, folder="ein anderer Ort/größer", umask=0o077,
        words=("--workers", "2", "--direct_running_mode", "multi_threading"),
        variables={"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "1"},
    ),
    Surroundings(
        2, folder="x", umask=0, words=("--workers", "2"),
        variables={"TZ": "America/St_Johns", "LANG": "de_DE@euro", "LC_ALL": "", "COLUMNS": "20"},
    ),
]  # fmt: skip
MORE_PLACES = [Surroundings(seed, folder=f"place {seed}") for seed in range(3, 10)]


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def differing(left: dict[str, bytes], right: dict[str, bytes]) -> set[str]:
    """The names of the files, without folders, that are not in both with the same bytes."""
    return {
        name.rsplit("/", 1)[-1] for name in left.keys() | right.keys() if left.get(name) != right.get(name)
    }


def asked_for(**more: object) -> Plan:
    return plan(Request(CONFIGS, ticks=int(TICKS), seeds=(0, 1, 2), policy="uniform", **more))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    """The files of the data set, captured in this process."""
    folder = tmp_path_factory.mktemp("here") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_sync_file_system", lambda path: True)
        capture(asked_for(), str(folder), RunnerOptions(quiet=True))
    yield files(folder)


def typed(place: Surroundings, folder: Path) -> subprocess.Popen[str]:
    """The command as typed there, writing to `out` in its working folder."""
    where, site = folder / place.folder, folder / f"site {place.hash_seed}"
    where.mkdir(parents=True)
    site.mkdir()
    (site / "sitecustomize.py").write_text(ANOTHER_CLOCK.format(shift=place.clock))
    path = os.pathsep.join([str(site), str(ROOT)])
    words = [
        "capture",
        *CONFIGS,
        "--seeds",
        SEEDS,
        "--ticks",
        TICKS,
        "--policy",
        "uniform",
        "--output",
        "out",
    ]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "townlet.cli", *words, *place.words],
        env={**os.environ, **place.variables, "PYTHONPATH": path, "PYTHONHASHSEED": str(place.hash_seed)},
        cwd=where, umask=place.umask, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def captured_there(
    places: list[Surroundings], folder: Path
) -> Iterator[tuple[Surroundings, dict[str, bytes]]]:
    """What the command writes at each place; all of them at work at once."""
    processes = [typed(place, folder) for place in places]
    try:
        for place, process in zip(places, processes, strict=True):
            _, err = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, err
            yield place, files(folder / place.folder / "out")
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_the_same_bytes_in_every_place(here: dict[str, bytes], tmp_path: Path) -> None:
    """Hash seed, time zone, locale, working folder, umask, clock; one worker, two processes, two threads."""
    for place, found in captured_there(PLACES, tmp_path):
        assert differing(here, found) == {LOGS}, place


@pytest.mark.campaign
@pytest.mark.parametrize("place", MORE_PLACES, ids=lambda place: f"hash seed {place.hash_seed}")
def test_the_same_bytes_under_every_hash_seed(
    here: dict[str, bytes], tmp_path: Path, place: Surroundings
) -> None:
    for _, found in captured_there([place], tmp_path):
        assert differing(here, found) == {LOGS}


@pytest.mark.parametrize(
    "seed", [seed if seed < 2 else pytest.param(seed, marks=pytest.mark.campaign) for seed in range(20)]
)
def test_the_same_bytes_in_every_order_with_doubles(
    here: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)
    draw = random.Random(seed)
    planned = asked_for()
    runs = [*planned.runs]
    runs += draw.choices(runs, k=1 + seed % 4)
    draw.shuffle(runs)
    pipeline = beam.Pipeline(runner=FnApiRunner())
    build(pipeline, runs, planned.configs, str(tmp_path), is_data_set=True)
    pipeline.run()
    assert differing(here, files(tmp_path)) == {LOGS}


@pytest.mark.parametrize("segment_ticks", [7, 32])
def test_segments_hold_what_the_whole_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment_ticks: int
) -> None:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)
    for name, ticks in (("whole", 0), ("cut", segment_ticks)):
        asked = plan(Request(("hard_winter",), ticks=150, segment_ticks=ticks))
        capture(asked, str(tmp_path / name), RunnerOptions(quiet=True))
    whole, cut = load_capture(tmp_path / "whole"), load_capture(tmp_path / "cut")
    assert len(cut.samples) > len(whole.samples)
    for index, record in enumerate(whole.samples):
        assert cut.joined(record.agent_id).content_digest() == whole[index].content_digest()


def elsewhere(ticks: int, configs: list[str], **variables: str) -> dict[str, str]:
    """`digests` of a process of its own."""
    words = [sys.executable, "-P", "-m", "tests.rollout.digests", str(ticks), *configs]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        words, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.campaign
def test_the_same_content_uncompiled() -> None:
    configs = ["examples/town", "scenarios/hard_winter"]
    found = elsewhere(12, configs, NUMBA_DISABLE_JIT="1")
    assert found == {name: value for config in configs for name, value in digests(config, 12).items()}


@pytest.mark.campaign
@pytest.mark.parametrize("config", SHIPPED)
def test_the_same_content_uncompiled_for_longer(config: str) -> None:
    assert elsewhere(400, [config], NUMBA_DISABLE_JIT="1") == digests(config, 400)


@pytest.mark.campaign
def test_the_same_content_with_every_index_checked(tmp_path: Path) -> None:
    """Compiled anew, so that an index out of range is an error, and not whatever lies there."""
    found = elsewhere(1440, SHIPPED, NUMBA_BOUNDSCHECK="1", TOWNLET_CACHE_DIR=str(tmp_path))
    assert found == {name: value for config in SHIPPED for name, value in digests(config, 1440).items()}
