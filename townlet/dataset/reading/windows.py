"""Windows: lives cut into pieces of one length, padded and masked, ready to be stacked into a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from townlet import arguments
from townlet.arrays import I64, Array
from townlet.dataset.reading.episodes import TIMED_ARRAYS, Span, Spans, padded
from townlet.dataset.reading.sample_source import SampleSource
from townlet.dataset.reading.selection import Ordered, pack_positions, unpack_positions
from townlet.errors import UserError
from townlet.notebook import Shown, of
from townlet.samples import FINAL_ARRAYS

UnknownBootstrap = Literal["refuse", "mask"]
KEPT = 64  # MB of samples that are kept, where the data set does not say: neighbours lie in the same ones


@dataclass(frozen=True, eq=False, repr=False)
class Window(Shown):
    """`length` timesteps of one life, of which the first `steps` are real. `window["rewards"]` is an array.

    arrays: those of a sample, the optional ones always, (L, ...) with L the length, and `mask` (L,), True where a
    timestep is real.
    `value_preds` is (L + 1,): [steps] is the value of what is seen after the last real timestep, 0 where the
    episode ended there, so that returns can be bootstrapped wherever the window was cut. The `final_` arrays are
    what is seen then. Padding is 0 and False; in `tick`, `positions` and `action_args` it is -1, and
    in `action_mask` the padded action 0 alone is allowed.
    """

    arrays: dict[str, Array]
    scenario: str
    seed: int
    agent_id: str
    arrival: int
    start: int  # timesteps of this life before the window; 0 = it begins here (a recurrent state does too)
    steps: int

    def __getitem__(self, name: str) -> Array:
        """Raises NoSuchName, with the nearest array, for others."""
        if name not in self.arrays:
            raise arguments.no_such("array", name, self.arrays)
        return self.arrays[name]

    def _facts(self) -> dict[str, Any]:
        length = len(self.arrays["mask"]) if "mask" in self.arrays else self.steps
        return {
            "of": f"{self.agent_id}, {self.scenario} seed {self.seed}",
            "timesteps": f"{self.start} to {self.start + self.steps - 1}",
            "length": f"{length}, {self.steps} of them real",
        }

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.arrays)


class Windows(Ordered[Window], Shown):
    """All windows of a data set, by scenario, seed, arrival and tick until they are shuffled.

    They run over the segments of a life as if there were none. Windows begin at every `stride`-th timestep
    (default: `length`, no overlap) until one reaches the end of the life; that last one is padded, or, with
    `drop_short`, left out. Neither their number nor their place needs a sample to be read.

    Where a life goes on and nobody knows the value of what is seen after it (see `SimulationLoop.close`), reading its
    last window raises UserError; with `unknown_bootstrap="mask"` that life's last timestep is padding instead: the
    value that its decision came with is the bootstrap of those before.

    A window reads the samples it lies in. They are kept while there is room (`DataSet.remembering`; 64 MB unless
    the data set says otherwise), so windows in order read each sample once. Shuffled ones read a sample for
    nearly each window where the samples do not fit.
    """

    def __init__(
        self,
        data_set: SampleSource,
        length: int,
        stride: int | None = None,
        drop_short: bool = False,
        chosen: I64 | None = None,
        unknown_bootstrap: UnknownBootstrap = "refuse",
    ) -> None:
        length = arguments.whole("windows: length", length)
        stride = length if stride is None else arguments.whole("windows: stride", stride)
        drop_short = arguments.switch("windows: drop_short", drop_short)
        if length < 1 or stride < 1:
            raise UserError(
                f"windows: expected a length and a stride of at least 1, got {length} and {stride}"
            )
        if unknown_bootstrap not in get_args(UnknownBootstrap):
            raise UserError(f"windows: unknown_bootstrap: expected refuse or mask, got {unknown_bootstrap!r}")
        self.unknown_bootstrap: UnknownBootstrap = unknown_bootstrap
        self.length = length
        self.stride = stride
        self.drop_short = drop_short
        self.data_set = data_set if data_set._sample_cache else data_set.remembering(KEPT)
        self._chosen = chosen  # numbers of windows; None = all

    def __len__(self) -> int:
        return self._total if self._chosen is None else len(self._chosen)

    @property
    def scenarios(self) -> tuple[str, ...]:
        return self.data_set.scenarios

    @cached_property
    def _spans(self) -> Spans:
        return Spans(self.data_set)

    @cached_property
    def _ends(self) -> I64:
        """[spans] Windows in all spans up to here."""
        return np.cumsum(window_counts(self._spans.frames, self.length, self.stride, self.drop_short))

    @cached_property
    def _total(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def _picked(self, positions: I64) -> Windows:
        numbers = positions if self._chosen is None else self._chosen[positions]
        return Windows(
            self.data_set, self.length, self.stride, self.drop_short, numbers, self.unknown_bootstrap
        )

    def _item(self, position: int) -> Window:
        number = position if self._chosen is None else int(self._chosen[position])
        index = int(np.searchsorted(self._ends, number, "right"))
        before = int(self._ends[index - 1]) if index else 0
        start = (number - before) * self.stride
        span = self._spans.span(index)
        steps = min(self.length, int(self._spans.frames[index]) - start)
        if span.ends_in_the_dark(start + steps):
            self._refuse(span, start + steps)
            arrays = _without_last(span, start, steps, self.length)
            steps -= 1
        else:
            arrays = _filled(span.cut(start, start + steps), steps, self.length)
        return Window(arrays, **span.who, start=start, steps=steps)

    def _refuse(self, span: Span, stop: int) -> None:
        if self.unknown_bootstrap == "mask":
            return
        who = span.who
        raise UserError(
            f"{self.data_set.place}: {who['scenario']} seed {who['seed']} {who['agent_id']}: the value of what is seen "
            f"after its last timestep ({stop - 1}) is not known: a caller acted, and its critic was not asked; collect "
            "such lives after SimulationLoop.close(values=...), or leave that timestep out: "
            "windows(..., unknown_bootstrap='mask')"
        )

    def torch(self, *, arrays: Any = None) -> Any:
        """A map-style `torch.utils.data.Dataset` of these windows: see `torch_view.map_style`."""
        from townlet.dataset.reading.torch_view import map_style

        return map_style(self, arrays)

    def torch_stream(self, *, seed: int | None = None, arrays: Any = None, batch_size: int = 1) -> Any:
        """A `torch.utils.data.IterableDataset` of these windows: see `torch_view.stream`."""
        from townlet.dataset.reading.torch_view import stream

        return stream(self, seed, arrays, batch_size)

    def __repr__(self) -> str:
        return f"<{len(self)} windows of {self.length} timesteps, stride {self.stride}, of {self.data_set!r}>"

    def _facts(self) -> dict[str, Any]:
        return {
            "windows": f"{len(self):,}",
            "length": f"{of(self.length, 'timestep')}, stride {self.stride}",
            "of": repr(self.data_set),
        }

    def __getstate__(self) -> dict[str, Any]:
        state = {
            name: getattr(self, name)
            for name in ("data_set", "length", "stride", "drop_short", "unknown_bootstrap")
        }
        return state | {"chosen": None if self._chosen is None else pack_positions(self._chosen)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        chosen = state.pop("chosen")
        self.__init__(**state, chosen=None if chosen is None else unpack_positions(chosen))


def window_counts(frames: I64, length: int, stride: int, drop_short: bool) -> I64:
    """How many windows spans of so many timesteps have."""
    if drop_short:
        return np.maximum(0, (frames - length) // stride + 1)
    reaching_the_end = 1 + -(-np.maximum(0, frames - length) // stride)
    return np.minimum(reaching_the_end, -(-frames // stride))  # a window begins inside the life


def _without_last(span: Span, start: int, steps: int, length: int) -> dict[str, Array]:
    """The arrays of a window less its last timestep, of which then nothing is left where it was the only one."""
    if steps > 1:
        return _filled(span.cut(start, start + steps - 1), steps - 1, length)
    only = span.cut(start, start + 1)
    only |= {name: only[name.removeprefix("final_")][0] for name in FINAL_ARRAYS}
    nothing = {name: only[name][: int(name == "value_preds")] for name in TIMED_ARRAYS}
    return _filled(nothing | {name: only[name] for name in FINAL_ARRAYS}, 0, length)


def _filled(cut: Mapping[str, Array], steps: int, length: int) -> dict[str, Array]:
    arrays = {}
    for name in TIMED_ARRAYS:
        more = int(name == "value_preds")
        arrays[name] = padded(name, (length + more, *cut[name].shape[1:]))
        arrays[name][: steps + more] = cut[name]
    arrays |= {name: cut[name].copy() for name in FINAL_ARRAYS}
    arrays["mask"] = np.arange(length) < steps
    return arrays
