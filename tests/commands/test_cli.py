"""The command line as a whole: help, versions, what is not known, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from townlet import __version__, cli
from townlet.console import errors as failing

ROOT = Path(__file__).resolve().parent.parent.parent


def test_help_names_every_command(townlet: Townlet) -> None:
    for words in (["--help"], ["-h"], ["help"]):
        said = townlet(*words)
        assert said.code == 0
        assert all(f"  {name} " in said.out for name in cli.COMMANDS)
        assert said.err == ""
    assert townlet().code == 2


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_with_examples(townlet: Townlet, name: str) -> None:
    said = townlet(name, "--help")
    assert said.code == 0
    assert said.out.startswith(f"usage: townlet {name} ")
    assert "examples:\n" in said.out
    assert f"  townlet {name} " in said.out


def test_version(townlet: Townlet) -> None:
    assert townlet("--version").out == f"townlet {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["captur"], "error: unknown command 'captur'; did you mean capture?"),
        (["xyzzy"], "error: unknown command 'xyzzy'; the commands are capture, plan, "),
        (["verify"], "error: the following arguments are required: DIR (see townlet verify --help)"),
        (["verify", "a", "--repl"], "error: unrecognized arguments: --repl"),
        (["schema", "town"], "error: argument kind: invalid choice: 'town'"),
    ],
)
def test_wrong_usage(townlet: Townlet, words: list[str], message: str) -> None:
    said = townlet(*words)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith(message)
    assert said.err.count("\n") == 1


def test_a_defect_says_where(townlet: Townlet, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("townlet.commands.config.schema.main", broken)
    said = townlet("schema")
    assert said.code == 1
    assert said.err.startswith("error: ZeroDivisionError: oh (")
    assert "test_cli.py:" in said.err
    monkeypatch.setenv(failing.TRACEBACK, "1")
    assert cli.main(["schema"]) == 1


def test_ctrl_c(townlet: Townlet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("townlet.commands.config.schema.main", interrupted)
    assert townlet("schema") == (130, "", "Interrupted.\n")
    monkeypatch.setattr("townlet.commands.capture.capture.capture", interrupted)
    said = townlet("capture", "kitchen_breakfast", "--output", tmp_path / "out")
    assert said.code == 130
    assert said.err == "Interrupted. Finished runs are kept. Run the same command to continue.\n"


def test_help_is_quick_and_a_closed_pipe_is_no_error() -> None:
    """As typed, in a process of its own. The quickest of three: the machine may be busy."""
    times = []
    for _ in range(3):
        started = time.process_time(), time.perf_counter()
        run = subprocess.run(
            [sys.executable, "-m", "townlet.cli", "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        times.append(time.perf_counter() - started[1])
        assert run.returncode == 0
    assert min(times) < 0.5
    script = f"{sys.executable} -m townlet.cli schema | true; exit ${{PIPESTATUS[0]}}"
    closed = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert closed.returncode == 0
    assert closed.stderr == ""
