"""How many cores this process may use, and how many workers are worth starting.

A machine's core count is not it: a container may have a share of the cores (a CPU quota of its cgroup, of version 1
or 2), and a process may be bound to some of them (its affinity).
"""

from __future__ import annotations

import math
import os
from pathlib import Path

WORKERS_PER_CORE = (
    2  # while one waits for the disk, another computes; more only take memory and time to start
)

_CONTROLLER_FOLDERS = ("cpu", "cpu,cpuacct", "cpuacct,cpu")  # where version 1 is mounted, below sys/fs/cgroup
_UNIFIED_FOLDERS = ("", "unified")  # where version 2 is


def usable_cores(root: Path = Path("/")) -> int:
    """Cores that this process may use: those it is bound to, at most its cgroup's quota (rounded up); at least 1.

    `root`: the folder of `proc` and `sys`. What cannot be read sets no limit.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([bound, *(math.ceil(quota) for quota in _quotas(root))]))


def most_workers(tasks: int | None = None, root: Path = Path("/")) -> int:
    """The most workers that are worth starting: two for each usable core, and no more than there are tasks.

    `tasks` None: not known.
    """
    by_cores = WORKERS_PER_CORE * usable_cores(root)
    return by_cores if tasks is None else max(1, min(by_cores, tasks))


def why_fewer(asked: int, tasks: int | None, what: str, root: Path = Path("/")) -> str:
    """One line about workers that are not started; "" where all `asked` for are. `what` names a task: `run`."""
    most = most_workers(tasks, root)
    if asked <= most:
        return ""
    cores = usable_cores(root)
    reason = f"{cores} usable core{'s' * (cores != 1)}"
    if tasks is not None and tasks < WORKERS_PER_CORE * cores:
        reason = f"{tasks} {what}{'s' * (tasks != 1)} to do"
    return f"{most} worker{'s' * (most != 1)} instead of {asked}: {reason}"


def _quotas(root: Path) -> list[float]:
    """The CPU quotas, in cores, of this process's cgroups and of those above them."""
    groups = _own_groups(root)
    mounted = root / "sys" / "fs" / "cgroup"
    quotas = []
    if "" in groups:
        for folder in _UNIFIED_FOLDERS:
            quotas += [_version_2(group) for group in _upwards(mounted / folder, groups[""])]
    if "cpu" in groups:
        for folder in _CONTROLLER_FOLDERS:
            quotas += [_version_1(group) for group in _upwards(mounted / folder, groups["cpu"])]
    return [quota for quota in quotas if quota is not None]


def _own_groups(root: Path) -> dict[str, str]:
    """The path of this process's cgroup by controller; that of version 2 under ""."""
    groups: dict[str, str] = {}
    for line in _text(root / "proc" / "self" / "cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def _upwards(top: Path, path: str) -> list[Path]:
    """The folder of a cgroup and those above it, as far as `top`. In a container the path may be the host's."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [top.joinpath(*parts[:length]) for length in range(len(parts), -1, -1)]


def _version_2(group: Path) -> float | None:
    """`max 100000` or `150000 100000`: microseconds of CPU time in each period."""
    quota, _, period = _text(group / "cpu.max").partition(" ")
    return _share(quota, period)


def _version_1(group: Path) -> float | None:
    """A quota of -1 is none."""
    return _share(_text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us"))


def _share(quota: str, period: str) -> float | None:
    try:
        share = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return None
    return share if share > 0 else None


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, ValueError):
        return ""
