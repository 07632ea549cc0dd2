"""The policy `needs`: serve the lowest need that is below its threshold, and be at work in time.

It decides from an agent's observation and mask alone (and from what the config fixes for everybody: thresholds, and
which affordance serves which need). In order:

1. A reservation is held: start what the reserved object offers, for the lowest need first; else walk on by the hint.
2. It waits in a queue: walk by the hint (which ends three tiles away, so that others get through), else wait.
3. A need is below its threshold (half of it during a shift): request what serves the lowest such need best; where
   nothing that serves it can be had, the next lowest.
4. Otherwise walk by the hint: to work when a shift is near, else toward what the lowest need will want next.

While an affordance runs nothing but waiting and releasing is legal, and it waits. It never chats or releases.
Deterministic: its log-prob is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from townlet.arrays import F64, I64
from townlet.policy.base import (
    PolicyActions,
    PolicyBatch,
    PolicyEntry,
    PolicyInfo,
    PolicySetting,
    WithoutCritic,
)
from townlet.world.jit import kernel

NO_AFFORDANCE = -1
_WAIT, _MOVE, _FIRST_AFFORDANCE = 0, 1, 7  # ids of the action space
COLUMNS = (
    "need_hunger", "need_hygiene", "need_energy", "shift_on_time", "shift_late", "reservation_active", "in_queue",
    "path_hint_north", "path_hint_south", "path_hint_east", "path_hint_west",
)  # fmt: skip
(_NEED, _, _, _ON_TIME, _LATE, _RESERVED, _QUEUED, _HINT, _, _, _) = range(11)


class NeedsTable(NamedTuple):
    """What `needs` knows before it sees anything."""

    column: I64  # [11]  where COLUMNS stand among the features
    threshold: F64  # [N]
    serves: I64  # [N, K]  affordances that serve a need, the best first; NO_AFFORDANCE behind the last


def needs_table(
    feature_names: Sequence[str], thresholds: Sequence[float], effects: np.ndarray, gives: np.ndarray
) -> NeedsTable:
    """Build the table.

    `effects` [K, N] are the affordances' changes of needs; `gives` [K, 2] the meals and ingredients they bring, which
    serve hunger when nothing feeds at once.
    """
    count, needs = effects.shape
    serves = np.full((needs, max(1, count)), NO_AFFORDANCE, np.int64)
    for n in range(needs):
        useful = [k for k in range(count) if effects[k, n] > 0 or (n == 0 and gives[k].any())]
        useful.sort(key=lambda k: (-max(0.0, float(effects[k, n])), k))
        serves[n, : len(useful)] = useful
    column = np.array([list(feature_names).index(name) for name in COLUMNS], np.int64)
    return NeedsTable(column, np.array(thresholds, np.float64), serves)


@kernel
def _lowest(features, i, t, table, below, share):
    """The lowest need that is under `share` of its threshold and not lower than `below`'s; -1 = none.

    `below` is the need considered before (-1 = none): needs are visited from the lowest up, ties by index.
    """
    found = -1
    for n in range(table.threshold.shape[0]):
        value = features[i, t, table.column[_NEED + n]]
        if value >= table.threshold[n] * share:
            continue
        if below >= 0:
            last = features[i, t, table.column[_NEED + below]]
            if value < last or (value == last and n <= below):
                continue
        if found < 0 or value < features[i, t, table.column[_NEED + found]]:
            found = n
    return found


@kernel
def _start(features, masks, i, t, table):
    """A legal start, one that serves the lowest need first; -1 = none is legal."""
    lowest = 0
    for n in range(1, table.threshold.shape[0]):
        if features[i, t, table.column[_NEED + n]] < features[i, t, table.column[_NEED + lowest]]:
            lowest = n
    for k in table.serves[lowest]:
        if k == NO_AFFORDANCE:
            break
        if masks[i, t, _FIRST_AFFORDANCE + 2 * k + 1]:
            return _FIRST_AFFORDANCE + 2 * k + 1
    for action in range(_FIRST_AFFORDANCE + 1, masks.shape[2], 2):
        if masks[i, t, action]:
            return action
    return -1


@kernel
def _walk(features, masks, i, t, table):
    """The move that the path hint shows, where it is legal; else wait; where that is not, the first legal action."""
    for d in range(4):
        if features[i, t, table.column[_HINT + d]] > 0 and masks[i, t, _MOVE + d]:
            return _MOVE + d
    for action in range(masks.shape[2]):
        if masks[i, t, action]:
            return action
    return _WAIT


@kernel
def needs_action(features, masks, i, t, table):
    """The action id for the agent that sees `features[i, t]` ([A, T, F]) under `masks[i, t]` ([A, T, U])."""
    if features[i, t, table.column[_RESERVED]] > 0:
        action = _start(features, masks, i, t, table)
        return action if action >= 0 else _walk(features, masks, i, t, table)
    if features[i, t, table.column[_QUEUED]] > 0:
        return _walk(features, masks, i, t, table)
    at_work = features[i, t, table.column[_ON_TIME]] > 0 or features[i, t, table.column[_LATE]] > 0
    share = 0.5 if at_work else 1.0
    need = _lowest(features, i, t, table, -1, share)
    while need >= 0:
        for k in table.serves[need]:
            if k == NO_AFFORDANCE:
                break
            if masks[i, t, _FIRST_AFFORDANCE + 2 * k]:
                return _FIRST_AFFORDANCE + 2 * k
        need = _lowest(features, i, t, table, need, share)
    return _walk(features, masks, i, t, table)


def table_of(setting: PolicySetting) -> NeedsTable:
    """The table for a config."""
    return needs_table(setting.feature_names, setting.thresholds.tolist(), setting.effects, setting.gives)


class NeedsPolicy(WithoutCritic):
    """The kernel above, for a batch."""

    def __init__(self, table: NeedsTable):
        self._table = table

    def act(self, batch: PolicyBatch) -> PolicyActions:
        features, masks = batch.features[:, None], batch.masks[:, None]
        actions = [needs_action(features, masks, i, 0, self._table) for i in range(len(batch))]
        zeros = np.zeros(len(batch), np.float32)
        return PolicyActions(np.array(actions, np.int64), zeros, zeros.copy())


POLICY = PolicyEntry(PolicyInfo("needs"), lambda setting: NeedsPolicy(table_of(setting)))
