"""The same pipeline on another runner: Beam's own job server, with workers that speak to it over the network."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pipeline.test_capture import files

Start = Callable[..., subprocess.Popen[str]]
PATIENCE = 120  # seconds; a machine may be busy
WORDS = ["capture", "kitchen_breakfast", "queue_conflict", "--seeds", "0..1", "--ticks", "10", "--quiet"]


@pytest.fixture
def job_server() -> Iterator[str]:
    """Where Beam's job server for Python pipelines listens."""
    words = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", "--port", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            port = next(
                found[1] for line in process.stderr if (found := re.search(r"jobs on port (\d+)", line))
            )
            yield f"localhost:{port}"
        finally:
            process.kill()


@pytest.mark.campaign
def test_a_job_server(townlet: Start, job_server: str, tmp_path: Path) -> None:
    flags = ["--runner", "PortableRunner", "--job_endpoint", job_server, "--environment_type", "LOOPBACK"]
    for place, more in (("here", []), ("there", flags)):
        process = townlet(*WORDS, *more, "--output", tmp_path / place)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    assert files(tmp_path / "there") == files(tmp_path / "here")
