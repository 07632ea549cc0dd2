"""Step 10: rewards, term by term."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain import rewards as plain
from tests.worlds import Person, Scene, scene
from townlet.world.rules import rewards
from townlet.world.state import EVICTED, FAINTED, STAYS, TERMS

DAY = 100
CENTRED = {"centred": True, "death_ticks": 10, "survival": 0.0}


def play(s: Scene, **facts: Any) -> dict[str, float]:
    """The first agent's terms by name, and `reward`; facts are given as `<group>_<column>=value`."""
    world, params = s.world, s.params
    for name, value in facts.items():
        group, column = name.split("_", 1)
        getattr(getattr(world, group), column)[0] = value
    rewards.update(
        world.clock, world.agents, world.work, world.tick, params.town, params.rules, params.rewards
    )
    terms = dict(zip(TERMS, world.tick.terms[0].tolist(), strict=True))
    assert sum(terms.values()) == pytest.approx(world.tick.reward[0], abs=1e-12)
    return {**terms, "reward": float(world.tick.reward[0])}


def one(need=(1.0, 1.0, 1.0), *, rules=None, wallet=1.0, **numbers) -> Scene:
    return scene(agents=[Person(1, 1, need, wallet)], ticks_per_day=DAY, rules=rules, rewards=numbers)


def test_needs_as_a_penalty():
    got = play(one((0.5, 0.9, 1.0)))
    assert got["needs"] == pytest.approx(-(1.0 * 0.25 + 0.6 * 0.01))
    assert got["survival"] == 0.002
    assert got["reward"] == pytest.approx(0.002 - 0.256)


def test_needs_centred():
    got = play(one((0.5, 1.0, 1.0), centred=True))
    assert got["needs"] == pytest.approx(0.5 * (0.75 + 0.6 + 0.8) / 2.4)
    assert play(one((0.0, 0.0, 0.0), centred=True))["needs"] == 0.0


def test_wages_and_punctuality_on_site_only():
    s = one()
    s.world.work.shifts[0] = 2
    s.world.work.missed[0, 0] = True
    got = play(s, work_on_site=True)
    assert (got["wages"], got["punctuality"]) == (0.01, 0.05 * 0.5)
    got = play(s, work_on_site=False)
    assert (got["wages"], got["punctuality"]) == (0.0, 0.0)


def test_lateness():
    s = one()
    assert play(s, tick_late=True)["lateness"] == -0.005
    assert play(s, tick_late=True, tick_absent=True)["lateness"] == pytest.approx(-0.205)
    assert play(s, tick_late=False, tick_absent=True)["lateness"] == -0.2
    assert play(s, tick_absent=False)["lateness"] == 0.0


def test_social_rewards_are_dropped_while_a_deficit_presses():
    assert play(one((1.0, 0.15, 1.0)), tick_social=0.02)["social"] == 0.02
    assert play(one((1.0, 0.149, 1.0)), tick_social=0.02)["social"] == 0.0


@pytest.mark.parametrize(
    ("faint_ticks", "near"), [(0, False), (1, False), (19, False), (20, True), (29, True)]
)
def test_no_positive_reward_shortly_before_a_faint(faint_ticks, near):
    got = play(one(**CENTRED), agents_faint_ticks=faint_ticks)
    assert got["guardrail"] == (-0.5 if near else 0.0)
    assert got["reward"] == (0.0 if near else 0.5)


def test_the_guardrail_leaves_what_is_negative():
    got = play(one((0.5, 1.0, 1.0)), agents_faint_ticks=29)
    assert (got["guardrail"], got["reward"]) == (0.0, pytest.approx(0.002 - 0.25))


@pytest.mark.parametrize(
    ("time", "unpaid", "wallet", "near"),
    [
        (89, 1, 0.2, True),  # the rent is due in 10 ticks
        (88, 1, 0.2, False),
        (89, 1, 0.5, False),  # it can be paid
        (89, 0, 0.2, False),  # a first unpaid day evicts nobody
        (99, 1, 0.2, False),  # today's rent has just become the first that is owed: a day is left
        (50, 2, 0.2, False),  # only the day's evictions being used up keeps it here, until the next day
        (90, 2, 0.2, True),
    ],
)
def test_no_positive_reward_shortly_before_an_eviction(time, unpaid, wallet, near):
    s = one(rules={"rent": 0.5}, wallet=wallet, **CENTRED)
    s.world.clock.tick[0] = 3 * DAY + time
    assert play(s, agents_unpaid_days=unpaid)["reward"] == (0.0 if near else 0.5)


def test_no_guardrail_where_nobody_dies():
    assert play(one(rules={"lifecycle_on": False}, **CENTRED), agents_faint_ticks=29)["reward"] == 0.5
    s = one(rules={"rent": 0.5, "exit_cap": 0}, wallet=0.0, **CENTRED)
    s.world.clock.tick[0] = 95
    assert play(s, agents_unpaid_days=1)["reward"] == 0.5


def test_the_clip_is_symmetric():
    got = play(one(**CENTRED, clip_per_tick=0.2))
    assert (got["clip"], got["reward"]) == (pytest.approx(-0.3), 0.2)
    got = play(one((0.0, 0.0, 0.0), survival=0.0, clip_per_tick=0.2))
    assert (got["clip"], got["reward"]) == (pytest.approx(2.2), -0.2)


def test_the_cap_holds_for_an_episode_and_for_what_is_positive():
    s = one(**CENTRED, episode_cap=1.2)
    assert [play(s)["reward"] for _ in range(4)] == pytest.approx([0.5, 0.5, 0.2, 0.0])
    got = play(s, tick_absent=True, tick_social=-1.0)
    assert (got["cap"], got["reward"]) == (0.0, pytest.approx(-0.7))
    assert s.world.agents.episode_sum[0] == pytest.approx(1.2)
    assert play(s, agents_episode_sum=1.2000001, tick_absent=False, tick_social=0.0)["reward"] == 0.0


@pytest.mark.parametrize(("leaving", "penalty"), [(FAINTED, -1.0), (EVICTED, -2.0)])
def test_leaving_comes_after_the_clip_and_ends_the_potential(leaving, penalty):
    s = one((0.5, 1.0, 1.0), clip_per_tick=0.1, shaping_on=True, gamma=0.9)
    got = play(s, agents_leaving=leaving)
    assert (got["terminal"], got["shaping"]) == (penalty, pytest.approx(0.5))
    assert got["reward"] == pytest.approx(-0.1 + penalty + 0.5)
    assert s.world.agents.phi[0] == 0.0


def test_shaping_is_the_discounted_potential_less_the_last_one():
    s = one((0.5, 1.0, 1.0), shaping_on=True, gamma=0.9)
    assert play(s)["shaping"] == pytest.approx(0.9 * -0.5 + 0.5)
    s.world.agents.need[0, 0] = 0.8
    assert play(s)["shaping"] == pytest.approx(0.9 * -0.2 + 0.5)


def test_the_dead_get_nothing():
    s = one()
    s.world.agents.alive[0] = False
    assert play(s)["reward"] == 0.0


UNIT = st.floats(0, 1)
FACTS = st.builds(
    plain.Facts,
    need=st.tuples(UNIT, UNIT, UNIT),
    wallet=UNIT,
    time=st.integers(0, DAY - 1),
    on_site=st.booleans(),
    attendance=st.sampled_from([0.0, 0.5, 1.0]),
    late=st.booleans(),
    absent=st.booleans(),
    social=st.floats(-0.1, 0.1),
    faint_ticks=st.integers(0, 30),
    unpaid_days=st.integers(0, 3),
    leaving=st.sampled_from([STAYS, FAINTED, EVICTED]),
    phi=st.floats(-2.4, 0),
    episode_sum=st.floats(0, 2),
)
RATES = st.builds(
    plain.Rates,
    weights=st.tuples(st.floats(0.5, 2), st.floats(0.2, 1), st.floats(0.4, 1.5)),
    centred=st.booleans(),
    survival=st.floats(0, 0.01),
    wage=st.floats(0, 0.05),
    punctuality=st.floats(0, 0.1),
    late_tick=UNIT,
    absence=UNIT,
    faint=st.floats(-5, 0),
    eviction=st.floats(-5, 0),
    clip=st.floats(0.01, 1),
    episode_cap=st.sampled_from([1.0, 1.9, float("inf")]),
    death_ticks=st.integers(0, 40),
    shaping=st.booleans(),
    gamma=st.floats(0.5, 1),
    day_length=st.just(DAY),
    lifecycle=st.booleans(),
    faint_after=st.just(30),
    exit_cap=st.integers(0, 1),
    rent=st.sampled_from([0.0, 0.5]),
)


@settings(max_examples=40, deadline=None)
@given(RATES, FACTS, st.integers(0, DAY - 1))
def test_as_the_plain_twin(rates, facts, begun):
    s = one(
        facts.need,
        wallet=facts.wallet,
        rules={
            "lifecycle_on": rates.lifecycle, "exit_cap": rates.exit_cap, "rent": rates.rent,
            "faint_after": rates.faint_after,
        },
        weights=rates.weights, centred=rates.centred, survival=rates.survival, wage=rates.wage,
        punctuality=rates.punctuality, late_tick=rates.late_tick, absence=rates.absence, faint=rates.faint,
        eviction=rates.eviction, clip_per_tick=rates.clip, episode_cap=rates.episode_cap,
        death_ticks=rates.death_ticks, shaping_on=rates.shaping, gamma=rates.gamma,
    )  # fmt: skip
    s.params.town.size[4], s.world.clock.tick[0] = begun, (facts.time - begun) % DAY
    s.world.work.shifts[0] = 2
    s.world.work.missed[0, :2] = [facts.attendance < 1, facts.attendance == 0]
    got = play(
        s, work_on_site=facts.on_site, tick_late=facts.late, tick_absent=facts.absent,
        tick_social=facts.social, agents_faint_ticks=facts.faint_ticks, agents_unpaid_days=facts.unpaid_days,
        agents_leaving=facts.leaving, agents_phi=facts.phi, agents_episode_sum=facts.episode_sum,
    )  # fmt: skip
    terms, reward, phi, episode_sum = plain.reward(rates, facts)
    assert list(got.values()) == [*terms, reward]
    assert (s.world.agents.phi[0], s.world.agents.episode_sum[0]) == (phi, episode_sum)
