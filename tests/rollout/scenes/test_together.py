"""Two agents, one shower, a quarrel and a chat, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rollout.scenes.tables import (
    action,
    as_json,
    captured,
    exactly,
    features,
    from_needs,
    mask,
    on_map,
    rows,
)
from townlet.samples import ReplaySample

#   . . . . .     Ann (1, 1) is granted the shower (2, 1), on which Bob stands; he asks for it on tick 0, and again on
#   . A B . .     tick 1, which is a block. She showers on ticks 2 and 3, he is granted it on 4 and showers on 5 and 6.
#   . . . . .     On tick 7 he chats with her, and she is pleased.
TOGETHER = """
config_id: together
features:
  stages: {relationships: A, social_rewards: C1}
rewards:
  needs_form: centred
  needs_weights: {hunger: 1.0, hygiene: 0.5, energy: 0.5}
  decay_rates: {hunger: 0.03125, hygiene: 0.015625, energy: 0.0078125}
  survival_tick: 0.0078125
  social: {C1_chat_base: 0.03125, C1_coeff_trust: 0.5, C1_coeff_fam: 0.25}
jobs: {}
queue_fairness: {cooldown_ticks: 0, ghost_step_after: 0}
conflict:
  rivalry: {increment_per_conflict: 0.25, decay_per_tick: 0.0078125, avoid_threshold: 0.2}
affordances: {affordances_file: one.yaml}
observations:
  extended: true
  hybrid: {local_window: 5}
  social_snippet: {top_friends: 1, top_rivals: 1, embed_dim: 1}
world: {grid_size: [5, 3]}
scenario:
  objects:
    - {id: shower_1, type: shower, position: [2, 1]}
  agents:
    - id: ann
      position: [1, 1]
      needs: {hunger: 0.75, hygiene: 0.25, energy: 0.875}
      schedule:
        - {kind: request, affordance: wash, object: shower_1}
        - {kind: wait}
        - {kind: start, affordance: wash, object: shower_1, until: finished}
        - {kind: wait, ticks: 100}
    - id: bob
      position: [2, 1]
      needs: {hunger: 0.75, hygiene: 0.25, energy: 0.875}
      schedule:
        - {kind: request, affordance: wash, object: shower_1, blocked: true, ticks: 2}
        - {kind: wait, until: granted}
        - {kind: start, affordance: wash, object: shower_1, until: finished}
        - {kind: chat, target: ann, quality: 1}
        - {kind: wait, ticks: 100}
"""
TOGETHER_TICKS = 9
# The chat is good if its draw, named by (seed, tick 7, arrival 2), is below .7 (1 + .2 familiarity) = .6995625,
# with a familiarity of - .003125 after tick 7's fading.
GOOD_SEED, BAD_SEED = 0, 1  # 0.0529 and 0.9952

# Rivalry in 128ths: both feel a conflict of 1/4 on tick 1, and from tick 2 on it fades by 1 before anything else
# happens. Familiarity: - .05 with the conflict, then back toward 0 by 1/128 a tick; + .10 with the chat, which also
# brings trust of .05. A rival is counted above .2, which is 25.6 / 128.
FEELINGS = """
tick  rivalry  counted  trust    familiarity
0     0        0        0        0
1     0        0        0        0
2     32       1        0        -0.05
3     31       1        0        -0.0421875
4     30       1        0        -0.034375
5     29       1        0        -0.0265625
6     28       1        0        -0.01875
7     27       1        0        -0.0109375
8     26       1        0.05     0.096875
9     25       0        0.0421875  0.0890625
"""

BOTH = {
    "ann": """
tick  hunger  hygiene  energy  reserved  queued  place  washes  success  takes  mask       does          object
0     96      32       112     0         0       0      0       0        0      wnsew.cqb  request:wash  0
1     92      30       111     1         0       0      0       1        1      wnsewrcqb  wait          -1
2     88      28       110     1         0       0      0       1        1      wnsewrcqb  start:wash    0
3     84      26       109     0         0       0      1       1        2      w........  wait          -1
4     80      88       108     0         0       0      0       1        1      wnsew.cqb  wait          -1
5     76      86       107     0         0       0      0       1        1      wnsew.cqb  wait          -1
6     72      84       106     0         0       0      0       1        1      wnsew.cqb  wait          -1
7     68      82       105     0         0       0      0       1        1      wnsew.cqb  wait          -1
8     64      80       104     0         0       0      0       1        1      wnsew.cqb  wait          -1
9     60      78       103     0         0       0      0       1        1      wnsew.cqb  -             -
""",
    "bob": """
tick  hunger  hygiene  energy  reserved  queued  place  washes  success  takes  mask       does          object
0     96      32       112     0         0       0      0       0        0      wnsew.cqb  request:wash  0
1     92      30       111     0         1       1      0       0        1      wnsewrcqb  request:wash  0
2     88      28       110     0         1       1      0       0        1      wnsewrcqb  wait          -1
3     84      26       109     0         1       1      0       1        1      wnsewrcqb  wait          -1
4     80      24       108     0         1       1      0       1        1      wnsewrcqb  wait          -1
5     76      22       107     1         0       0      0       1        1      wnsewrcqb  start:wash    0
6     72      20       106     0         0       0      1       1        2      w........  wait          -1
7     68      82       105     0         0       0      0       1        1      wnsew.cqb  chat          -1
8     64      80       104     0         0       0      0       1        1      wnsew.cqb  wait          -1
9     60      78       103     0         0       0      0       1        1      wnsew.cqb  -             -
""",
}
# Who holds or uses the shower, as the others see it on the map: from the grant of tick 0 to the end of tick 6. Bob is
# granted it on the tick after Ann's last.
TAKEN = (1, 2, 3, 5, 6)
WASH = {"id": "wash", "type": "shower", "effects": "{hygiene: 0.5}"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReplaySample]:
    folder = tmp_path_factory.mktemp("together")
    samples = captured(folder, TOGETHER, TOGETHER_TICKS, GOOD_SEED, **WASH)
    return {sample.metadata["agent_id"]: sample for sample in samples}


@pytest.mark.parametrize("tick", range(TOGETHER_TICKS + 1))
@pytest.mark.parametrize("name", ["ann", "bob"])
def test_together_what_is_seen(both: dict[str, ReplaySample], name: str, tick: int) -> None:
    row, feelings = rows(BOTH[name])[tick], rows(FEELINGS)[tick]
    found = features(both[name], tick)
    rivalry, trust = int(feelings["rivalry"]) / 128, float(feelings["trust"])
    familiarity = float(feelings["familiarity"])
    expected = {
        **{f"need_{need}": int(row[need]) / 128 for need in ("hunger", "hygiene", "energy")},
        "reservation_active": int(row["reserved"]),
        "in_queue": int(row["queued"]),
        "queue_position": int(row["place"]),
        "doing_wash": int(row["washes"]),
        "ticks_left": int(row["washes"]) / 2,
        "last_action_success": int(row["success"]),
        "last_action_duration": int(row["takes"]),
        "rivalry_max": rivalry,
        "rivalry_avoid_count": int(feelings["counted"]),
        "social_trust_max": trust,
        "social_rivalry_max": rivalry,
        "social_slot1_d1": trust,  # of the first rival
        "social_slot1_d2": familiarity,
        "social_slot1_d3": rivalry,
        "social_slot0_d1": trust if tick > 7 else 0,  # of the first friend: from the chat on
        "social_slot0_d2": familiarity if tick > 7 else 0,
        "social_slot0_d3": rivalry if tick > 7 else 0,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-7)
    for key in ("need_hunger", "need_hygiene", "need_energy", "rivalry_max"):
        assert found[key] == exactly(expected[key])


@pytest.mark.parametrize("tick", range(TOGETHER_TICKS + 1))
@pytest.mark.parametrize("name", ["ann", "bob"])
def test_together_the_map_and_the_mask(both: dict[str, ReplaySample], name: str, tick: int) -> None:
    assert mask(both[name], tick) == rows(BOTH[name])[tick]["mask"]
    other, shower = ((1, 0), (1, 0)) if name == "ann" else ((-1, 0), (0, 0))
    assert on_map(both[name], tick, "agents") == {other: 1}
    assert on_map(both[name], tick, "objects") == {shower: 1}
    assert on_map(both[name], tick, "reservations") == ({shower: 1} if tick in TAKEN else {})


@pytest.mark.parametrize("tick", range(TOGETHER_TICKS))
@pytest.mark.parametrize("name", ["ann", "bob"])
def test_together_what_is_done_and_what_it_brings(
    both: dict[str, ReplaySample], name: str, tick: int
) -> None:
    sample, row, after = both[name], rows(BOTH[name])[tick], rows(BOTH[name])[tick + 1]
    assert action(sample, tick) == as_json(row["does"])
    chats = row["does"] == "chat"
    assert sample.action_args[tick].tolist() == [int(row["object"]), 0 if chats else -1, 1 if chats else -1]
    # The chat is worth 1/32 to both, and more for the trust and familiarity that it leaves.
    pleasure = (1 + 0.5 * 0.05 + 0.25 * 0.096875) / 32
    terms = {
        "survival": 1 / 128,
        "needs": from_needs(after, (1.0, 0.5, 0.5)),
        "social": pleasure if tick == 7 else 0.0,
    }
    found = dict(zip(sample.metadata["reward_term_names"], sample.reward_terms[tick].tolist(), strict=True))
    assert {key: value for key, value in found.items() if value} == pytest.approx(
        {key: value for key, value in terms.items() if value}, rel=1e-7
    )
    assert float(sample.rewards[tick]) == pytest.approx(sum(terms.values()), rel=1e-7)


def test_together_the_labels_are_right(both: dict[str, ReplaySample]) -> None:
    """Bob's two requests were expected to be refused, and were."""
    assert [both[name].metadata["label_mismatch_count"] for name in ("ann", "bob")] == [0, 0]


def test_together_where_the_chat_fails(tmp_path: Path) -> None:
    """Another seed: both like each other a little less, nobody is pleased, and nothing else is different."""
    for sample in captured(tmp_path, TOGETHER, TOGETHER_TICKS, BAD_SEED, **WASH):
        last = features(sample, 8)
        assert last["last_action_success"] == float(sample.metadata["agent_id"] == "ann")
        assert last["rivalry_max"] == pytest.approx(26 / 128 + 0.05)
        assert last["social_slot1_d2"] == pytest.approx(-0.003125 - 0.05)
        assert last["social_trust_max"] == last["social_slot0_d2"] == 0
        assert not sample.reward_terms[:, sample.metadata["reward_term_names"].index("social")].any()
