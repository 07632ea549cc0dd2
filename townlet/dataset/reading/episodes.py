"""Lives: the segments of one agent joined, and spans cut out of them, wherever a segment ends.

A *span* is consecutive segments of one life. All of a life is one span, unless a segment in the middle is
not among the samples chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from townlet.arrays import I64, Array
from townlet.dataset.reading.capture import join_segments
from townlet.dataset.reading.sample_source import SampleSource
from townlet.dataset.reading.selection import Ordered, pack_positions, unpack_positions
from townlet.notebook import Shown, of
from townlet.samples import (
    ALL_ARRAYS,
    FINAL_ARRAYS,
    GROUP_ARRAYS,
    OPTIONAL_ARRAYS,
    ReplaySample,
    bootstrap_known,
)

TIMED_ARRAYS = (*GROUP_ARRAYS, *OPTIONAL_ARRAYS)  # of every window and joint run, whatever its samples have

# What stands where nobody lives; 0 (False) in all other arrays.
PADDING = {"tick": -1, "action_args": -1, "positions": -1}


class Spans:
    """The spans of a data set, sorted by scenario, seed, arrival and tick. Found without reading a sample."""

    def __init__(self, data_set: SampleSource) -> None:
        self._data_set = data_set
        self._rows = np.sort(data_set._rows)  # the index is sorted by run, arrival and segment
        self._frames = self._column("frame_count")  # [rows]
        self._first = np.flatnonzero(self._begins())  # [spans] where in _rows each begins
        self.first_ticks = self._column("first_tick")[self._first]  # [spans]
        counts = np.add.reduceat(self._frames, self._first) if len(self._first) else self._first
        self.frames: I64 = counts.astype(np.int64)  # [spans]

    def __len__(self) -> int:
        return len(self._first)

    def span(self, number: int) -> Span:
        last = self._first[number + 1] if number + 1 < len(self) else len(self._rows)
        rows = slice(self._first[number], last)
        ends = np.cumsum(self._frames[rows])
        return Span(self._data_set, self._rows[rows], np.concatenate([[0], ends]).astype(np.int64))

    def _column(self, name: str) -> Array:
        return self._data_set._sample_index.table.at(name, self._rows)

    def _begins(self) -> Array:
        """[rows] Whether a row does not go on with the one before it."""
        ends = self._column("first_tick") + self._frames
        begins = np.ones(len(self._rows), bool)
        begins[1:] = (
            (np.diff(self._data_set._sample_index.runs_of(self._rows)) != 0)
            | (np.diff(self._column("arrival")) != 0)
            | (self._column("first_tick")[1:] != ends[:-1])
        )
        return begins


@dataclass(frozen=True)
class Span:
    """Consecutive segments of one life."""

    data_set: SampleSource
    rows: I64  # of the segments
    ends: I64  # [segments + 1] timesteps before each segment, and in all

    @property
    def who(self) -> dict[str, Any]:
        """scenario, seed, agent_id, arrival."""
        table = self.data_set._sample_index.table
        return table.row(int(self.rows[0]), ("scenario", "seed", "agent_id", "arrival"))

    def samples(self) -> Iterator[ReplaySample]:
        return (self.data_set._sample(int(row)) for row in self.rows)

    def ends_in_the_dark(self, stop: int) -> bool:
        """Whether nobody knows the value of what is seen after the timesteps before `stop`: the life goes on, but a
        caller acted in it, and its critic was not asked (samples.BOOTSTRAP_UNKNOWN).
        """
        return stop == self.ends[-1] and not bootstrap_known(self.data_set._sample(int(self.rows[-1])))

    def cut(self, start: int, stop: int) -> dict[str, Array]:
        """Timesteps `start` to `stop` (at least one), as all arrays of a sample, their memory maybe shared.

        `value_preds` has one more: the value of what is seen after the last of them. The `final_` arrays are what
        is seen then. Reads only the segments in which these timesteps lie.
        """
        first = int(np.searchsorted(self.ends, start, "right")) - 1
        last = int(np.searchsorted(self.ends, stop, "left")) - 1
        parts = []
        for index in range(first, last + 1):
            sample = self.data_set._sample(int(self.rows[index]))
            begin = max(0, start - int(self.ends[index]))
            end = min(sample.timesteps, stop - int(self.ends[index]))
            parts.append(_rows_of(sample, begin, end))
        if stop == self.ends[last + 1] and last + 1 < len(self.rows) and not bootstrap_known(sample):
            after = self.data_set._sample(int(self.rows[last + 1]))
            parts[-1]["value_preds"] = np.append(parts[-1]["value_preds"][:-1], after.value_preds[:1])
        if len(parts) == 1:
            return parts[0]
        arrays = {
            name: np.concatenate([part[name] for part in parts])
            for name in TIMED_ARRAYS
            if name != "value_preds"
        }
        values = [part["value_preds"][:-1] for part in parts] + [parts[-1]["value_preds"][-1:]]
        return (
            arrays
            | {"value_preds": np.concatenate(values)}
            | {name: parts[-1][name] for name in FINAL_ARRAYS}
        )


def _rows_of(sample: ReplaySample, begin: int, end: int) -> dict[str, Array]:
    """Rows of a sample, and what is seen and valued after the last of them."""
    whole = sample.arrays()
    arrays = {name: sample.array(name)[begin:end] for name in TIMED_ARRAYS}
    arrays["value_preds"] = sample.value_preds[begin : end + 1]
    for name in FINAL_ARRAYS:
        arrays[name] = whole[name] if end == sample.timesteps else whole[name.removeprefix("final_")][end]
    return arrays


class Lives(Ordered[ReplaySample], Shown):
    """Whole lives, each as one sample, sorted by scenario, seed and arrival until they are shuffled.

    A life of which a segment in the middle is missing comes in several pieces.
    """

    def __init__(self, data_set: SampleSource, chosen: I64 | None = None) -> None:
        self._data_set = data_set
        self._chosen = chosen  # numbers of spans; None = all

    def __len__(self) -> int:
        return len(self._numbers)

    @cached_property
    def _spans(self) -> Spans:
        return Spans(self._data_set)

    @cached_property
    def _numbers(self) -> I64:
        return np.arange(len(self._spans)) if self._chosen is None else self._chosen

    def _picked(self, positions: I64) -> Lives:
        return Lives(self._data_set, self._numbers[positions])

    def _item(self, position: int) -> ReplaySample:
        return join_segments(list(self._spans.span(int(self._numbers[position])).samples()))

    def _facts(self) -> dict[str, Any]:
        return {"of": repr(self._data_set), "with": of(len(self), "whole life").replace("lifes", "lives")}

    def __getstate__(self) -> dict[str, Any]:
        chosen = None if self._chosen is None else pack_positions(self._chosen)
        return {"data_set": self._data_set, "chosen": chosen}

    def __setstate__(self, state: dict[str, Any]) -> None:
        chosen = state["chosen"]
        self.__init__(state["data_set"], None if chosen is None else unpack_positions(chosen))


def padded(name: str, shape: tuple[int, ...]) -> Array:
    """An array as long as asked for in which nobody lives yet."""
    array = np.full(shape, PADDING.get(name, 0), ALL_ARRAYS[name].dtype)
    if name == "action_mask":
        array[..., 0] = True  # the padded action: a softmax over nothing would not be a number
    return array
