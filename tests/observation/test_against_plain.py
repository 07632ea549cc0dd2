"""Every number of every observation, against plain Python: all variants, any state, dirty buffers."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.observation.towns import OFFERS, SHARED, Buffers, any_config, disturb, town
from tests.plain.observation import look
from townlet.observation.layout import ALL_ALIVE, LEAVERS
from townlet.world import state as st


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.randoms(use_true_random=False))
def test_every_number(random: Random) -> None:
    look_at_every_number(random)


@pytest.mark.campaign
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.randoms(use_true_random=False))
def test_every_number_of_many_towns(random: Random) -> None:
    look_at_every_number(random)


def look_at_every_number(random: Random) -> None:
    resolved, generated = town(any_config(random), random.choice([OFFERS, (*SHARED, *OFFERS)]))
    disturb(random, generated)
    which = random.choice([ALL_ALIVE, ALL_ALIVE, LEAVERS])
    buffers = Buffers(generated, slots=3, fill=float("nan")).observe(t=1, which=which)
    agents, hashes = generated.world.agents, generated.action_space.hashes()
    for i in range(len(agents.alive)):
        if not agents.alive[i] or (which == LEAVERS and agents.leaving[i] == st.STAYS):
            assert np.isnan(buffers.maps[i]).all() and np.isnan(buffers.features[i]).all()
            assert buffers.masks[i].all()
            continue
        seen = look(generated.world, generated.params, resolved.config, generated.names, hashes, i)
        features = dict(zip(generated.layout.feature_names, buffers.features[i, 1].tolist(), strict=True))
        assert features == seen.features
        channels = dict(zip(generated.layout.map_channels, buffers.maps[i, 1].tolist(), strict=True))
        assert channels == seen.map
        assert buffers.masks[i, 1].tolist() == seen.mask
        for t in (0, 2):
            assert np.isnan(buffers.maps[i, t]).all() and np.isnan(buffers.features[i, t]).all()
            assert buffers.masks[i, t].all()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.randoms(use_true_random=False))
def test_what_was_in_the_buffer_does_not_matter(random: Random) -> None:
    _, generated = town(any_config(random))
    disturb(random, generated)
    one, other = Buffers(generated, fill=0.0), Buffers(generated, fill=5.0)
    other.masks[:] = False
    one.observe(), other.observe()
    shown = generated.world.agents.alive
    assert (one.maps[shown, 0] == other.maps[shown, 0]).all()
    assert (one.features[shown, 0] == other.features[shown, 0]).all()
    assert (one.masks[shown, 0] == other.masks[shown, 0]).all()


def test_observing_changes_nothing() -> None:
    random = Random(5)
    for _ in range(5):
        _, generated = town(any_config(random))
        disturb(random, generated)
        before = {name: array.copy() for name, array in st.world_arrays(generated.world).items()}
        Buffers(generated).observe()
        after = st.world_arrays(generated.world)
        assert all(np.array_equal(before[name], after[name]) for name in before)
