"""Streams that are closed, full, not read, or ASCII: as typed, in processes of their own."""

from __future__ import annotations

import json
import os
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


def test_closed_streams_do_not_matter(typed, tmp_path: Path) -> None:
    """The work is done, the exit code says so, and no file of the output gets what would have been printed."""
    assert typed(f"{CAPTURE} <&- >&- 2>&-") == (0, "", "")
    said = typed("townlet verify out --replay 2>&-")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("out: ok, 1 capture, replayed")
    assert typed("townlet verify out >&-").code == 0
    (tmp_path / "out" / "rollout_sample_alice_001.npz").write_bytes(b"")
    assert typed("townlet verify out >&- 2>&-") == (1, "", "")
    assert typed("townlet capture nothing --output x >&-").err.startswith("error: nothing: ")


@pytest.mark.parametrize("streams", ["| true", "2>&1 | true", "2> >(true) | true"])
def test_a_reader_that_leaves_changes_no_exit_code(typed, streams: str) -> None:
    for line, code in (("townlet schema", 0), ("townlet capture nothing --output x", 2)):
        said = typed(f"{line} {streams}; exit ${{PIPESTATUS[0]}}")
        assert said.code == code, line


def test_a_capture_goes_on_where_nobody_reads(typed, tmp_path: Path) -> None:
    assert typed(f"{CAPTURE} --check 2>&1 | true; exit ${{PIPESTATUS[0]}}").code == 0
    assert (tmp_path / "out" / "rollout_sample_alice_001.npz").is_file()


def test_a_full_disk_is_one_line(typed) -> None:
    assert typed("townlet schema >/dev/full") == (1, "", f"error: {FULL}\n")
    assert typed("townlet --version >/dev/full") == (1, "", f"error: {FULL}\n")
    said = typed("townlet capture nothing --output x >/dev/full")
    assert said.code == 2 and FULL not in said.err
    assert typed("townlet actions kitchen_breakfast 2>/dev/full").code == 0


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["ascii", "C"],
)
def test_characters_that_a_stream_lacks_are_replaced(typed, tmp_path: Path, environment: dict) -> None:
    (tmp_path / "café").mkdir()
    said = typed("townlet verify café", **environment)
    assert said.code == 2
    assert said.err.startswith("error: ") and "caf?" in said.err
    (tmp_path / "bad.yaml").write_text("config_id: 'ä'\nrivlary: ü\n", encoding="utf-8")
    said = typed("townlet validate bad.yaml --json", **environment)
    assert said.code == 2
    assert json.loads(said.out)[0]["problems"][0]["file"] == "bad.yaml"


@pytest.mark.campaign
def test_plus_or_minus_in_ascii(typed) -> None:
    assert typed(f"{CAPTURE} --seeds 0..1").code == 0
    said = typed("townlet inspect out", PYTHONIOENCODING="ascii")
    assert (said.code, said.err) == (0, "")
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
