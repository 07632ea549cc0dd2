"""The arrays that a vector of towns is stepped with: what kernels write, and what is handed over.

Letters: K towns, A rows of agents a town, N = K * A (row n is row n % A of town n // A), C channels, W the window's
side, F features, U actions, R reward terms.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from townlet.arrays import F32, F64, I32, I64, U8, Bool
from townlet.generator.generate import GeneratedWorld
from townlet.world import state as st

MOST_SETS = 4  # of arrays that are kept to be used again


class Seen(NamedTuple):
    """What the agents of one town see: one slot of the recorder's buffers (see townlet/rollout/buffers.py)."""

    map: F32  # [A, 1, C, W, W]
    features: F32  # [A, 1, F]
    action_mask: Bool  # [A, 1, U]


class Given(NamedTuple):
    """What the caller's agents do, as the world takes it. Rows for which nobody is asked are not read."""

    action: I64  # [N]
    object: I64  # [N]  -1 = not named
    target: I64  # [N]  arrival number, less one; -1 = not named
    quality: F64  # [N]  -1 = not named


class Told(NamedTuple):
    """What is told of all rows after a tick: what it brought (0 for who did not live in it), and who is there now."""

    lived: I32  # [N]  arrival number of who lived in the tick; 0 = nobody
    action: I64  # [N]  what it did
    log_prob: F32  # [N]  as its policy gave it; 0 for the caller's agents and for schedules
    value: F32  # [N]  likewise
    off_mask: Bool  # [N]  the mask that it saw did not allow the action
    reward: F32  # [N]
    terms: F32  # [N, R]
    left: U8  # [N]  STAYS, FAINTED or EVICTED
    arrival: I32  # [N]  arrival number of who lives now; 0 = nobody
    acts: Bool  # [N]  the caller decides what it does next
    mask: Bool  # [N, U]  what it may do next


@dataclass
class OutputSet:
    """The arrays of one step: the memory, and the towns' parts of it."""

    map: F32  # [N, C, W, W]
    features: F32  # [N, F]
    told: Told
    masks: Bool  # [N, U]  behind `seen`: kept by the vector, whatever is done to what is handed over
    seen: list[Seen]  # a town's parts each
    held: tuple[int, ...] = ()  # references to the memory while nobody else holds any

    def references(self) -> tuple[int, ...]:
        """How many there are to each array; a view of one refers to it."""
        told = self.told
        return (
            sys.getrefcount(self.map), sys.getrefcount(self.features),
            *[sys.getrefcount(told[i]) for i in range(len(told))],
        )  # fmt: skip


class OutputPool:
    """Hands out sets of arrays. Whoever is given one may keep it; memory that nobody holds any more is used again.

    Fresh memory costs a page fault every 4 kB, more than simulating what is written there.
    """

    def __init__(self, generated: GeneratedWorld, towns: int):
        self._generated, self._towns = generated, towns
        self.masks = np.zeros((towns * _agents(generated), generated.action_space.dim), np.bool_)
        self._kept: list[OutputSet] = []

    def take(self) -> OutputSet:
        """A set that nobody refers to; its content is undefined."""
        for found in self._kept:
            if found.references() == found.held:
                return found
        if len(self._kept) == MOST_SETS:
            del self._kept[0]  # it is its holder's alone now
        made = self._made(self.masks)
        made.held = made.references()
        self._kept.append(made)
        return made

    def made(self) -> OutputSet:
        """A set apart, with masks of its own, that is never handed out."""
        return self._made(np.zeros_like(self.masks))

    def _made(self, masks: Bool) -> OutputSet:
        generated, towns = self._generated, self._towns
        agents, dim = _agents(generated), generated.action_space.dim
        rows, shape = towns * agents, generated.layout.map_shape
        maps = np.zeros((rows, *shape), np.float32)
        features = np.zeros((rows, len(generated.layout.feature_names)), np.float32)
        told = Told(
            lived=np.zeros(rows, np.int32), action=np.zeros(rows, np.int64), log_prob=np.zeros(rows, np.float32),
            value=np.zeros(rows, np.float32), off_mask=np.zeros(rows, np.bool_), reward=np.zeros(rows, np.float32),
            terms=np.zeros((rows, len(st.TERMS)), np.float32), left=np.zeros(rows, np.uint8),
            arrival=np.zeros(rows, np.int32), acts=np.zeros(rows, np.bool_), mask=np.zeros((rows, dim), np.bool_),
        )  # fmt: skip
        return OutputSet(maps, features, told, masks, seen_of(maps, features, masks, towns))


def given_nothing(rows: int) -> Given:
    """Everybody waits."""
    return Given(
        np.full(rows, st.ACTION_WAIT, np.int64), np.full(rows, st.NOTHING, np.int64),
        np.full(rows, st.NOBODY, np.int64), np.full(rows, -1.0),
    )  # fmt: skip


def seen_of(maps: F32, features: F32, masks: Bool, towns: int) -> list[Seen]:
    """Views of arrays over all rows, as the kernels of each town take them."""
    agents = len(maps) // towns
    parts = (slice(k * agents, (k + 1) * agents) for k in range(towns))
    return [Seen(maps[part, None], features[part, None], masks[part, None]) for part in parts]


def _agents(generated: GeneratedWorld) -> int:
    return len(generated.names.agents)
