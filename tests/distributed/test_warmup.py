"""Workers that start cold, at the same time, on one machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE = 240  # seconds; a machine may be busy


def warming(cache: Path) -> subprocess.Popen[str]:
    around = {key: value for key, value in os.environ.items() if key != "NUMBA_DISABLE_JIT"}
    return subprocess.Popen(
        [sys.executable, "-m", "townlet.pipelines.runners.engine_worker", "--warm"],
        env={**around, "TOWNLET_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def seconds(process: subprocess.Popen[str]) -> float:
    out, err = process.communicate(timeout=PATIENCE)
    found = re.fullmatch(r"ready, in (\d+\.\d) s\n", out)
    assert process.returncode == 0 and found, err
    return float(found[1])


@pytest.mark.campaign
def test_two_cold_workers_compile_once(tmp_path: Path) -> None:
    both = [warming(tmp_path), warming(tmp_path)]
    taken = [seconds(process) for process in both]
    compiled = sorted(path.name for path in tmp_path.rglob("*.unit"))
    assert compiled
    warm = seconds(warming(tmp_path))
    print(f"\ncold, two at once: {taken[0]} s and {taken[1]} s; warm: {warm} s")
    assert warm < min(taken) / 2
    assert sorted(path.name for path in tmp_path.rglob("*.unit")) == compiled
