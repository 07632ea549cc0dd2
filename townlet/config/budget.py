"""The budget of a day: what living takes, in time, coins, meals and beds, beside what there is.

A plain estimate, made before anything is simulated: every need is served by the affordance that restores most
of it a tick (among those that the town's objects offer and that restore nothing else more), as often as its
decay asks, all side effects counted. Ways, queues and chance are left out: what is above what there is cannot
be met, what is below it may still be missed. Who has a schedule does what it says: no warning is about it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from townlet.config.affordances import DEFAULT_STOCK, AffordanceEntry, effects_in_full
from townlet.config.load import Resolved
from townlet.config.schema import DEFAULT_TICKS, Config, JobSpec, ScenarioAgent
from townlet.vocabulary import NEEDS

ROUNDS = 50  # of letting side effects settle


@dataclass(frozen=True)
class Service:
    """How a need is served."""

    need: str
    affordance: str
    object_types: tuple[str, ...]
    uses: float  # a day
    ticks: float  # a day


@dataclass(frozen=True)
class AgentBudget:
    """One agent's day."""

    agent_id: str
    services: tuple[Service, ...]
    unserved: tuple[str, ...]  # needs that nothing in the town restores
    shift_ticks: int
    day_ticks: int
    coins_needed: float
    coins_earned: float
    wallet: float
    meals: float  # taken from a stock
    scripted: bool  # a schedule decides: the figures say what it would take

    @property
    def days_of_wallet(self) -> float:
        """Days for which wallet and wages last; infinite where a day brings what it costs."""
        short = self.coins_needed - self.coins_earned
        return self.wallet / short if short > 1e-9 else math.inf

    @property
    def ticks_needed(self) -> float:
        return sum(service.ticks for service in self.services) + self.shift_ticks

    @property
    def time_share(self) -> float:
        """Share of the day that needs and work take; above 1 they do not fit."""
        return self.ticks_needed / self.day_ticks


@dataclass(frozen=True)
class Supply:
    """Something that a town has for all: meals, or the objects of a type."""

    what: str
    needed: float
    there: float
    saved: float = (
        0.0  # that nobody needs once, since all begin sated: not of a day, but of all that are played
    )

    def enough(self, days: float) -> bool:
        """Whether it lasts for so many days."""
        return self.needed * days - self.saved <= self.there * days + 1e-9


@dataclass(frozen=True)
class Budget:
    """A town's day."""

    name: str
    agents: tuple[AgentBudget, ...]
    supplies: tuple[Supply, ...]
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """A table for people, and the warnings."""
        return list(_table(self))

    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines())


def budget(resolved: Resolved) -> Budget:
    """The budget of a day for every agent and for the town. Works for a town without agents: it is empty.

    What `scenario.starts` leaves to the seed counts with its mean.
    """
    resolved = _on_average(resolved)
    config = resolved.config
    there = {thing.type for thing in resolved.objects}
    offered = [entry for entry in resolved.affordances.affordances if not there.isdisjoint(entry.types)]
    effects = {entry.id: effects_in_full(entry, config.economy) for entry in offered}
    served = {need: _best(need, offered, effects) for need in NEEDS}
    uses = _uses(config, served, effects)
    agents = tuple(_agent(agent, config, served, uses, effects) for agent in resolved.agents)
    supplies = tuple(_supplies(resolved, agents))
    ticks = (config.scenario.ticks if config.scenario else None) or DEFAULT_TICKS
    days = max(1.0, ticks / config.world.ticks_per_day)
    warnings = (*_own_warnings(agents, days), *_shared_warnings(agents, supplies, days))
    return Budget(resolved.name, agents, supplies, warnings)


def _on_average(resolved: Resolved) -> Resolved:
    """The town whose agents begin with the means of what the seed draws."""
    config, scenario = resolved.config, resolved.config.scenario
    if scenario is None or scenario.starts is None:
        return resolved
    starts = scenario.starts
    needs = {need: (ends.min + ends.max) / 2 for need, ends in (starts.needs or {}).items()}
    wallet = None if starts.wallet is None else (starts.wallet.min + starts.wallet.max) / 2

    def begins(agent: ScenarioAgent) -> ScenarioAgent:
        drawn = {"needs": {**agent.needs, **needs}, "wallet": agent.wallet if wallet is None else wallet}
        return agent.model_copy(update=drawn)

    agents = tuple(begins(agent) for agent in scenario.agents)
    scenario = scenario.model_copy(update={"agents": agents})
    return replace(resolved, config=config.model_copy(update={"scenario": scenario}))


def _best(
    need: str, offered: Sequence[AffordanceEntry], effects: dict[str, dict[str, float]]
) -> AffordanceEntry | None:
    """What restores most of a need a tick; None where nothing is meant to restore it."""
    restoring = [entry for entry in offered if _main_need(effects[entry.id]) == need]
    return max(restoring, key=lambda entry: effects[entry.id][need] / entry.duration, default=None)


def _main_need(effects: dict[str, float]) -> str | None:
    gains = {need: effects.get(need, 0.0) for need in NEEDS}
    best = max(NEEDS, key=lambda need: gains[need])
    return best if gains[best] > 0 else None


def _uses(
    config: Config, served: dict[str, AffordanceEntry | None], effects: dict[str, dict[str, float]]
) -> dict[str, float]:
    """Uses a day of what serves each need, so that decay and side effects together are made good."""
    uses: dict[str, float] = dict.fromkeys(NEEDS, 0.0)
    decay: dict[str, float] = {**config.rewards.decay_rates}
    for _ in range(ROUNDS):
        for need, entry in served.items():
            if entry is None:
                continue
            lost = decay[need] * config.world.ticks_per_day
            for other, beside in served.items():
                if beside is not None and other != need and beside is not entry:
                    lost -= uses[other] * effects[beside.id].get(need, 0.0)
            uses[need] = max(0.0, lost / effects[entry.id][need])
    return uses


def _agent(
    agent: ScenarioAgent,
    config: Config,
    served: dict[str, AffordanceEntry | None],
    uses: dict[str, float],
    effects: dict[str, dict[str, float]],
) -> AgentBudget:
    decay: dict[str, float] = {**config.rewards.decay_rates}
    job = config.jobs.get(agent.job) if agent.job is not None else None
    shift = shift_ticks(job, config.world.ticks_per_day)
    wage = (job.wage_rate or config.economy.wage_income) if job is not None else 0.0
    services = [
        Service(need, entry.id, entry.types, uses[need], uses[need] * entry.duration)
        for need, entry in served.items()
        if entry is not None
    ]
    spent = sum(service.uses * -effects[service.affordance].get("money", 0.0) for service in services)
    return AgentBudget(
        agent_id=agent.id,
        services=tuple(services),
        unserved=tuple(need for need in NEEDS if served[need] is None and decay[need] > 0),
        shift_ticks=shift,
        day_ticks=config.world.ticks_per_day,
        coins_needed=max(0.0, spent) + config.economy.rent_per_day,
        coins_earned=shift * wage,
        wallet=agent.wallet,
        meals=sum(s.uses * max(0.0, -effects[s.affordance].get("meals", 0.0)) for s in services),
        scripted=agent.schedule is not None,
    )


def shift_ticks(job: JobSpec | None, day: int) -> int:
    """Ticks of a day's shift; one that ends before it begins lasts over midnight."""
    return 0 if job is None else job.shift_ticks(day)


def _supplies(resolved: Resolved, agents: Sequence[AgentBudget]) -> Iterator[Supply]:
    """Meals, and the objects of each type that serves a need."""
    types = dict.fromkeys(service.object_types for agent in agents for service in agent.services)
    if agents and any(agent.meals > 0 for agent in agents):
        needed = sum(agent.meals for agent in agents)
        yield Supply("meals", needed, _meals_there(resolved), _meals_saved(resolved, agents))
    for kinds in types:
        ticks = sum(s.ticks for agent in agents for s in agent.services if s.object_types == kinds)
        there = sum(thing.type in kinds for thing in resolved.objects)
        yield Supply(
            " and ".join(f"{kind}s" for kind in kinds), ticks / resolved.config.world.ticks_per_day, there
        )


def _meals_saved(resolved: Resolved, agents: Sequence[AgentBudget]) -> float:
    """Meals that need not be eaten, once: those that hunger may fall from where it begins to where it is served."""
    decay: dict[str, float] = {**resolved.config.rewards.decay_rates}
    lost = decay["hunger"] * resolved.config.world.ticks_per_day
    if lost <= 0:
        return 0.0
    reserve = [
        max(0.0, one.needs["hunger"] - resolved.config.behavior.hunger_threshold) for one in resolved.agents
    ]
    return sum(share / lost * agent.meals for share, agent in zip(reserve, agents, strict=True))


def _meals_there(resolved: Resolved) -> float:
    """A day's meals: what the objects are filled up to, and what the day's ingredients can be cooked into."""
    economy = resolved.config.economy
    effects = [effects_in_full(entry, economy) for entry in resolved.affordances.affordances]
    cooks = any(some.get("raw_ingredients", 0) < 0 < some.get("meals", 0) for some in effects)
    there = 0.0
    for thing in resolved.objects:
        stock = {**DEFAULT_STOCK.get(thing.type, {}), **(thing.stock or {})}
        there += stock.get("meals", 0)
        if cooks:
            filled = (thing.filled_to or {}).get("raw_ingredients", 0)
            there += min(economy.stove_stock_replenish, max(filled, stock.get("raw_ingredients", 0)))
    return there


def _own_warnings(agents: Sequence[AgentBudget], days: float) -> Iterator[str]:
    """What single agents lack within the days that are played; agents that lack the same share a line."""
    lacks: dict[str, list[str]] = {}
    for agent in agents:
        if agent.scripted:
            continue
        found = [f"nothing in the town restores {need}" for need in agent.unserved]
        if agent.time_share > 1:
            found.append(f"needs and work take {agent.time_share:.0%} of the day")
        if agent.days_of_wallet < days:
            line = f"a day costs {agent.coins_needed:.2f} coins and brings {agent.coins_earned:.2f}"
            found.append(f"{line}; a wallet of {agent.wallet:g} lasts {agent.days_of_wallet:.1f} days")
        for line in found:
            lacks.setdefault(line, []).append(agent.agent_id)
    for line, names in lacks.items():
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        yield f"{listed}: {line}"


def _shared_warnings(agents: Sequence[AgentBudget], supplies: Sequence[Supply], days: float) -> Iterator[str]:
    if all(agent.scripted for agent in agents):
        return
    for supply in supplies:
        if not supply.enough(days):
            yield f"{supply.what}: {supply.needed:.1f} needed a day, {supply.there:g} there"


def _table(town: Budget) -> Iterator[str]:
    if not town.agents:
        yield f"{town.name}: nobody lives here"
        return
    day = town.agents[0].day_ticks
    yield f"{town.name}: a day of {day} ticks, in shares of it (ways and queues left out), and coins"
    rows = [COLUMNS, *(_row(agent) for agent in town.agents)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells]).rstrip()
    for supply in town.supplies:
        yield f"{supply.what}: {supply.needed:.1f} needed a day, {supply.there:g} there"
    for warning in town.warnings:
        yield f"warning: {warning}"


COLUMNS = ("agent", *NEEDS, "work", "in all", "spends", "earns", "wallet lasts", "meals", "")


def _row(agent: AgentBudget) -> tuple[str, ...]:
    by_need = {service.need: service.ticks / agent.day_ticks for service in agent.services}
    lasts = agent.days_of_wallet
    return (
        agent.agent_id,
        *(f"{by_need[need]:.1%}" if need in by_need else "-" for need in NEEDS),
        f"{agent.shift_ticks / agent.day_ticks:.1%}",
        f"{agent.time_share:.1%}",
        f"{agent.coins_needed:.2f}",
        f"{agent.coins_earned:.2f}",
        "always" if math.isinf(lasts) else f"{lasts:.1f} days",
        f"{agent.meals:.1f}",
        "scripted" if agent.scripted else "",
    )
