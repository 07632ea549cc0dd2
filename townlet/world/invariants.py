"""What must be true of a world between two ticks, whatever has happened: `violations` lists what is not.

Plain Python over arrays, for tests and for captures with `--check`. It may be asked after a tick, before or
after its departures are settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from townlet.world import state as st

CENT = 1e-6  # how far, in coins, sums of float64 may drift apart


class Called(NamedTuple):
    """What agents and objects are called in messages, by row and by index."""

    agent: Callable[[int], str] = "agent {}".format
    object: Callable[[int], str] = "object {}".format

    def who(self, row: int) -> str:
        """The same, of a row that may be nobody's."""
        return "nobody" if row == st.NOBODY else self.agent(int(row))

    def thing(self, index: int) -> str:
        """The same, of an index that may be no object's."""
        return "nothing" if index == st.NOTHING else self.object(int(index))


BY_INDEX = Called()


def violations(world: st.World, params: st.Params, called: Called = BY_INDEX) -> list[str]:
    """One sentence for each invariant that does not hold; empty = all is well.

    Needs and ties are in range; nobody stands on a wall; no two stand on a tile except by a counted ghost
    step; an object has at most one user or holder, and both sides agree on it; nobody is in two queues or in
    a queue and busy; what is counted (waiting, layers of the grid) agrees with what it is counted from; coins
    add up; the dead neither hold nor do anything.
    """
    checks = (_ranges, _places, _users, _queues, _coins, _dead, _scripts)
    return [found for check in checks for found in check(world, params, called)]


def _living(world: st.World) -> list[int]:
    return np.flatnonzero(world.agents.alive).tolist()


def _ranges(world: st.World, params: st.Params, called: Called) -> Iterator[str]:
    agent, thing = called.agent, called.thing
    agents, ties = world.agents, world.ties
    for i in _living(world):
        if not np.all((agents.need[i] >= 0.0) & (agents.need[i] <= 1.0)):
            yield f"{agent(i)}: expected needs in [0, 1], found {agents.need[i].tolist()}"
        if not agents.wallet[i] >= 0.0:
            yield f"{agent(i)}: expected a wallet of at least 0 coins, found {agents.wallet[i]}"
    most = float(np.ravel(params.rules.rivalry)[st.RIVALRY_MAX])
    for name, low, high in (("trust", -1.0, 1.0), ("familiarity", -1.0, 1.0), ("rivalry", 0.0, most)):
        values = getattr(ties, name)
        for i, j in np.argwhere(~((values >= low) & (values <= high))).tolist():
            tie = f"ties.{name} of {agent(i)} to {agent(j)}"
            yield f"{tie}: expected a value in [{low}, {high}], found {values[i, j]}"
        for i in np.flatnonzero(np.diagonal(values)).tolist():
            yield f"ties.{name} of {agent(i)}: expected no tie with itself, found {values[i, i]}"
    for i in np.flatnonzero((ties.count < 0) | (_tied(ties) > ties.count)).tolist():
        yield f"ties.count of {agent(i)}: expected at least {_tied(ties)[i]}, found {ties.count[i]}"
    for o, s in np.argwhere(world.objects.stock < 0).tolist():
        yield f"{thing(o)}: expected no negative stock, found {world.objects.stock[o, s]}"


def _tied(ties) -> np.ndarray:
    """[A]: to how many others each agent has a tie that is not zero."""
    return ((ties.trust != 0) | (ties.familiarity != 0) | (ties.rivalry != 0)).sum(axis=1)


def _places(world: st.World, params: st.Params, called: Called) -> Iterator[str]:
    agent = called.agent
    agents, (width, height, pad) = world.agents, (int(each) for each in params.town.size[:3])
    there = np.zeros((height, width), dtype=np.int64)
    for i in _living(world):
        x, y = int(agents.x[i]), int(agents.y[i])
        if not (x < width and y < height) or params.town.wall[y, x]:
            yield f"{agent(i)}: expected to stand on floor, found at ({x}, {y})"
        else:
            there[y, x] += 1
    crowd = int((there - 1).clip(0).sum())
    if crowd > world.clock.counts[st.N_GHOST]:
        steps = int(world.clock.counts[st.N_GHOST])
        yield f"expected at most one agent a tile but for {steps} ghost steps, found {crowd} too many"
    layer = np.zeros_like(world.grid.agents)
    layer[pad : pad + height, pad : pad + width] = there
    for y, x in np.argwhere(layer != world.grid.agents).tolist():
        found = world.grid.agents[y, x]
        yield f"grid.agents: expected {layer[y, x]:.0f} at ({x - pad}, {y - pad}), found {found}"


def _users(world: st.World, params: st.Params, called: Called) -> Iterator[str]:
    agent, who, thing = called.agent, called.who, called.thing
    objects, running, queues = world.objects, world.running, world.queues
    taken = np.zeros_like(world.grid.reserved)
    pad, site = int(params.town.size[2]), params.town.site
    for o in range(len(objects.user)):
        user, holder = int(objects.user[o]), int(objects.holder[o])
        if user != st.NOBODY and holder != st.NOBODY:
            yield f"{thing(o)}: expected a user or a holder, found {agent(user)} and {agent(holder)}"
        if user != st.NOBODY and running.object[user] != o:
            yield f"{thing(o)}: {agent(user)} uses it, but is busy with {thing(running.object[user])}"
        if holder != st.NOBODY and queues.reserved[holder] != o:
            yield f"{thing(o)}: {agent(holder)} holds it, but has reserved {thing(queues.reserved[holder])}"
        if user != st.NOBODY or holder != st.NOBODY:
            taken[int(site.y[o]) + pad, int(site.x[o]) + pad] = 1
    for i in range(len(running.object)):
        o, reserved = int(running.object[i]), int(queues.reserved[i])
        if (o == st.NOTHING) != (running.affordance[i] == st.NOTHING):
            yield f"{agent(i)}: expected to be busy at an object, found {running.affordance[i]} at {thing(o)}"
        if o != st.NOTHING and objects.user[o] != i:
            yield f"{agent(i)}: busy with {thing(o)}, whose user is {who(objects.user[o])}"
        if o != st.NOTHING and not 1 <= running.left[i]:
            yield f"{agent(i)}: expected at least a tick left at {thing(o)}, found {running.left[i]}"
        if reserved != st.NOTHING and objects.holder[reserved] != i:
            yield f"{agent(i)}: has reserved {thing(reserved)}, whose holder is {who(objects.holder[reserved])}"
    for y, x in np.argwhere(taken != world.grid.reserved).tolist():
        found = world.grid.reserved[y, x]
        yield f"grid.reserved: expected {taken[y, x]:.0f} at ({x - pad}, {y - pad}), found {found}"


def _queues(world: st.World, params: st.Params, called: Called) -> Iterator[str]:
    agent, thing = called.agent, called.thing
    queues, objects = world.queues, world.objects
    waiting = np.zeros(len(objects.waiting), dtype=np.int64)
    for i in range(len(queues.object)):
        o, reserved = int(queues.object[i]), int(queues.reserved[i])
        if (o == st.NOTHING) != (queues.affordance[i] == st.NOTHING):
            yield f"{agent(i)}: queues for {thing(o)} with affordance {queues.affordance[i]}"
        if reserved not in (st.NOTHING, o):
            found = f"found in that of {thing(o)} with {thing(reserved)} reserved"
            yield f"{agent(i)}: expected to be in one queue, {found}"
        if o != st.NOTHING and world.running.affordance[i] != st.NOTHING:
            yield f"{agent(i)}: expected to be busy or in a queue, found both"
        if o != st.NOTHING and reserved != o:
            waiting[o] += 1
    for o in np.flatnonzero(waiting != objects.waiting).tolist():
        yield f"{thing(o)}: expected {waiting[o]} waiting, found {objects.waiting[o]}"


def _coins(world: st.World, params: st.Params, _: Called) -> Iterator[str]:
    coins = world.clock.coins
    for charge in np.flatnonzero(~(coins >= 0.0)).tolist():
        yield f"clock.coins[{charge}]: expected no negative sum, found {coins[charge]}"
    come = coins[st.COIN_START] + coins[st.COIN_WAGES] + coins[st.COIN_EARNINGS] + coins[st.COIN_NEWCOMERS]
    gone = coins[st.COIN_PRICES] + coins[st.COIN_RENT] + coins[st.COIN_DEPARTED]
    held = float(world.agents.wallet[world.agents.alive].sum())
    if not abs(held - (come - gone)) <= CENT * max(1.0, come):
        yield f"expected {come - gone:.6f} coins in wallets ({come:.6f} - {gone:.6f}), found {held:.6f}"


def _dead(world: st.World, params: st.Params, called: Called) -> Iterator[str]:
    agent, thing = called.agent, called.thing
    agents, ties = world.agents, world.ties
    for i in np.flatnonzero(~agents.alive).tolist():
        holds = (world.running.affordance[i], world.queues.object[i], world.queues.reserved[i])
        if any(held != st.NOTHING for held in holds):
            queued, held = thing(holds[1]), thing(holds[2])
            yield f"{agent(i)} is dead, but busy with {holds[0]}, queued for {queued}, holding {held}"
        if agents.wallet[i] != 0.0:
            yield f"{agent(i)} is dead, but has {agents.wallet[i]} coins"
        if world.script.entry[i] != st.NOTHING:
            yield f"{agent(i)} is dead, but follows a schedule"
        if any(np.any(tie[i]) or np.any(tie[:, i]) for tie in (ties.trust, ties.familiarity, ties.rivalry)):
            yield f"{agent(i)} is dead, but has ties"
    arrivals = agents.arrival[agents.alive]
    if len(set(arrivals.tolist())) != len(arrivals) or np.any(arrivals > world.clock.arrivals[0]):
        yield f"expected different arrivals up to {world.clock.arrivals[0]}, found {arrivals.tolist()}"


def _scripts(world: st.World, params: st.Params, called: Called) -> Iterator[str]:
    agent = called.agent
    entry, people = world.script.entry, params.people
    for i in np.flatnonzero(entry != st.NOTHING).tolist():
        if not people.script_first[i] <= entry[i] < people.script_end[i]:
            yield f"{agent(i)}: expected an entry of its own schedule, found {entry[i]}"
