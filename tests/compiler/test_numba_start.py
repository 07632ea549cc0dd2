"""Variables of the environment with which Numba does not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "from townlet.errors import UserError\n"
    "try: import townlet.world.rng\n"
    "except UserError as error: print(error)\n"
    "else: print('starts')"
)


@pytest.mark.parametrize("value", ["0", pytest.param("-1", marks=pytest.mark.campaign)])
def test_a_number_of_threads_that_is_none(value: str) -> None:
    said = started(NUMBA_NUM_THREADS=value)
    assert said.startswith(
        f"NUMBA_NUM_THREADS={value}: Numba, which compiles the simulation, does not start with "
    )
    assert said.endswith("; unset it")


@pytest.mark.campaign
@pytest.mark.parametrize(
    "given",
    ["NUMBA_NUM_THREADS=x", "NUMBA_OPT=9", "NUMBA_OPT=x", "NUMBA_THREADING_LAYER=x", "NUMBA_CPU_NAME=x",
     "NUMBA_BOUNDSCHECK=x", "NUMBA_CACHE_DIR=/proc/none", "NUMBA_DEBUGINFO=x", "NUMBA_ENABLE_AVX=x"],
)  # fmt: skip
def test_other_values_do_no_harm(given: str) -> None:
    name, _, value = given.partition("=")
    assert started(**{name: value}) == "starts"


def started(**given: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment |= {"PYTHONPATH": str(ROOT), **given}
    ran = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()
