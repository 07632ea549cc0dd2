"""Signs of life of worker processes, and what is made of it where there are none."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pipelines import fakes
from tests.pipelines.runners.test_processes import IN_PROCESSES
from townlet.commands.capture.run_capture import capture
from townlet.pipelines.runners import processes, watch
from townlet.pipelines.runners.errors import WorkerDied
from townlet.pipelines.runners.watch import SignsOfLife


@contextmanager
def running(*words: str) -> Iterator[int]:
    """The number of a process that runs."""
    with subprocess.Popen(words) as process:
        try:
            time.sleep(0.2)  # it has become what it is
            yield process.pid
        finally:
            process.kill()


def silence(process: int) -> float:
    """Seconds of silence, after some looks."""
    signs, silent = SignsOfLife(), 0.0
    for _ in range(5):
        silent = signs.silent_for([process], 0, passed_s=0.2)
        time.sleep(0.2)
    return silent


@pytest.mark.campaign
def test_a_process_that_waits_is_silent() -> None:
    with running("sleep", "60") as process:
        assert silence(process) == pytest.approx(0.8)
        signs = SignsOfLife()
        silent = [signs.silent_for([process], lines, passed_s=1.0) for lines in (1, 1, 2, 2, 2)]
        assert silent == [0.0, 1.0, 0.0, 1.0, 2.0], "a report is a sign of life"


@pytest.mark.campaign
def test_a_process_that_works_or_is_suspended_is_not_silent() -> None:
    with running(sys.executable, "-c", "while True: pass") as process:
        assert silence(process) < 0.8
    with running("sleep", "60") as process:
        subprocess.run(["kill", f"-{signal.SIGSTOP.value}", str(process)], check=True)
        time.sleep(0.1)
        assert silence(process) == 0.0
    assert silence(process) == 0.0, "nothing is known of one that is gone: that is seen elsewhere"


@pytest.mark.campaign
@pytest.mark.parametrize("started", [False, True], ids=["before it has started", "after it has started"])
def test_a_worker_that_hangs_ends_the_capture(
    tmp_path: Path, fake_play: list[str], monkeypatch: pytest.MonkeyPatch, started: bool
) -> None:
    """As where a library below Beam waits for a thread that it was not given."""
    monkeypatch.setattr(watch, "START_TIMEOUT_S", 0.5)
    report = 'echo "{\\"worker\\": $$}" > "$0/$$-00000000"; ' if started else ""
    monkeypatch.setattr(
        processes, "worker_words", lambda folder: ["sh", "-c", f"{report}exec sleep 1000", folder]
    )
    with pytest.raises(WorkerDied, match="the worker processes do nothing any more"):
        capture(fakes.plan_of(fakes.run()), str(tmp_path / "out"), IN_PROCESSES)
    assert not list(tmp_path.iterdir()), "no lock, and nothing of an output"
