"""A training that is killed at random moments, and started again each time, comes to the same weights."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.train.one_need import TOWN

pytestmark = [pytest.mark.torch, pytest.mark.campaign]

TRAININGS = 3


def start(config: Path, output: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "townlet", "train", "ppo", str(config), "--output", str(output)]
    command += ["--iterations", "12", "--checkpoint-every", "3", "--choose-every", "2", "--choose-runs", "2"]
    command += ["--runs", "4", "--hidden", "16", "--quiet", *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def ended_well(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said.decode()


@pytest.mark.parametrize("words", [(), ("--keep-captures",)], ids=["in memory", "captures"])
def test_killed_at_random_moments(tmp_path: Path, words: tuple[str, ...]) -> None:
    config = tmp_path / "one_need.yaml"
    config.write_text(TOWN)
    began = time.monotonic()
    ended_well(start(config, tmp_path / "whole", *words))
    takes, rng, killed = time.monotonic() - began, random.Random(5), 0
    for number in range(TRAININGS):
        output = tmp_path / f"killed-{number}"
        process = start(config, output, *words)
        try:
            process.wait(timeout=rng.uniform(0.3, 0.9) * takes)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
        ended_well(start(config, output, *words))
        assert made(output, words) == made(tmp_path / "whole", words)
    assert killed, "all were too quick to be killed"


def made(output: Path, words: tuple[str, ...]) -> list[object]:
    """What a training leaves: models and checkpoint, how many lines of metrics, and which captures."""
    names = ("last.onnx", "best.onnx", "checkpoint.npz")
    lines = (output / "metrics.jsonl").read_text().splitlines()
    captures = sorted(path.name for path in (output / "captures").glob("iteration-*")) if words else []
    return [*((output / name).read_bytes() for name in names), len(lines), captures]
