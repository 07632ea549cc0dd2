"""Step 6 of a tick: shifts, wages, lateness and absence.

For everybody who lives, has a job and was not dismissed.

`s` is the number of ticks since the job's start tick came round: (tick of day - start) modulo the day. The
shift's ticks are s = 0 .. length - 1; a length of 0 is no shift. *On site* is within two tiles (Manhattan)
of the job's place during the shift; a job without a place has its holder on site everywhere.

s = 0: the agent is on the roll (only then will the shift be counted), has not arrived, and its state is
`on_time`. In every tick of the shift, for who is on the roll and did not arrive in an earlier tick, in this
order:

- s = grace + 1: too late. The penalty is added to `withheld`, `lateness` rises by one, the state becomes
  `late`.
- s = cutoff + 1: absent. The state becomes `absent`, `tick.absent` is set, today is noted among the
  absences. With enforce_jobs and a max_absent > 0, max_absent absences on today and the six days before
  dismiss the agent: the shift is counted as missed at once, and from now on the agent has no job (state
  `pre`).
- Here now for the first time: it has arrived. One who is late (this tick included) is `on_time` again and
  `helped_by` names the colleague; one who is absent stays so.

Then everybody on site, absent or not, earns `wage` less what is withheld, as far as it goes. Who was not
alive at s = 0 is `on_time`, is paid on site, and is never late or absent. `tick.late` marks who is late
after all this.

After the shift (first tick with s = length; for a shift that lasts all day the next s = 0) who is on the
roll has it counted: missed if it was absent or never arrived. Where it never arrived and had no time to
become absent, this is its absence, with all that belongs to it. Outside of shifts the state is `pre` or
`post`: before and after the shift within the day; where the shift runs over midnight, `post` in the first
half of the time off.

A colleague is another agent of the same job on site in this tick, of several the one with the lowest
arrival number: `taken_over_by` for who became absent, `helped_by` for who arrived late.
"""

from __future__ import annotations

from townlet.world.geometry import apart, time_of_day
from townlet.world.jit import inner, rule
from townlet.world.shared_terms import attendance as attendance
from townlet.world.state import ABSENT, COIN_WAGES, LATE, NOBODY, NOTHING, ON_TIME, POST_SHIFT, PRE_SHIFT

REACH = 2  # tiles from the job's place that count as on site


@rule
def update(clock, agents, work, tick, town, people, jobs, rules):
    """Everybody's shift, by one tick."""
    if jobs.start.size == 0:
        return
    day_length = town.size[3]
    day, time = (clock.tick[0] + town.size[4]) // day_length, time_of_day(clock, town)
    alive, jobs_of, dismissed = agents.alive, people.job, work.dismissed
    calls = False
    for i in range(alive.size):
        job = jobs_of[i]
        if job == NOTHING or dismissed[i] or not alive[i] or jobs.length[job] == 0:
            continue
        since = time - jobs.start[job]
        if since < 0:
            since += day_length
        if work.on_roll[i] and (since >= jobs.length[job] or since == 0):
            calls |= close_shift(work, tick, rules, i, day)
        if dismissed[i]:
            continue
        if since < jobs.length[job]:
            calls |= attend(clock, agents, work, tick, town, jobs, rules, i, job, since, day)
        else:
            work.on_site[i] = False
            work.state[i] = off_shift(jobs, job, since, day_length)
    if calls:
        find_colleagues(agents, work, tick, people)


@inner
def off_shift(jobs, job, since, day_length):
    """PRE_SHIFT or POST_SHIFT, `since` ticks after the last start of a shift that is over."""
    start, length = jobs.start[job], jobs.length[job]
    if start + length <= day_length:
        return POST_SHIFT if start + since < day_length else PRE_SHIFT
    return POST_SHIFT if 2 * (since - length) < day_length - length else PRE_SHIFT


@inner
def attend(clock, agents, work, tick, town, jobs, rules, i, job, since, day):
    """Tick `since` of agent `i`'s shift. Returns whether a colleague is to be found."""
    calls = False
    if since == 0:
        work.on_roll[i] = True
        work.arrived[i] = False
        work.state[i] = ON_TIME
    here = is_here(agents, town, jobs.place[job], i)
    if work.on_roll[i] and not work.arrived[i]:
        calls = keep_time(work, tick, rules, i, jobs.penalty[job], since, day, here)
        if work.dismissed[i]:
            return calls
    elif not work.on_roll[i]:
        work.state[i] = ON_TIME
    work.on_site[i] = here
    tick.late[i] = work.state[i] == LATE
    if here:
        work.arrived[i] = True
        pay(clock, agents, work, i, jobs.wage[job])
    return calls


@inner
def is_here(agents, town, place, i):
    """Whether `i` stands within reach of its job's place."""
    if place == NOTHING:
        return True
    return apart(agents.x[i], agents.y[i], town.place_x[place], town.place_y[place]) <= REACH


@inner
def keep_time(work, tick, rules, i, penalty, since, day, here):
    """What is due on tick `since` for one who had not arrived. Returns whether a colleague is to be found."""
    calls = False
    if since == rules.grace[0] + 1:
        work.withheld[i] += penalty
        work.lateness[i] += 1
        if work.state[i] != ABSENT:
            work.state[i] = LATE
    if since == rules.absent_cutoff[0] + 1:
        work.state[i] = ABSENT
        note_absence(work, tick, rules, i, day)
        calls = True
    if here and work.state[i] == LATE:
        work.state[i] = ON_TIME
        tick.helped_by[i] = i  # stands for "to be found": see find_colleagues
        calls = True
    return calls


@inner
def note_absence(work, tick, rules, i, day):
    """Agent `i` has missed today's shift; too many such days dismiss it."""
    tick.absent[i] = True
    tick.taken_over_by[i] = i  # stands for "to be found": see find_colleagues
    work.absences[i, day % work.absences.shape[1]] = day
    lately = 0
    for d in range(work.absences.shape[1]):
        if work.absences[i, d] > day - work.absences.shape[1]:
            lately += 1
    if rules.enforce_jobs[0] and rules.max_absent[0] > 0 and lately >= rules.max_absent[0]:
        if work.on_roll[i]:
            count_shift(work, i, True)
        work.dismissed[i] = True
        work.on_site[i] = False
        work.state[i] = PRE_SHIFT


@inner
def count_shift(work, i, missed):
    """The shift is over for agent `i`."""
    work.missed[i, work.shifts[i] % work.window[i]] = missed
    work.shifts[i] += 1
    work.on_roll[i] = False


@inner
def close_shift(work, tick, rules, i, day):
    """Count the shift that has just ended. Returns whether a colleague is to be found."""
    was_absent, arrived = work.state[i] == ABSENT, work.arrived[i]
    count_shift(work, i, was_absent or not arrived)
    if arrived or was_absent:
        return False
    note_absence(work, tick, rules, i, day)
    return True


@inner
def pay(clock, agents, work, i, wage):
    """One tick's wage, less what is withheld."""
    taken = min(work.withheld[i], wage)
    work.withheld[i] -= taken
    agents.wallet[i] += wage - taken
    clock.coins[COIN_WAGES] += wage - taken


@inner
def find_colleagues(agents, work, tick, people):
    """Name the colleague of everybody who became absent or arrived late in this tick."""
    for i in range(agents.alive.size):
        if tick.taken_over_by[i] != NOBODY:
            tick.taken_over_by[i] = colleague(agents, work, people, i)
        if tick.helped_by[i] != NOBODY:
            tick.helped_by[i] = colleague(agents, work, people, i)


@inner
def colleague(agents, work, people, i):
    """The agent of `i`'s job, other than `i`, on site with the lowest arrival number; NOBODY."""
    found = NOBODY
    for j in range(agents.alive.size):
        if j != i and agents.alive[j] and work.on_site[j] and people.job[j] == people.job[i]:
            if found == NOBODY or agents.arrival[j] < agents.arrival[found]:
                found = j
    return found
