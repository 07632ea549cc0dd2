"""Temporary folders: private, removed, and swept up only where they are ours and nobody's any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from townlet.console import scratch
from townlet.console.scratch import MARK, scratch_folder
from townlet.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_private_and_removed(place: Path) -> None:
    with scratch_folder() as folder:
        assert Path(folder).parent == place
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        Path(folder, "inner").mkdir()
        with scratch_folder() as other:  # of the same process: it does not take the first for left
            assert Path(folder, MARK).exists() and other != folder
    assert list(place.iterdir()) == []


@pytest.fixture
def killed(place: Path) -> Iterator[Path]:
    """The folder of a process that was killed."""
    code = (
        "import os, signal; from townlet.console.scratch import scratch_folder\n"
        "with scratch_folder() as folder: print(folder, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    yield Path(ran.stdout.strip())


def test_what_was_left_by_one_who_was_killed_goes(killed: Path) -> None:
    assert killed.is_dir()
    with scratch_folder():
        assert not killed.exists()


def test_what_is_not_ours_stays(killed: Path, place: Path) -> None:
    elsewhere = place / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / MARK).touch()
    (place / "townlet-link").symlink_to(elsewhere)
    for name, mode in (("townlet-users", 0o700), ("townlet-open", 0o777), ("townlet-marked-by-link", 0o700)):
        (place / name).mkdir()
        (place / name).chmod(mode)
        (place / name / "thesis.tex").write_text("x")
    (place / "townlet-open" / MARK).touch()
    (place / "townlet-marked-by-link" / MARK).symlink_to(elsewhere / MARK)
    (place / "townlet-file").write_text("x")
    before = {path.name for path in place.iterdir()}
    with scratch_folder():
        pass
    assert before - {path.name for path in place.iterdir()} == {killed.name}
    assert (elsewhere / MARK).exists()


def test_the_path_of_a_socket_is_short_enough(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = place / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with scratch_folder(short=True) as folder:
        assert len(f"{folder}/socket") < 100
        assert Path(folder).parent in map(Path, scratch.PLACES)
    with scratch_folder() as folder:
        assert Path(folder).parent == deep


def test_no_place_for_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place / "missing"))
    expected = r"^no temporary folder can be made \(No such file or directory\); set TMPDIR"
    with pytest.raises(UserError, match=expected), scratch_folder():
        pass
