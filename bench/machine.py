"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import resource
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from townlet.cores import usable_cores

PACKAGES = ("numpy", "numba", "apache-beam", "isal")


@dataclass(frozen=True)
class Machine:
    """The machine, and what of the software decides how fast it is."""

    processor: str
    cores: int  # that this process may use
    load: float  # processes that wanted to run in the minute before; of one's own, none
    system: str
    python: str
    packages: dict[str, str]  # name -> version

    @classmethod
    def this(cls) -> Machine:
        return cls(
            processor=_processor(),
            cores=usable_cores(),
            load=os.getloadavg()[0],
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
            packages={name: version(name) for name in PACKAGES},
        )

    def to_json_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return (
            f"{self.processor}, {self.cores} cores, load {self.load:.1f} before the start\n"
            f"{self.system}, Python {self.python}, {packages}"
        )


class Neighbours:
    """What else kept the machine busy, from when this is made until it is asked."""

    def __init__(self) -> None:
        self._wall, self._others = time.monotonic(), _used_by_others()

    def __str__(self) -> str:
        """One line: by how much the figures by the clock may be wrong."""
        load, cores = os.getloadavg()[0], Machine.this().cores
        said = f"load average {load:.1f} at the end"
        if self._others is None:
            return said
        busy = ((_used_by_others() or 0.0) - self._others) / (time.monotonic() - self._wall)
        return f"{said}; others used {max(0.0, busy):.1f} of {cores} cores meanwhile"


def _used_by_others() -> float | None:
    """Processor time, in seconds, that neither this process nor its children have used; None where nobody says."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0]
    except OSError:
        return None
    user, nice, system, _idle, _waiting, *interrupts = map(int, line.split()[1:8])
    busy = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return busy - sum(usage.ru_utime + usage.ru_stime for usage in spent)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
