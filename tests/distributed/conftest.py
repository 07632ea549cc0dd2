"""What the tests of other engines start: commands as typed, and a Flink of their own. All of it is ended again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.flink.cluster import Cluster, build_jar
from townlet.errors import TownletError, UserError
from townlet.pipelines.runners.flink import JAR

ROOT = Path(__file__).resolve().parent.parent.parent
UNREACHABLE = ("Could not transfer", "Could not resolve", "Unknown host")  # as Maven says it
# Interpreted, a run takes as long as a test needs, and nothing has to be compiled. The bytes are the same.
PLAIN = {"NUMBA_DISABLE_JIT": "1"}

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def townlet(tmp_path: Path) -> Iterator[Start]:
    """Start `townlet ...` as typed, in a process group of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: object, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "townlet.cli", *map(str, words)],
            env={**os.environ, "PYTHONPATH": str(ROOT), **PLAIN, **environment},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def flink_jar() -> Path:
    """The jar with all of Flink, built where it is not there. Skips where Java or Maven is not there either."""
    if shutil.which("java") is None:
        pytest.skip("Flink is not tested: there is no Java on this machine (17 is needed)")
    try:
        build_jar()
    except UserError as error:
        pytest.skip(f"Flink is not tested: {error}")
    except TownletError as error:
        if any(words in str(error) for words in UNREACHABLE):
            pytest.skip(f"Flink is not tested: Maven reaches no repository ({str(error).splitlines()[0]})")
        raise
    return JAR


@pytest.fixture(scope="module")
def flink(flink_jar: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One JobManager and two TaskManagers, each with Python workers of its own."""
    cluster = Cluster(tmp_path_factory.mktemp("flink"), flink_jar)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PLAIN.items():
            patch.setenv(name, value)
        cluster.up(task_managers=2)
        try:
            yield cluster
        finally:
            cluster.down()
    assert not cluster.processes()
