"""Who writes to an output, as its readers are told: from a lock that is held, and from nothing else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from townlet.dataset.store.beside import lock_of
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.writer import writer_of

ROOT = Path(__file__).resolve().parents[3]
HOLD = (
    "import sys; from townlet.dataset.store.lock import output_lock\n"
    "with output_lock(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
)


def test_another_process(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "out")
    assert writer_of(store) == ""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        said = writer_of(store)
        assert said.startswith(f"process {holder.pid} on {socket.gethostname()} (since 2")
        with output_lock(tmp_path / "other"):
            assert writer_of(LocalStore(tmp_path / "other")) == "", "this process knows of itself"
        holder.kill()  # its lock file stays
    assert (tmp_path / ".out.lock").exists() and writer_of(store) == ""


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b'{"host": 1, "pid": 2, "since": ""}', b'{"host": "h", "pid": -1}', b"\xff" * 9000],
    ids=["empty", "cut short", "a list", "other types", "a key too few", "no text"],
)
def test_a_lock_that_says_nothing(tmp_path: Path, text: bytes) -> None:
    (tmp_path / ".out.lock").write_bytes(text)
    assert writer_of(LocalStore(tmp_path / "out")) == ""


def test_a_holder_elsewhere_and_one_that_is_gone(tmp_path: Path) -> None:
    said = '{"host": "%s", "pid": %d, "since": "noon\\u001b[31m"}'
    (tmp_path / ".out.lock").write_text(said % ("node-7", 12))
    assert writer_of(LocalStore(tmp_path / "out")) == r"process 12 on node-7 (since noon\x1b[31m)"
    for process in (2**22 + 1, 2**70, -1):
        (tmp_path / ".out.lock").write_text(said % (socket.gethostname(), process))
        assert writer_of(LocalStore(tmp_path / "out")) == ""


def test_what_is_no_lock_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".out.lock")
    assert writer_of(LocalStore(tmp_path / "out")) == ""
    (tmp_path / ".out.lock").unlink()
    (tmp_path / "elsewhere").write_text('{"host": "h", "pid": 1, "since": ""}')
    (tmp_path / ".out.lock").symlink_to(tmp_path / "elsewhere")
    assert writer_of(LocalStore(tmp_path / "out")) == ""


def test_an_output_with_a_name_that_leaves_no_room_for_a_lock(tmp_path: Path) -> None:
    folder = tmp_path / ("n" * 255)
    lock_of(folder).write_text('{"host": "node-7", "pid": 12, "since": "noon"}')
    assert writer_of(LocalStore(folder)) == "process 12 on node-7 (since noon)"
