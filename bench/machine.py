"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

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
        cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
        return cls(
            processor=_processor(),
            cores=len(cores),
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


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
