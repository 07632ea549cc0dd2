"""Ctrl-C in the first moments of a process, in which it imports what it will need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from townlet.compiler.store import is_switched_off

ROOT = Path(__file__).resolve().parent.parent.parent

# Ctrl-C comes with the first import after that of `townlet`, save for those that are needed to answer it.
INTERRUPTED = """
import os, runpy, signal, sys
FIRST = ("townlet", "townlet.__main__", "townlet.console", "townlet.console.interrupts")

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if "townlet" in sys.modules and name not in FIRST:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
sys.path.insert(0, "")
run = runpy.run_path if sys.argv[1] == "path" else runpy.run_module
run(sys.argv[2], run_name="__main__")
print("nobody was interrupted")
"""


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("module", "townlet"),
        ("module", "pipelines.capture"),
        ("module", "pipelines.worker"),
        ("path", "scripts/capture_rollout.py"),
    ],
)
def test_the_first_moment_is_silent(how: str, what: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, how, what], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.skipif(is_switched_off(), reason="nothing is compiled")
def test_a_worker_that_prepares_a_machine_is_silent(tmp_path: Path) -> None:
    """`townlet-worker --warm`, while it compiles."""
    worker = Path(sys.executable).with_name("townlet-worker")
    environment = {**os.environ, "TOWNLET_CACHE_DIR": str(tmp_path)}
    with subprocess.Popen(
        [worker, "--warm"], env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read(1)  # it has begun
        os.killpg(process.pid, signal.SIGINT)
        said += process.stderr.read()
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in said, said
