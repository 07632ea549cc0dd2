"""One writer at a time: the second says who the first is, and a dead one is in nobody's way."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from townlet.dataset.store import lock as lock_module
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.lock import output_lock
from townlet.errors import OutputError

HOLD = """
import sys
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.lock import output_lock
with output_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def held_by_another(output: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(output)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_the_second_writer_is_told_who_holds_it(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with held_by_another(output) as holder:
        with pytest.raises(OutputError) as caught, output_lock(output):
            pass
        message = str(caught.value)
        assert f"{output}: process {holder.pid} on {socket.gethostname()} (since 20" in message
        assert "is writing here; wait until it is done, or choose another output folder" in message
        with output_lock(tmp_path / "other"):
            pass


def test_a_killed_holder_frees_it(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with held_by_another(output) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        assert (tmp_path / ".out.lock").exists()
        with output_lock(output):
            pass
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with output_lock(tmp_path / "deep" / "out"):
        assert [path.name for path in (tmp_path / "deep").iterdir()] == [".out.lock"]
    assert list((tmp_path / "deep").iterdir()) == []
    with contextlib.suppress(ZeroDivisionError), output_lock(tmp_path / "out"):
        raise ZeroDivisionError
    with output_lock(tmp_path / "out"):
        pass


def test_the_lock_is_the_folder_s_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with output_lock(tmp_path / "link"), pytest.raises(OutputError), output_lock(f"{tmp_path}/x/../out/"):
        pass


def test_a_lock_file_of_nonsense(tmp_path: Path) -> None:
    with output_lock(tmp_path / "out"):
        (tmp_path / ".out.lock").write_text("nonsense")
        with (
            pytest.raises(OutputError, match="another capture is writing here"),
            output_lock(tmp_path / "out"),
        ):
            pass


def test_a_holder_that_removes_its_lock_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our opening the file and our locking it: the lock of a file that is gone protects nothing."""
    path, real = tmp_path / ".out.lock", lock_module.fcntl.flock
    removed = []

    def flock(descriptor: int, operation: int) -> None:
        if not removed:
            removed.append(1)
            path.unlink()
        real(descriptor, operation)

    monkeypatch.setattr(lock_module.fcntl, "flock", flock)
    with output_lock(tmp_path / "out"):
        assert path.read_text().startswith('{"host"')


def test_without_a_place_for_it_there_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os, "open", refuse)
    with output_lock(tmp_path / "out"):
        pass


def test_on_a_full_disk_it_is_held_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with (
        output_lock(tmp_path / "out"),
        pytest.raises(OutputError, match="another capture is writing here"),
        output_lock(tmp_path / "out"),
    ):
        pass


def test_a_file_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with (
        pytest.raises(OutputError, match="expected a folder for the output, found a file"),
        output_lock(tmp_path / "out"),
    ):
        pass
    with (
        pytest.raises(OutputError, match="choose another output folder"),
        output_lock(tmp_path / "out" / "deep"),
    ):
        pass
    assert (tmp_path / "out").read_text() == "mine"


WAIT = """
import sys
from townlet.dataset.store.folders import locked_folder
print("asks", flush=True)
with locked_folder(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_waited_for_and_a_killed_holder_frees_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WAIT, str(tmp_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        said: queue.Queue[tuple[int, str]] = queue.Queue()
        for process in (first, second):
            assert process.stdout is not None
            threading.Thread(target=lambda p=process: [said.put((p.pid, line)) for line in p.stdout]).start()
        told = [said.get(timeout=60) for _ in range(3)]
        assert [line for _, line in told].count("held\n") == 1
        with pytest.raises(queue.Empty):
            said.get(timeout=0.3)
        holder, waiting = (first, second) if (first.pid, "held\n") in told else (second, first)
        holder.kill()
        assert said.get(timeout=60) == (waiting.pid, "held\n")
        waiting.kill()


@pytest.mark.parametrize("content", [b"my notes", b'{"host": "h"}', b"{}", b"x" * 10_000])
def test_a_file_that_is_no_lock_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """It has the name of one, and that is all."""
    (tmp_path / ".out.lock").write_bytes(content)
    with (
        pytest.raises(
            OutputError, match=r"/\.out\.lock: the lock of out has this name, and what is there is not"
        ),
        output_lock(tmp_path / "out"),
    ):
        pass
    assert (tmp_path / ".out.lock").read_bytes() == content


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("elsewhere", path)])
def test_what_is_no_file_is_no_lock(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / ".out.lock")
    with pytest.raises(OutputError, match=r"/\.out\.lock") as error, output_lock(tmp_path / "out"):
        pass
    assert "circle" not in str(error.value)
    assert os.listdir(tmp_path) == [".out.lock"]


@pytest.mark.parametrize("left", [b"", b'{"host":"h","pid":1,"since":"2020-01-01T00:00:00+00:00"}\n'])
def test_what_a_dead_holder_has_left_is_taken_over(tmp_path: Path, left: bytes) -> None:
    (tmp_path / ".out.lock").write_bytes(left)
    with output_lock(tmp_path / "out"):
        assert f'"pid":{os.getpid()}' in (tmp_path / ".out.lock").read_text()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_a_umask_that_locks_out_ourselves_is_refused(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        if umask & 0o700:
            with (
                pytest.raises(OutputError, match=rf"the umask is 0{umask:o}: .* run `umask 022`"),
                output_lock(tmp_path / "out"),
            ):
                pass
        else:
            with output_lock(tmp_path / "out"):
                store = LocalStore(tmp_path / "out")
                store.write_whole("a/b", [b"1"])
                store.write_new("c", [b"1"])
            for name, rights in (("a", 0o777), ("a/b", 0o666), ("c", 0o666)):
                assert (tmp_path / "out" / name).stat().st_mode & 0o777 == rights & ~umask
    finally:
        os.umask(before)
    assert not (tmp_path / ".out.lock").exists()
