"""Cores that may be used, and workers that are worth starting: with files of cgroups of our own making."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from townlet import cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)


def machine(root: Path, own: str, files: dict[str, str]) -> Path:
    """A folder with `proc/self/cgroup` and files below `sys/fs/cgroup`."""
    for name, text in {
        "proc/self/cgroup": own,
        **{f"sys/fs/cgroup/{k}": v for k, v in files.items()},
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


V1 = "4:memory:/pod\n3:cpu,cpuacct:/pod/box\n"


@pytest.mark.parametrize(
    ("own", "files", "usable"),
    [
        ("", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "300000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),  # one and a half
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "1600000 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "gibberish\n"}, 8),
        ("0::/pod/box\n", {"pod/box/cpu.max": "max 100000", "pod/cpu.max": "400000 100000"}, 4),
        ("0::/pod/box\n", {"pod/box/cpu.max": "200000 100000", "pod/cpu.max": "400000 100000"}, 2),
        ("0::/the/hosts/path\n", {"cpu.max": "200000 100000\n"}, 2),  # seen from inside a container
        ("0::/../../other\n", {"cpu.max": "200000 100000\n"}, 2),
        (V1, {"cpu,cpuacct/pod/box/cpu.cfs_quota_us": "500000", "cpu,cpuacct/pod/box/cpu.cfs_period_us": "100000"}, 5),
        (V1, {"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        (V1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        (V1, {"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "0\n"}, 8),
        ("1:cpu:/\n0::/\n", {"unified/cpu.max": "700000 100000", "cpu/cpu.cfs_quota_us": "-1"}, 7),
    ],
)  # fmt: skip
def test_usable_cores(tmp_path: Path, own: str, files: dict[str, str], usable: int) -> None:
    assert cores.usable_cores(machine(tmp_path, own, files)) == usable


def test_affinity_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})
    assert cores.usable_cores(machine(tmp_path, "0::/\n", {"cpu.max": "300000 100000"})) == 1


def test_this_machine_says_something() -> None:
    assert 1 <= cores.usable_cores() <= 8


@pytest.mark.parametrize(
    ("asked", "tasks", "most", "said"),
    [
        (1, 1, 1, ""),
        (4, 100, 6, ""),
        (1000, 1, 1, "1 worker instead of 1000: 1 run to do"),
        (1000, 5, 5, "5 workers instead of 1000: 5 runs to do"),
        (1000, 100, 6, "6 workers instead of 1000: 3 usable cores"),
        (7, None, 6, "6 workers instead of 7: 3 usable cores"),
        (3, 0, 1, "1 worker instead of 3: 0 runs to do"),
    ],
)
def test_workers_are_bounded(tmp_path: Path, asked: int, tasks: int | None, most: int, said: str) -> None:
    root = machine(tmp_path, "0::/\n", {"cpu.max": "300000 100000"})
    assert cores.most_workers(tasks, root) == most
    assert cores.why_fewer(asked, tasks, "run", root) == said
