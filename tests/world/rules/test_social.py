"""Step 5: ties, chats, shared meals, and what they earn."""

from __future__ import annotations

import pytest

from tests.worlds import Offer, Person, Scene, chat, scene
from townlet.world import state as st
from townlet.world.rng import USE_CHAT, draw
from townlet.world.rules import social

OFFERS = {
    "eat": Offer("fridge", duration=15, shares=True),
    "work": Offer("desk", works=True),
    "sit": Offer("bench"),
}
EAT, WORK, SIT = range(3)
ROW = [(1, 1), (2, 1), (3, 1), (4, 1)]
LUCKY = next(t for t in range(99) if draw(7, t, 1, USE_CHAT, 0) < 0.3)
UNLUCKY = next(t for t in range(99) if 0.7 <= draw(7, t, 1, USE_CHAT, 0) < 0.9)


def play(s: Scene, tick: int | None = None) -> None:
    world, params = s.world, s.params
    if tick is not None:
        world.clock.tick[0] = tick
    social.update(
        world.clock,
        world.agents,
        world.running,
        world.ties,
        world.tick,
        params.town,
        params.affordances,
        params.rules,
    )
    ties = world.ties
    some = (ties.trust != 0) | (ties.familiarity != 0) | (ties.rivalry != 0)
    assert ties.count.tolist() == some.sum(axis=1).tolist()


def town(agents=ROW, **more) -> Scene:
    s = scene(agents=agents, offers=OFFERS, **more)
    s.begin()
    return s


def tie(s: Scene, i: int, j: int) -> list[float]:
    ties = s.world.ties
    return [float(array[i, j]) for array in (ties.trust, ties.familiarity, ties.rivalry)]


def set_tie(s: Scene, i: int, j: int, trust: float, familiarity: float, rivalry: float) -> None:
    ties = s.world.ties
    ties.trust[i, j], ties.familiarity[i, j], ties.rivalry[i, j] = trust, familiarity, rivalry
    ties.count[i] = ((ties.trust[i] != 0) | (ties.familiarity[i] != 0) | (ties.rivalry[i] != 0)).sum()


def block(
    s: Scene, i: int, by: int, *, waiting: int = 0, rotated: bool = False, affordance: int = SIT
) -> None:
    tick = s.world.tick
    tick.block_by[i], tick.block_waiting[i], tick.block_rotated[i], tick.affordance[i] = (
        by,
        waiting,
        rotated,
        affordance,
    )


def eat(s: Scene, i: int, since: int) -> None:
    s.world.running.affordance[i], s.world.running.started[i] = EAT, since


# --- conflicts and courtesies
def test_a_block_makes_both_sides_rivals():
    s = town()
    block(s, 0, by=1)
    play(s)
    assert tie(s, 0, 1) == tie(s, 1, 0) == [0.0, -0.05, 0.15]
    assert s.world.ties.count.tolist() == [1, 1, 0, 0]


def test_others_waiting_and_a_rotation_make_it_worse():
    s = town()
    block(s, 0, by=1, waiting=2, rotated=True)
    play(s)
    assert tie(s, 0, 1)[2] == pytest.approx(0.15 * (1 + 0.25 * 2) + 0.4 * 0.15)


def test_a_block_by_nobody_changes_nothing():
    s = town()
    block(s, 0, by=st.NOBODY, waiting=2)
    play(s)
    assert s.world.ties.count.sum() == 0


def test_a_ghost_step():
    s = town()
    s.world.tick.ghost_through[2] = 0
    play(s)
    assert tie(s, 2, 0) == tie(s, 0, 2) == pytest.approx([0.0, -0.05, 0.15 * 1.5])


def test_waiting_politely():
    s = town()
    set_tie(s, 0, 1, 0.0, 0.0, 0.2)
    s.world.tick.polite_to[0] = 1
    play(s)
    assert tie(s, 0, 1) == pytest.approx([0.05, 0.05, 0.15])
    assert tie(s, 1, 0) == [0.05, 0.05, 0.0]


def test_personality():
    mild, ambitious = Person(1, 1, personality=(0.0, 0.5, 0.0)), Person(2, 1, personality=(0.0, -0.2, 0.5))
    s = town([mild, ambitious])
    block(s, 0, by=1, affordance=WORK)
    play(s)
    assert tie(s, 0, 1) == pytest.approx([0.0, -0.05 * 0.75, 0.15 * 0.75])
    assert tie(s, 1, 0) == pytest.approx([0.0, -0.05 * 1.1, 0.15 * 1.15 * 1.1])


def test_ties_stay_in_range():
    s = town(rivalry={st.RIVALRY_MAX: 0.8})
    set_tie(s, 0, 1, 0.0, -0.99, 0.75)
    block(s, 0, by=1)
    play(s)
    assert tie(s, 0, 1) == [0.0, -1.0, 0.8]


def test_with_relationships_off_only_rivalry_moves():
    s = town(rules={"ties_on": False})
    block(s, 0, by=1)
    s.world.tick.polite_to[2] = 1
    s.choose(3, chat())
    play(s, LUCKY)
    assert not s.world.ties.trust.any()
    assert not s.world.ties.familiarity.any()
    assert tie(s, 0, 1)[2] == 0.15


# --- fading and forgetting
def test_ties_fade_toward_zero_before_anything_happens():
    s = town(rivalry={st.RIVALRY_DECAY: 0.1})
    set_tie(s, 0, 1, 0.25, -0.25, 0.25)
    set_tie(s, 0, 2, 0.05, -0.05, 0.05)
    block(s, 0, by=3)
    play(s)
    assert tie(s, 0, 1) == pytest.approx([0.15, -0.15, 0.15])
    assert tie(s, 0, 2) == [0.0, 0.0, 0.0]
    assert tie(s, 0, 3) == [0.0, -0.05, 0.15]
    assert s.world.ties.count[0] == 2


def test_the_forgiving_forget_faster():
    s = town([Person(1, 1, personality=(0.0, 0.5, 0.0)), Person(2, 1)], rivalry={st.RIVALRY_DECAY: 0.1})
    set_tie(s, 0, 1, 0.5, 0.0, 0.5)
    play(s)
    assert tie(s, 0, 1) == pytest.approx([0.4, 0.0, 0.5 - 0.1 * 1.25])


def test_rivalry_has_a_floor():
    s = town(rivalry={st.RIVALRY_DECAY: 0.1, st.RIVALRY_MIN: 0.2})
    set_tie(s, 0, 1, 0.0, 0.0, 0.25)
    play(s)
    assert tie(s, 0, 1) == [0.0, 0.0, 0.2]
    assert tie(s, 0, 2) == [0.0, 0.0, 0.0]
    s.world.tick.polite_to[0] = 1
    play(s)
    assert tie(s, 0, 1) == [0.05, 0.05, 0.2]


def test_one_rival_too_many_drops_the_weakest():
    s = town(rules={"max_edges": 2})
    set_tie(s, 0, 1, 0.0, 0.0, 0.1)
    set_tie(s, 0, 2, 0.3, 0.0, 0.1)
    block(s, 0, by=3)
    play(s)
    assert [tie(s, 0, j)[2] for j in (1, 2, 3)] == [0.1, 0.0, 0.15]
    assert tie(s, 0, 2) == [0.3, 0.0, 0.0]


def test_one_friend_too_many_drops_the_weakest_which_may_be_the_new_one():
    s = town(rules={"max_edges": 2})
    set_tie(s, 0, 1, 0.3, 0.1, 0.0)
    set_tie(s, 0, 2, 0.4, -0.1, 0.2)
    s.world.tick.polite_to[0] = 3
    play(s)
    assert tie(s, 0, 3) == [0.0, 0.0, 0.0]
    assert s.world.ties.count[0] == 2
    s.world.ties.trust[0, 2] = 0.15
    play(s)
    assert tie(s, 0, 2) == pytest.approx([0.0, 0.0, 0.2])
    assert tie(s, 0, 3) == [0.05, 0.05, 0.0]


# --- meals
def test_a_shared_meal_counts_once():
    s = town()
    eat(s, 0, since=3)
    eat(s, 2, since=5)
    for tick in (5, 6, 7):
        play(s, tick)
    assert tie(s, 0, 2) == tie(s, 2, 0) == [0.10, 0.25, 0.0]
    assert s.world.clock.counts[st.N_SHARED] == 1
    eat(s, 2, since=9)  # the next meal of one of them is another overlap
    play(s, 9)
    assert s.world.clock.counts[st.N_SHARED] == 2


def test_three_at_table_are_three_pairs():
    s = town()
    for i in range(3):
        eat(s, i, since=4)
    play(s, 4)
    assert s.world.clock.counts[st.N_SHARED] == 3


def test_who_eats_its_last_tick_still_shares_it():
    s = town()
    s.world.tick.finished[0] = EAT
    eat(s, 1, since=20)
    play(s, 20)
    assert tie(s, 0, 1) == [0.10, 0.25, 0.0]


def test_no_meal_is_shared_from_afar_or_with_who_does_something_else():
    s = town([(1, 1), (4, 1), (1, 2)])
    eat(s, 0, since=4)
    eat(s, 1, since=4)
    s.world.running.affordance[2] = SIT
    play(s, 4)
    assert s.world.clock.counts[st.N_SHARED] == 0


# --- chats
def test_a_good_chat():
    s = town()
    s.choose(0, chat(quality=0.5))
    play(s, LUCKY)
    assert tie(s, 0, 1) == tie(s, 1, 0) == [0.025, 0.05, 0.0]
    assert (bool(s.world.tick.success[0]), s.world.tick.chat_with[0]) == (True, 1)
    assert s.world.clock.counts[[st.N_CHAT, st.N_GOOD_CHAT]].tolist() == [1, 1]
    reward = 0.01 * (1 + 0.3 * 0.025 + 0.2 * 0.05)
    assert s.world.tick.social.tolist() == pytest.approx([reward, reward, 0.0, 0.0])


def test_a_failed_chat():
    s = town()
    s.choose(0, chat())
    play(s, UNLUCKY)
    assert tie(s, 0, 1) == tie(s, 1, 0) == [0.0, -0.05, 0.05]
    assert (bool(s.world.tick.success[0]), s.world.tick.chat_with[0]) == (False, st.NOBODY)
    assert s.world.clock.counts[[st.N_CHAT, st.N_GOOD_CHAT]].tolist() == [1, 0]
    assert not s.world.tick.social.any()


def test_trust_and_familiarity_make_a_chat_more_likely_good():
    s = town()
    set_tie(s, 0, 1, 1.0, 1.0, 0.0)  # .7 * 1.3 * 1.2 > 1
    s.choose(0, chat())
    play(s, UNLUCKY)
    assert s.world.tick.chat_with[0] == 1


def test_the_extrovert_warms_up_faster():
    s = town([Person(1, 1, personality=(0.5, 0.0, 0.0)), Person(2, 1, personality=(-0.5, 0.0, 0.0))])
    s.choose(0, chat())
    play(s, LUCKY)
    assert tie(s, 0, 1)[1] == pytest.approx(0.11)
    assert tie(s, 1, 0)[1] == pytest.approx(0.10)


def test_a_pair_is_rewarded_once_in_sixty_ticks():
    s = town([(1, 1), (2, 1)])
    set_tie(s, 0, 1, 1.0, 1.0, 0.0)
    set_tie(s, 1, 0, 1.0, 1.0, 0.0)
    earned = []
    for tick, who in [(0, 0), (59, 1), (60, 1), (119, 0)]:
        s.begin({who: chat()})
        play(s, tick)
        earned.append(float(s.world.tick.social.sum()))
    assert earned == pytest.approx([0.03, 0.0, 0.03, 0.0])


def test_whom_one_chats_with():
    near = [(3, 3), (3, 2), (4, 3), (3, 3), (5, 3)]
    cases = [
        (chat(), near, {}, 3),  # on the same tile
        (chat(), [*near[:3], (9, 9), (5, 3)], {}, 1),  # the lowest arrival number within one tile
        (chat(), [*near[:3], (9, 9), (5, 3)], {1: 8}, 2),
        (chat(2), near, {}, 2),
        (chat(4), near, {}, st.NOBODY),  # too far
        (chat(0), near, {}, st.NOBODY),  # oneself
        (chat(st.GONE), near, {}, st.NOBODY),
        (chat(), [(3, 3), (5, 3), (3, 5), (9, 9), (1, 3)], {}, st.NOBODY),
    ]
    for action, places, arrivals, partner in cases:
        s = town([*places], size=(12, 12))
        for row, arrival in arrivals.items():
            s.world.agents.arrival[row] = arrival
        s.choose(0, action)
        play(s, LUCKY)
        assert s.world.tick.chat_with[0] == partner


def test_the_busy_and_the_dead_do_not_chat():
    s = town([(1, 1), (2, 1)])
    s.world.running.affordance[0] = SIT
    s.choose(0, chat())
    play(s, LUCKY)
    s.world.running.affordance[0] = st.NOTHING
    s.world.agents.alive[1] = False
    s.choose(1, chat())
    play(s, LUCKY)
    assert s.world.clock.counts[st.N_CHAT] == 0


def test_avoiding_a_rival_is_rewarded_where_the_config_says_so():
    for on, expected in [(True, 0.01), (False, 0.0)]:
        s = town(rules={"avoid_rewards": on})
        s.world.tick.avoided[1] = 2
        play(s)
        assert s.world.tick.social.tolist() == [0.0, expected, 0.0, 0.0]


def test_work_ties():
    s = town([Person(1, 1, personality=(0.0, 0.0, 1.0)), Person(2, 1)])
    s.world.tick.taken_over_by[0] = 1
    s.world.tick.helped_by[1] = 0
    set_tie(s, 1, 0, 0.0, 0.0, 0.5)
    social.work_ties(s.world.agents, s.world.ties, s.world.tick, s.params.rules)
    assert tie(s, 0, 1) == pytest.approx([-0.10, 0.0, 0.30 * 1.3])
    assert tie(s, 1, 0) == pytest.approx([0.20, 0.10, 0.40])
    assert s.world.ties.count.tolist() == [1, 1]
