"""Step 7: rent."""

from __future__ import annotations

import pytest

from tests.worlds import Person, Scene, scene
from townlet.world.rules import economy
from townlet.world.state import COIN_RENT


def play(s: Scene, tick: int) -> None:
    s.world.clock.tick[0] = tick
    economy.update(s.world.clock, s.world.agents, s.params.town, s.params.rules)


def test_the_rent_is_due_on_the_last_tick_of_a_day():
    s = scene(agents=[Person(1, 1, wallet=2.0)], ticks_per_day=10, rules={"rent": 0.75})
    for tick in range(9):
        play(s, tick)
    assert s.world.agents.wallet[0] == 2.0
    play(s, 9)
    play(s, 10)
    play(s, 19)
    assert s.world.agents.wallet[0] == 0.5
    assert s.world.clock.coins[COIN_RENT] == 1.5
    assert s.world.agents.unpaid_days[0] == 0


def test_a_run_that_begins_within_a_day_pays_at_the_end_of_it():
    s = scene(agents=[Person(1, 1, wallet=2.0)], ticks_per_day=10, start_time=7, rules={"rent": 0.75})
    paid = []
    for tick in range(14):
        before = s.world.agents.wallet[0]
        play(s, tick)
        paid += [tick] if s.world.agents.wallet[0] < before else []
    assert paid == [2, 12]


def test_who_cannot_pay_keeps_the_coins_and_owes_a_day():
    s = scene(
        agents=[Person(1, 1, wallet=0.7), Person(2, 1, wallet=0.75)], ticks_per_day=10, rules={"rent": 0.75}
    )
    play(s, 9)
    assert s.world.agents.wallet.tolist() == [0.7, 0.0]
    assert s.world.agents.unpaid_days.tolist() == [1, 0]
    play(s, 19)
    assert s.world.agents.unpaid_days.tolist() == [2, 1]


def test_paying_once_starts_the_count_again():
    s = scene(agents=[Person(1, 1, wallet=1.0)], ticks_per_day=10, rules={"rent": 0.75})
    s.world.agents.unpaid_days[0] = 1
    play(s, 9)
    assert s.world.agents.unpaid_days[0] == 0
    assert s.world.agents.wallet[0] == 0.25


@pytest.mark.parametrize("rent", [0.0, 0.5])
def test_nothing_is_charged_without_a_rent_or_from_the_dead(rent):
    s = scene(agents=[Person(1, 1)], ticks_per_day=10, rules={"rent": rent})
    s.world.agents.alive[0] = rent == 0.0
    play(s, 9)
    assert s.world.agents.wallet[0] == 1.0
    assert s.world.agents.unpaid_days[0] == 0
    assert s.world.clock.coins[COIN_RENT] == 0.0
