"""Worlds from configs: names become indices, what cannot be played is refused."""

from __future__ import annotations

import pytest

from tests.generator.towns import TOWN
from townlet.errors import UserError
from townlet.generator.generate import generate
from townlet.world.state import INGREDIENTS, MEALS


def test_names_become_indices(load) -> None:
    generated = generate(load(TOWN % ""), seed=0)
    town, people = generated.params.town, generated.params.people
    assert generated.names.agents == ("alice", "bob")
    assert generated.names.objects == ("fridge", "stove")
    assert generated.names.jobs[people.job[0]] == "clerk" and people.job[1] == -1
    assert [generated.names.object_types[t] for t in town.site.type] == ["fridge", "stove"]
    assert town.site.full[0, MEALS] == 9 and town.site.full[1, INGREDIENTS] == 3
    assert not town.site.kept[0, INGREDIENTS]
    assert generated.action_space.dim == 7 + 2 * len(generated.names.affordances)


def test_a_schedule_cannot_lead_through_walls(load) -> None:
    with pytest.raises(
        UserError, match=r"agents\[0\]\.schedule\[0\]\.position: expected a tile that alice can reach"
    ):
        generate(load(TOWN % ", schedule: [{kind: move, position: [4, 2]}]"), seed=0)


def test_worlds_of_one_config_share_what_is_only_read(load) -> None:
    """And nothing that changes."""
    first, second = (generate(load(TOWN % ""), seed=seed) for seed in (1, 2))
    assert first.params.town.distance is second.params.town.distance
    assert first.observation is second.observation and first.names is second.names
    assert (int(first.params.town.seed[0]), int(second.params.town.seed[0])) == (1, 2)
    first.world.agents.need[:] = 0
    first.world.objects.stock[:] = 0
    first.world.agents.wallet[:] = 0
    assert second.world.agents.need.all() and second.world.objects.stock.any()
    third = generate(load(TOWN % ""), seed=1)
    assert (
        third.world.agents.need.all() and third.world.objects.stock.any() and third.world.agents.wallet.all()
    )


def test_nobody_lives_there(load) -> None:
    with pytest.raises(UserError, match=r"scenario\.agents: expected at least one agent, found nobody"):
        generate(load("config_id: empty"), seed=0)
