"""Called from Python, a capture leaves its process as it found it: after success, a failure, and Ctrl-C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# What libraries do when they are imported is theirs: they are, before the first look.
PROGRAM = """
import _thread, json, logging, os, signal, sys, threading, warnings
from pathlib import Path

from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.pipelines.runners.silence_beam_output import import_beam
from townlet.planning.plan import Request, plan

logging.getLogger("mine").addHandler(logging.NullHandler())
fresh = [logging.getLogger().handlers[:], logging.getLogger().filters[:], dict(os.environ)]
import_beam()
import apache_beam.runners.worker.operations
import townlet.pipelines.launch
import townlet.rollout.play


def state():
    root, beams = logging.getLogger(), logging.getLogger("apache_beam")
    mask = os.umask(0o22)
    os.umask(mask)
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "umask": mask,
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "streams": [sys.stdin, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__],
        "hooks": [sys.excepthook, threading.excepthook, sys.unraisablehook, sys.displayhook],
        "root logger": [root.handlers[:], root.filters[:], root.level, root.disabled],
        "Beam's logger": [beams.handlers[:], beams.filters[:], beams.level, beams.propagate],
        "logging": [logging.root.manager.disable, logging.raiseExceptions, logging.getLoggerClass()],
        "warnings": [warnings.filters[:], warnings.showwarning],
        "interpreter": [sys.path[:], sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace()],
    }


flags, out = tuple(json.loads(sys.argv[1])), Path(sys.argv[2])
options = RunnerOptions(flags, workers=None if not flags else 2, quiet=True)
assert fresh[:2] == [logging.getLogger().handlers, logging.getLogger().filters]
before = state()
for name in ("one", "two") if "multi_processing" not in str(flags) else ("one",):
    capture(plan(Request(("kitchen_breakfast",), ticks=3, seeds=(0, 1), as_data_set=True)), str(out / name), options)
    assert state() == before, name

import townlet.rollout.play as rollout
whole = rollout.play


def unlucky(run, *more):
    if run.seed == 1:
        raise ValueError("unlucky")
    yield from whole(run, *more)


if "multi_processing" not in str(flags):
    rollout.play = unlucky
    outcome = capture(plan(Request(("kitchen_breakfast",), ticks=3, seeds=(0, 1), as_data_set=True)),
                      str(out / "failing"), options)
    assert [failure.seed for failure in outcome.failures] == [1]
    assert state() == before, "failing"
    rollout.play = whole

endless = plan(Request(("small_town",), ticks=500_000, seeds=(0, 1), segment_ticks=20, as_data_set=True))


def interrupt():
    while not any(".npz" in path.name for path in out.rglob("endless/*/*/*")):
        pass
    _thread.interrupt_main()


watcher = threading.Thread(target=interrupt)
watcher.start()
try:
    capture(endless, str(out / "endless"), options)
except KeyboardInterrupt:
    pass
else:
    raise AssertionError("not interrupted")
watcher.join()
assert state() == before, "interrupted"
print("as it was", file=sys.stderr)
threading.Thread(target=print, args=("heard",), kwargs={"file": sys.stderr}).start()
"""


@pytest.mark.campaign
@pytest.mark.parametrize("mode", ["in_memory", "multi_threading", "multi_processing"])
def test_a_capture_leaves_its_process_as_it_was(tmp_path: Path, mode: str) -> None:
    flags = [] if mode == "in_memory" else [f"--direct_running_mode={mode}"]
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(flags), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.split("\n") == ["as it was", "heard", ""], ran.stderr
    assert ran.stdout == ""
    assert not list(tmp_path.glob(".*.lock"))


def test_nothing_happens_on_import(tmp_path: Path) -> None:
    """Not to logging, not to the environment; and Beam is not loaded before there is work."""
    program = (
        "import logging, os, sys; before = dict(os.environ)\n"
        "import townlet.pipelines, townlet.commands.capture.run_capture, townlet.cli\n"
        "root = logging.getLogger()\n"
        "assert (root.handlers, root.filters, dict(os.environ)) == ([], [], before)\n"
        "assert 'apache_beam' not in sys.modules\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
