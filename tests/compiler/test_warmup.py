"""Compiling in advance: once, by one of those who want it, with a bar; and then everything is there."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from townlet.compiler import places, store, warmup

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


@pytest.mark.campaign
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
    kept = [code for path in found if (code := store._decoded(path.name, path.read_bytes()))]
    assert len(kept) == len(found)
    assert all(code.symbol.encode() in code.object_file for code in kept)
    assert {name for code in kept for name in code.needs} <= {path.name for path in found}


def test_the_program_that_compiles_gets_a_folder_of_this_process_alone(
    log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no other can be trusted; and so do workers. What prepares for others fails instead."""
    for name in ("cache", "home"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name).chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"townlet-{os.geteuid()}").symlink_to(tmp_path / "home")
    monkeypatch.setattr(places, "_private", None)
    with pytest.raises(
        warmup.CompileError, match=r"compiled code is kept nowhere: TOWNLET_CACHE_DIR: .*cache can be"
    ):
        warmup.warm(quiet=True, lasting=True)
    assert not log.exists()
    warmup.warm(quiet=False)
    assert "note: compiled code is kept in a new folder, until this command ends: " in capsys.readouterr().err
    assert store.is_complete()
    given = store.environment_of_workers()[store.CACHE_VARIABLE]
    assert Path(given).parent == tmp_path and (Path(given) / places.IN_USE).exists()
    monkeypatch.setenv(store.CACHE_VARIABLE, given)
    monkeypatch.setattr(places, "_private", None)
    assert store.is_complete(), "a worker finds it by its environment"
    assert [path.name for path in (tmp_path / "home").iterdir()] == []
    places._remove(given, os.getpid())
