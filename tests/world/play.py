"""The steps of a tick that the tests of this folder play, with their parameters filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.worlds import Action, Scene
from townlet.world import state as st
from townlet.world.rules import affordances, movement, queues, schedule


def move(world: st.World, params: st.Params) -> None:
    movement.update(
        world.clock,
        world.agents,
        world.queues,
        world.running,
        world.grid,
        world.tick,
        params.town,
        params.rules,
    )


def queue(world: st.World, params: st.Params) -> None:
    queues.update(
        world.clock, world.agents, world.queues, world.running, world.objects, world.ties, world.events, world.grid,
        world.tick, params.town, params.affordances, params.rules,
    )  # fmt: skip


def use(world: st.World, params: st.Params) -> None:
    affordances.update(
        world.clock, world.agents, world.queues, world.running, world.objects, world.events, world.grid, world.script,
        world.tick, params.town, params.affordances, params.rules,
    )  # fmt: skip


def refresh(world: st.World, params: st.Params) -> None:
    affordances.refresh(world.objects, world.events, params.town, params.affordances)


def restock(world: st.World, params: st.Params) -> None:
    affordances.restock(world.clock, world.objects, world.events, params.town, params.rules)


def direct(world: st.World, params: st.Params, choice: Any) -> None:
    schedule.direct(
        world.agents, world.queues, world.running, world.grid, world.script, params.town, params.schedule,
        params.people, choice,
    )  # fmt: skip


def advance(world: st.World, params: st.Params) -> None:
    schedule.advance(
        world.agents, world.queues, world.running, world.grid, world.script, world.tick, params.town, params.schedule,
        params.people,
    )  # fmt: skip


def tick(
    scene: Scene, actions: dict[int, Action] | None = None, *rules: Callable[[st.World, st.Params], Any]
) -> st.World:
    """Everybody does what `actions` says (or waits), these rules are played, and the clock moves on.

    Without rules: refresh, movement, queues, affordances.
    """
    scene.begin(actions)
    for rule in rules or (refresh, move, queue, use):
        rule(scene.world, scene.params)
    scene.world.clock.tick[0] += 1
    return scene.world


def no_choice(agents: int) -> Any:
    """Everybody waits."""
    return st.ActionBatch(
        action=np.zeros(agents, np.int64), object=np.full(agents, st.NOTHING), target=np.full(agents, st.NOBODY),
        quality=np.full(agents, -1.0), labelled=np.zeros(agents, np.bool_), log_prob=np.ones(agents, np.float32),
        value=np.ones(agents, np.float32),
    )  # fmt: skip


def by_schedule(scene: Scene, actions: dict[int, Action] | None = None) -> Any:
    """A tick in which schedules decide, and `actions` for those who have none; returns what was chosen."""
    world, params = scene.world, scene.params
    choice = no_choice(len(world.agents.alive))
    scene.begin(actions)
    refresh(world, params)
    direct(world, params, choice)
    for row in range(len(world.agents.alive)):
        if world.script.entry[row] != st.NOTHING:
            scene.choose(row, chosen(scene, choice, row))
    for rule in (move, queue, use, advance):
        rule(world, params)
    world.clock.tick[0] += 1
    return choice


def chosen(scene: Scene, choice: Any, row: int) -> Action:
    """What `choice` says for a row."""
    action = int(choice.action[row])
    if action >= st.ACTION_FIRST_AFFORDANCE:
        k, starts = divmod(action - st.ACTION_FIRST_AFFORDANCE, 2)
        return Action(
            (st.REQUEST, st.START)[starts], affordance=scene.offers[k], object=int(choice.object[row])
        )
    if action in (st.ACTION_WAIT, st.ACTION_RELEASE):
        return Action(st.WAIT if action == st.ACTION_WAIT else st.RELEASE, object=int(choice.object[row]))
    if action == st.ACTION_CHAT:
        return Action(st.CHAT, target=int(choice.target[row]), quality=float(choice.quality[row]))
    return Action(st.MOVE, action - st.ACTION_MOVE)
