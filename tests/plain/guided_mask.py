"""Guided masks in plain Python, from what docs/observations.md says of them."""

from __future__ import annotations

from tests.plain.viewpoint import Viewpoint
from townlet.world import state as st

WAIT, RELEASE, CHAT, FIRST_REQUEST = 0, 5, 6, 7
MOVES = {1, 2, 3, 4}


def guided(view: Viewpoint, legal: list[bool]) -> list[bool]:
    """Of the actions that are legal for an agent, those that a guided mask leaves."""
    may = {action for action, allowed in enumerate(legal) if allowed}
    kept = may & _kept(view, may)
    assert kept
    return [action in kept for action in range(len(legal))]


def _kept(view: Viewpoint, may: set[int]) -> set[int]:
    i, queues, running, actions = view.row, view.world.queues, view.world.running, view.config.actions
    starts = {action for action in may if action > FIRST_REQUEST and (action - FIRST_REQUEST) % 2}
    if running.affordance[i] != st.NOTHING:
        ends = actions.guided_release and view.config.policy_runtime.option_commit_ticks > 0
        interruptible = view.params.affordances.interruptible[running.affordance[i]]
        return {WAIT, RELEASE} if ends and interruptible else {WAIT}
    if queues.reserved[i] != st.NOTHING:
        if starts:
            return starts
        step = view.first_step(view.here, view.object_tile(int(queues.reserved[i])))
        last = int(view.world.agents.last_action[i])
        others = MOVES if last in MOVES and not view.world.agents.last_success[i] else set()
        return others | ({WAIT} if step is None else {1 + step})
    if queues.object[i] != st.NOTHING:
        goal = view.hint()
        step = view.first_step(view.here, goal[0]) if goal is not None else None
        waited = view.now - int(queues.since[i]) >= actions.queue_patience
        return {WAIT} | ({1 + step} if step is not None else set()) | ({RELEASE} if waited else set())
    return may - starts - {RELEASE}
