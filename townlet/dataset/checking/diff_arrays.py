"""Where the arrays of two samples differ: bit by bit, columns matched by name, timesteps by their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from townlet.samples import ALL_ARRAYS, FINAL_ARRAYS, ReplaySample

SHOWN_VALUES = 3  # of an array, the first that differ

_ARGS = ("object", "target", "quality")


@dataclass(frozen=True)
class ArrayDifference:
    """How one array differs."""

    array: str
    first_timestep: int | None  # from 0; None: not in time (`final_*`), or only in length or columns
    first_tick: int | None
    timesteps: int  # that differ, among those that both have
    values: tuple[tuple[str, Any, Any], ...]  # (where, in A, in B) of the first values that differ
    length: tuple[int, int] | None = None  # in A and in B, where one goes on for longer
    remarks: tuple[str, ...] = ()  # on dtype, shape and columns

    @property
    def differs(self) -> bool:
        """In more than length."""
        return bool(self.values or self.remarks)

    def to_json_dict(self) -> dict[str, Any]:
        values = [{"at": where, "a": a, "b": b} for where, a, b in self.values]
        length = None if self.length is None else list(self.length)
        return {**vars(self), "values": values, "length": length, "remarks": list(self.remarks)}


def compare_samples(a: ReplaySample, b: ReplaySample) -> list[ArrayDifference]:
    """The arrays that are not the same to the bit, in the order of a sample's arrays."""
    found = []
    ours, others = a.arrays(), b.arrays()
    for name in (name for name in ALL_ARRAYS if name in ours or name in others):
        difference = _compare(name, a.array(name), b.array(name), a, b)
        if difference is not None:
            found.append(difference)
    return found


def _compare(
    name: str, mine: np.ndarray, theirs: np.ndarray, a: ReplaySample, b: ReplaySample
) -> ArrayDifference | None:
    in_time = name not in FINAL_ARRAYS
    length, remarks = None, []
    if mine.dtype != theirs.dtype:
        remarks.append(f"dtype {mine.dtype} -> {theirs.dtype}")
    columns, others = _columns(name, a), _columns(name, b)
    if columns != others:
        remarks += _column_remarks(columns, others)
        common = [column for column in columns if column in set(others)]
        mine = mine.take([columns.index(column) for column in common], 1 if in_time else 0)
        theirs = theirs.take([others.index(column) for column in common], 1 if in_time else 0)
        columns = common
    if in_time and len(mine) != len(theirs):
        length = len(mine), len(theirs)
        mine, theirs = mine[: min(length)], theirs[: min(length)]
    if mine.shape != theirs.shape:
        remarks.append(f"shape {mine.shape} -> {theirs.shape}")
    different = np.empty((0, 1), np.intp)
    if mine.shape == theirs.shape and mine.dtype == theirs.dtype:
        different = np.argwhere(_bits(mine) != _bits(theirs))
    if not len(different) and not remarks and length is None:
        return None
    values = tuple(
        (_place(place[1:] if in_time else place, columns), mine[place].item(), theirs[place].item())
        for place in map(tuple, different[:SHOWN_VALUES].tolist())
    )
    first = int(different[0, 0]) if in_time and len(different) else None
    return ArrayDifference(
        array=name,
        first_timestep=first,
        first_tick=None if first is None else int(a.tick[0]) + first,  # value_preds goes one beyond the ticks
        timesteps=0 if first is None else len(np.unique(different[:, 0])),
        values=values,
        length=length,
        remarks=tuple(remarks),
    )


def _bits(array: np.ndarray) -> np.ndarray:
    """As unsigned integers: 0.0 and -0.0 are two contents, and NaN is equal to itself."""
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def _columns(name: str, sample: ReplaySample) -> list[str]:
    """What the columns of an array are called; none where they have no names."""
    kind = name.removeprefix("final_")
    if kind == "features":
        return list(sample.metadata["feature_names"])
    if kind == "map":
        return list(sample.metadata["map_channels"])
    if kind == "reward_terms":
        return list(sample.metadata["reward_term_names"])
    if kind == "action_mask":
        lookup = sample.metadata["action_lookup"]
        return sorted(lookup, key=lambda action: lookup[action])
    return list(_ARGS) if kind == "action_args" else []


def _column_remarks(ours: Sequence[str], others: Sequence[str]) -> list[str]:
    gone = [column for column in ours if column not in set(others)]
    new = [column for column in others if column not in set(ours)]
    remarks = [f"only in {side}: {', '.join(names)}" for side, names in (("A", gone), ("B", new)) if names]
    return remarks or ["columns in another order"]


def _place(indices: Sequence[int], columns: Sequence[str]) -> str:
    """`need_hunger`, `agents[2, 3]`, `[1]`; nothing for an array of one value a timestep."""
    if columns and indices:
        rest = ", ".join(map(str, indices[1:]))
        return f"{columns[indices[0]]}[{rest}]" if rest else columns[indices[0]]
    return f"[{', '.join(map(str, indices))}]" if indices else ""
