"""Importing Townlet, and playing with it, changes nothing for others who use Numba in the same process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from townlet.compiler.store import is_switched_off

pytestmark = pytest.mark.skipif(is_switched_off(), reason="nothing is compiled")

THEIRS = """
import numba

@numba.njit(cache=True)
def add(x, y):
    return min(x, y) + x
"""

SCRIPT = """
import json, os, sys
first = sys.argv[1] == "first"
if not first:
    import numba
    before = {name: repr(getattr(numba.config, name)) for name in dir(numba.config) if name.isupper()}
environment = dict(os.environ)
from townlet.rollout.loop import SimulationLoop
from townlet.world.rng import draw
loop = SimulationLoop("kitchen_breakfast")
loop.step()
import numba
after = {name: repr(getattr(numba.config, name)) for name in dir(numba.config) if name.isupper()}
import theirs
assert theirs.add(2, 3) == 4 and theirs.add(2.5, 1) == 3.5

@numba.njit
def over(world):
    return world.clock.tick[0] + world.agents.alive.shape[0]

context = theirs.add.targetctx.codegen()
print(json.dumps({
    "changed": [] if first else sorted(name for name in before if before[name] != after[name]),
    "environment": sorted(set(environment.items()) ^ set(os.environ.items())),
    "cpu": context.magic_tuple()[1],
    "features": context.magic_tuple()[2],
    "cache": theirs.add._cache.cache_path,
    "hits": sum(theirs.add.stats.cache_hits.values()),
    "over": int(over(loop.snapshot().world)),
    "draw": draw(1, 2, 3, 4, 5),
}))
"""


def run(folder: Path, order: str = "second", **variables: str) -> dict[str, Any]:
    """What others find, in a process in which they import Numba before us or after us."""
    (folder / "theirs.py").write_text(THEIRS, encoding="utf-8")
    root = str(Path(__file__).resolve().parents[2])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment |= {"PYTHONPATH": os.pathsep.join([root, str(folder)]), **variables}
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, order], capture_output=True, text=True, env=environment, cwd=folder,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def host() -> str:
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_name()


@pytest.mark.campaign
@pytest.mark.parametrize("order", ["first", "second"])
def test_their_settings_processor_and_cache_are_theirs(tmp_path: Path, order: str) -> None:
    found = run(tmp_path, order)
    assert found["changed"] == []
    assert found["environment"] == []
    assert found["cpu"] == host()
    assert found["features"]
    assert found["cache"] == str(tmp_path / "__pycache__")
    assert found["over"] == 3, "a world is to them what it is to Numba: a named tuple of arrays"
    assert run(tmp_path, order)["hits"] == 2, "their cache is read again"


@pytest.mark.campaign
def test_their_variables_count_for_their_code_and_not_for_ours(tmp_path: Path) -> None:
    cache = tmp_path / "their cache"
    found = run(tmp_path, NUMBA_CPU_NAME="nocona", NUMBA_CPU_FEATURES="+sse3", NUMBA_CACHE_DIR=str(cache))
    assert found["cpu"] == "nocona"
    assert found["features"] == "+sse3"
    assert found["cache"].startswith(str(cache))
    assert found["draw"] == run(tmp_path)["draw"]
    assert not [path for path in cache.rglob("*") if "townlet" in path.name]


def test_our_kernels_are_for_the_plain_processor() -> None:
    from townlet.compiler.kernels import Kernel

    assert Kernel.targetdescr.codegen.magic_tuple()[1:] == ("generic", "")
