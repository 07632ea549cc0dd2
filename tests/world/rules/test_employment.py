"""Step 6: shifts, wages, lateness, absence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain import employment as plain
from tests.worlds import Person, Scene, Shift, scene
from townlet.world.rules import employment
from townlet.world.state import ABSENT, COIN_WAGES, LATE, NEVER, NOBODY, ON_TIME, POST_SHIFT, PRE_SHIFT

DAY = 100
JOB = Shift(start=10, length=40, wage=0.1, penalty=0.25, place=(1, 1))
HERE, AWAY = (2, 2), (7, 7)


def play(s: Scene, tick: int, *places: tuple[int, int]) -> None:
    """One tick, with the agents at these places."""
    world, params = s.world, s.params
    s.begin()
    world.clock.tick[0] = tick
    for i, (x, y) in enumerate(places):
        world.agents.x[i], world.agents.y[i] = x, y
    employment.update(
        world.clock,
        world.agents,
        world.work,
        world.tick,
        params.town,
        params.people,
        params.jobs,
        params.rules,
    )


def at_work(*, agents: int = 1, job: Shift = JOB, **rules) -> Scene:
    return scene(agents=[Person(*AWAY, job=0)] * agents, jobs=[job], ticks_per_day=DAY, rules=rules)


def until(s: Scene, first: int, last: int, *places: tuple[int, int]) -> list[int]:
    """Play the ticks first .. last; the first agent's shift state after each."""
    states = []
    for tick in range(first, last + 1):
        play(s, tick, *places)
        states.append(int(s.world.work.state[0]))
    return states


def attendance(s: Scene, i: int = 0) -> float:
    return float(employment.attendance(s.world.work, i))


def test_a_shift_on_time():
    s = at_work()
    assert until(s, 0, 9, HERE) == [PRE_SHIFT] * 10
    assert until(s, 10, 49, HERE) == [ON_TIME] * 40
    assert until(s, 50, 99, HERE) == [POST_SHIFT] * 50
    assert s.world.agents.wallet[0] == pytest.approx(1.0 + 40 * 0.1)
    assert s.world.clock.coins[COIN_WAGES] == pytest.approx(4.0)
    assert (s.world.work.shifts[0], s.world.work.lateness[0], attendance(s)) == (1, 0, 1.0)


def test_on_site_is_within_two_tiles_in_the_shift():
    s = at_work()
    for tick, place, expected in [
        (9, (1, 1), False),
        (10, (3, 1), True),
        (11, (3, 2), False),
        (50, (1, 1), False),
    ]:
        play(s, tick, place)
        assert bool(s.world.work.on_site[0]) is expected
    assert s.world.agents.wallet[0] == pytest.approx(1.1)


def test_a_job_without_a_place_is_done_anywhere():
    s = at_work(job=Shift(10, 40, wage=0.1))
    until(s, 10, 12, AWAY)
    assert s.world.agents.wallet[0] == pytest.approx(1.3)


def test_late_from_the_end_of_the_grace_to_the_arrival():
    s = at_work()
    assert until(s, 10, 17, AWAY) == [ON_TIME] * 6 + [LATE] * 2
    assert bool(s.world.tick.late[0])
    assert (s.world.work.lateness[0], s.world.work.withheld[0]) == (1, 0.25)
    wallets = []
    for tick in (18, 19, 20, 21):
        play(s, tick, HERE)
        wallets.append(float(s.world.agents.wallet[0]))
        assert (s.world.work.state[0], bool(s.world.tick.late[0])) == (ON_TIME, False)
    assert wallets == pytest.approx([1.0, 1.0, 1.05, 1.15])
    until(s, 22, 50, HERE)
    assert (s.world.work.lateness[0], attendance(s)) == (1, 1.0)


def test_arriving_in_the_grace_is_on_time_and_a_tick_later_is_not():
    for arrival, lateness in [(15, 0), (16, 1)]:
        s = at_work()
        until(s, 10, arrival - 1, AWAY)
        play(s, arrival, HERE)
        assert (s.world.work.lateness[0], s.world.work.state[0]) == (lateness, ON_TIME)
        assert not s.world.tick.late[0]


def test_leaving_again_is_not_late():
    s = at_work()
    play(s, 10, HERE)
    assert until(s, 11, 49, AWAY) == [ON_TIME] * 39
    play(s, 50, AWAY)
    assert (s.world.work.lateness[0], attendance(s)) == (0, 1.0)


def test_absent_beyond_the_cutoff_and_paid_all_the_same():
    s = at_work()
    assert until(s, 10, 41, AWAY)[-2:] == [LATE, ABSENT]
    assert bool(s.world.tick.absent[0])
    assert s.world.work.absences[0, 0] == 0
    play(s, 42, AWAY)
    assert not s.world.tick.absent[0]
    assert until(s, 43, 49, HERE) == [ABSENT] * 7
    assert s.world.agents.wallet[0] == pytest.approx(1.0 + 0.7 - 0.25)
    play(s, 50, HERE)
    assert (s.world.work.shifts[0], attendance(s), bool(s.world.tick.absent[0])) == (1, 0.0, False)


def test_arriving_on_the_tick_of_the_cutoff_is_too_late():
    s = at_work()
    until(s, 10, 40, AWAY)
    play(s, 41, HERE)
    assert (s.world.work.state[0], bool(s.world.tick.absent[0]), bool(s.world.work.on_site[0])) == (
        ABSENT,
        True,
        True,
    )


def test_a_shift_too_short_for_the_cutoff_is_missed_at_its_end():
    s = at_work(job=Shift(10, 20, wage=0.1, penalty=0.25, place=(1, 1)))
    assert until(s, 10, 29, AWAY)[-1] == LATE
    play(s, 30, AWAY)
    assert (bool(s.world.tick.absent[0]), s.world.work.state[0], attendance(s)) == (True, POST_SHIFT, 0.0)
    play(s, 31, AWAY)
    assert not s.world.tick.absent[0]


def test_attendance_counts_the_last_shifts():
    s = at_work()
    assert attendance(s) == 1.0
    seen = []
    for day, present in enumerate([False, True, True, True, False]):
        until(s, DAY * day, DAY * day + DAY - 1, HERE if present else AWAY)
        seen.append(attendance(s))
    assert seen == pytest.approx([0.0, 1 / 2, 2 / 3, 1.0, 2 / 3])


def test_a_shift_over_midnight():
    s = at_work(job=Shift(90, 20, wage=0.1, place=(1, 1)))
    assert until(s, 0, 9, HERE) == [ON_TIME] * 10  # the world began in the middle of it: paid, not counted
    assert s.world.agents.wallet[0] == pytest.approx(2.0)
    assert until(s, 10, 89, HERE) == [POST_SHIFT] * 40 + [PRE_SHIFT] * 40
    assert s.world.work.shifts[0] == 0
    assert until(s, 90, 109, HERE) == [ON_TIME] * 20
    play(s, 110, HERE)
    assert (s.world.work.shifts[0], s.world.work.state[0], attendance(s)) == (1, POST_SHIFT, 1.0)


def test_a_shift_that_lasts_all_day_is_counted_when_the_next_begins():
    s = at_work(job=Shift(0, DAY, wage=0.1, place=(1, 1)))
    assert set(until(s, 0, DAY - 1, HERE)) == {ON_TIME}
    assert s.world.work.shifts[0] == 0
    play(s, DAY, HERE)
    assert (s.world.work.shifts[0], s.world.work.state[0]) == (1, ON_TIME)


def test_who_was_born_in_the_shift_is_never_late():
    s = at_work()
    assert set(until(s, 20, 49, AWAY)) == {ON_TIME}
    play(s, 50, AWAY)
    assert (s.world.work.shifts[0], s.world.work.lateness[0]) == (0, 0)


def test_too_many_absences_in_seven_days_dismiss():
    s = at_work(enforce_jobs=True, max_absent=2)
    until(s, 0, 99, AWAY)
    assert not s.world.work.dismissed[0]
    until(s, 100, 140, AWAY)
    assert not s.world.work.dismissed[0]
    play(s, 141, AWAY)
    assert bool(s.world.work.dismissed[0])
    assert (bool(s.world.tick.absent[0]), s.world.work.state[0], attendance(s)) == (True, PRE_SHIFT, 0.0)
    until(s, 142, 400, HERE)
    assert s.world.agents.wallet[0] == 1.0
    assert s.world.work.shifts[0] == 2


def test_an_absence_a_week_ago_is_forgotten():
    s = at_work(enforce_jobs=True, max_absent=2)
    for day, place in enumerate([AWAY, HERE, HERE, HERE, HERE, HERE, HERE, AWAY]):
        until(s, DAY * day, DAY * day + DAY - 1, place)
    assert not s.world.work.dismissed[0]
    assert sorted(s.world.work.absences[0].tolist())[-1] == 7
    assert (s.world.work.absences[0] == NEVER).sum() == 6


def test_without_enforcement_nobody_is_dismissed():
    s = at_work(enforce_jobs=False, max_absent=1)
    until(s, 0, 5 * DAY, AWAY)
    assert not s.world.work.dismissed[0]


def test_colleagues_take_over_and_help():
    s = at_work(agents=3)
    until(s, 10, 17, AWAY, HERE, HERE)
    s.world.agents.arrival[:] = [1, 9, 2]  # a newcomer on the second row
    play(s, 18, HERE, HERE, HERE)
    assert s.world.tick.helped_by.tolist() == [2, NOBODY, NOBODY]
    s = at_work(agents=3)
    until(s, 10, 40, AWAY, HERE, AWAY)
    play(s, 41, AWAY, HERE, AWAY)
    assert s.world.tick.taken_over_by.tolist() == [1, NOBODY, 1]


def test_nobody_helps_from_another_job_or_from_afar():
    s = scene(
        agents=[Person(*AWAY, job=0), Person(*AWAY, job=1), Person(*AWAY, job=0), Person(*AWAY)],
        jobs=[JOB, JOB], ticks_per_day=DAY,
    )  # fmt: skip
    until(s, 10, 17, AWAY, HERE, AWAY, HERE)
    play(s, 18, HERE, HERE, AWAY, HERE)
    assert s.world.tick.helped_by.tolist() == [NOBODY] * 4


def test_no_job_and_the_dead():
    s = scene(agents=[Person(*HERE), Person(*HERE, job=0)], jobs=[JOB], ticks_per_day=DAY)
    s.world.agents.alive[1] = False
    until(s, 0, DAY, HERE, HERE)
    assert s.world.agents.wallet.tolist() == [1.0, 1.0]
    assert s.world.work.state.tolist() == [PRE_SHIFT, PRE_SHIFT]


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 23),
    st.integers(0, 24),
    st.integers(0, 6),
    st.integers(0, 12),
    st.integers(0, 4),
    st.booleans(),
    st.lists(st.tuples(st.booleans(), st.integers(1, 15)), min_size=8, max_size=25),
    st.integers(0, 23),
)
def test_as_the_plain_twin(start, length, grace, cutoff, max_absent, enforce, stays, begun):
    day = 24
    s = scene(
        agents=[Person(*AWAY, job=0)],
        jobs=[Shift(start, length, wage=0.1, penalty=0.25, place=(1, 1))],
        ticks_per_day=day,
        start_time=begun,
        rules={"grace": grace, "absent_cutoff": cutoff, "max_absent": max_absent, "enforce_jobs": enforce},
    )
    terms = plain.Terms(day, grace, cutoff, max_absent, enforce, 3)
    worker = plain.Worker(plain.Job(start, length, 0.1, 0.25), terms)
    wallet = 1.0
    for tick, here in enumerate(here for here, ticks in stays for _ in range(ticks)):
        play(s, tick, HERE if here else AWAY)
        today = worker.play(tick + begun, here)
        wallet += today.paid
        work, noted = s.world.work, s.world.tick
        assert (work.state[0], work.on_roll[0], work.dismissed[0]) == (
            worker.state,
            worker.on_roll,
            worker.dismissed,
        )
        assert (work.on_site[0], noted.late[0], noted.absent[0]) == (today.on_site, today.late, today.absent)
        assert (work.withheld[0], work.lateness[0], s.world.agents.wallet[0]) == (
            worker.withheld,
            worker.lateness,
            wallet,
        )
        assert (work.shifts[0], attendance(s)) == (len(worker.history), worker.attendance())
