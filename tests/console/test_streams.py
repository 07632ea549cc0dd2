"""Streams that are closed, full, not read, or ASCII: as typed, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FULL = "cannot write to standard output: No space left on device"


class Typed(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def typed(tmp_path: Path):
    """Run a line of Bash in an empty folder; `townlet` is the command."""

    def run(line: str, **environment: str) -> Typed:
        script = f'townlet() {{ "{sys.executable}" -P -m townlet "$@"; }}; {line}'
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        out, err = ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace")
        assert "Traceback" not in err and "Exception ignored" not in err, err
        return Typed(ran.returncode, out, err)

    return run


CAPTURE = "townlet capture kitchen_breakfast --ticks 3 --output out"


@pytest.mark.campaign
def test_closed_streams_do_not_matter(typed, tmp_path: Path) -> None:
    """The work is done, the exit code says so, and no file of the output gets what would have been printed."""
    assert typed(f"{CAPTURE} <&- >&- 2>&-") == (0, "", "")
    (tmp_path / "out" / "rollout_sample_alice_001.npz").write_bytes(b"")
    assert typed("townlet verify out >&- 2>&-") == (1, "", "")


@pytest.mark.parametrize(
    "streams",
    [
        "2>&1 | true",
        pytest.param("| true", marks=pytest.mark.campaign),
        pytest.param("2> >(true) | true", marks=pytest.mark.campaign),
    ],
)
def test_a_reader_that_leaves_changes_no_exit_code(typed, streams: str) -> None:
    for line, code in (("townlet schema", 0), ("townlet capture nothing --output x", 2)):
        said = typed(f"{line} {streams}; exit ${{PIPESTATUS[0]}}")
        assert said.code == code, line


@pytest.mark.campaign
def test_a_capture_goes_on_where_nobody_reads(typed, tmp_path: Path) -> None:
    assert typed(f"{CAPTURE} --check 2>&1 | true; exit ${{PIPESTATUS[0]}}").code == 0
    assert (tmp_path / "out" / "rollout_sample_alice_001.npz").is_file()


@pytest.mark.campaign
def test_a_full_disk_is_one_line(typed) -> None:
    """An error where the output is all that was asked for, a note where the work is done."""
    assert typed("townlet schema >/dev/full") == (1, "", f"error: {FULL}\n")
    said = typed("townlet validate kitchen_breakfast >/dev/full")
    assert said.code == 0 and said.err.splitlines()[-1] == f"note: {FULL}"
    assert typed("townlet actions kitchen_breakfast 2>/dev/full").code == 0


def test_a_terminal_that_is_closed_is_a_reader_that_has_left(typed) -> None:
    """As where a command goes on in the background, under nohup: the system answers EIO."""
    code = (
        "import os, pty, sys; master, terminal = pty.openpty(); os.close(master); os.dup2(terminal, 1)\n"
        "from townlet.__main__ import run; sys.argv[1:] = ['schema']; sys.exit(run())"
    )
    assert typed(f'"{sys.executable}" -c "{code}"') == (0, "", "")


@pytest.mark.campaign
def test_a_pipe_that_does_not_block_loses_nothing(typed, tmp_path: Path) -> None:
    whole = typed("townlet schema").out
    code = "import fcntl, os; fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK)"
    slow = "sleep 0.5; cat"
    assert (
        typed(f'("{sys.executable}" -c "{code}"; townlet schema) | ({slow})'.replace('\\"', '"')).out == whole
    )


# What is typed, each after `capture data` and `capture other`, and whether the output is all that is asked for.
TYPED = {
    "capture": "townlet capture kitchen_breakfast --ticks 3 --seeds 0..1 --output NEW",
    "capture --json": "townlet capture kitchen_breakfast --ticks 3 --output NEW --json",
    "capture two workers": "townlet capture kitchen_breakfast --ticks 3 --seeds 0..1 --output NEW --workers 2",
    "capture a mistake": "townlet capture nothing --output NEW",
    "plan": "townlet plan kitchen_breakfast --output NEW",
    "regenerate": "townlet regenerate kitchen_breakfast --ticks 3 --output NEW",
    "regenerate --dry-run": "townlet regenerate kitchen_breakfast --ticks 3 --output NEW --dry-run",
    "golden": "townlet golden kitchen_breakfast --ticks 3 --golden NEW.json",
    "warm": "townlet warm",
    "inspect": "townlet inspect data",
    "verify": "townlet verify data",
    "verify --replay": "townlet verify data --replay",
    "verify damage": "townlet verify damaged",
    "diff": "townlet diff data other",
    "gc": "townlet gc data",
    "export": "townlet export data --to parquet --output NEW",
    "validate": "townlet validate kitchen_breakfast",
    "validate a mistake": "townlet validate bad.yaml",
    "actions": "townlet actions kitchen_breakfast",
    "evaluate": "townlet evaluate kitchen_breakfast --seeds 0 --ticks 3",
    "schema": "townlet schema",
    "version": "townlet --version",
    "help": "townlet verify --help",
    "no command": "townlet cpature",
}
PRINTED = {
    "capture --json", "plan", "regenerate --dry-run", "inspect", "actions", "evaluate", "schema",
    "version", "help",
}  # fmt: skip
STREAMS = {
    "input closed": "<&-",
    "output closed": ">&-",
    "error closed": "2>&-",
    "all closed": "<&- >&- 2>&-",
    "output full": ">/dev/full",
    "error full": "2>/dev/full",
    "both full": ">/dev/full 2>&1",
    "nobody reads": "| true",
    "nobody reads errors": "2> >(true)",
    "nobody reads anything": "2>&1 | true",
    "one line is read": "| head -1 >/dev/null",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with captures: data, other, and a damaged one; and a config with a mistake."""
    from townlet.cli import main

    folder = tmp_path_factory.mktemp("prepared")
    for name, seed in (("data", "0"), ("other", "1"), ("damaged", "0")):
        words = ["capture", "kitchen_breakfast", "--ticks", "3", "--seed", seed, "--quiet"]
        assert main([*words, "--output", str(folder / name)]) == 0
    (folder / "damaged" / "rollout_sample_alice_001.npz").write_bytes(b"")
    (folder / "bad.yaml").write_text("rivlary: 1\n")
    return folder


@pytest.mark.campaign
@pytest.mark.parametrize("command", TYPED)
def test_every_stream_of_every_command(typed, tmp_path: Path, prepared: Path, command: str) -> None:
    """The exit code and what is written are those of the work, whatever becomes of what is printed."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    true = typed(TYPED[command].replace("NEW", "new"))
    written = files_of(tmp_path, "new")
    for number, (name, streams) in enumerate(STREAMS.items()):
        said = typed(f"{TYPED[command].replace('NEW', f'new{number}')} {streams}; exit ${{PIPESTATUS[0]}}")
        lost = command in PRINTED and name in ("output full", "both full")
        assert said.code == (1 if lost else true.code), (name, said)
        assert files_of(tmp_path, f"new{number}") == written, name


def files_of(folder: Path, name: str) -> list[str]:
    """The files of an output, by their paths in it; temporary files of anybody count."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(path.removeprefix(name) for path in found if re.match(rf"\.?{name}\b", path))


@pytest.mark.campaign
@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["ascii", "C"],
)
def test_characters_that_a_stream_lacks_are_replaced(typed, tmp_path: Path, environment: dict) -> None:
    (tmp_path / "café").mkdir()
    said = typed("townlet verify café", **environment)
    assert said.code == 2
    assert said.err.startswith("error: ") and ("caf?" in said.err or r"caf\xc3\xa9" in said.err)
    (tmp_path / "bad.yaml").write_text("config_id: 'ä'\nrivlary: ü\n", encoding="utf-8")
    said = typed("townlet validate bad.yaml --json", **environment)
    assert said.code == 2
    assert json.loads(said.out)[0]["problems"][0]["file"] == "bad.yaml"


@pytest.mark.campaign
def test_plus_or_minus_in_ascii(typed) -> None:
    assert typed(f"{CAPTURE} --seeds 0..1").code == 0
    said = typed("townlet inspect out", PYTHONIOENCODING="ascii")
    assert (said.code, said.err) == (
        0,
        "warning: kitchen_breakfast: 2 seeds, 1 distinct: the others are copies\nnext: townlet report out\n",
    )
    assert " ? 0 " in said.out
    assert " ± 0 " in typed("townlet inspect out").out


def test_json_loses_no_character(typed, tmp_path: Path) -> None:
    (tmp_path / "ü.yaml").write_text("config_id: x\nrivlary: 1\n")
    plain = typed("townlet validate ü.yaml --json")
    ascii_only = typed("townlet validate ü.yaml --json", PYTHONIOENCODING="ascii")
    assert "ü.yaml" in plain.out and ascii_only.out.isascii()
    assert json.loads(plain.out) == json.loads(ascii_only.out)


def test_a_working_folder_that_is_gone(typed, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    said = typed("cd gone; rmdir ../gone; townlet validate x; echo $?; townlet --version")
    assert said.out.splitlines()[0] == "2"
    assert said.err.startswith("error: the working folder cannot be used (")


@pytest.mark.campaign
def test_a_working_folder_that_is_gone_for_every_command(typed, tmp_path: Path) -> None:
    from townlet.cli import COMMANDS

    (tmp_path / "gone").mkdir()
    loop = 'for name in "$@"; do townlet $name x; echo $?; townlet $name --help | head -1; done'
    said = typed(f"cd gone; rmdir ../gone; set -- {' '.join(COMMANDS)}; {loop}; townlet --version")
    lines = said.out.splitlines()
    assert lines[:-1:2] == ["2"] * len(COMMANDS)
    assert [line.split()[:3] for line in lines[1:-1:2]] == [["usage:", "townlet", name] for name in COMMANDS]
    assert lines[-1].startswith("townlet ")
    errors = said.err.splitlines()
    assert len(errors) == len(COMMANDS)
    assert all(line.startswith("error: the working folder cannot be used (") for line in errors)


def test_python_dash_m(typed) -> None:
    assert typed("townlet --version").out == typed(f'"{sys.executable}" -P -m townlet.cli --version').out
