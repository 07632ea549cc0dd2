"""Plain twin of townlet/world/rules/rewards.py, written from its docstring: one living agent's reward."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

STAYS, FAINTED, EVICTED = range(3)


@dataclass(frozen=True)
class Rates:
    """The config's numbers."""

    weights: tuple[float, ...]
    centred: bool
    survival: float
    wage: float
    punctuality: float
    late_tick: float
    absence: float
    faint: float
    eviction: float
    clip: float
    episode_cap: float
    death_ticks: int
    shaping: bool
    gamma: float
    day_length: int
    lifecycle: bool
    faint_after: int
    exit_cap: int
    rent: float


@dataclass(frozen=True)
class Facts:
    """What has happened to the agent in this tick, and where it stands."""

    need: tuple[float, ...]
    wallet: float
    time: int  # tick of day
    on_site: bool
    attendance: float
    late: bool
    absent: bool
    social: float
    faint_ticks: int
    unpaid_days: int
    leaving: int
    phi: float
    episode_sum: float


def total(values: list[float]) -> float:
    return reduce(add, values, 0.0)


def countdowns(rates: Rates, facts: Facts) -> list[int]:
    """The ticks that are left of each countdown to death that runs."""
    if not rates.lifecycle:
        return []
    left = [rates.faint_after - facts.faint_ticks] if facts.faint_ticks > 0 else []
    if rates.rent > 0 and rates.exit_cap > 0:
        to_rent = rates.day_length - 1 - facts.time
        if facts.unpaid_days == 1 and facts.wallet < rates.rent:
            left.append(to_rent if to_rent > 0 else rates.day_length)  # today's rent is paid or not by now
        if facts.unpaid_days >= 2:
            left.append(0 if facts.leaving == EVICTED else rates.day_length - facts.time)
    return left


def reward(rates: Rates, facts: Facts) -> tuple[list[float], float, float, float]:
    """(terms in their order, the reward, the new potential, the episode's positive sum)."""
    deficits = [1.0 - need for need in facts.need]
    pairs = list(zip(rates.weights, deficits, strict=True))
    if rates.centred:
        needs = 0.5 * total([w * (1.0 - d * d) for w, d in pairs]) / total(list(rates.weights))
    else:
        needs = -total([w * d * d for w, d in pairs])
    terms = [
        rates.survival,
        needs,
        rates.wage if facts.on_site else 0.0,
        rates.punctuality * facts.attendance if facts.on_site else 0.0,
        facts.social if max(deficits) <= 0.85 else 0.0,
        total([-rates.late_tick] * facts.late + [-rates.absence] * facts.absent),
    ]
    earned = total(terms)
    doomed = any(ticks <= rates.death_ticks for ticks in countdowns(rates, facts))
    guarded = min(0.0, earned) if doomed else earned
    clipped = min(rates.clip, max(-rates.clip, guarded))
    room = max(0.0, rates.episode_cap - facts.episode_sum)
    left = min(clipped, room) if clipped > 0.0 else clipped
    terms += [guarded - earned, clipped - guarded, left - clipped]
    episode_sum = facts.episode_sum + max(0.0, left)
    terminal = {STAYS: 0.0, FAINTED: rates.faint, EVICTED: rates.eviction}[facts.leaving]
    phi, shaping = facts.phi, 0.0
    if rates.shaping:
        phi = -total([w * d for w, d in pairs]) if facts.leaving == STAYS else 0.0
        shaping = rates.gamma * phi - facts.phi
    return [*terms, terminal, shaping], left + (terminal + shaping), phi, episode_sum
