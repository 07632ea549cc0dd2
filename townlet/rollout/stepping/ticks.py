"""A tick of a town that Python steps, in one call of compiled code: play it, settle, look again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from townlet.arrays import I16, I64, U8, Bool
from townlet.rollout.kernels import look, play_tick
from townlet.world import state as st
from townlet.world.jit import kernel
from townlet.world.step import settle


class Present(NamedTuple):
    """Who is there before the next tick, and who left in the last one."""

    arrival: I64  # [A]  arrival number; 0 = nobody
    position: I16  # [A, 2]  x, y
    scheduled: Bool  # [A]  follows a schedule
    left: U8  # [A]  STAYS, FAINTED or EVICTED


def nobody(agents: int) -> Present:
    return Present(
        np.zeros(agents, np.int64), np.zeros((agents, 2), np.int16), np.zeros(agents, np.bool_),
        np.zeros(agents, np.uint8),
    )  # fmt: skip


@kernel
def see(world, params, observation, tables, batch, out, t, present):
    """Show everybody slot `t`, who is in it, and what schedules and compiled policies decide."""
    look(world, params, observation, tables, batch, out, t)
    agents = world.agents
    for i in range(agents.alive.shape[0]):
        out.arrival[i, t] = agents.arrival[i] if agents.alive[i] else 0
        present.arrival[i] = out.arrival[i, t]
        present.position[i, 0] = agents.x[i]
        present.position[i, 1] = agents.y[i]
        present.scheduled[i] = agents.alive[i] and world.script.entry[i] != st.NOTHING


@kernel
def play_and_see(world, params, observation, tables, batch, out, t, present):
    """Play the tick of slot `t`, in which everybody has an action, and show slot `t + 1`; whether others live there."""
    play_tick(world, params, observation, batch, out, t)
    agents, changed = world.agents, False
    for i in range(agents.alive.shape[0]):
        present.left[i] = agents.leaving[i] if agents.alive[i] else st.STAYS
    settle(world, params)
    for i in range(agents.alive.shape[0]):
        changed |= (agents.arrival[i] if agents.alive[i] else 0) != present.arrival[i]
    see(world, params, observation, tables, batch, out, t + 1, present)
    return changed
