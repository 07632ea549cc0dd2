"""The actions that a caller gives a vector of towns, checked before anything is played."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from townlet.arrays import Bool
from townlet.env.buffers import Given
from townlet.env.kernels import first_refused
from townlet.errors import UserError
from townlet.policy.actions import ActionSpace
from townlet.policy.checking import array_of
from townlet.world import jit
from townlet.world import state as st

MOST_TARGET = 2**31 - 1  # arrival numbers are stored in 32 bits


class Taker:
    """Takes a caller's arrays into what the kernels read. `fails`: what a mask forbids may be tried."""

    def __init__(self, given: Given, space: ActionSpace, objects: int, *, fails: bool):
        self._given, self._space, self._objects, self._fails = given, space, objects, fails
        self._named = False  # whether an action of the last tick named more than its id
        self._refused: Callable[..., int] | None = None

    def take(
        self, actions: Any, objects: Any, targets: Any, qualities: Any, *, acts: Bool, masks: Bool,
        name_of: Callable[[int], str],
    ) -> None:  # fmt: skip
        """Take what agents do, of those rows that `acts` names, under `masks`.

        `name_of(row)` names a row's agent in messages. Raises UserError for what is no action, or is forbidden.
        """
        given = self._given
        ids = _whole(actions, len(acts), "actions")
        np.copyto(given.action, ids)
        if self._named or not (objects is targets is qualities is None):
            self._take_names(objects, targets, qualities, acts)
        self._refuse(acts, masks, name_of)

    def _take_names(self, objects: Any, targets: Any, qualities: Any, acts: Bool) -> None:
        given, size = self._given, len(acts)
        self._named = not (objects is targets is qualities is None)
        given.object[:], given.target[:], given.quality[:] = st.NOTHING, st.NOBODY, -1.0
        if objects is not None:
            np.copyto(given.object, _within(objects, acts, self._objects, "objects"))
        if targets is not None:
            np.copyto(given.target, _within(targets, acts, MOST_TARGET, "targets"))
        if qualities is not None:
            found = array_of(qualities, size, "step: qualities", "fiu", "numbers").astype(
                np.float32
            )  # as it is stored
            wrong = acts & ~((found == -1) | ((found >= 0) & (found <= 1)))
            if wrong.any():
                raise UserError(
                    f"step: qualities: expected 0 to 1, or -1 where none is named, got {found[np.argmax(wrong)]}"
                )
            np.copyto(given.quality, found)

    def _refuse(self, acts: Bool, masks: Bool, name_of: Callable[[int], str]) -> None:
        arguments = (self._given, acts, masks, self._fails)
        if self._refused is None:
            self._refused = jit.entry_point(first_refused, *arguments)
        row = int(self._refused(*arguments))
        if row < 0:
            return
        action, dim = int(self._given.action[row]), self._space.dim
        if not 0 <= action < dim:
            raise UserError(
                f"step: actions[{row}] ({name_of(row)}): expected an id from 0 to {dim - 1}, got {action}"
            )
        allowed = ", ".join(map(str, np.flatnonzero(masks[row])))
        raise UserError(
            f"step: actions[{row}] ({name_of(row)}): expected one that its mask allows ({allowed}), got {action}, "
            f"{self._space.json[action]}; with illegal='fail' it is tried, and fails"
        )


def _whole(found: Any, size: int, where: str) -> np.ndarray:
    return array_of(found, size, f"step: {where}", "iu", "whole numbers")


def _within(found: Any, acts: Bool, end: int, where: str) -> np.ndarray:
    array = _whole(found, len(acts), where)
    wrong = acts & ((array < -1) | (array >= end))
    if wrong.any():
        raise UserError(f"step: {where}: expected -1 to {end - 1}, got {array[np.argmax(wrong)]}")
    return array
