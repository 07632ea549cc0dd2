"""Whether an affordance can be had of an object: preconditions, utilities, stock, and the price.

Facts: `occupied` (the object is in use), `power_on`, `water_on`, `meal_available` and `ingredients_available`
(the object's own stock if it keeps that kind, else anybody's), each 1 or 0, and `wallet` in coins. An
affordance that is bound to a utility cannot start while it is off, nor can any on an object that is bound to
it. What it takes comes out of the used object if that keeps this kind of stock, else out of the nearest object
that holds enough of it (walking from the used object).
"""

from __future__ import annotations

import numpy as np

from townlet.vocabulary import FACTS
from townlet.world.geometry import nearest_keeping
from townlet.world.jit import inner
from townlet.world.state import NOBODY, NOTHING, POWER, WATER

OCCUPIED = FACTS.index("occupied")
POWER_ON, WATER_ON = FACTS.index("power_on"), FACTS.index("water_on")
MEAL_AVAILABLE = FACTS.index("meal_available")  # the fact of stock kind s is MEAL_AVAILABLE + s
WALLET = FACTS.index("wallet")


@inner
def compares(value, comparison, other):
    """`value <comparison> other`, the comparison being an index into COMPARISONS (<, <=, ==, !=, >=, >)."""
    if comparison == 0:
        return value < other
    if comparison == 1:
        return value <= other
    if comparison == 2:
        return value == other
    if comparison == 3:
        return value != other
    if comparison == 4:
        return value >= other
    return value > other


@inner
def stock_available(objects, town, o, kind):
    """Whether object `o` holds some of a kind of stock; where it keeps none, whether any object does."""
    if town.site.kept[o, kind]:
        return objects.stock[o, kind] > 0
    for other in range(town.site.kept.shape[0]):
        if town.site.kept[other, kind] and objects.stock[other, kind] > 0:
            return True
    return False


@inner
def source(objects, town, o, kind, amount):
    """The object that `amount` of a kind of stock is taken from when object `o` is used, or NOTHING."""
    if town.site.kept[o, kind]:
        return o if objects.stock[o, kind] >= amount else NOTHING
    return nearest_keeping(
        town.site.kept, town.distance, town.site.place, kind, amount, objects.stock,
        town.site.x[o], town.site.y[o],
    )  # fmt: skip


@inner
def ready(objects, events, town, affordances, k, o):
    """Whether object `o` meets what affordance `k` needs of the town: utilities, stock and preconditions.

    All but `occupied` and `wallet`, which are about the moment and about who asks.
    """
    for u in range(2):
        if (affordances.utility_bound[k, u] or town.site.bound[o, u]) and not events.utility[u]:
            return False
    for s in range(2):
        if affordances.takes[k, s] > 0 and source(objects, town, o, s, affordances.takes[k, s]) == NOTHING:
            return False
    for p in range(affordances.pre_first[k], affordances.pre_end[k]):
        fact = town.condition.fact[p]
        if fact == OCCUPIED or fact == WALLET:
            continue
        if fact == POWER_ON:
            holds = events.utility[POWER]
        elif fact == WATER_ON:
            holds = events.utility[WATER]
        else:
            holds = stock_available(objects, town, o, fact - MEAL_AVAILABLE)
        if not compares(1.0 if holds else 0.0, town.condition.compare[p], town.condition.value[p]):
            return False
    return True


@inner
def price(events, affordances, k):
    """What affordance `k` costs now, in coins: its negative money effect x the price level, else 0."""
    money = affordances.money[k]
    return -money * events.price[k] if money < 0.0 else 0.0


@inner
def may_begin(agents, objects, town, affordances, k, o, a, cost):
    """Whether agent `a` can pay `cost` coins and the preconditions on `occupied` and `wallet` hold."""
    wallet = agents.wallet[a]
    if wallet < cost:
        return False
    for p in range(affordances.pre_first[k], affordances.pre_end[k]):
        fact = town.condition.fact[p]
        if fact == OCCUPIED:
            value = 1.0 if objects.user[o] != NOBODY else 0.0
        elif fact == WALLET:
            value = np.float64(wallet)
        else:
            continue
        if not compares(value, town.condition.compare[p], town.condition.value[p]):
            return False
    return True
