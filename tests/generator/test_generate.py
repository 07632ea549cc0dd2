"""Worlds from configs: names become indices, what has no place gets one, what cannot be played is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from townlet.config.load import load_config
from townlet.errors import UserError
from townlet.generator.generate import generate
from townlet.world.state import FAR, INGREDIENTS, MEALS, POLICY_NEEDS, POLICY_UNIFORM

TOWN = """
config_id: tiny
world:
  map: |
    #######
    #..#..#
    #..#..#
    #######
jobs: {clerk: {start_tick: 10, end_tick: 20, wage_rate: 0.1, location: [1, 1]}}
scenario:
  objects:
    - {id: fridge, type: fridge, position: [2, 2], stock: {meals: 9}}
    - {id: stove, type: stove, position: [1, 2]}
  agents:
    - {id: alice, position: [1, 1], job: clerk%s}
    - {id: bob, position: [4, 1]}
"""


@pytest.fixture
def load(tmp_path: Path):
    def loaded(text: str):
        path = tmp_path / "tiny.yaml"
        path.write_text(text)
        return load_config(path)

    return loaded


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


def test_distances_respect_walls(load) -> None:
    town = generate(load(TOWN % ""), seed=0).params.town
    field = town.distance[town.site.place[0]]
    assert field[2, 2] == 0 and field[1, 1] == 2
    assert field[1, 4] == FAR and field[0, 0] == FAR
    assert town.region[1, 1] != town.region[1, 4] and town.region[0, 0] == -1


def test_what_has_no_position_is_put_on_the_same_free_tile_every_time(load) -> None:
    text = TOWN.replace("position: [2, 2], ", "") % ""
    first, second, other = (generate(load(text), seed=seed) for seed in (1, 1, 2))
    tiles = [(b.params.town.site.x[0], b.params.town.site.y[0]) for b in (first, second, other)]
    assert tiles[0] == tiles[1]
    assert not first.params.town.wall[tiles[0][1], tiles[0][0]]
    assert tiles[0] not in ((1, 1), (4, 1), (1, 2))
    assert first.notices == (f"object fridge has no position: put on [{tiles[0][0]}, {tiles[0][1]}]",)


def test_a_full_grid_is_refused(load) -> None:
    world = "world: {grid_size: [3, 1], walls: [[1, 0]]}"  # two tiles that do not reach each other
    text = f"config_id: full\n{world}\njobs: {{}}\nscenario: {{agents: [{{id: a}}, {{id: b}}]}}\n"
    with pytest.raises(UserError, match="agent b: no free tile is left on the grid; make"):
        generate(load(text), seed=0)


def test_a_schedule_cannot_lead_through_walls(load) -> None:
    with pytest.raises(
        UserError, match=r"agents\[0\]\.schedule\[0\]\.position: expected a tile that alice can reach"
    ):
        generate(load(TOWN % ", schedule: [{kind: move, position: [4, 2]}]"), seed=0)


def test_who_decides(load) -> None:
    text = TOWN % ""
    assert generate(load(text), seed=0).params.people.policy.tolist() == [POLICY_NEEDS, POLICY_NEEDS]
    assert (
        generate(load(text), seed=0, policy="uniform").params.people.policy.tolist() == [POLICY_UNIFORM] * 2
    )
    own = text + "policy: {default: uniform, agents: {bob: needs}}\n"
    assert generate(load(own), seed=0).params.people.policy.tolist() == [POLICY_UNIFORM, POLICY_NEEDS]
    assert generate(load(own), seed=0, policy="needs").params.people.policy.tolist() == [POLICY_NEEDS] * 2


def test_hooks_and_prices_become_numbers(load) -> None:
    generated = generate(load(TOWN % ""), seed=0)
    parts, names = generated.params.affordances, generated.names.affordances
    eat, cook = names.index("eat_meal"), names.index("cook_meal")
    assert parts.takes[eat].tolist() == [1, 0] and parts.money[eat] == -0.4 and parts.shares[eat]
    assert parts.takes[cook].tolist() == [0, 1] and parts.gives[cook].tolist() == [1, 0]
    assert parts.utility_bound[names.index("use_shower")].tolist() == [1, 1]


def test_a_shift_may_last_the_day_or_run_over_midnight(load) -> None:
    jobs = "jobs: {day: {start_tick: 0, end_tick: 1440}, night: {start_tick: 1320, end_tick: 120}, none: {}}"
    text = "\n".join(
        line for line in TOWN.replace(", job: clerk", "").split("\n") if not line.startswith("jobs")
    )
    generated = generate(load(text % "" + jobs), seed=0)
    length = dict(zip(generated.names.jobs, generated.params.jobs.length.tolist(), strict=True))
    assert length == {"day": 1440, "night": 240, "none": 0}


def test_identities_tell_agents_apart(load) -> None:
    identity = generate(load(TOWN % ""), seed=0).world.ties.identity
    assert identity.dtype == np.float32 and np.abs(identity).max() <= 1
    assert len({row.tobytes() for row in identity}) == 2
    assert (identity == generate(load(TOWN % ""), seed=5).world.ties.identity).all()
