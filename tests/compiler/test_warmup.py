"""Compiling in advance: once, by one of those who want it, with a bar; and then everything is there."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from townlet.compiler import store, warmup

pytestmark = pytest.mark.skipif(store.is_switched_off(), reason="nothing is compiled")
ROOT = Path(__file__).resolve().parents[2]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty store, and a compiler that pretends; it writes a line here each time."""
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("PRETEND", "work")
    monkeypatch.setenv("PRETEND_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(warmup, "PROGRAM", "tests.compiler.pretend")
    return tmp_path / "log"


def test_once_is_enough(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert warmup.warm(quiet=False) > 0.3
    assert store.is_complete()
    assert warmup.warm(quiet=False) < 0.3
    assert log.read_text() == "compiled\n"
    assert capsys.readouterr().err == f"{warmup.WHAT} ...\n"


def test_of_two_at_once_one_compiles_and_the_other_waits(log: Path) -> None:
    threads = [threading.Thread(target=warmup.warm, kwargs={"quiet": True}) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.read_text() == "compiled\n"


def test_failing_is_said_with_its_reason(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRETEND", "fail")
    with pytest.raises(warmup.CompileError, match=r"could not be compiled in advance \(no memory is left\)"):
        warmup.warm(quiet=True)
    capsys.readouterr()
    warmup.warm_if_possible(quiet=True)
    assert capsys.readouterr().err == ""
    warmup.warm_if_possible(quiet=False)
    assert "no memory is left); it is compiled while it is played" in capsys.readouterr().err


def test_a_bar_counts_kernels_on_a_terminal() -> None:
    stream = Terminal()
    with warmup._bar(False, stream) as bar:
        bar.show(7, 45)
    assert warmup.WHAT in stream.getvalue()
    assert "7/45" in stream.getvalue()


def test_lines_elsewhere_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    now = 100.0
    monkeypatch.setattr(warmup.time, "monotonic", lambda: now)
    with warmup._bar(False, stream) as bar:
        bar.show(1, 45)
        now += warmup.PLAIN_INTERVAL
        bar.show(7, 45)
        bar.show(8, 45)
    assert stream.getvalue() == f"{warmup.WHAT} ...\n7 of 45 kernels compiled\n"


def test_quiet_is_silent() -> None:
    stream = Terminal()
    with warmup._bar(True, stream) as bar:
        bar.show(7, 45)
    assert stream.getvalue() == ""


EVERYTHING = """
from dataclasses import replace
from townlet.compiler import kernels, warmup
warmup.warm(quiet=True)
def fail(what):
    raise AssertionError(f"not compiled in advance: {what.name}")
kernels.EntryPoint.compile = kernels.Unit.compile = fail
from townlet.planning.plan import Request, plan
from townlet.rollout.loop import SimulationLoop
from townlet.rollout.play import play
for name in ("kitchen_breakfast", "market_day", "hard_winter", "examples/town.yaml"):
    for policy in ("needs", "uniform"):
        run = next(plan(Request((name,), ticks=3, policy=policy)).playable())
        for _ in play(replace(run, check=True)):
            pass
        loop = SimulationLoop(name, policy=policy)
        loop.step()
        loop.step()
import sys
from townlet.commands.capture.capture import main as capture
from townlet.commands.data.verify import main as verify
capture(["kitchen_breakfast", "--ticks", "5", "--output", sys.argv[1], "--quiet"])
sys.exit(verify([sys.argv[1], "--replay", "--quiet"]))
"""


def test_everything_that_python_calls_is_compiled_in_advance(tmp_path: Path) -> None:
    """Captures, loops under each policy, and replays: with what `townlet warm` keeps, none compiles anything."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", EVERYTHING, str(tmp_path / "out")], capture_output=True, text=True, cwd=tmp_path,
        env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.campaign
@pytest.mark.parametrize("cores", ["1", "3"])
def test_a_cold_compile(tmp_path: Path, cores: str) -> None:
    """By one process or several, the same files."""
    environment = {**os.environ, store.CACHE_VARIABLE: str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", warmup.PROGRAM, cores], capture_output=True, cwd=tmp_path, env=environment,
        check=True,
    )  # fmt: skip
    assert done.stdout.count(b"+") == done.stdout.count(b"-") > 40
    found = [path for path in tmp_path.rglob("*.*") if path.suffix in (".entry", ".unit")]
    assert len(found) == done.stdout.count(b"+")
    kept = [pickle.loads(path.read_bytes()) for path in found]
    assert all(code.symbol.encode() in code.object_file for code in kept)
    assert {name for code in kept for name in code.needs} <= {path.name for path in found}
