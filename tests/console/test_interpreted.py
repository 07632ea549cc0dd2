"""A command in plain Python, in a child: its output, its exit code, its signals, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from townlet.console import interpreted

ROOT = Path(__file__).resolve().parents[2]
START = (
    "import sys; from townlet.console.interpreted import command_line, run_interpreted\n"
    "with command_line(*{call!r}): sys.exit(run_interpreted())"
)


def start(function: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that carries out a function of `pretend` in a child."""
    code = START.format(call=(f"tests.console.pretend:{function}", *arguments))
    environment = {name: value for name, value in os.environ.items() if name != interpreted.SWITCH}
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        cwd=ROOT,
    )  # fmt: skip


def wait_for(what: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"


@pytest.mark.parametrize("code", [0, 1, 3])
def test_output_and_exit_code_are_the_childs(code: int) -> None:
    process = start("work", ["capture", "a b"], code)
    out, err = process.communicate()
    assert (out, err, process.returncode) == ("capture a b 1 False\n", "said\n", code)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_reach_it_once(tmp_path: Path, number: int, code: int) -> None:
    process = start("wait", str(tmp_path / "pid"))
    wait_for((tmp_path / "pid").exists)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("", code)
    assert len(err.splitlines()) == 1, "it says once that it was ended"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_child_that_a_signal_ends_in_silence(name: str) -> None:
    """Before it listens, or when all is done: the parent says so in its place."""
    process = start("die", name)
    out, err = process.communicate(timeout=60)
    said = "KeyboardInterrupt" if name == "SIGINT" else "Terminated"
    assert (out, err.splitlines()[-1].rpartition(".")[2]) == ("", said)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    process = start("wait", str(tmp_path / "pid"))
    wait_for((tmp_path / "pid").exists)
    child = int((tmp_path / "pid").read_text())
    assert is_running(child)
    process.kill()
    process.communicate()
    wait_for(lambda: not is_running(child))


def test_only_what_is_typed_in_a_process_without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    monkeypatch.delenv(interpreted.SWITCH, raising=False)
    assert not interpreted.can_interpret(), "called by a program"
    with interpreted.command_line("townlet.cli:main", ["capture"]):
        assert interpreted.can_interpret()
        monkeypatch.setitem(sys.modules, "numba", sys)
        assert not interpreted.can_interpret(), "it has kernels"
        monkeypatch.delitem(sys.modules, "numba")
        monkeypatch.setenv(interpreted.SWITCH, "1")
        assert not interpreted.can_interpret(), "it is interpreted itself"
    assert not interpreted.can_interpret()
