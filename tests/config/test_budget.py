"""The budget of a day, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from townlet.config import Resolved, auto_seed, load_config
from townlet.config.budget import budget

Load = Callable[[str], Resolved]

HOUSE = """\
config_id: t
jobs: {clerk: {start_tick: 480, end_tick: 840, wage_rate: 0.01}}
scenario:
  objects:
    - {id: fridge, type: fridge}
    - {id: shower, type: shower}
    - {id: bed, type: bed}
  agents:
    - {id: ada, job: clerk}
    - {id: bo, wallet: 1}
"""


def test_a_day_by_hand(load: Load) -> None:
    """1440 ticks of the default decay: hunger 1.44, hygiene 0.72, energy 1.152."""
    ada, bo = budget(load(HOUSE)).agents
    by_need = {service.need: service for service in ada.services}
    meals, showers = 1.44 / 0.4, 0.72 / 0.45
    sleeps = (1.152 - meals * 0.05 + showers * 0.03) / 0.8
    for need, uses, ticks in (("hunger", meals, 15), ("hygiene", showers, 30), ("energy", sleeps, 60)):
        assert by_need[need].uses == pytest.approx(uses)
        assert by_need[need].ticks == pytest.approx(uses * ticks)
    assert ada.coins_needed == pytest.approx(meals * 0.4 + showers * 0.2)
    assert (ada.shift_ticks, ada.coins_earned) == (360, pytest.approx(3.6))
    assert ada.meals == pytest.approx(meals)
    assert ada.time_share == pytest.approx((meals * 15 + showers * 30 + sleeps * 60 + 360) / 1440)
    assert (bo.shift_ticks, bo.coins_earned) == (0, 0.0)
    assert bo.days_of_wallet == pytest.approx(1 / bo.coins_needed)


def test_warnings(load: Load) -> None:
    assert budget(load(HOUSE)).warnings == (
        "bo: a day costs 1.76 coins and brings 0.00; a wallet of 1 lasts 0.6 days",
        "meals: 7.2 needed a day, 5 there",
    )
    assert budget(load(HOUSE.replace("fridge}", "fridge, stock: {meals: 9}}"))).warnings == (
        "bo: a day costs 1.76 coins and brings 0.00; a wallet of 1 lasts 0.6 days",
    )
    no_bed = HOUSE.replace("    - {id: bed, type: bed}\n", "")
    assert "ada, bo: nothing in the town restores energy" in budget(load(no_bed)).warnings


def test_ten_times_the_decay_leaves_no_time(load: Load) -> None:
    """With the decay of existing installations and the core affordances, needs take 124 % of a day."""
    text = HOUSE + "rewards: {decay_rates: {hunger: 0.01, hygiene: 0.005, energy: 0.008}}\n"
    town = budget(load(text))
    assert f"{town.agents[1].time_share:.0%}" == "124%"
    assert "bo: needs and work take 124% of the day" in town.warnings
    assert "beds: 1.1 needed a day, 1 there" in town.warnings


def test_schedules_are_nobodys_budget(load: Load) -> None:
    text = "config_id: t\nscenario: {agents: [{id: ada, schedule: [{kind: wait}]}]}\n"
    town = budget(load(text))
    assert town.warnings == () and town.agents[0].scripted
    assert "scripted" in town.text()


def test_prices_of_the_economy(load: Load, write: Callable[..., object]) -> None:
    eat = "{id: e, object_type: fridge, duration: 9, effects: {hunger: 0.5}, hooks: {before: on_attempt_eat}}"
    write(f"- {eat}\n", "own.yaml")
    text = HOUSE + "affordances: {affordances_file: own.yaml}\neconomy: {meal_cost: 2, rent_per_day: 1}\n"
    ada = budget(load(text)).agents[0]
    assert ada.coins_needed == pytest.approx(1.44 / 0.5 * 2 + 1)
    assert ada.meals == pytest.approx(1.44 / 0.5)


def test_cooking_adds_meals(load: Load) -> None:
    with_stove = HOUSE.replace("    - {id: bed", "    - {id: stove, type: stove}\n    - {id: bed")
    meals = next(supply for supply in budget(load(with_stove)).supplies if supply.what == "meals")
    assert meals.there == 5 + 2  # the fridge's, and the ingredients that a day brings


def test_nobody(load: Load) -> None:
    resolved = load("config_id: t\n")
    assert budget(resolved).text() == "town: nobody lives here"
    assert len(budget(auto_seed(resolved)).agents) == 2


def test_text(load: Load) -> None:
    assert (
        budget(load(HOUSE)).text()
        == """\
town: a day of 1440 ticks, in shares of it (ways and queues left out), and coins
agent  hunger  hygiene  energy   work  in all  spends  earns  wallet lasts  meals
ada      3.7%     3.3%    5.3%  25.0%   37.4%    1.76   3.60        always    3.6
bo       3.7%     3.3%    5.3%   0.0%   12.4%    1.76   0.00      0.6 days    3.6
meals: 7.2 needed a day, 5 there
fridges: 0.1 needed a day, 1 there
showers: 0.1 needed a day, 1 there
beds: 0.1 needed a day, 1 there
warning: bo: a day costs 1.76 coins and brings 0.00; a wallet of 1 lasts 0.6 days
warning: meals: 7.2 needed a day, 5 there"""
    )


def test_shipped_towns_can_live() -> None:
    for name in ("town", "small_town"):
        assert budget(load_config(name)).warnings == ()


def test_what_the_seed_draws_counts_with_its_mean(load: Load) -> None:
    ranges = "  starts: {wallet: [0, 3], needs: {hunger: [0.5, 0.7]}}\n"
    drawn, fixed = load(HOUSE + ranges), load(HOUSE + "  starts: {wallet: 1.5, needs: {hunger: 0.6}}\n")
    assert [agent.wallet for agent in budget(drawn).agents] == [1.5, 1.5]
    assert budget(drawn) == budget(fixed)
