"""Opening a data set: lazy, indexable, filterable, shuffled, sharded and split, without reading a sample too many."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from townlet import arguments
from townlet.arrays import I64, Array, Bool
from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.reading.capture import Capture, join_segments, read_capture, read_metadata, read_sample
from townlet.dataset.reading.layouts import Layout, refuse_mixed, remap
from townlet.dataset.reading.sample_cache import SampleCache
from townlet.dataset.reading.sample_index import SampleColumns, SampleIndex, open_sample_index
from townlet.dataset.reading.selection import Ordered, checked_fraction, pack_positions, unpack_positions
from townlet.dataset.reading.splitting.sides import validation_runs
from townlet.dataset.reading.splitting.units import runs_by_unit
from townlet.dataset.store.contract import Store
from townlet.dataset.store.open_store import open_store
from townlet.errors import CorruptSampleError, UserError
from townlet.notebook import Shown, listed, of, pandas, timesteps_table
from townlet.samples import ReplaySample

if TYPE_CHECKING:
    from townlet.dataset.reading.episodes import Lives
    from townlet.dataset.reading.joint import Joint
    from townlet.dataset.reading.statistics import Statistics
    from townlet.dataset.reading.windows import UnknownBootstrap, Windows

Columns = Mapping[str, Array]
_WHO: tuple[str, ...] = ("scenario", "seed", "agent_id", "arrival", "segment")


def open(place: str | os.PathLike[str] | Store) -> DataSet:
    """Open a data set, a version of one, a versioned one (its current version, resolved once), or a capture.

    `place` is a folder or a URL. The index is read and checked; samples are read, and checked, when they are
    asked for. What others write there afterwards changes nothing in what was opened. Raises UserError where
    there is nothing to open, CorruptSampleError where the index is damaged.
    """
    if not isinstance(place, str | os.PathLike) and hasattr(place, "below"):  # a store
        return DataSet(open_sample_index(place))
    name = arguments.path("open: place", place)
    if name.endswith(MANIFEST_SUFFIX):
        folder, _, manifest = name.rpartition("/")
        return DataSet(SampleIndex.of_capture(read_capture(open_store(folder or "."), "", manifest)))
    return DataSet(open_sample_index(open_store(name)))


class DataSet(Ordered[ReplaySample], Shown):
    """Samples of a data set, or a choice of them. `data_set[i]` reads the i-th and checks it before decoding.

    Raises CorruptSampleError, naming the file, for a sample that is not what was written, and ChangedError for
    one that was removed or replaced since the data set was opened.

    The order is that of the index (scenario, seed, arrival, segment) until it is shuffled. A data set is small
    when pickled (at most 8 bytes a sample, a few hundred bytes where it is not shuffled): whoever unpickles it
    opens it again and is told where it is no longer the same.
    """

    def __init__(
        self,
        sample_index: SampleIndex,
        rows: I64 | None = None,
        layout: Layout | None = None,
        sample_cache: SampleCache | None = None,
    ) -> None:
        self._sample_index = sample_index
        self._rows = np.arange(len(sample_index)) if rows is None else rows
        self._layout = layout  # that samples are remapped to; None = as they are
        self._sample_cache = sample_cache

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def place(self) -> str:
        """The folder or URL that was opened; of a versioned data set, the version's."""
        return str(self._sample_index.store)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What dataset.json says of the whole: complete, counts, suites. Not of a choice of samples."""
        return self._sample_index.metadata

    @cached_property
    def samples(self) -> SampleColumns:
        """What is known of each sample without reading it: columns by name, a row a sample, in this order.

        scenario, seed, agent_id, arrival, segment, frame_count, first_tick, done, truncated, layout_digest, files
        and digests as stored, and every figure (`reward_sum`, ...; NaN where a sample lacks it). Read-only.
        """
        return SampleColumns(self._sample_index, self._rows)

    @property
    def runs(self) -> tuple[tuple[str, int], ...]:
        """Scenario and seed of every run that a sample here is of, sorted."""
        keys = self._sample_index.runs.keys
        return keys if self._is_whole else tuple(keys[run] for run in np.unique(self._run_of))

    @property
    def scenarios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(scenario for scenario, _ in self.runs))

    @property
    def agents(self) -> tuple[str, ...]:
        """The ids of all agents, sorted."""
        return tuple(sorted(set(self.samples["agent_id"])))

    @property
    def frame_count(self) -> int:
        return int(self.samples["frame_count"].sum())

    def filter(
        self,
        chosen: Callable[[Columns], Bool] | None = None,
        *,
        scenario: str | Iterable[str] | None = None,
        seed: int | Iterable[int] | None = None,
        agent: str | Iterable[str] | None = None,
    ) -> Self:
        """The samples that fit everything that is asked for, in the order in which they stand here.

        `chosen` is called once, with `samples`, and says True or False for each:
        `ds.filter(lambda samples: samples["reward_sum"] > 0)`. Raises UserError for a scenario or an agent that
        the whole data set does not have.
        """
        if chosen is not None and not callable(chosen):
            raise UserError(f"filter: expected a function of the columns, got {chosen!r}")
        keep = np.ones(len(self), bool)
        if scenario is not None or seed is not None:
            known = self._sample_index
            wanted = None if scenario is None else _names(scenario, "scenario", known.scenarios)
            keep &= known.rows_of(wanted, None if seed is None else _numbers(seed))[self._rows]
        if agent is not None:
            known = self._sample_index.table.numpy("agent_id")
            ids = _names(agent, "agent", sorted(set(known)))
            keep &= np.fromiter((name in ids for name in self.samples["agent_id"]), bool, len(self))
        if chosen is not None:
            keep &= _checked_choice(chosen(self.samples), len(self))
        return self._picked(np.flatnonzero(keep))

    def split(self, validation: float = 0.1, salt: str = "") -> tuple[Self, Self]:
        """Samples to train with, and samples to validate with, apart by runs: no run is on both sides.

        Runs that share a life stay together (`units`), so that nothing stands on both sides. A unit's side follows
        from the scenario and seed of its first run, the fraction and the salt alone (`held_out`): with a larger
        fraction those held out stay so, and runs that are added move none, unless they link two units. Raises UserError
        where a side would be empty, with what would do; a fraction of 0 or 1 asks for that.
        """
        fraction, salt = checked_fraction(validation), arguments.text("split: salt", salt)
        out = validation_runs(self._sample_index, self._run_of, fraction, salt)[self._run_of]
        return self._picked(np.flatnonzero(~out)), self._picked(np.flatnonzero(out))

    @property
    def units(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """Scenario and seed of all runs of the whole data set, those together that share a life."""
        return runs_by_unit(self._sample_index)

    def distinct(self) -> Self:
        """Of samples with equal arrays (and names of their columns) the first in the order of the index, in this order.

        Reads none: the index has their content digests. Where a seed changes nothing, one of its copies is left.
        """
        columns = self.samples
        keys = zip(columns["content_digest"], columns["layout_digest"], strict=True)
        first: dict[tuple[str, str], int] = {}
        for position, (row, key) in enumerate(zip(self._rows.tolist(), keys, strict=True)):
            if key not in first or row < self._rows[first[key]]:
                first[key] = position
        return self._picked(np.array(sorted(first.values()), np.int64))

    def in_order(self) -> Self:
        """The same samples in the order of the index."""
        return self._with(rows=np.sort(self._rows))

    def remembering(self, megabytes: float) -> Self:
        """The same samples, of which as many as fit are kept in memory once they are read, the latest ones.

        Their arrays are read-only. Windows in shuffled order over long samples are slow without it.
        """
        return self._with(
            sample_cache=SampleCache(int(arguments.number("remembering: megabytes", megabytes, 0) * 1e6))
        )

    # Layouts

    @cached_property
    def layouts(self) -> dict[str, Layout]:
        """The layouts that samples here have, by digest, as they are stored. Reads a sidecar of each."""
        found = {}
        digests = self.samples["layout_digest"]
        for digest in dict.fromkeys(digests):
            row = int(self._rows[int(np.argmax(digests == digest))])
            found[digest] = Layout.of(self._read(row, read_metadata))
        return found

    @property
    def layout(self) -> Layout:
        """The one that all samples here come in. Raises LayoutError, which says how they differ."""
        if self._layout is not None:
            return self._layout
        self.refuse_mixed()
        if not len(self):
            raise UserError(f"{self.place}: no sample is left, so there is no layout")
        return next(iter(self.layouts.values()))

    def remapped(self, to: Layout | None = None) -> Self:
        """The samples brought to one layout by name (`layouts.remap` says exactly how).

        Without `to`: the union of all layouts here, in which nothing is lost.
        """
        if to is not None and not isinstance(to, Layout):
            raise UserError(
                f"remapped: expected a layout, such as another data set's, got {type(to).__name__}"
            )
        layout = Layout.union(self.layouts.values()) if to is None else to
        sample_cache = None if self._sample_cache is None else SampleCache(self._sample_cache.limit)
        return self._with(layout=layout, sample_cache=sample_cache)

    def refuse_mixed(self) -> None:
        """Raise LayoutError where samples of different layouts would come together."""
        if self._layout is None and len(set(self.samples["layout_digest"])) > 1:
            refuse_mixed(self.samples["layout_digest"], self.samples["scenario"], self.layouts)

    # What samples are put together to

    def lives(self) -> Lives:
        """Whole lives: all segments of one agent joined, each as one sample."""
        from townlet.dataset.reading.episodes import Lives

        self.refuse_mixed()
        return Lives(self)

    def windows(
        self, length: int, stride: int | None = None, *, drop_short: bool = False,
        unknown_bootstrap: UnknownBootstrap = "refuse",
    ) -> Windows:  # fmt: skip
        """Windows of `length` timesteps, padded and masked at the ends of lives. See `Windows`."""
        from townlet.dataset.reading.windows import Windows

        self.refuse_mixed()
        return Windows(self, length, stride, drop_short, unknown_bootstrap=unknown_bootstrap)

    def joint(self, scenario: str, seed: int, ticks: range | None = None) -> Joint:
        """All agents of a run aligned by tick, for centralised critics. See `Joint` for shapes and memory."""
        from townlet.dataset.reading.joint import joint_of

        run = arguments.text("joint: scenario", scenario), arguments.whole("joint: seed", seed)
        return joint_of(self.filter(scenario=run[0], seed=run[1]), *run, ticks)

    def joined(self, scenario: str, seed: int, agent: str) -> ReplaySample:
        """All segments of one agent of one run as one sample. Raises UserError where there is none."""
        run = arguments.text("joined: scenario", scenario), arguments.whole("joined: seed", seed)
        life = self.filter(scenario=run[0], seed=run[1], agent=arguments.text("joined: agent", agent))
        if not len(life):
            raise UserError(f"{self.place}: {scenario} seed {seed} has no sample of {agent} here")
        return join_segments(list(life.in_order()))

    def capture(self, scenario: str, seed: int) -> Capture:
        """The run's capture, with its config. Raises UserError where the data set has no such run."""
        name = arguments.text("capture: scenario", scenario), arguments.whole("capture: seed", seed)
        run = self._sample_index.run_index.get(name)
        if run is None:
            if scenario not in self._sample_index.scenarios:
                raise arguments.no_such("scenario", scenario, self._sample_index.scenarios)
            raise UserError(f"{self.place}: has no run {scenario} seed {seed}")
        return self._sample_index.capture(run)

    def to_pandas(self) -> Any:
        """All timesteps as one DataFrame, with whose they are in front; reads every sample. See `ReplaySample`."""
        self.refuse_mixed()
        library = pandas("to_pandas")
        who: Any = [self.samples[name] for name in _WHO]
        parts = [
            timesteps_table(sample.arrays(), sample.metadata, dict(zip(_WHO, whose, strict=True)))
            for sample, whose in zip(self, zip(*who, strict=True), strict=True)
        ]
        return library.concat(parts, ignore_index=True) if parts else library.DataFrame()

    def statistics(self) -> Statistics:
        """Mean, deviation, minimum and maximum of features, map channels and rewards of the `distinct` samples."""
        from townlet.dataset.reading.statistics import statistics_of

        return statistics_of(self)

    def torch(self, *, arrays: Iterable[str] | None = None) -> Any:
        """A map-style `torch.utils.data.Dataset` of these samples: see `torch_view.map_style`."""
        from townlet.dataset.reading.torch_view import map_style

        return map_style(self, arrays)

    def torch_stream(
        self, *, seed: int | None = None, arrays: Iterable[str] | None = None, batch_size: int = 1
    ) -> Any:
        """A `torch.utils.data.IterableDataset` of these samples: see `torch_view.stream`."""
        from townlet.dataset.reading.torch_view import stream

        return stream(self, seed, arrays, batch_size)

    def __repr__(self) -> str:
        runs = self.runs
        of = "" if len(self) == len(self._sample_index) else f" of {len(self._sample_index)}"
        return (
            f"<DataSet {len(self)}{of} samples of {len(runs)} runs, {len(self.scenarios)} "
            f"scenario{'' if len(self.scenarios) == 1 else 's'}; "
            f"{self.frame_count} frames; {self.place}>"
        )

    def _facts(self) -> dict[str, Any]:
        return {
            "samples": f"{len(self):,} of {of(len(self._sample_index), 'sample')}",
            "runs": f"{len(self.runs):,} of {listed(self.scenarios)}",
            "frames": f"{self.frame_count:,}",
            "place": self.place,
        }

    # Inside

    @property
    def _run_of(self) -> I64:
        return self._sample_index.runs_of(self._rows)

    @cached_property
    def _is_whole(self) -> bool:
        """All samples of what was opened, in the order of the index."""
        rows = self._rows
        return len(rows) == len(self._sample_index) and bool((rows == np.arange(len(rows))).all())

    def _picked(self, positions: I64) -> Self:
        return self._with(rows=self._rows[positions])

    def _with(self, **changes: Any) -> Self:
        state = {"rows": self._rows, "layout": self._layout, "sample_cache": self._sample_cache, **changes}
        return type(self)(self._sample_index, **state)

    def _item(self, position: int) -> ReplaySample:
        return self._sample(int(self._rows[position]))

    def _sample(self, row: int) -> ReplaySample:
        if self._sample_cache is None:
            return self._fresh(row)
        return self._sample_cache.get(row, self._fresh)

    def _fresh(self, row: int) -> ReplaySample:
        sample = self._read(row, read_sample)
        return sample if self._layout is None else remap(sample, self._layout)

    def _read(self, row: int, how: Callable[..., Any]) -> Any:
        known = self._sample_index
        try:
            return how(known.store, known.folder(row), known.entry(row))
        except CorruptSampleError as error:
            raise known.with_place(error, int(known.runs_of(np.array([row]))[0])) from error

    def __getstate__(self) -> dict[str, Any]:
        limit = None if self._sample_cache is None else self._sample_cache.limit
        rows = pack_positions(self._rows)
        return {"sample_index": self._sample_index, "rows": rows, "layout": self._layout, "limit": limit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        sample_cache = None if state["limit"] is None else SampleCache(state["limit"])
        self.__init__(state["sample_index"], unpack_positions(state["rows"]), state["layout"], sample_cache)


def _names(value: str | Iterable[str], what: str, known: Iterable[str]) -> set[str]:
    """Raises UserError for a name that is not known, with the nearest one."""
    names = set(arguments.texts(f"filter: {what}", value))
    known = tuple(known)
    for name in sorted(names - set(known), key=str):
        near = difflib.get_close_matches(str(name), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known[:10])}"
        raise UserError(f"filter: no {what} {name!r} in this data set; {hint}")
    return names


def _numbers(value: int | Iterable[int]) -> Container[int]:
    if isinstance(value, range):
        return value
    if isinstance(value, str) or not isinstance(value, Iterable | Integral):
        raise UserError(f"filter: expected a seed or several, got {value!r}")
    numbers = value if isinstance(value, Iterable) else [value]
    return {arguments.whole("filter: seed", number) for number in numbers}


def _checked_choice(choice: Any, length: int) -> Bool:
    found = np.asarray(choice)
    if found.dtype != bool or found.shape != (length,):
        raise UserError(
            f"filter: expected the function to give True or False for each of {length} samples, "
            f"got {found.dtype} of shape {found.shape}"
        )
    return found
