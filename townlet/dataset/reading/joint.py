"""All agents of a run aligned by tick, for critics that see everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from townlet.arguments import no_such
from townlet.arrays import Array
from townlet.dataset.reading.episodes import TIMED_ARRAYS, Spans, padded
from townlet.dataset.reading.sample_source import SampleSource
from townlet.errors import UserError
from townlet.notebook import Shown, listed, of
from townlet.samples import FINAL_ARRAYS


@dataclass(frozen=True, eq=False, repr=False)
class Joint(Shown):
    """T ticks of N agents, newcomers included. `joint["rewards"]` is an array.

    arrays: those of a sample, the optional ones always, (T, N, ...), and
      `alive`        (T, N) bool: whether agent n acted at this tick
      `tick`         (T,): the ticks, without a gap
      `value_preds`  (T + 1, N): the row after an agent's last holds its bootstrap value (0 where nobody knows it: see
                     `Windows`)
      `final_...`    (N, ...): what the agent saw after its last step here
    Where an agent is not alive, padding stands as in a window: 0 and False; -1 in `positions` and `action_args`;
    in `action_mask` action 0 alone is allowed. An agent's column is its own: agents are ordered by arrival, and
    one that comes back is a newcomer with a column of its own.

    Memory: T x N x (the bytes of one frame), alive or not. `nbytes` says how much; with `ticks` a part of the run
    is read, and only the segments that it touches.
    """

    arrays: dict[str, Array]
    scenario: str
    seed: int
    agents: tuple[str, ...]  # [N] by arrival
    arrivals: tuple[int, ...]  # [N]

    def __getitem__(self, name: str) -> Array:
        """Raises NoSuchName, with the nearest array, for others."""
        if name not in self.arrays:
            raise no_such("array", name, self.arrays)
        return self.arrays[name]

    def _facts(self) -> dict[str, Any]:
        return {
            "of": f"{self.scenario} seed {self.seed}",
            "ticks": f"{self.arrays['tick'][0]} to {self.arrays['tick'][-1]}",
            "agents": f"{of(len(self.agents), 'agent')}: {listed(self.agents)}",
            "memory": f"{self.nbytes / 1e6:.1f} MB",
        }

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.arrays)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


@dataclass(frozen=True)
class _Part:
    """What of a span lies in the ticks asked for."""

    column: int
    first_tick: int
    arrays: dict[str, Array]  # of at least one timestep


def joint_of(data_set: SampleSource, scenario: str, seed: int, ticks: range | None = None) -> Joint:
    """The agents of one run's samples. Raises UserError where nobody lives in these ticks."""
    if ticks is not None and not isinstance(ticks, range):
        raise UserError(f"joint: expected ticks as a range, such as range(0, 100), got {ticks!r}")
    if ticks is not None and not ticks and ticks.step == 1:
        raise UserError(f"joint: expected at least one tick, got {ticks}, which has none")
    if ticks is not None and ticks.step != 1:
        raise UserError(f"joint: expected ticks without a gap, got a step of {ticks.step}")
    data_set.refuse_mixed()
    spans = Spans(data_set)
    where = f"{data_set.place}: {scenario} seed {seed}"
    if not len(spans):
        raise UserError(f"{where}: has no sample here")
    first = spans.first_ticks.astype(np.int64)
    period = range(int(first.min()), int((first + spans.frames).max())) if ticks is None else ticks
    inside = np.flatnonzero((first < period.stop) & (first + spans.frames > period.start))
    if not len(inside):
        raise UserError(f"{where}: nobody lives in ticks {period.start} to {period.stop - 1}")
    who = {index: spans.span(int(index)).who for index in inside}
    arrivals = sorted({facts["arrival"] for facts in who.values()})
    names = {facts["arrival"]: facts["agent_id"] for facts in who.values()}
    arrays: dict[str, Array] = {}
    for index in inside:
        begin = max(period.start, int(first[index]))
        end = min(period.stop, int(first[index] + spans.frames[index]))
        cut = spans.span(int(index)).cut(begin - int(first[index]), end - int(first[index]))
        arrays = arrays or _empty(cut, period, len(arrivals))
        _place(arrays, _Part(arrivals.index(who[index]["arrival"]), begin - period.start, cut))
    agents = tuple(names[arrival] for arrival in arrivals)
    return Joint(arrays, scenario, seed, agents, tuple(arrivals))


def _empty(cut: dict[str, Array], period: range, agents: int) -> dict[str, Array]:
    """Nobody alive yet; sizes as those of a first part."""
    arrays: dict[str, Any] = {}
    for name in TIMED_ARRAYS:
        length = len(period) + int(name == "value_preds")
        arrays[name] = padded(name, (length, agents, *cut[name].shape[1:]))
    arrays["tick"] = np.arange(period.start, period.stop, dtype=np.int32)
    arrays |= {name: np.zeros((agents, *cut[name].shape), cut[name].dtype) for name in FINAL_ARRAYS}
    arrays["alive"] = np.zeros((len(period), agents), bool)
    return arrays


def _place(arrays: dict[str, Array], part: _Part) -> None:
    steps, first, column = len(part.arrays["tick"]), part.first_tick, part.column
    for name in TIMED_ARRAYS:
        if name != "tick":
            rows = slice(first, first + steps + int(name == "value_preds"))
            arrays[name][rows, column] = part.arrays[name]
    for name in FINAL_ARRAYS:
        arrays[name][column] = part.arrays[name]
    arrays["alive"][first : first + steps, column] = True
