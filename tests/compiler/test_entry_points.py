"""The calls from Python into compiled code are found by playing. That none is missing: `test_warmup.py`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from townlet.compiler.store import is_switched_off

pytestmark = pytest.mark.skipif(is_switched_off(), reason="nothing is compiled")
LIST = "from townlet.rollout.entry_points import entry_points; print(*(one.name for one in entry_points()), sep='\\n')"


def test_entry_points_are_found_by_playing() -> None:
    """Each once, with the types that it is called with; what kernels call in turn is none."""
    done = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True)
    names = [name.split("-")[0].rsplit(".", 1)[-1] for name in done.stdout.split()]
    assert sorted(names) == sorted({
        "number_regions", "fill_distances", "nearest_objects", "_fill_codes", "draw", "refresh", "play_segment",
        "replay_segment", "look", "play_tick", "settle", "observe_end", "needs_action", "count_legal", "uniform_action",
        "ask", "choose_rows", "value_networks", "see", "play_and_see",
    })  # fmt: skip
