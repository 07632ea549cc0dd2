"""The recorder: what a rollout records, the buffers by row and slot, and the kernels that fill them.

Buffers have one slot more than ticks: slot t holds what is seen before acting at t, and what is seen after a life's
last step stands in the slot behind it (free in any case: a newcomer never arrives the tick after a departure).
"""

from __future__ import annotations

import sys
import threading
from typing import Any, NamedTuple

import numpy as np

from townlet.arrays import F32, I16, I32, I64, U8, Bool
from townlet.generator.generate import GeneratedWorld
from townlet.world import state as st
from townlet.world.jit import kernel

TIME_MAJOR = (
    "map", "features", "actions", "old_log_probs", "value_preds", "rewards", "dones", "action_args", "action_mask",
    "reward_terms", "positions",
)  # fmt: skip

ACTED, DECIDED = 1, 2  # what a caller gave: an action alone, or a decision, with its log-prob and value


class Frames(NamedTuple):
    """What a segment of T ticks records, by row. Letters as in world/state.py; U actions, R terms, F features."""

    map: F32  # [A, T + 1, C, W, W]
    features: F32  # [A, T + 1, F]
    action_mask: Bool  # [A, T + 1, U]
    arrival: I32  # [A, T + 1]  arrival number of who lives on the row at the slot; 0 = nobody
    actions: I64  # [A, T]
    old_log_probs: F32  # [A, T]
    value_preds: F32  # [A, T + 1]
    rewards: F32  # [A, T]
    dones: Bool  # [A, T]
    action_args: F32  # [A, T, 3]  object, target, quality; -1 = not named
    reward_terms: F32  # [A, T, R]
    positions: I16  # [A, T, 2]  before acting
    mismatch: Bool  # [A, T]  a schedule's label `blocked` was wrong
    blocked: Bool  # [A, T]  a schedule's label
    off_mask: Bool  # [A, T]  the mask did not allow the action
    given: U8  # [A, T]  whether a caller of Python's acted, not the agent's schedule or policy: 0, ACTED or DECIDED


def frames(generated: GeneratedWorld, ticks: int) -> Frames:
    """Buffers for a segment; their content is undefined until a segment is played."""
    layout, agents = generated.layout, len(generated.names.agents)
    return Frames(
        map=np.empty((agents, ticks + 1, *layout.map_shape), np.float32),
        features=np.empty((agents, ticks + 1, len(layout.feature_names)), np.float32),
        action_mask=np.empty((agents, ticks + 1, generated.action_space.dim), np.bool_),
        arrival=np.zeros((agents, ticks + 1), np.int32),
        actions=np.empty((agents, ticks), np.int64),
        old_log_probs=np.empty((agents, ticks), np.float32),
        value_preds=np.zeros((agents, ticks + 1), np.float32),
        rewards=np.empty((agents, ticks), np.float32),
        dones=np.empty((agents, ticks), np.bool_),
        action_args=np.empty((agents, ticks, 3), np.float32),
        reward_terms=np.empty((agents, ticks, len(st.TERMS)), np.float32),
        positions=np.empty((agents, ticks, 2), np.int16),
        mismatch=np.empty((agents, ticks), np.bool_),
        blocked=np.empty((agents, ticks), np.bool_),
        off_mask=np.empty((agents, ticks), np.bool_),
        given=np.zeros((agents, ticks), np.uint8),
    )


@kernel
def record_before(agents, batch, out, t):
    """Write slot `t` of everything that is known before the tick is played. The bit of the action taken is set."""
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i]:
            out.arrival[i, t] = 0
            continue
        out.arrival[i, t] = agents.arrival[i]
        out.off_mask[i, t] = not out.action_mask[i, t, batch.action[i]]
        out.blocked[i, t] = batch.labelled[i]
        out.action_mask[i, t, batch.action[i]] = True
        out.actions[i, t] = batch.action[i]
        out.old_log_probs[i, t] = batch.log_prob[i]
        out.value_preds[i, t] = batch.value[i]
        out.action_args[i, t, 0] = batch.object[i]
        out.action_args[i, t, 1] = batch.target[i]
        out.action_args[i, t, 2] = batch.quality[i]
        out.positions[i, t, 0] = agents.x[i]
        out.positions[i, t, 1] = agents.y[i]


@kernel
def record_after(agents, tick, batch, out, t):
    """Write what the tick brought those who lived in it; whether anybody leaves."""
    leaving = False
    for i in range(agents.alive.shape[0]):
        if not agents.alive[i]:
            continue
        out.rewards[i, t] = tick.reward[i]
        for r in range(tick.terms.shape[1]):
            out.reward_terms[i, t, r] = tick.terms[i, r]
        gone = agents.leaving[i] != st.STAYS
        leaving |= gone
        out.dones[i, t] = gone
        out.mismatch[i, t] = batch.labelled[i] and tick.success[i]
        if gone:
            out.value_preds[i, t + 1] = 0.0
    return leaving


def copied(buffer: Any, rows: np.ndarray, t: int) -> Any:
    """[n, ...] a slot of some rows, in rising order, as a copy."""
    return buffer[:, t].copy() if len(rows) == len(buffer) else buffer[rows, t]


def tick_bytes(generated: GeneratedWorld) -> int:
    """Bytes of the frames that one tick takes, over all agents.

    It decides how long segments are, and so what captures there are: buffers that came later are not in it.
    """
    buffers = frames(generated, 1)._asdict()
    return sum(array[:, 0].nbytes for name, array in buffers.items() if name not in _LATER)


_LATER = ("blocked", "off_mask", "given")


class BufferPool(threading.local):
    """Segment buffers that are used again by the thread's next run, unless somebody still holds frames in them.

    Fresh memory costs a page fault every 4 kB, more than simulating what is written there.
    """

    def __init__(self) -> None:
        self._held: Frames | None = None

    def take(self, ticks: int, generated: GeneratedWorld) -> Frames:
        held = self._held
        if held is not None and self._fits(held, ticks, generated) and self._free(held):
            return held
        held = self._held = None  # before the next one is there
        self._held = frames(generated, ticks)
        return self._held

    @staticmethod
    def _fits(held: Frames, ticks: int, generated: GeneratedWorld) -> bool:
        return (
            held.actions.shape == (len(generated.names.agents), ticks)
            and held.map.shape[2:] == tuple(generated.layout.map_shape)
            and held.features.shape[2] == len(generated.layout.feature_names)
            and held.action_mask.shape[2] == generated.action_space.dim
        )

    @staticmethod
    def _free(held: Frames) -> bool:
        """Nobody but this pool refers to a buffer (a view of one refers to it)."""
        return all(sys.getrefcount(held[i]) <= 2 for i in range(len(held)))
