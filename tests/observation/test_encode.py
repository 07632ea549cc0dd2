"""Which slots `observe` writes: of whom, and nothing else. What it writes there is for the tests of the other files."""

from __future__ import annotations

import numpy as np

from tests.observation.towns import Buffers, scene
from townlet.observation.layout import LEAVERS
from townlet.world import state as st

EVERYTHING = {
    "features": {"systems": {"observations": "compact"}, "observations": {"personality_channels": True}},
    "observations": {"extended": True, "compact": {"include_targets": True}},
}


def test_one_slot_is_written_whole_and_no_other() -> None:
    """Whatever blocks there are: no number of the slot is left as it was."""
    generated = scene(
        ["aF", "bB"], agents={"a": "", "b": ""}, objects={"F": "fridge", "B": "bed"}, **EVERYTHING
    )
    seen = Buffers(generated, slots=3, fill=float("nan"))
    seen.masks[:, 1] = False
    seen.observe(t=1)
    assert np.isfinite(seen.maps[:, 1]).all() and np.isfinite(seen.features[:, 1]).all()
    assert seen.masks[:, 1, 0].all()  # to wait is always legal
    for t in (0, 2):
        assert (
            np.isnan(seen.maps[:, t]).all() and np.isnan(seen.features[:, t]).all() and seen.masks[:, t].all()
        )


def test_who_is_not_alive_is_left_out() -> None:
    generated = scene(["ab"], agents={"a": "", "b": ""})
    generated.world.agents.alive[1] = False
    seen = Buffers(generated, fill=7.0).observe()
    assert (seen.maps[1] == 7).all() and (seen.features[1] == 7).all() and seen.masks[1].all()
    assert (seen.maps[0, 0] <= 1).all()


def test_only_the_leavers_are_shown_when_asked_for() -> None:
    generated = scene(["ab"], agents={"a": "", "b": ""}, observations={"hybrid": {"local_window": 3}})
    generated.world.agents.leaving[1] = st.FAINTED
    seen = Buffers(generated, fill=7.0).observe(t=2, which=LEAVERS)
    assert (seen.maps[0] == 7).all() and (seen.features[0] == 7).all()
    assert (seen.maps[1, :2] == 7).all() and (seen.maps[1, 2] <= 1).all()


def test_the_variant_decides_what_the_map_shows() -> None:
    """Each fills all of its channels."""
    for variant, channels in (("hybrid", 4), ("full", 6), ("compact", 4 + 1 + 1)):
        generated = scene(["a.F"], objects={"F": "lamp"}, features={"systems": {"observations": variant}},
                      observations={"compact": {"object_channels": ["lamp"]}})  # fmt: skip
        seen = Buffers(generated, fill=float("nan")).observe()
        assert seen.maps.shape[2] == channels
        assert np.isfinite(seen.maps[0, 0]).all(), variant
