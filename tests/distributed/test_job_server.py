"""Beam's own job server, without Java: workers in the launcher's process, and a pool of them outside of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.distributed.conftest import PLAIN, ROOT, Start
from tests.pipelines.listening import is_here_alone, listening
from tests.pipelines.test_capture import files

PATIENCE = 120  # seconds; a machine may be busy
WORDS = ["capture", "kitchen_breakfast", "queue_conflict", "--seeds", "0..1", "--ticks", "10"]
TALKATIVE = """\
import sys

def speak(event, arguments):
    if event == "import" and arguments[0] == "townlet.rollout.play":
        print("x" * 1_000_000, flush=True)

sys.addaudithook(speak)
"""


@contextmanager
def serving(log: Path, words: list[object], said: str, **environment: str) -> Iterator[re.Match[str]]:
    """Run a server of Beam's, from when it has said in its log that it listens."""
    with (
        log.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-P", *map(str, words)],
            stdout=file,
            stderr=file,
            env={**os.environ, **PLAIN, **environment},
        ) as process,
    ):
        try:
            end = time.monotonic() + PATIENCE
            while not (found := re.search(said, log.read_text())):
                assert process.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.05)
            yield found
        finally:
            process.kill()


@pytest.fixture(scope="module")
def job_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Beam's job server for Python pipelines listens."""
    words: list[object] = ["-m", "apache_beam.runners.portability.local_job_service_main", "--port", "0"]
    with serving(tmp_path_factory.mktemp("server") / "log", words, r"jobs on port (\d+)") as found:
        yield f"localhost:{found[1]}"


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[str]:
    """Where a pool of worker processes listens, all of which print a lot."""
    (tmp_path / "sitecustomize.py").write_text(TALKATIVE)
    words: list[object] = ["-m", "townlet.pipelines.runners.engine_worker", "--pool", 0]
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    with serving(tmp_path / "log", words, r"listens at (localhost:\d+)", PYTHONPATH=path) as found:
        yield found[1]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same capture by this machine's own runner."""
    from townlet.cli import main

    output = tmp_path_factory.mktemp("here") / "data"
    assert main([*WORDS, "--quiet", "--output", str(output)]) == 0
    return files(output)


def captured(townlet: Start, server: str, output: Path, *flags: object) -> str:
    """What a capture by the job server has said, once it has succeeded."""
    words = [*WORDS, "--runner", "PortableRunner", "--job_endpoint", server, *flags]
    process = townlet(*words, "--output", output)
    addresses: set[str] = set()
    while process.poll() is None:
        addresses |= listening(process.pid)
        time.sleep(0.02)
    _, err = process.communicate(timeout=PATIENCE)
    assert all(map(is_here_alone, addresses)), addresses
    assert bool(addresses) == ("LOOPBACK" in flags), "only its workers are asked for from outside"
    assert process.returncode == 0, err
    assert "Traceback" not in err and "ERROR" not in err and "WARNING" not in err, err
    return err


@pytest.mark.campaign
def test_workers_in_the_launcher(
    townlet: Start, job_server: str, here: dict[str, bytes], tmp_path: Path
) -> None:
    captured(townlet, job_server, tmp_path / "there", "--environment_type", "LOOPBACK")
    assert files(tmp_path / "there") == here


@pytest.mark.campaign
def test_a_pool_of_workers_that_talk(
    townlet: Start, job_server: str, pool: str, here: dict[str, bytes], tmp_path: Path
) -> None:
    flags = ("--environment_type", "EXTERNAL", "--environment_config", pool)
    err = captured(townlet, job_server, tmp_path / "there", *flags)
    assert err.startswith("running on PortableRunner\n")
    assert files(tmp_path / "there") == here
    assert (tmp_path / "log").stat().st_size > 1_000_000
    children = Path("/proc/self/task", str(os.getpid()), "children").read_text().split()
    here_alone = listening(*map(int, children))
    assert here_alone and all(map(is_here_alone, here_alone)), here_alone
