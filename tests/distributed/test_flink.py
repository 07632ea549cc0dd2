"""Flink, for real: embedded in the job server, and as a cluster of which a machine is lost in mid-run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.flink.cluster import Cluster
from tests.distributed.conftest import Start
from tests.pipelines.test_capture import files
from tests.rollout.acting.networks import network_of
from townlet.config.load import load_config
from townlet.dataset.checking.verify import verify

pytestmark = pytest.mark.campaign
PATIENCE = 240  # seconds; a machine may be busy
FEW = ["capture", "kitchen_breakfast", "queue_conflict", "--seeds", "0..1", "--ticks", "10"]
RUNS = 100
MANY = ["capture", "kitchen_breakfast", "--seeds", f"0..{RUNS - 1}", "--ticks", "100"]


def finished(process: subprocess.Popen[str]) -> str:
    """What a command that is to succeed has said on standard error."""
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "Traceback" not in err and "java" not in err, err
    return err


def until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def receipts(output: Path) -> list[Path]:
    """Of the runs that are simulated and not published yet."""
    return list(output.glob(".staging/*/receipt.json"))


def here(townlet: Start, words: list[str], output: Path) -> Path:
    """The same capture by this machine's own runner, compiled."""
    finished(townlet(*words, "--output", output, NUMBA_DISABLE_JIT="0"))
    return output


def workers_of(cluster: Cluster) -> dict[int, int]:
    """The parent of each Python worker of the cluster."""
    parents = set(cluster.processes().values())
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "stat").read_text().rpartition(") ")[2].split() if entry.name.isdigit() else []
        except OSError:
            continue
        if words and int(words[1]) in parents:
            found[int(entry.name)] = int(words[1])
    return found


def test_the_embedded_flink(townlet: Start, flink_jar: Path, tmp_path: Path) -> None:
    flags = ["--runner", "FlinkRunner", "--flink_master", "[local]", "--flink_job_server_jar", flink_jar]
    finished(townlet(*FEW, *flags, "--output", tmp_path / "there"))
    assert files(tmp_path / "there") == files(here(townlet, FEW, tmp_path / "here"))


def with_network(folder: Path) -> list[str]:
    """A capture in which a network acts, whose file only this process sees."""
    _, models = network_of(load_config("small_town"), hidden=(16,))
    (folder / "best.onnx").write_bytes(next(iter(models.values())))
    network = f"network:{folder / 'best.onnx'}?temperature=2"
    return ["capture", "small_town", "--policy", network, "--seeds", "0..3", "--ticks", "40"]


def test_a_network_on_the_embedded_flink(townlet: Start, flink_jar: Path, tmp_path: Path) -> None:
    """The same bytes as at home, its model among them."""
    words = with_network(tmp_path)
    flags = ["--runner", "FlinkRunner", "--flink_master", "[local]", "--flink_job_server_jar", flink_jar]
    finished(townlet(*words, *flags, "--output", tmp_path / "there"))
    assert files(tmp_path / "there") == files(here(townlet, words, tmp_path / "here"))
    assert any(name.startswith("models/") for name in files(tmp_path / "there"))


def test_a_network_on_a_cluster(townlet: Start, flink: Cluster, tmp_path: Path) -> None:
    """Workers are processes of the cluster's; they get the model by its digest, from the output."""
    words = with_network(tmp_path)
    process = townlet(*words, "--profile", flink.profile, "--output", tmp_path / "there")
    finished(process)
    assert files(tmp_path / "there") == files(here(townlet, words, tmp_path / "here"))
    assert verify(tmp_path / "there").ok


def test_a_task_manager_is_killed(townlet: Start, flink: Cluster, tmp_path: Path) -> None:
    output = tmp_path / "there"
    process = townlet(*MANY, "--profile", flink.profile, "--output", output)
    until(lambda: len(receipts(output)) >= RUNS // 3, process)
    victim = next(name for name in flink.processes() if name.startswith("task-manager"))
    lost = [worker for worker, parent in workers_of(flink).items() if parent == flink.processes()[victim]]
    flink.kill(victim)
    killed_at = time.time()
    done = [receipt.parent.name.rsplit("-", 1)[0] for receipt in receipts(output)]  # <name>-<seed>
    assert RUNS // 3 <= len(done) < RUNS and lost
    flink.start_task_manager()
    finished(process)
    log = json.loads((output / "capture_log.json").read_text())
    again = [run for run in done if written(output, run) > killed_at]
    played, reused = log["runs_played"], log["runs_reused"]
    print(
        f"\n{victim} killed when {len(done)} of {RUNS} runs were done: {len(again)} of them were simulated "
        f"again; in the end {reused} reused and {played} played"
    )
    assert not again
    assert played + reused == RUNS
    assert reused >= len(done)  # the other machine may have finished some more before it was stopped
    assert verify(output).ok
    assert not (output / ".staging").exists()
    assert files(output) == files(here(townlet, MANY, tmp_path / "here"))
    until_gone(lost)


def written(output: Path, run: str) -> float:
    """When the last sample of a run was written."""
    name, seed = run.rsplit("-", 1)
    samples = list((output / "runs" / name / f"seed-{seed}").glob("*.npz"))
    assert samples
    return max(path.stat().st_mtime for path in samples)


def until_gone(processes: list[int]) -> None:
    end = time.monotonic() + 30
    while any(Path("/proc", str(process)).exists() for process in processes):
        assert time.monotonic() < end
        time.sleep(0.05)


UNLUCKY = """\
import os, sys

def refuse(event, arguments):
    if event == "open" and "/.staging/queue_conflict-1-" in str(arguments[0]) and arguments[2] & os.O_WRONLY:
        raise ValueError("no luck")

sys.addaudithook(refuse)
"""


def test_one_run_fails(townlet: Start, flink: Cluster, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(UNLUCKY)
    unlucky = {"command": "townlet-worker", "env": {"PYTHONPATH": str(tmp_path)}}
    words = [*FEW, "--profile", flink.profile, "--environment_config", json.dumps(unlucky)]
    process = townlet(*words, "--output", tmp_path / "out")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, err
    [line] = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert re.fullmatch(r"failed: queue_conflict seed 1: agent \w+: ValueError: no luck \(.*\)", line)
    [listed] = json.loads((tmp_path / "out" / "failures.json").read_text())["failures"]
    assert (listed["scenario"], listed["seed"]) == ("queue_conflict", 1)
    assert len(list(tmp_path.glob("out/runs/*/*/rollout_sample_manifest.json"))) == 3
    finished(townlet(*FEW, "--output", tmp_path / "out"))  # from here, and only the one
    assert json.loads((tmp_path / "out" / "capture_log.json").read_text())["runs_played"] == 1


def test_workers_that_do_not_start(townlet: Start, flink: Cluster, tmp_path: Path) -> None:
    (tmp_path / "pydantic").mkdir()  # which a worker imports when it gets ready to play
    (tmp_path / "pydantic" / "__init__.py").write_text("raise ImportError('no pydantic here')")
    broken = {"command": "townlet-worker", "env": {"PYTHONPATH": str(tmp_path)}}
    for environment, said in (
        (
            {"command": "townlet-wroker"},
            "error: the engine cannot start a worker (No such file or directory)",
        ),
        (broken, "error: a worker cannot start: ImportError: no pydantic here"),
    ):
        words = [*FEW, "--profile", flink.profile, "--environment_config", json.dumps(environment)]
        process = townlet(*words, "--output", tmp_path / "out")
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert err.splitlines()[-1].startswith(said), err
        assert "Traceback" not in err and "java" not in err, err


def test_ctrl_c_ends_the_job(townlet: Start, flink: Cluster, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = townlet(*MANY, "--profile", flink.profile, "--output", output)
    until(lambda: receipts(output), process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert "Traceback" not in err, err
    *_, job, last = err.splitlines()
    assert job == "the job was cancelled"
    assert last == "Interrupted. Finished runs are kept. Run the same command to continue."
