"""Worker processes, Ctrl-C and sudden deaths: the command as typed, in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipelines import fakes
from tests.pipelines.listening import listening, sockets
from tests.pipelines.test_capture import files
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.dataset.checking.verify import verify
from townlet.pipelines.runners import processes
from townlet.pipelines.runners.errors import WorkerDied

Start = Callable[..., subprocess.Popen[str]]
TIMEOUT_S = 120  # seconds; a machine may be busy
MODES = {
    "in memory": [],
    "processes": ["--workers", "2", "--direct_running_mode", "multi_processing"],
    "threads": ["--workers", "2", "--direct_running_mode", "multi_threading"],
}
IN_PROCESSES = RunnerOptions(("--direct_running_mode=multi_processing",), workers=2, quiet=True)
# Longer than any test, in pieces that are soon there.
ENDLESS = ["capture", "small_town", "--seeds", "0..3", "--ticks", "500000", "--segment-ticks", "20"]


def wait_for_samples(process: subprocess.Popen[str], folder: Path) -> None:
    """Until something is staged."""
    end = time.monotonic() + TIMEOUT_S
    while not any(".npz" in path.name for path in folder.rglob("*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Process ids of the workers that live."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if b"townlet.pipelines.runners.local_worker" in words and str(process.pid).encode() in words:
            found.append(int(entry.name))
    return found


def until_gone(process: subprocess.Popen[str]) -> list[int]:
    """The workers that are left after a while."""
    end = time.monotonic() + TIMEOUT_S
    while workers_of(process) and time.monotonic() < end:
        time.sleep(0.05)
    return workers_of(process)


@pytest.mark.campaign
@pytest.mark.parametrize("mode", MODES)
def test_ctrl_c_is_answered_at_once(townlet: Start, tmp_path: Path, mode: str) -> None:
    process = townlet(*ENDLESS, *MODES[mode], "--output", tmp_path / "out")
    wait_for_samples(process, tmp_path)
    who = [process.pid, *workers_of(process)]
    assert len(who) == (3 if mode == "processes" else 1)
    assert not listening(*who), "a port that others reach"
    private = sockets(*who)
    assert bool(private) == (mode != "in memory")
    for path in private:
        assert Path(path).parent.stat().st_mode & 0o777 == 0o700, path
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process
    started = time.monotonic()
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130, err
    assert time.monotonic() - started < 20
    assert out == ""
    assert err.splitlines()[-1] == "Interrupted. Finished runs are kept. Run the same command to continue."
    assert "Traceback" not in err, err
    assert not until_gone(process)
    assert left(tmp_path) == []


def left(folder: Path) -> list[str]:
    """What is there beside the output: no lock, no temporary folder, whoever made it."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in (*folder.iterdir(), *(folder / "tmp").iterdir())
        if path.name not in ("out", "tmp")
    )


@pytest.mark.campaign
def test_a_terminal_that_is_closed_ends_a_capture_as_ctrl_c_does(townlet: Start, tmp_path: Path) -> None:
    process = townlet(*ENDLESS, "--output", tmp_path / "out")
    wait_for_samples(process, tmp_path)
    assert ended_by(process, "SIGHUP") == 129
    assert left(tmp_path) == []


def ended_by(process: subprocess.Popen[str], name: str) -> int:
    """Send a signal; returns the exit code."""
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert out == ""
    assert "Traceback" not in err, err
    assert (
        err.splitlines()[-1] == f"Ended by {name}. Finished runs are kept. Run the same command to continue."
    )
    return process.returncode


@pytest.mark.campaign
def test_nohup_is_respected(townlet: Start, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as a child inherits it
    try:
        process = townlet(*ENDLESS, "--output", tmp_path / "out")
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for_samples(process, tmp_path)
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None
    assert ended_by(process, "SIGTERM") == 143


@pytest.mark.campaign
def test_a_worker_that_dies_is_noticed(townlet: Start, tmp_path: Path) -> None:
    process = townlet(*ENDLESS, *MODES["processes"], "--output", tmp_path / "out")
    wait_for_samples(process, tmp_path)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    [line] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert line.startswith(
        "error: a worker process ended before its time: killed by SIGKILL, perhaps because memory ran out"
    )
    assert "Traceback" not in err, err
    assert not until_gone(process)


@pytest.mark.campaign
def test_workers_end_with_their_launcher(townlet: Start, tmp_path: Path) -> None:
    process = townlet(*ENDLESS, *MODES["processes"], "--output", tmp_path / "out")
    wait_for_samples(process, tmp_path)
    assert len(workers_of(process)) == 2
    process.kill()
    process.communicate(timeout=TIMEOUT_S)
    assert not until_gone(process)


@pytest.mark.campaign
def test_processes_and_surroundings_do_not_matter(townlet: Start, tmp_path: Path) -> None:
    words = ["capture", "kitchen_breakfast", "queue_conflict", "--seeds", "0..1", "--ticks", "10"]
    # Neither a proxy nor a module of the working folder's may come between launcher and workers.
    (tmp_path / "json.py").write_text("raise RuntimeError('shadowed')")
    around = {"http_proxy": "http://192.0.2.1:1", "no_proxy": ""}
    around |= {"PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "LC_ALL": "C"}
    compiled = {"NUMBA_DISABLE_JIT": "0", "PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    first = townlet(*words, "--output", tmp_path / "one", "--json", "--quiet", **compiled)
    second = townlet(*words, "--output", tmp_path / "two", "--json", *MODES["processes"], **around)
    for process in (first, second):
        _, err = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, err
        assert not [line for line in err.splitlines() if "runs" not in line and not line.startswith("note")]
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert verify(tmp_path / "two").ok


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("command", "ending"),
    [("exit 7", "exit code 7"), ("kill -9 $$", "killed by SIGKILL, perhaps because memory ran out")],
)
def test_a_worker_that_cannot_start_does_not_hang(
    tmp_path: Path, fake_play: list[str], monkeypatch: pytest.MonkeyPatch, command: str, ending: str
) -> None:
    monkeypatch.setattr(processes, "worker_words", lambda folder: ["sh", "-c", command])
    with pytest.raises(WorkerDied, match=f"{ending}; run the same command"):
        capture(fakes.plan_of(fakes.run()), str(tmp_path / "out"), IN_PROCESSES)


@pytest.mark.campaign
def test_a_worker_that_cannot_import_says_so(
    tmp_path: Path, fake_play: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "grpc").mkdir()
    (tmp_path / "grpc" / "__init__.py").write_text("raise ImportError('no grpc here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WorkerDied, match="a worker cannot start: ImportError: no grpc here"):
        capture(fakes.plan_of(fakes.run()), str(tmp_path / "out"), IN_PROCESSES)
