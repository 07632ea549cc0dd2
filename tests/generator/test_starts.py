"""What the seed draws of the start."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.generator.towns import TOWN
from townlet.config import Resolved
from townlet.generator.generate import GeneratedWorld, generate
from townlet.world.rng import USE_START, draw
from townlet.world.state import world_arrays

Load = Callable[[str], Resolved]
SEEDS = range(30)


def begun(load: Load, starts: str, seed: int, **options: Any) -> GeneratedWorld:
    return generate(load(f"{TOWN % ''}  starts: {starts}\n"), seed=seed, **options)


def tiles(generated: GeneratedWorld) -> list[tuple[int, int]]:
    agents = generated.world.agents
    return list(zip(agents.x.tolist(), agents.y.tolist(), strict=True))


def test_needs_are_drawn_for_each_agent_and_the_others_are_as_the_scenario_says(load: Load) -> None:
    found = [begun(load, "{needs: {energy: [0.2, 0.6]}}", seed).world.agents.need for seed in SEEDS]
    assert found[0][0].tolist() == [0.7, 0.7, 0.2 + draw(0, 0, 1, USE_START, 2) * (0.6 - 0.2)]
    energy = np.array(found)[:, :, 2]
    assert len(np.unique(energy)) == 60 and energy.min() >= 0.2 and energy.max() <= 0.6
    assert energy.min() < 0.25 and energy.max() > 0.55
    assert (np.array(found)[:, :, :2] == 0.7).all()


def test_wallets_are_drawn_and_a_newcomer_begins_with_its_rows(load: Load) -> None:
    generated = begun(load, "{wallet: [1, 3]}", 4)
    wallets = generated.world.agents.wallet.tolist()
    assert wallets == [1 + draw(4, 0, who, USE_START, 3) * 2 for who in (1, 2)]
    assert generated.params.people.start_wallet.tolist() == wallets
    assert generated.world.clock.coins[0] == sum(wallets)


def test_one_number_is_what_everybody_begins_with(load: Load) -> None:
    world = begun(load, "{needs: {hunger: 0.3}, wallet: 5}", 4).world
    assert world.agents.need[:, 0].tolist() == [0.3, 0.3] and world.agents.wallet.tolist() == [5, 5]


def test_the_time_of_day_is_drawn_and_ticks_count_from_zero(load: Load) -> None:
    drawn = [begun(load, "{tick_of_day: [10, 12]}", seed) for seed in SEEDS]
    assert {int(one.params.town.size[4]) for one in drawn} == {10, 11, 12}
    assert all(int(one.world.clock.tick[0]) == 0 and not one.world.agents.born.any() for one in drawn)
    assert int(begun(load, "{wallet: 1}", 3).params.town.size[4]) == 0


def test_anywhere_is_any_tile_without_an_object_of_the_largest_floor(load: Load) -> None:
    found = [tiles(begun(load, "{positions: anywhere}", seed)) for seed in SEEDS]
    assert {tile for some in found for tile in some} == {
        (1, 1),
        (2, 1),
    }  # the fridge and the stove have the others
    assert all(one != other for one, other in found)
    assert begun(load, "{positions: anywhere}", 0).notices == ()


def test_tiles_of_a_list_are_each_for_one(load: Load) -> None:
    found = [tiles(begun(load, "{positions: [[4, 1], [5, 2], [2, 2]]}", seed)) for seed in SEEDS]
    assert {tile for some in found for tile in some} == {(4, 1), (5, 2), (2, 2)}  # on the fridge too
    assert all(one != other for one, other in found)
    people = begun(load, "{positions: [[4, 1], [5, 2]]}", 0).params.people
    assert {(4, 1), (5, 2)} == set(zip(people.start_x.tolist(), people.start_y.tolist(), strict=True))


def test_worlds_of_a_config_do_not_share_what_is_drawn(load: Load) -> None:
    """One is kept and copied, for the seeds that begin alike."""
    needs = [begun(load, "{needs: {hunger: [0, 1]}}", seed).world.agents.need[0, 0] for seed in (1, 2, 1)]
    assert needs[0] == needs[2] != needs[1]


@pytest.mark.parametrize("starts", ["{}", "{needs: {}}"])
def test_nothing_said_is_nothing_drawn(load: Load, starts: str) -> None:
    resolved = load(f"{TOWN % ''}  starts: {starts}\n")
    assert "starts" not in resolved.content()["config"]["scenario"]
    worlds = [world_arrays(generate(resolved, seed=seed).world) for seed in range(3)]
    assert all(np.array_equal(one[name], other[name]) for one, other in pairwise(worlds) for name in one)
