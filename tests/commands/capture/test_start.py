"""Whether a command compiles first, plays in plain Python, or just goes on; and that it makes no difference."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from townlet.commands.capture import start as starting
from townlet.compiler import store
from townlet.console.interpreted import SWITCH
from townlet.errors import ConfigError, UserError
from townlet.planning.plan import Request

ROOT = Path(__file__).resolve().parents[3]
SMALL = Request(("kitchen_breakfast",), ticks=200)
LARGE = Request(("kitchen_breakfast",), ticks=20_000)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was done, where nothing is compiled and somebody typed the command."""
    found: list[str] = []
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(starting, "can_interpret", lambda: True)
    monkeypatch.setattr(starting, "run_interpreted", lambda: found.append("interpreted") or 7)
    monkeypatch.setattr(starting, "warm_if_possible", lambda *, quiet: found.append("compiled"))
    return found


def test_little_is_played_interpreted(done: list[str]) -> None:
    assert starting.start(SMALL, quiet=False) == 7
    assert done == ["interpreted"]


def test_much_is_compiled_first(done: list[str]) -> None:
    assert starting.start(LARGE, quiet=False) is None
    assert done == ["compiled"]


def test_what_a_program_calls_is_compiled(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "can_interpret", lambda: False)
    assert starting.start(SMALL, quiet=False) is None
    assert done == ["compiled"]


@pytest.mark.parametrize("request_", [SMALL, LARGE], ids=["small", "large"])
def test_what_is_compiled_is_used(done: list[str], request_: Request) -> None:
    store.mark_complete()
    assert starting.start(request_, quiet=False) is None
    assert done == []


def test_the_switch_is_obeyed(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    assert starting.start(LARGE, quiet=False) is None
    assert done == []


def test_mistakes_are_said_before_anything_is_compiled(done: list[str], tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("no: such\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        starting.start(Request((str(tmp_path / "wrong.yaml"),)), quiet=False)
    with pytest.raises(UserError, match="--ticks"):
        starting.start(Request(("kitchen_breakfast",), ticks=-1), quiet=False)
    assert done == []


def test_how_to_compile_is_said_once(
    done: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(starting, "run_interpreted", lambda: 0)
    said = []
    for _ in range(4):
        starting.start(SMALL, quiet=False)
        said.append(capsys.readouterr().err)
    assert said == ["", starting.HINT + "\n", "", ""]


def townlet(cache: Path, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment |= {store.CACHE_VARIABLE: str(cache), "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-P", "-m", "townlet.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cache, check=False)


def written(folder: Path) -> dict[str, bytes]:
    """All files but the log, which has times in it."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "capture_log.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.campaign
def test_an_interpreted_capture_is_a_compiled_one(tmp_path: Path) -> None:
    """Same files, same output, and nothing compiled on the way."""
    from townlet.commands.capture.capture import main

    empty, words = tmp_path / "cache", ("kitchen_breakfast", "--ticks", "60")
    empty.mkdir()
    done = townlet(empty, "capture", *words, "--output", tmp_path / "one")
    assert done.returncode == 0, done.stderr
    assert "rollout_sample_alice_001.npz" in done.stdout
    assert not [path for path in empty.rglob("*") if path.suffix in (".entry", ".unit")]
    assert main([*words, "--output", str(tmp_path / "other"), "--quiet"]) == 0
    assert written(tmp_path / "one") == written(tmp_path / "other")
    replayed = townlet(empty, "verify", tmp_path / "one", "--replay")
    assert "replayed bit for bit: 120 timesteps" in replayed.stdout
    assert not [path for path in empty.rglob("*") if path.suffix in (".entry", ".unit")]


@pytest.mark.campaign
def test_an_interpreted_command_that_fails_says_so_as_ever(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("somebody's")
    done = townlet(
        tmp_path, "capture", "kitchen_breakfast", "--ticks", "2", "--output", tmp_path / "README.md"
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_warm_refuses_where_nothing_is_compiled(tmp_path: Path) -> None:
    done = townlet(tmp_path, "warm", **{SWITCH: "1"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {SWITCH} is set: with it nothing is compiled; unset it\n"


def test_warm_says_what_it_did(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from townlet.commands.capture.warm import main

    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(SWITCH, raising=False)
    store.mark_complete()
    place = store.place()
    assert place is not None and place.path.parent == tmp_path
    assert main([]) == 0
    assert capsys.readouterr().out == f"compiled already: {place.path}\n"
    assert main(["--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_warm_fails_where_nothing_can_be_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder for this process alone is of no use to a command that only prepares for others."""
    from townlet.commands.capture.warm import main
    from townlet.compiler.warmup import CompileError

    nobody_can_write_there(monkeypatch, tmp_path)
    with pytest.raises(
        CompileError, match=r"compiled code is kept nowhere: TOWNLET_CACHE_DIR: .*: Not a directory; "
    ):
        main([])
    assert capsys.readouterr() == ("", "")


def test_why_a_wanted_folder_is_not_used_is_said_unless_quiet(
    done: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where everything is compiled already, elsewhere."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv(store.CACHE_VARIABLE, str(shared))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    store.mark_complete()
    assert starting.start(SMALL, quiet=True) is None
    assert capsys.readouterr().err == ""
    assert starting.start(SMALL, quiet=False) is None
    assert capsys.readouterr().err == (
        f"note: compiled code is kept in {tmp_path / 'home' / 'townlet'}: TOWNLET_CACHE_DIR: {shared} can be written "
        "to by others (mode 777; chmod go-w makes it yours alone)\n"
    )
    assert not list(shared.iterdir())


def nobody_can_write_there(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """All places are below a file."""
    (folder / "file").touch()
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setenv(store.CACHE_VARIABLE, str(folder / "file" / "chosen"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "file" / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "file" / "temporary"))
