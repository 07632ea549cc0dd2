"""What surrounds a command's process: signals as interrupts, and nothing of that for those who call from Python."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

import pytest

from townlet.console import entry_point
from townlet.console.entry_point import Terminated, run_as_process
from townlet.console.errors import report


@pytest.fixture(autouse=True)
def default_signals(monkeypatch: pytest.MonkeyPatch):
    before = {
        name: signal.signal(getattr(signal, name), signal.SIG_DFL) for name in entry_point.ENDING_SIGNALS
    }
    monkeypatch.setattr(entry_point, "_owned", [])
    monkeypatch.setattr(entry_point, "pipeline_is_stuck", lambda: False)  # by a test of another file
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGXCPU", 152)])
def test_signals_end_a_command_as_ctrl_c_does(
    capfd: pytest.CaptureFixture[str], name: str, code: int
) -> None:
    def command() -> int:
        try:
            os.kill(os.getpid(), getattr(signal, name))
            signal.pause()
        except KeyboardInterrupt as error:
            assert isinstance(error, Terminated)
            return report(error)
        return 0

    assert run_as_process(command) == code
    assert capfd.readouterr() == ("", f"Ended by {name}.\n")
    assert signal.getsignal(getattr(signal, name)) is signal.SIG_DFL


def test_ctrl_c_is_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_as_process(lambda: interrupted(signal.SIGINT)) == 130
    assert capfd.readouterr() == ("", "Interrupted.\n")


def interrupted(*numbers: int) -> int:
    """A command that gets these signals: the first while it works, the others while it puts things right."""
    try:
        os.kill(os.getpid(), numbers[0])
        signal.pause()
    except KeyboardInterrupt as error:
        for number in numbers[1:]:
            os.kill(os.getpid(), number)
        return report(error)
    return 0


@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_second_signal_does_not_disturb_what_the_first_has_set_going(
    capfd: pytest.CaptureFixture[str], second: str
) -> None:
    number = getattr(signal, second)
    assert run_as_process(lambda: interrupted(signal.SIGTERM, number, number)) == 143
    assert capfd.readouterr() == ("", "Ended by SIGTERM.\n")


def test_a_second_signal_is_heard_where_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_point, "CLEANING_UP_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run_as_process(lambda: interrupted(signal.SIGTERM, signal.SIGINT))


def test_a_signal_that_somebody_elses_code_caught_is_raised_again() -> None:
    def command() -> int:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        with pytest.raises(Terminated, check=lambda error: error.name == "SIGTERM"):
            entry_point.raise_if_asked_to_end()
        return 5

    entry_point.raise_if_asked_to_end()
    assert run_as_process(command) == 5
    entry_point.raise_if_asked_to_end()


def test_a_signal_that_is_ignored_stays_ignored(capfd: pytest.CaptureFixture[str]) -> None:
    """As under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def command() -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 7

    assert run_as_process(command) == 7


def test_what_surrounds_a_command_is_put_back(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.stdin, sys.stdout, sys.stderr

    def command() -> int:
        assert entry_point.is_own_process()
        print("said")
        print("wrong", file=sys.stderr)
        return 3

    assert not entry_point.is_own_process()
    assert run_as_process(command) == 3
    assert (sys.stdin, sys.stdout, sys.stderr) == before
    assert capfd.readouterr() == ("said\n", "wrong\n")


def test_what_is_printed_stands_before_what_follows(capfd: pytest.CaptureFixture[str]) -> None:
    """Also what was in the buffer of the stream before."""
    assert run_as_process(lambda: print("first") or 0) == 0
    os.write(1, b"second\n")
    assert capfd.readouterr().out == "first\nsecond\n"
