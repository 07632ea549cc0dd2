"""What is said on standard error, and with which exit code: a line for a user's mistake, a hint for a defect."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from townlet.console.entry_point import Terminated
from townlet.console.errors import (
    MEMORY_RAN_OUT,
    TOO_MANY_FILES,
    TRACEBACK,
    check_working_folder,
    finished_runs_are_kept,
    report,
)
from townlet.console.limits import NO_THREAD, TOO_FEW_THREADS
from townlet.errors import ConfigError, CorruptSampleError, Problem, UserError

WRONG = Problem("town.yaml", 3, 7, "world.walls[0]", "expected a tile, got 'x'")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UserError("--ticks: expected a number"), 2, "error: --ticks: expected a number\n"),
        (ConfigError([WRONG]), 2, "error: town.yaml:3:7: world.walls[0]: expected a tile, got 'x'\n"),
        (CorruptSampleError("a.npz: cut short"), 1, "error: a.npz: cut short\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (RuntimeError(NO_THREAD), 1, f"error: {TOO_FEW_THREADS}\n"),
        (BlockingIOError(errno.EAGAIN, "no process"), 1, f"error: {TOO_FEW_THREADS}\n"),
        (OSError(errno.EMFILE, "x"), 1, f"error: {TOO_MANY_FILES}\n"),
        (OSError(errno.ENFILE, "x"), 1, f"error: {TOO_MANY_FILES}\n"),
        (MemoryError(), 1, f"error: {MEMORY_RAN_OUT}\n"),
    ],
)
def test_what_is_said(capsys: pytest.CaptureFixture[str], error: BaseException, code: int, text: str) -> None:
    assert report(error) == code
    assert capsys.readouterr() == ("", text)


def test_a_defect_says_where_it_is_and_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ZeroDivisionError("no such share")
    except ZeroDivisionError as error:
        assert report(error) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ZeroDivisionError: no such share (") and "test_errors.py:" in first
    assert f"{TRACEBACK}=1" in second


def test_a_traceback_is_shown_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRACEBACK, "1")
    assert report(UserError("no")) == 2
    assert capsys.readouterr().err.endswith("townlet.errors.UserError: no\nerror: no\n")


def test_who_interrupts_what_can_be_continued_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt) as raised, finished_runs_are_kept():
        raise KeyboardInterrupt
    assert report(raised.value) == 130
    assert capsys.readouterr().err == (
        "Interrupted. Finished runs are kept. Run the same command to continue.\n"
    )


def test_other_errors_pass_through_unchanged() -> None:
    with pytest.raises(UserError, match=r"^no$"), finished_runs_are_kept():
        raise UserError("no")


def test_signals_have_the_exit_code_that_a_shell_gives_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(Terminated(15)) == 143
    assert capsys.readouterr().err.startswith("Ended by SIGTERM.")


def test_a_removed_working_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    check_working_folder()
    os.rmdir(gone)
    with pytest.raises(UserError, match=r"the working folder cannot be used .*cd"):
        check_working_folder()
    monkeypatch.chdir(tmp_path)
