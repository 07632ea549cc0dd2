"""Limits of the system in every mode: a capture, or a sentence; no hang, no crash, nothing left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.runners.test_processes import MODES, left
from townlet.dataset.checking.verify import verify

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_S = 240  # seconds; a machine may be busy
# By ulimit: too little even to begin, too little for a mode, just too little, and enough.
LIMITS = {
    "n": (8, 12, 20, 32, 64, 256),
    "v": (200_000, 400_000, 600_000, 800_000, 1_100_000, 1_500_000, 3_000_000),
    "d": (100_000, 200_000, 400_000, 800_000, 1_500_000),
    "f": (0, 1, 4, 16, 100_000),
    "s": (256, 1024, 8192),
    "u": (1, 4, 8, 12, 20, 30, 40, 60, 90, 120, 200),
}
ANOTHER_USER = 61234  # of whom nobody is: root is not limited in processes
AS_ANOTHER = [
    "setpriv", "--reuid", str(ANOTHER_USER), "--clear-groups",
    "--inh-caps", "+dac_override,+dac_read_search", "--ambient-caps", "+dac_override,+dac_read_search",
]  # fmt: skip
MEANT = ("limit", "too many open files", "memory ran out", "too large", "no more threads", "the disk is full")


def captured(
    folder: Path, limit: str, *words: str, user: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """A small capture, under a limit of the shell that starts it."""
    (folder / "tmp").mkdir(exist_ok=True, mode=0o777)
    line = f'ulimit {limit} && exec "$0" -P -m townlet capture kitchen_breakfast --ticks 20 --seeds 0..3 "$@"'
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1", "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder), "TOWNLET_CACHE_DIR": str(folder / "tmp" / "cache"),
    }  # fmt: skip
    return subprocess.run(
        [*user, "bash", "-c", line, sys.executable, "--quiet", "--output", "out", *words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip


@pytest.mark.campaign
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", LIMITS)
def test_limits(tmp_path: Path, kind: str, mode: str) -> None:
    user: tuple[str, ...] = ()
    if kind == "u" and os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv, to be another user than root, who is not limited")
        user = tuple(AS_ANOTHER)
    outcomes = {}
    for number in LIMITS[kind]:
        folder = tmp_path / str(number)
        folder.mkdir()
        if user:
            os.chown(folder, ANOTHER_USER, ANOTHER_USER)
        ran = captured(folder, f"-{kind} {number}", *MODES[mode], user=user)
        outcomes[number] = ran.returncode
        if ran.returncode == 0:
            assert verify(folder / "out").ok
            continue
        if (
            not (folder / "tmp").is_dir()
            or "cannot execute" in ran.stderr
            or "error while loading" in ran.stderr
        ):
            continue  # nothing runs under such a limit
        last = ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else ""
        assert ran.returncode in (1, 2), (number, ran)
        assert last.startswith("error: ") and any(word in last for word in MEANT), (number, ran)
        assert not [path for path in left(folder) if path != "tmp/cache"], number
    assert outcomes[max(LIMITS[kind])] == 0, outcomes


@pytest.mark.campaign
def test_too_few_threads_and_files_are_a_sentence(tmp_path: Path) -> None:
    ran = captured(tmp_path, "-n 12", *MODES["processes"])
    assert ran.returncode == 1
    assert "the limit on open files (ulimit -n 12) is too low: a capture with 2 workers" in ran.stderr
    assert left(tmp_path) == []
