"""Signals at any time, in every command and mode: a sentence, a shell's exit code, nothing left, and it goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipelines.runners.test_processes import ENDLESS, MODES, left, until_gone, wait_for_samples
from tests.pipelines.test_capture import files
from townlet.dataset.checking.verify import verify

pytestmark = pytest.mark.campaign

Start = Callable[..., subprocess.Popen[str]]
TIMEOUT_S = 120  # seconds; a machine may be busy
TIMES = 3  # at which a command is hit, from its start to its end
SMALL = (
    "kitchen_breakfast",
    "queue_conflict",
    "--seeds",
    "0..3",
    "--ticks",
    "30",
    "--quiet",
    "--output",
    "out",
)
CAPTURES = {mode: ("capture", *SMALL, *words) for mode, words in MODES.items()}
COMMANDS = {
    **CAPTURES,
    "regenerate": ("regenerate", *SMALL),
    "golden": ("golden", *SMALL[:-2], "--golden", "golden.json"),
    "plan": ("plan", *SMALL[:-3], "--output", "out"),
    "verify": ("verify", "data", "--replay"),
    "diff": ("diff", "data", "other"),
    "export": ("export", "data", "--to", "parquet", "--output", "exported"),
    "gc": ("gc", "data"),
    "inspect": ("inspect", "data"),
    "evaluate": ("evaluate", *SMALL[:-3]),
}
CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
# A plain capture is sent each of them, and of the others each one, in turn: all take them at one place.
PAIRS = [("in memory", name) for name in CODES]
PAIRS += [(command, [*CODES][at % 3]) for at, command in enumerate(COMMANDS) if command != "in memory"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two data sets."""
    from townlet.cli import main

    folder = tmp_path_factory.mktemp("prepared")
    for name in ("data", "other"):
        words = ["capture", *SMALL[:-1], str(folder / name)]
        assert main(words) == 0
    return folder


def done(process: subprocess.Popen[str]) -> int:
    """The exit code of a command that nobody disturbs."""
    process.communicate(timeout=TIMEOUT_S)
    return process.returncode


def ended(process: subprocess.Popen[str], name: str, undisturbed: str = "") -> bool:
    """Whether a command that was sent this signal was ended by it, and not done before; and that it says so.

    `undisturbed`: what it says at stderr where nobody disturbs it.
    """
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert "Traceback" not in err and "Exception ignored" not in err, err
    if process.returncode == 0:
        return False
    number = getattr(signal, name)
    said = "Interrupted." if name == "SIGINT" else f"Ended by {name}."
    if (
        process.returncode == -number
    ):  # before it had begun with anything, or by the second one, after all was done
        assert undisturbed.startswith(err) or err.splitlines()[-1].startswith(said), err
        return True
    assert process.returncode == CODES[name], err
    assert err.splitlines()[-1].startswith(said), err
    return True


@pytest.mark.parametrize(("command", "name"), PAIRS)
def test_a_signal_at_any_time(
    townlet: Start, tmp_path: Path, prepared: Path, command: str, name: str
) -> None:
    """And a second one on its heels."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    data = files(tmp_path / "data")
    began = time.monotonic()
    _, undisturbed = (process := townlet(*COMMANDS[command])).communicate(timeout=TIMEOUT_S)
    assert process.returncode in (0, 1)  # the data sets differ, says diff
    took = time.monotonic() - began
    whole = files(tmp_path / "out") if command in CAPTURES else {}
    hit = 0
    for at in range(TIMES):
        for made in ("out", "exported", "golden.json"):
            shutil.rmtree(tmp_path / made, ignore_errors=True)
        (tmp_path / "golden.json").unlink(missing_ok=True)
        process = townlet(*COMMANDS[command])
        time.sleep(took * (at + 0.5) / TIMES)
        process.send_signal(getattr(signal, name))
        time.sleep(0.05)
        process.send_signal(getattr(signal, name))
        hit += ended(process, name, undisturbed)
        assert not until_gone(process)
        found = set(left(tmp_path)) - {"data", "other", "exported", "golden.json"}
        assert not found, (at, found)
        assert files(tmp_path / "data") == data
    assert hit, "it was always done before"
    if command in CAPTURES:
        assert done(townlet(*COMMANDS[command])) == 0
        assert files(tmp_path / "out") == whole
        assert verify(tmp_path / "out").ok


@pytest.mark.parametrize("name", CODES)
def test_a_signal_at_any_time_where_a_child_interprets(townlet: Start, tmp_path: Path, name: str) -> None:
    """From before the child starts until it is done, also where both are sent it, as a terminal does."""
    compiled = {"NUMBA_DISABLE_JIT": "", "TOWNLET_CACHE_DIR": str(tmp_path / "tmp" / "cache")}
    words = ("capture", "kitchen_breakfast", "--ticks", "300", "--output", "out", "--quiet")
    began = time.monotonic()
    assert done(townlet(*words, **compiled)) == 0
    took = time.monotonic() - began
    for at in range(2 * TIMES):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        process = townlet(*words, **compiled)
        time.sleep(took * (at + 0.5) / TIMES / 2)
        (os.killpg if at % 2 else os.kill)(process.pid, getattr(signal, name))
        ended(process, name)
        assert set(left(tmp_path)) <= {"tmp/cache"}


@pytest.mark.parametrize("mode", MODES)
def test_what_a_killed_capture_leaves_goes_with_the_next(townlet: Start, tmp_path: Path, mode: str) -> None:
    process = townlet(*ENDLESS, *MODES[mode], "--output", tmp_path / "out")
    wait_for_samples(process, tmp_path)
    process.kill()
    process.communicate(timeout=TIMEOUT_S)
    assert not until_gone(process)
    assert any(path.startswith("tmp/townlet-") for path in left(tmp_path))
    next_one = townlet("capture", "kitchen_breakfast", "--ticks", "3", "--quiet", "--output", "next")
    assert done(next_one) == 0
    assert left(tmp_path) == [".out.lock", "next"], (
        "the lock is nobody's, and goes with the next capture there"
    )
    again = townlet(*ENDLESS, *MODES[mode], "--output", tmp_path / "out")
    end = time.monotonic() + TIMEOUT_S
    while f'"pid":{again.pid}' not in (tmp_path / ".out.lock").read_text().replace(" ", ""):
        assert again.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    again.send_signal(signal.SIGTERM)
    assert ended(again, "SIGTERM")
    assert left(tmp_path) == ["next"]


def test_who_writes_is_said(townlet: Start, tmp_path: Path) -> None:
    words = ("capture", "kitchen_breakfast", "--ticks", "3", "--seeds", "0..1", "--quiet", "--output", "data")
    assert done(townlet(*words)) == 0
    writer = townlet(*ENDLESS, "--output", tmp_path / "data")
    wait_for_samples(writer, tmp_path / "data" / ".staging")
    for command in ("inspect", "verify"):
        _, err = (reader := townlet(command, "data")).communicate(timeout=TIMEOUT_S)
        assert reader.returncode == 0, err
        assert f"note: process {writer.pid} on " in err and " is writing here: " in err
    writer.send_signal(signal.SIGTERM)
    assert ended(writer, "SIGTERM")
    with townlet("verify", "data") as reader:
        _, err = reader.communicate(timeout=TIMEOUT_S)
    assert "is writing here" not in err
