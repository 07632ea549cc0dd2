"""Affordances as arrays. Hooks are names from a fixed registry; here each becomes what it does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from townlet.config.affordances import AffordanceEntry
from townlet.config.schema import Economy
from townlet.generator.type_sets import TypeSets
from townlet.vocabulary import COMPARISONS, FACTS, NEEDS, STOCKS
from townlet.world.state import INGREDIENTS, MEALS, Affordances, Condition

# What an object type needs to work, whatever it is used for.
NEEDS_UTILITY = {"shower": ("power_on", "water_on"), "stove": ("power_on",)}
UTILITY_FACTS = ("power_on", "water_on")
# Hooks that take one from the used object's stock at the start, and that put one into a stock at the end.
TAKES = {"on_attempt_eat": MEALS, "on_attempt_cook": INGREDIENTS}
GIVES = {"on_finish_cook": MEALS}
# Hooks that need a utility, and hooks that make an agent whose start failed leave the queue.
HOOK_FACT = {"on_attempt_shower": "power_on"}
GIVE_UP = ("on_no_power", "on_cook_fail")
STOCK_FACT = {MEALS: "meal_available", INGREDIENTS: "ingredients_available"}

Clause = tuple[str, str, float]


def build_affordances(
    entries: Sequence[AffordanceEntry], sets: TypeSets, economy: Economy
) -> tuple[Affordances, Condition]:
    """The affordance file, in its order, and all its preconditions. A price that it does not give is the economy's."""
    count = len(entries)
    take, give = _stock(entries)
    conditions = [_conditions(entry, take[k]) for k, entry in enumerate(entries)]
    flat = [condition for some in conditions for condition in some]
    first = np.zeros(count + 1, np.int64)
    np.cumsum([len(some) for some in conditions], out=first[1:])
    bound = np.zeros((count, 2), np.bool_)
    for k, some in enumerate(conditions):
        bound[k] = [any(c[0] == fact and not _holds(0.0, *c[1:]) for c in some) for fact in UTILITY_FACTS]
    condition = Condition(
        fact=np.array([FACTS.index(fact) for fact, _, _ in flat], np.int64),
        compare=np.array([COMPARISONS.index(compare) for _, compare, _ in flat], np.int64),
        value=np.array([value for _, _, value in flat], np.float64),
    )
    parts = Affordances(
        object_type=np.array([sets.index(entry) for entry in entries], np.int64),
        duration=np.array([entry.duration for entry in entries], np.int64),
        need=np.array([_needs(entry, economy) for entry in entries], np.float64).reshape(count, len(NEEDS)),
        money=np.array(
            [_money(entry, economy, take[k], give[k]) for k, entry in enumerate(entries)], np.float64
        ),
        interruptible=np.array([entry.interruptible for entry in entries], np.bool_),
        takes=take,
        gives=give,
        shares=take[:, MEALS] > 0,
        works=np.array([entry.id.startswith("work") for entry in entries], np.bool_),
        gives_up=np.array([any(hook in GIVE_UP for hook in entry.hooks.fail) for entry in entries], np.bool_),
        pre_first=first[:-1],
        pre_end=first[1:],
        utility_bound=bound,
    )
    return parts, condition


def _holds(found: float, compare: str, value: float) -> bool:
    return {"<": found < value, "<=": found <= value, "==": found == value,
            "!=": found != value, ">=": found >= value, ">": found > value}[compare]  # fmt: skip


def _stock(entries: Sequence[AffordanceEntry]) -> tuple[np.ndarray, np.ndarray]:
    """[K, 2] taken at the start, [K, 2] given at the end: the effects' numbers, else the hooks'."""
    take = np.zeros((len(entries), len(STOCKS)), np.int64)
    give = np.zeros((len(entries), len(STOCKS)), np.int64)
    for k, entry in enumerate(entries):
        for s, name in enumerate(STOCKS):
            amount = int(entry.effects.get(name, 0))
            take[k, s], give[k, s] = max(0, -amount), max(0, amount)
        for hook in entry.hooks.before:
            if hook in TAKES and STOCKS[TAKES[hook]] not in entry.effects:
                take[k, TAKES[hook]] = 1
        for hook in entry.hooks.after:
            if hook in GIVES and STOCKS[GIVES[hook]] not in entry.effects:
                give[k, GIVES[hook]] = 1
    return take, give


def _needs(entry: AffordanceEntry, economy: Economy) -> list[float]:
    effects = dict(entry.effects)
    if "on_finish_cook" in entry.hooks.after:
        effects.setdefault("energy", -economy.cook_energy_cost)
        effects.setdefault("hygiene", -economy.cook_hygiene_cost)
    return [effects.get(need, 0.0) for need in NEEDS]


def _money(entry: AffordanceEntry, economy: Economy, take: np.ndarray, give: np.ndarray) -> float:
    """Coins to the agent: the file's `money`, else the economy's price of what is taken or brought."""
    if "money" in entry.effects:
        return entry.effects["money"]
    if take[MEALS]:
        return -economy.meal_cost
    if take[INGREDIENTS] or give[INGREDIENTS]:
        return -economy.ingredients_cost
    return 0.0


def _conditions(entry: AffordanceEntry, take: np.ndarray) -> list[Clause]:
    """The file's preconditions, then those that its hooks, its object type and its stock imply, once each."""
    found: list[Clause] = [(item.fact, item.op, float(item.value)) for item in entry.preconds]
    facts = [HOOK_FACT[hook] for hook in entry.hooks.before if hook in HOOK_FACT]
    if len(entry.types) == 1:  # else each object says for itself (Site.bound)
        facts += NEEDS_UTILITY.get(entry.object_type, ())
    facts += [STOCK_FACT[s] for s in STOCK_FACT if take[s]]
    for fact in facts:
        if (fact, "==", 1.0) not in found:
            found.append((fact, "==", 1.0))
    return found
