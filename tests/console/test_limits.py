"""Limits of the system, looked at before work is begun: too low is one sentence with the number that is needed."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading

import pytest

from townlet.console import limits
from townlet.console.limits import LimitTooLow, check_memory, check_open_files, check_threads

MB = limits.MB


def limited(monkeypatch: pytest.MonkeyPatch, **given: int) -> None:
    """Let the system say that these are the limits, and no other."""

    def getrlimit(which: int) -> tuple[int, int]:
        found = [number for name, number in given.items() if getattr(resource, name) == which]
        return (found[0], found[0]) if found else (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    monkeypatch.setattr(limits.resource, "getrlimit", getrlimit)


def test_without_limits_everything_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch)
    check_memory(1 << 60, "this", whole=1 << 60)
    check_open_files(1 << 60, "this")
    check_threads(3)
    assert not limits.is_address_space_limited()


@pytest.mark.parametrize(("name", "typed"), [("RLIMIT_AS", "ulimit -v"), ("RLIMIT_DATA", "ulimit -d")])
def test_memory(monkeypatch: pytest.MonkeyPatch, name: str, typed: str) -> None:
    monkeypatch.setattr(limits, "_mapped", lambda field: 400 * MB)
    limited(monkeypatch, **{name: 1000 * MB})
    check_memory(600 * MB, "this", whole=1000 * MB)
    expected = rf"limit on memory \({typed} 1024000\) is too low: this needs {typed} 1126400 or more"
    for more, whole in ((601 * MB, 0), (0, 1001 * MB)):
        with pytest.raises(LimitTooLow, match=expected):
            check_memory(more, "this", whole=whole)


def test_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_open_files", lambda: 10)
    limited(monkeypatch, RLIMIT_NOFILE=32)
    check_open_files(22, "this")
    with pytest.raises(
        LimitTooLow, match=r"\(ulimit -n 32\) is too low: this needs ulimit -n 33 or more; raise it"
    ):
        check_open_files(23, "this")


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count()
    start, started = threading.Thread.start, []

    def only_three(thread: threading.Thread) -> None:
        if len(started) == 3:
            raise RuntimeError(limits.NO_THREAD)
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", only_three)
    check_threads(3)
    started.clear()
    with pytest.raises(LimitTooLow, match=r"no more threads or processes may be started: .*ulimit -u"):
        check_threads(4)
    assert threading.active_count() == before


COUNT = "import numpy, os; print(len(os.listdir('/proc/self/task')) - 1)"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"OPENBLAS_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "0", "OMP_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "x"},
        {"OPENBLAS_NUM_THREADS": "99999999999999999999"},
    ],
    ids=str,
)
def test_as_many_threads_as_numpy_starts(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    """A process that is told to have few is not refused where only few are allowed."""
    for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    ran = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    assert limits.threads_of_numpy() == int(ran.stdout)


def test_what_the_process_has_is_known() -> None:
    assert limits._mapped("VmSize") > 10 * MB
    assert limits._open_files() >= 3
