"""Progress: what steps say is heard once, and shown in a line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from townlet.pipelines.progress import display as progress
from townlet.pipelines.progress.display import display
from townlet.pipelines.progress.reports import ProgressReporter, ReportReader

COSTS = {"hamlet seed 0": 300, "hamlet seed 1": 100}


def test_what_is_said_is_heard(tmp_path: Path) -> None:
    listener = ReportReader(str(tmp_path))
    first, second = ProgressReporter(str(tmp_path)), ProgressReporter(str(tmp_path))
    first.frames(100)
    second.frames(20)
    second.frames(3)
    first.run_ended("hamlet seed 0", played=True)
    second.run_ended("hamlet seed 1", played=False)
    second.run_ended("hamlet seed 1", played=False)  # a retry
    second.run_failed("hamlet seed 2", "why not")
    first.worker_started()
    tally = listener.poll()
    assert tally.frames == 123
    assert tally.runs == {"hamlet seed 0", "hamlet seed 1", "hamlet seed 2"}
    assert tally.reused == {"hamlet seed 1"}
    assert tally.failures == {"hamlet seed 2": "why not"}
    assert len(tally.workers) == 1
    assert tally.fatal is None
    second.fatal("the disk is full")
    assert listener.poll().fatal == "the disk is full"
    assert listener.poll().frames == 123


def test_half_a_line_waits(tmp_path: Path) -> None:
    listener = ReportReader(str(tmp_path))
    (tmp_path / "1-00000000").write_bytes(b'{"frames": 5}\n{"fra')
    assert listener.poll().frames == 5
    (tmp_path / "1-00000000").write_bytes(b'{"frames": 5}\n{"frames": 2}\n')
    assert listener.poll().frames == 7


def test_nobody_listens(tmp_path: Path) -> None:
    for folder in (None, str(tmp_path / "gone")):
        signals = ProgressReporter(folder)
        signals.frames(5)
        signals.run_ended("hamlet seed 0", played=True)
    assert ReportReader(str(tmp_path / "gone")).poll().frames == 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["plain", "live"])
def test_a_line_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setattr(progress, "PLAIN_INTERVAL_S", 0.0)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    listener, signals = ReportReader(str(tmp_path)), ProgressReporter(str(tmp_path))
    shown = display(COSTS, quiet=False, stream=stream)
    shown.show(listener.poll())
    signals.frames(250)
    signals.run_ended("hamlet seed 0", played=True)
    shown.show(listener.poll())
    signals.run_failed("hamlet seed 1", "no")
    shown.show(listener.poll())
    shown.close()
    text = stream.getvalue()
    assert "0 of 2 runs" in text
    assert "1 of 2 runs, 250 frames, " in text
    assert "0:00 left" in text
    assert "2 of 2 runs (1 failed), 250 frames, " in text
    assert "frames/s, publishing" in text


def test_quiet_says_nothing(tmp_path: Path) -> None:
    stream = Terminal()
    shown = display(COSTS, quiet=True, stream=stream)
    shown.show(ReportReader(str(tmp_path)).poll())
    shown.close()
    assert stream.getvalue() == ""


def test_plain_lines_come_now_and_then(tmp_path: Path) -> None:
    stream = io.StringIO()
    shown = display(COSTS, quiet=False, stream=stream)
    for _ in range(100):
        shown.show(ReportReader(str(tmp_path)).poll())
    assert stream.getvalue() == ""
