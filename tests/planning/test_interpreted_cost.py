"""How long a request takes in plain Python, as it is estimated before anything is built."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from townlet.config.load import load_config
from townlet.planning.interpreted_cost import AGENT_STEP, MOST, agent_step, interpreted_seconds
from townlet.planning.plan import Request

SMALL = Request(("kitchen_breakfast",), ticks=200)
LARGE = Request(("kitchen_breakfast",), ticks=20_000)


def test_seconds_follow_what_is_played() -> None:
    once = interpreted_seconds(SMALL)
    assert 0.3 < once < MOST
    assert interpreted_seconds(LARGE) > 50
    three = interpreted_seconds(Request(("kitchen_breakfast",), ticks=200, seeds=(1, 2, 3)))
    assert 2.5 * once < three < 3.5 * once
    limited = Request(("kitchen_breakfast",), ticks=200, seeds=(1, 2, 3), limit=1)
    assert interpreted_seconds(limited) == pytest.approx(once)
    assert interpreted_seconds(Request(("examples/town.yaml",), ticks=1)) > 1, "its distances take longest"


def test_it_takes_no_compiler() -> None:
    """The decision is made before Numba is imported."""
    code = (
        "import sys\n"
        "from townlet.planning.interpreted_cost import interpreted_seconds\n"
        "from townlet.planning.plan import Request\n"
        "interpreted_seconds(Request(('kitchen_breakfast',)))\n"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_networks_take_their_time(tmp_path: Path) -> None:
    (tmp_path / "any.onnx").write_bytes(bytes(800_000))
    with_network = replace(SMALL, policy=f"network:{tmp_path}/any.onnx")
    more = interpreted_seconds(with_network) - interpreted_seconds(SMALL)
    agents = len(load_config("kitchen_breakfast").agents)
    assert more == pytest.approx(200 * agents * (agent_step(800_000) - AGENT_STEP)) and more > 0.5
    assert agent_step(0) == AGENT_STEP < agent_step(1) < agent_step(2_000_000)
