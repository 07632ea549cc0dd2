"""Scenes of a few ticks, worked out by hand from the rules and written down as tables that a person can check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from townlet.config.load import load_config
from townlet.policy.replay import ReplaySample, stack_groups
from townlet.rollout import play
from townlet.run import Run, canonical_json

AFFORDANCES = """
- {id: eat_meal, object_type: fridge, duration: 3, effects: {hunger: 0.4, money: -0.4},
   preconds: ["meal_available == true"], hooks: {before: [on_attempt_eat]}}
- {id: use_shower, object_type: shower, duration: 2, effects: {hygiene: 0.2}}
"""

BREAKFAST = """
config_id: breakfast
world: {grid_size: [5, 3]}
jobs: {}
affordances: {affordances_file: quick.yaml}
rewards: {decay_rates: {hunger: 0.01, hygiene: 0.005, energy: 0.002}}
scenario:
  objects: [{id: fridge, type: fridge, position: [3, 1], stock: {meals: 2}}]
  agents:
    - id: alice
      position: [1, 1]
      needs: {hunger: 0.5, hygiene: 0.8, energy: 0.9}
      wallet: 1.0
      schedule:
        - {kind: wait}
        - {kind: request, object: fridge, until: granted}
        - {kind: move, position: [2, 1]}
        - {kind: start, object: fridge, until: finished}
"""

# What alice sees before each tick, and what she does. The meal's effects come at the end of tick 5, its third.
# `queued` is waiting without a reservation.
# tick  action              x  hunger  hygiene  energy  wallet  reserved  queued  success  duration  hint east
TABLE = """
  0     wait                1  0.50    0.800    0.900   1.0     0         0       0        0         0
  1     request eat_meal    1  0.49    0.795    0.898   1.0     0         0       1        1         0
  2     move east           1  0.48    0.790    0.896   1.0     1         0       1        1         1
  3     start eat_meal      2  0.47    0.785    0.894   1.0     1         0       1        1         0
  4     wait                2  0.46    0.780    0.892   1.0     0         0       1        3         0
  5     wait                2  0.45    0.775    0.890   1.0     0         0       1        1         0
  6     wait                2  0.84    0.770    0.888   0.6     0         0       1        1         0
  7     request eat_meal    2  0.83    0.765    0.886   0.6     0         0       1        1         0
  8     wait                2  0.82    0.760    0.884   0.6     0         1       0        1         0
"""
COLUMNS = (
    "need_hunger", "need_hygiene", "need_energy", "wallet", "reservation_active", "in_queue", "last_action_success",
    "last_action_duration", "path_hint_east",
)  # fmt: skip


@pytest.fixture
def played(tmp_path: Path):
    def run(text: str, ticks: int) -> dict[str, ReplaySample]:
        (tmp_path / "quick.yaml").write_text(AFFORDANCES)
        (tmp_path / "scene.yaml").write_text(text)
        resolved = load_config(tmp_path / "scene.yaml")
        found = play(Run("scene", 0, ticks, canonical_json(resolved.to_json_dict())))
        return {key.agent_id: stack_groups([group]) for key, group in found}

    return run


def column(sample: ReplaySample, name: str) -> np.ndarray:
    return sample.features[:, sample.metadata["feature_names"].index(name)]


def action_names(sample: ReplaySample) -> list[str]:
    texts = {index: text for text, index in sample.metadata["action_lookup"].items()}
    words = [texts[action] for action in sample.actions.tolist()]
    return [word.replace('"', "") for word in words]


def test_breakfast_tick_by_tick(played) -> None:
    sample = played(BREAKFAST, 9)["alice"]
    spelled = {
        "wait": "{kind:wait}", "move east": "{direction:east,kind:move}",
        "request eat_meal": "{affordance:eat_meal,kind:request}", "start eat_meal": "{affordance:eat_meal,kind:start}",
    }  # fmt: skip
    rows = [line.split() for line in TABLE.strip().splitlines()]
    for t, row in enumerate(rows):
        action, numbers = " ".join(row[1:-10]), [float(word) for word in row[-10:]]
        assert int(row[0]) == t == sample.tick[t]
        assert action_names(sample)[t] == spelled[action], t
        assert sample.positions[t].tolist() == [numbers[0], 1]
        for name, expected in zip(COLUMNS, numbers[1:], strict=True):
            assert column(sample, name)[t] == pytest.approx(expected, abs=1e-6), (t, name)


def test_breakfast_rewards_follow_what_the_tick_brought(played) -> None:
    """survival .002 - (1 d_hunger^2 + .6 d_hygiene^2 + .8 d_energy^2), of the needs after the tick."""
    sample = played(BREAKFAST, 9)["alice"]
    needs = np.stack([column(sample, f"need_{name}") for name in ("hunger", "hygiene", "energy")], axis=1)
    after = np.vstack([needs[1:], sample.final_features[None, :3]]).astype(np.float64)
    expected = 0.002 - ((1 - after) ** 2 * [1.0, 0.6, 0.8]).sum(axis=1)
    assert sample.rewards == pytest.approx(expected, abs=1e-6)
    assert sample.rewards[0] == pytest.approx(0.002 - (0.51**2 + 0.6 * 0.205**2 + 0.8 * 0.102**2), abs=1e-6)
    assert not sample.dones.any() and sample.metadata["truncated"]


def test_breakfast_masks_and_maps(played) -> None:
    sample = played(BREAKFAST, 9)["alice"]
    lookup = sample.metadata["action_lookup"]
    busy = sample.action_mask[4]
    assert np.flatnonzero(busy).tolist() == [0]  # while she eats she may only wait: 15 ticks commit her
    start = lookup['{"affordance":"eat_meal","kind":"start"}']
    assert sample.action_mask[:4, start].tolist() == [False, False, False, True]
    assert not sample.action_mask[
        0, lookup['{"affordance":"use_shower","kind":"request"}']
    ]  # there is no shower
    channels = sample.metadata["map_channels"]
    maps = {name: sample.map[:, channels.index(name)] for name in channels}
    assert (maps["self"].sum(axis=(1, 2)) == 1).all() and maps["self"][0, 5, 5] == 1
    assert maps["objects"][0, 5, 7] == 1 and maps["objects"][3, 5, 6] == 1  # two tiles east, then one
    reserved = maps["reservations"].sum(axis=(1, 2)).tolist()
    assert reserved == [0, 0, 1, 1, 1, 1, 0, 0, 0]  # granted in tick 1, free again after tick 5
    assert maps["agents"].sum() == 0


QUARREL = """
config_id: quarrel
world: {grid_size: [5, 3]}
features: {stages: {relationships: A, social_rewards: C1}}
jobs: {}
affordances: {affordances_file: quick.yaml}
conflict: {rivalry: {decay_per_tick: 0.0}}
scenario:
  objects: [{id: shower, type: shower, position: [2, 1]}]
  agents:
    - id: alice
      position: [1, 1]
      schedule:
        - {kind: request, object: shower}
        - {kind: start, object: shower, until: finished}
        - {kind: wait, ticks: 9}
    - id: bob
      position: [2, 2]
      schedule:
        - {kind: request, object: shower}
        - {kind: request, object: shower, blocked: true}
        - {kind: wait, ticks: 9}
"""


def test_a_quarrel_over_the_shower(played) -> None:
    """Both ask; alice, who arrived first in town, is granted it. Bob asks again: a block, so rivalry rises by .15."""
    lives = played(QUARREL, 6)
    alice, bob = lives["alice"], lives["bob"]
    assert column(alice, "reservation_active").tolist() == [0, 1, 0, 0, 0, 0]
    assert column(bob, "in_queue")[:3].tolist() == [0, 1, 1]
    assert column(bob, "last_action_success")[:3].tolist() == [0, 0, 0]  # at birth; waits; blocked
    assert column(bob, "rivalry_max").tolist() == pytest.approx([0, 0, 0.15, 0.15, 0.15, 0.15])
    assert column(alice, "rivalry_max").tolist() == pytest.approx([0, 0, 0.15, 0.15, 0.15, 0.15])
    # alice showers in ticks 1 and 2; bob is granted it in tick 3, and has not waited politely
    assert column(bob, "reservation_active").tolist() == [0, 0, 0, 0, 1, 1]
    assert column(alice, "need_hygiene")[3] == pytest.approx(0.7 + 0.2 - 3 * 0.0005, abs=1e-6)
    assert bob.metadata["label_mismatch_count"] == 0  # the label says that it is refused, and it was
    assert bob.action_args[1].tolist() == [0, -1, -1]  # object 0, by name
