"""What lives, windows, joint runs and statistics need of a data set: they are made from one, and know no more of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, Self

from townlet.arrays import I64
from townlet.dataset.reading.layouts import Layout
from townlet.dataset.reading.sample_cache import SampleCache
from townlet.dataset.reading.sample_index import SampleIndex
from townlet.samples import ReplaySample


class SampleSource(Protocol):
    """`townlet.dataset.reading.data_set.DataSet`, which imports the files that use this."""

    _sample_index: SampleIndex
    _rows: I64  # of the index: which samples, in which order
    _sample_cache: SampleCache | None

    def __len__(self) -> int: ...

    @property
    def place(self) -> str: ...

    @property
    def scenarios(self) -> tuple[str, ...]: ...

    @property
    def layout(self) -> Layout: ...

    def refuse_mixed(self) -> None: ...

    def distinct(self) -> Self: ...

    def in_order(self) -> Iterable[ReplaySample]: ...

    def remembering(self, megabytes: float) -> Self: ...

    def _sample(self, row: int) -> ReplaySample: ...
