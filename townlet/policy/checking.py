"""What a policy answers, held against what was asked: shapes, types, ids, and numbers that a sample can hold."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from townlet.arrays import F32, F64, I64
from townlet.errors import UserError
from townlet.policy.base import PolicyActions, PolicyBatch

MOST_LOG_PROB = 1e-6  # rounding may put it above 0; samples are held to the same


class CheckedActions(NamedTuple):
    """`PolicyActions` as the world takes them, every argument there. The arrays may be the policy's own."""

    actions: I64  # [B]
    object: I64  # [B]
    target: I64  # [B]
    quality: F64  # [B]  rounded to float32, as it is stored
    log_probs: F32  # [B]
    values: F32  # [B]


def checked_actions(
    answer: Any, batch: PolicyBatch, kind: str, *, dim: int, objects: int, agents: int
) -> CheckedActions:
    """What `act` answered, every array in its type.

    `dim` actions, `objects` objects and `agents` lives (so far) can be named. Raises UserError naming the policy, the
    field, what was expected and what was found.
    """
    where = f"policy {kind!r}: act"
    if not isinstance(answer, PolicyActions):
        raise UserError(f"{where}: expected PolicyActions, got {type(answer).__name__}")
    size, thing, target, quality = len(batch), answer.object, answer.target, answer.quality
    log_probs = _numbers(answer.log_probs, size, f"{where}: log_probs")
    if size and log_probs.max() > MOST_LOG_PROB:
        raise UserError(f"{where}: log_probs: expected logs of probabilities (<= 0), got {log_probs.max()}")
    return CheckedActions(
        actions=_whole(answer.actions, size, f"{where}: actions", 0, dim),
        log_probs=log_probs.astype(np.float32, copy=False),
        values=checked_values(answer.values, batch, kind, where="act: values"),
        object=_not_named(size) if thing is None else _whole(thing, size, f"{where}: object", -1, objects),
        target=_not_named(size) if target is None else _whole(target, size, f"{where}: target", -1, agents),
        quality=_no_quality(size) if quality is None else _quality(quality, size, f"{where}: quality"),
    )


def checked_values(answer: Any, batch: PolicyBatch, kind: str, *, where: str = "values") -> F32:
    """[B] float32, finite. Raises UserError for anything else."""
    values = _numbers(answer, len(batch), f"policy {kind!r}: {where}")
    return values.astype(np.float32, copy=False)


def array_of(found: Any, size: int, where: str, kinds: str, expected: str) -> np.ndarray:
    """[size] numbers of these kinds of dtype, one for each row. Raises UserError for anything else."""
    try:
        array = np.asarray(found)
    except (TypeError, ValueError):  # rows of different lengths
        raise UserError(f"{where}: expected {expected}, got {type(found).__name__}") from None
    if array.shape != (size,):
        raise UserError(f"{where}: expected shape ({size},), a number for each row, got {array.shape}")
    if array.dtype.kind not in kinds:
        raise UserError(f"{where}: expected {expected}, got dtype {array.dtype}")
    return array


def _whole(found: Any, size: int, where: str, least: int, end: int) -> np.ndarray:
    array = array_of(found, size, where, "iu", "whole numbers")
    if size and (array.min() < least or array.max() >= end):
        wrong = (array < least) | (array >= end)
        raise UserError(f"{where}: expected {least} to {end - 1}, got {array[np.argmax(wrong)]}")
    return array.astype(np.int64, copy=False)


@lru_cache(maxsize=64)
def _not_named(size: int) -> I64:
    """[size] -1; nobody may write to it."""
    unnamed = np.full(size, -1, np.int64)
    unnamed.flags.writeable = False
    return unnamed


@lru_cache(maxsize=64)
def _no_quality(size: int) -> F64:
    unnamed = np.full(size, -1.0)
    unnamed.flags.writeable = False
    return unnamed


def _numbers(found: Any, size: int, where: str) -> np.ndarray:
    array = array_of(found, size, where, "fiu", "numbers")
    if array.dtype == np.float32:
        finite = np.isfinite(array)
    else:
        with np.errstate(over="ignore"):
            finite = np.isfinite(array.astype(np.float32))
    if not finite.all():
        raise UserError(f"{where}: expected finite numbers, got {array[np.argmin(finite)]}")
    return array


def _quality(found: Any, size: int, where: str) -> np.ndarray:
    array = _numbers(found, size, where).astype(np.float32).astype(np.float64)  # as it is stored
    wrong = (array > 1) | ((array < 0) & (array != -1))
    if wrong.any():
        raise UserError(f"{where}: expected 0 to 1, or -1 where none is named, got {array[np.argmax(wrong)]}")
    return array
