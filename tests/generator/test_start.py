"""The state at tick zero."""

from __future__ import annotations

import numpy as np

from tests.generator.towns import TOWN
from townlet.generator.generate import generate


def test_identities_tell_agents_apart(load) -> None:
    identity = generate(load(TOWN % ""), seed=0).world.ties.identity
    assert identity.dtype == np.float32 and np.abs(identity).max() <= 1
    assert len({row.tobytes() for row in identity}) == 2
    assert (identity == generate(load(TOWN % ""), seed=5).world.ties.identity).all()


def test_everybody_is_at_its_place_and_nothing_is_under_way(load) -> None:
    world = generate(load(TOWN % ", needs: {hunger: 0.25}, wallet: 3.5"), seed=0).world
    agents = world.agents
    assert list(zip(agents.x.tolist(), agents.y.tolist(), strict=True)) == [(1, 1), (4, 1)]
    assert agents.need[0].tolist() == [0.25, 0.7, 0.7] and agents.wallet[0] == 3.5
    assert agents.alive.all() and agents.arrival.tolist() == [1, 2] and int(world.clock.tick[0]) == 0
    assert (world.running.affordance == -1).all() and (world.queues.object == -1).all()
    assert world.grid.agents.sum() == 2
