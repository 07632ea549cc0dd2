"""One agent goes to the fridge, eats, and is paid on the way: every number of every frame, worked out by hand."""

from __future__ import annotations

import math
import zlib

import pytest

from tests.rollout.scenes.tables import (
    action,
    as_json,
    captured,
    exactly,
    features,
    from_needs,
    mask,
    number,
    on_map,
    rows,
)
from townlet.samples import ReplaySample

STEPS = {"north": (0, -1), "south": (0, 1), "east": (1, 0), "west": (-1, 0)}

#   . . . . .     Ann (0, 1) wants the meal in the fridge F (3, 1); a wall stands in her way. The job is at J (4, 1):
#   A # . F J     two tiles from where she eats, which is on site. The shift is ticks 5, 6 and 7 of days of 16.
#   . . . . .
ALONE = """
config_id: alone
rewards:
  needs_form: centred
  needs_weights: {hunger: 1.0, hygiene: 0.5, energy: 0.5}
  decay_rates: {hunger: 0.03125, hygiene: 0.015625, energy: 0.0078125}
  survival_tick: 0.0078125
  wage_rate: 0.015625
  punctuality_bonus: 0.03125
jobs:
  clerk: {start_tick: 5, end_tick: 8, wage_rate: 0.125, lateness_penalty: 0.1, location: [4, 1]}
behavior: {job_arrival_buffer: 1}
queue_fairness: {cooldown_ticks: 4}
affordances: {affordances_file: one.yaml}
observations:
  extended: true
  hybrid: {local_window: 5, time_ticks_per_day: 8}
world:
  ticks_per_day: 16
  map: |
    .....
    .#...
    .....
scenario:
  objects:
    - {id: fridge_1, type: fridge, position: [3, 1], stock: {meals: 1}}
  agents:
    - id: ann
      position: [0, 1]
      needs: {hunger: 0.5, hygiene: 0.75, energy: 0.875}
      wallet: 1.0
      job: clerk
      schedule:
        - {kind: request, affordance: eat_meal, object: fridge_1}
        - {kind: move, position: [2, 1], until: arrived}
        - {kind: start, affordance: eat_meal, object: fridge_1, until: finished}
        - {kind: chat}
        - {kind: release}
"""
ALONE_TICKS = 9

# Needs fall by 4, 2 and 1 of 128 a tick. The meal's effects come in its second tick, tick 6: hunger + 64 before it
# falls, - 1/4 coin; the wage of 1/8 comes on ticks 5, 6 and 7. The clock of the features has 8 ticks: 45 degrees each.
HERSELF = """
tick  x  y  hunger  hygiene  energy  wallet  degrees  shift    on_shift  starts_in  ends_in
0     0  1  64      96       112     1       0        pre      0         5/16       8/16
1     0  1  60      94       111     1       45       pre      0         4/16       7/16
2     0  0  56      92       110     1       90       pre      0         3/16       6/16
3     1  0  52      90       109     1       135      pre      0         2/16       5/16
4     2  0  48      88       108     1       180      pre      0         1/16       4/16
5     2  1  44      86       107     1       225      pre      0         0/16       3/16
6     2  1  40      84       106     1.125   270      on_time  1         15/16      2/16
7     2  1  100     82       105     1       315      on_time  1         14/16      1/16
8     2  1  96      80       104     1.125   0        on_time  1         13/16      0/16
9     2  1  92      78       103     1.125   45       post     0         12/16      15/16
"""

# The reservation is hers from tick 0 until she starts; the meal runs on ticks 5 and 6, and the fridge then cools for
# her to tick 11 (4 ticks after the next). She has a hint until she stands beside the fridge, then on site. The chat
# finds nobody, the release nothing: no success. Nothing in the fridge, from tick 5 on, that she could request.
DOING = """
tick  reserved  eats  left  cooling  last                                    success  takes  hint
0     0         0     0     0        wait                                    0        0      north
1     1         0     0     0        request:eat_meal                        1        1      north
2     1         0     0     0        move:north                              1        1      east
3     1         0     0     0        move:east                               1        1      east
4     1         0     0     0        move:east                               1        1      south
5     1         0     0     0        move:south                              1        1      -
6     0         1     1/2   0        start:eat_meal                          1        2      -
7     0         0     0     4/4      wait                                    1        1      -
8     0         0     0     3/4      chat                                    0        1      -
9     0         0     0     2/4      release                                 0        1      -
"""

# Walking distances to fridge and job / (5 + 3), and the first step of a shortest path (of two: north, south, east,
# west). The fridge on a map of 5 x 5 tiles (east, south of her), and whether it is marked as taken. The bit of what
# she does is set, though a chat (tick 7) and a release (tick 8) are not legal.
SIGHT = """
tick  fridge  job  step   meals  free  east  south  taken  mask       does
0     5/8     6/8  north  1      1     -     -      -      wns....q.  request:eat_meal
1     5/8     6/8  north  1      1     -     -      -      wns..r.q.  move:north
2     4/8     5/8  east   1      1     -     -      -      w.se.r.q.  move:east
3     3/8     4/8  east   1      1     2     1      1      w..ewr.q.  move:east
4     2/8     3/8  south  1      1     1     1      1      w.sewr.q.  move:south
5     1/8     2/8  east   1      1     1     0      1      wnse.r.qb  start:eat_meal
6     1/8     2/8  east   0      0     1     0      1      w........  wait
7     1/8     2/8  east   0      1     1     0      0      wnse..c.b  chat
8     1/8     2/8  east   0      1     1     0      0      wnse.r..b  release
9     1/8     2/8  east   0      1     1     0      0      wnse....b  -
"""

# What nothing of this changes.
CONSTANT = {
    "lateness_counter": 0, "attendance_ratio": 1, "wages_withheld": 0, "shift_late": 0, "shift_absent": 0,
    "embedding_slot_norm": 0, "rivalry_max": 0, "rivalry_avoid_count": 0, "in_queue": 0, "social_trust_mean": 0,
    "social_trust_max": 0, "social_rivalry_mean": 0, "social_rivalry_max": 0, "queue_position": 0,
    "faint_countdown": 0, "rent_lacking": 0, "rent_unpaid": 0, "power_on": 1, "water_on": 1, "price_level": 0,
    **{f"social_slot{slot}_d{d}": 0 for slot in range(4) for d in range(11)},
}  # fmt: skip


def expected_of_ann(tick: int) -> dict[str, float]:
    """Every feature of a row of the tables, by name."""
    herself, doing, sight = (rows(table)[tick] for table in (HERSELF, DOING, SIGHT))
    angle = math.radians(int(herself["degrees"]))
    step_x, step_y = STEPS[sight["step"]]
    walls = {
        (0, 1): "east west",
        (0, 0): "north west",
        (1, 0): "north south",
        (2, 0): "north",
        (2, 1): "west",
    }
    here = walls[int(herself["x"]), int(herself["y"])].split()
    return {
        **CONSTANT,
        **{f"need_{need}": int(herself[need]) / 128 for need in ("hunger", "hygiene", "energy")},
        "wallet": float(herself["wallet"]),
        "on_shift": int(herself["on_shift"]),
        **{f"shift_{state}": float(herself["shift"] == state) for state in ("pre", "on_time", "post")},
        "time_sin": math.sin(angle),
        "time_cos": math.cos(angle),
        "ctx_reset_flag": float(tick == 0),
        "episode_progress": tick / 16,
        "last_action_id_hash": zlib.crc32(as_json(doing["last"]).encode()) / 2**32,
        "last_action_success": int(doing["success"]),
        "last_action_duration": int(doing["takes"]),
        "reservation_active": int(doing["reserved"]),
        **{f"path_hint_{way}": float(doing["hint"] == way) for way in ("north", "south", "east", "west")},
        "doing_eat_meal": int(doing["eats"]),
        "ticks_left": number(doing["left"]),
        "cooldown_left": number(doing["cooling"]),
        "shift_starts_in": number(herself["starts_in"]),
        "shift_ends_in": number(herself["ends_in"]),
        "job_step_x": step_x,
        "job_step_y": step_y,
        "job_distance": number(sight["job"]),
        **{f"wall_{way}": float(way in here) for way in ("north", "south", "east", "west")},
        "near_fridge_step_x": step_x,
        "near_fridge_step_y": step_y,
        "near_fridge_distance": number(sight["fridge"]),
        "near_fridge_meals": int(sight["meals"]),
        "near_fridge_free": int(sight["free"]),
    }


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory) -> ReplaySample:
    folder = tmp_path_factory.mktemp("alone")
    effects = "{hunger: 0.5, money: -0.25, meals: -1}"
    (sample,) = captured(folder, ALONE, ALONE_TICKS, id="eat_meal", type="fridge", effects=effects)
    return sample


@pytest.mark.parametrize("tick", range(ALONE_TICKS + 1))
def test_alone_what_is_seen(ann: ReplaySample, tick: int) -> None:
    found, expected = features(ann, tick), expected_of_ann(tick)
    assert found.keys() == expected.keys(), "every column has been worked out"
    assert found == {name: pytest.approx(value, abs=0, rel=1e-7) for name, value in expected.items()}
    assert {name: value for name, value in found.items() if "time" not in name} == {
        name: exactly(value) for name, value in expected.items() if "time" not in name
    }


@pytest.mark.parametrize("tick", range(ALONE_TICKS + 1))
def test_alone_the_map_and_the_mask(ann: ReplaySample, tick: int) -> None:
    sight = rows(SIGHT)[tick]
    assert mask(ann, tick) == sight["mask"]
    assert on_map(ann, tick, "self") == {(0, 0): 1}
    assert on_map(ann, tick, "agents") == {}
    fridge = {} if sight["east"] == "-" else {(int(sight["east"]), int(sight["south"])): 1.0}
    assert on_map(ann, tick, "objects") == fridge
    assert on_map(ann, tick, "reservations") == (fridge if sight["taken"] == "1" else {})


@pytest.mark.parametrize("tick", range(ALONE_TICKS))
def test_alone_what_is_done_and_what_it_brings(ann: ReplaySample, tick: int) -> None:
    before, after, does = rows(HERSELF)[tick], rows(HERSELF)[tick + 1], rows(SIGHT)[tick]["does"]
    assert ann.positions[tick].tolist() == [int(before["x"]), int(before["y"])]
    assert action(ann, tick) == as_json(does)
    fridge = 0 if ":eat_meal" in does else -1
    assert ann.action_args[tick].tolist() == [fridge, -1, 1 if does == "chat" else -1]
    paid = 1 if tick in (5, 6, 7) else 0
    terms = {
        "survival": 1 / 128,
        "needs": from_needs(after, (1.0, 0.5, 0.5)),  # those that the tick leaves
        "wages": paid / 64,
        "punctuality": paid / 32,
        "social": 0, "lateness": 0, "guardrail": 0, "clip": 0, "cap": 0, "terminal": 0, "shaping": 0,
    }  # fmt: skip
    found = dict(zip(ann.metadata["reward_term_names"], ann.reward_terms[tick].tolist(), strict=True))
    assert found == {name: exactly(value) for name, value in terms.items()}
    assert ann.rewards[tick] == exactly(sum(terms.values()))


def test_alone_what_holds_throughout(ann: ReplaySample) -> None:
    assert ann.tick.tolist() == list(range(ALONE_TICKS))
    assert not ann.dones.any() and not ann.old_log_probs.any() and not ann.value_preds.any()
    assert ann.metadata["truncated"] and ann.metadata["policy"]["kind"] == "scripted"
    assert from_needs(rows(HERSELF)[1], (1.0, 0.5, 0.5)) == 0.25 * (
        (1 - (68 / 128) ** 2) + (1 - (34 / 128) ** 2) / 2 + (1 - (17 / 128) ** 2) / 2
    )
