"""What is drawn from logits: worked out by hand, and counted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.policy.network.programs import ACTIONS, random_program
from townlet.policy.network.choose import choose, choose_rows
from townlet.policy.network.table import Actor, NetworkTable, network_table
from townlet.world.rng import USE_POLICY, draw

LOGITS = np.array([0, math.log(2), 5, math.log(3), math.log(4), -2], np.float32)
LEGAL = np.array([[[True, True, False, True, True, False]]])  # of weights 1, 2, 3, 4: chances .1, .2, .3, .4


def table_of(logits: np.ndarray = LOGITS, value: float = 0.25, **actor) -> NetworkTable:
    table = network_table([Actor(random_program(), **actor)], ACTIONS)
    table.logits[0], table.value[0] = logits, value
    return table


def chosen(
    table: NetworkTable, seed: int, tick: int, who: int, masks=LEGAL, given: int = -1
) -> tuple[int, float]:
    action, log_prob = choose(table, 0, 0, masks, 0, 0, seed, tick, who, given)
    return int(action), float(log_prob)


def test_the_draw_picks_by_id() -> None:
    """[0, .1) waits, [.1, .3) goes 1, [.3, .6) goes 3, and the rest 4; what is not legal has no part in it."""
    table, seen = table_of(), set()
    for tick in range(60):
        number = draw(9, tick, 4, USE_POLICY, 0)
        expected = [0, 1, 3, 4][int(np.searchsorted([0.1, 0.3, 0.6], number, side="right"))]
        action, log_prob = chosen(table, 9, tick, 4)
        assert action == expected
        chance = {0: 0.1, 1: 0.2, 3: 0.3, 4: 0.4}[action]
        assert log_prob == pytest.approx(math.log(chance), abs=1e-7)
        assert not table.fault.any()
        seen.add(int(action))
    assert seen == {0, 1, 3, 4}


def test_temperature_divides_the_logits() -> None:
    """At 1/2 the weights are 1, 4, 9, 16; at 1000 all are about alike."""
    for temperature, weights in ((0.5, [1, 4, 9, 16]), (2.0, [1, 2**0.5, 3**0.5, 2])):
        table = table_of(temperature=temperature)
        for action, weight in zip([0, 1, 3, 4], weights, strict=True):
            _, log_prob = chosen(table, 1, 1, 1, given=action)
            assert log_prob == pytest.approx(math.log(weight / sum(weights)), abs=2e-7)
    hot = table_of(temperature=1000.0)
    assert chosen(hot, 1, 1, 1, given=3)[1] == pytest.approx(math.log(0.25), abs=1e-3)


def test_greedy_takes_the_lowest_of_the_highest() -> None:
    assert chosen(table_of(greedy=True), 5, 6, 7) == (4, 0.0)
    assert chosen(table_of(np.array([1, 3, 9, 3, 3, 9], np.float32), greedy=True), 5, 6, 7) == (1, 0.0)
    assert chosen(table_of(greedy=True), 5, 6, 7, given=3) == (3, 0.0)


def test_one_legal_action_is_certain() -> None:
    only = np.zeros((1, 1, ACTIONS), np.bool_)
    only[0, 0, 5] = True
    for temperature in (0.001, 1.0, 1000.0):
        assert chosen(table_of(temperature=temperature), 1, 2, 3, only) == (5, 0.0)
    assert chosen(table_of(greedy=True), 1, 2, 3, only) == (5, 0.0)


def test_logits_far_apart_give_finite_numbers() -> None:
    table = table_of(np.array([3e38, -3e38, 0, 3e38, 1, 0], np.float32), temperature=0.001)
    for tick in range(20):
        action, log_prob = chosen(table, 2, tick, 1)
        assert action in (0, 3) and log_prob == pytest.approx(math.log(0.5))
    assert not table.fault.any()


@pytest.mark.parametrize(
    ("place", "number", "is_fault"),
    [(0, np.nan, True), (3, np.inf, True), (4, -np.inf, True), (2, np.nan, False), (5, -np.inf, False)],
)
def test_a_legal_logit_that_is_not_finite_is_noted(place: int, number: float, is_fault: bool) -> None:
    """What the mask forbids may be anything: some networks put it at minus infinity themselves."""
    logits = LOGITS.copy()
    logits[place] = number
    table = table_of(logits)
    action, _ = chosen(table, 9, 1, 4)
    assert table.fault.tolist() == [is_fault]
    assert action == (0 if is_fault else chosen(table_of(), 9, 1, 4)[0])


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_noted(number: float) -> None:
    table = table_of(value=number)
    chosen(table, 9, 1, 4)
    assert table.fault.tolist() == [True]


def test_a_batch_is_its_rows() -> None:
    rng, count = np.random.default_rng(3), 7
    table = network_table([Actor(random_program())], ACTIONS)
    table.logits[:count] = rng.normal(size=(count, ACTIONS))
    masks = rng.random((10, 1, ACTIONS)) < 0.6
    masks[..., 0] = True
    arrival = np.arange(21, 31)
    actions, log_probs = np.full(10, -1), np.ones(10, np.float32)
    choose_rows(table, 0, masks, count, 2, 5, 6, arrival, False, actions, log_probs)
    assert actions[:2].tolist() == [-1, -1] and actions[9] == -1 and log_probs[9] == 1
    for r in range(count):
        assert (actions[2 + r], log_probs[2 + r]) == choose(
            table, 0, r, masks, 2 + r, 0, 5, 6, arrival[2 + r], -1
        )
        given = np.full(10, 4)
        again = np.ones(10, np.float32)
        choose_rows(table, 0, masks, count, 2, 5, 6, arrival, True, given, again)
        assert given.tolist() == [4] * 10
        assert again[2 + r] == choose(table, 0, r, masks, 2 + r, 0, 5, 6, arrival[2 + r], 4)[1]


def test_it_is_drawn_as_often_as_its_probability_says() -> None:
    table = table_of()
    counts = np.zeros(ACTIONS)
    for tick in range(4000):
        counts[chosen(table, 3, tick, 2)[0]] += 1
    expected = 4000 * np.array([0.1, 0.2, 0, 0.3, 0.4, 0])
    assert (np.abs(counts - expected) <= 4 * np.sqrt(expected)).all()
