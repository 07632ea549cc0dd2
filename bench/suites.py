"""A suite of small towns, and data sets that look as if they had been copied."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.towns import people
from townlet.config.shipped import find_shipped

SCENARIOS = 10  # configs of a suite, so that one of them is a tenth of the work
AGENTS = 10  # of each config, all there from the first tick to the last: so many samples a run
TICKS = 4  # of a run: how many runs and samples there are is the question, not how long they are


@dataclass(frozen=True)
class ManyRuns:
    """A suite of so many runs, in a file."""

    file: Path
    runs: int

    @property
    def samples(self) -> int:
        return self.runs * AGENTS

    @classmethod
    def write(cls, folder: Path, samples: int) -> ManyRuns:
        """A suite that makes so many samples. Raises ValueError where they are no whole number of runs."""
        seeds, rest = divmod(samples, SCENARIOS * AGENTS)
        if rest:
            raise ValueError(f"expected a multiple of {SCENARIOS * AGENTS} samples, got {samples}")
        folder.mkdir(parents=True)
        entries = []
        for number in range(SCENARIOS):
            path = folder / f"town_{number}.yaml"
            path.write_text(yaml.safe_dump(_config(number)), encoding="utf-8")
            entries.append(
                {"config": path.name, "seeds": f"0..{seeds - 1}", "ticks": TICKS, "policy": "needs"}
            )
        file = folder / "suite.yaml"
        file.write_text(yaml.safe_dump({"name": "many", "runs": entries}), encoding="utf-8")
        return cls(file, SCENARIOS * seeds)

    def edit(self, number: int) -> None:
        """Change one config: all runs of it are other runs now."""
        path = self.file.parent / f"town_{number}.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["scenario"]["agents"][0]["wallet"] += 1.0
        path.write_text(yaml.safe_dump(config), encoding="utf-8")


def _config(number: int) -> dict[str, Any]:
    """The shipped small town, with more people in it, and alive for ever."""
    config = yaml.safe_load(find_shipped("examples/small_town.yaml").read_text(encoding="utf-8"))
    config["config_id"] = f"town_{number}"
    config["features"]["systems"] = {"lifecycle": "off"}
    config["scenario"]["agents"] = people(config, AGENTS)
    config["scenario"]["agents"][0]["wallet"] = 2.0 + number
    return config


def link_tree(source: Path, target: Path) -> None:
    """A copy that costs no bytes: hard links, as no file of a data set is ever written into."""
    shutil.copytree(source, target, copy_function=os.link)


def file_bytes(folder: Path) -> tuple[int, int]:
    """How many files there are in a folder and below it, and how many bytes they have."""
    count = size = 0
    for path, _, names in os.walk(folder):
        count += len(names)
        size += sum(os.stat(os.path.join(path, name)).st_size for name in names)
    return count, size
