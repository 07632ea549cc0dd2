"""The parts that a data set is read in: the shards of its index, or of some of their runs, or one capture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.manifest import run_name
from townlet.dataset.index.index_document import RunEntry, ShardEntry, runs_bytes, shard_entry
from townlet.dataset.index.index_places import IndexMoved, IndexRemoved
from townlet.dataset.index.metrics_table import SampleRows, pack_rows, write_rows
from townlet.dataset.index.old_form import NOT_STORED
from townlet.dataset.index.read_index import DataSetIndex
from townlet.dataset.reading.capture import Capture
from townlet.dataset.store.contract import Store
from townlet.errors import TownletError


class ChangedError(TownletError):
    """What was opened is not there any more: it was removed or replaced since. Opening it again helps."""


class ShardReader(Protocol):
    """`DataSetIndex`, as far as shards are concerned."""

    def runs(self, shard: ShardEntry) -> tuple[RunEntry, ...]: ...
    def rows(self, shard: ShardEntry) -> SampleRows: ...
    def digest(self, shard: ShardEntry) -> str: ...


@dataclass
class Part:
    """The runs of one shard, or some of them; read when they are asked for."""

    entry: ShardEntry
    reader: ShardReader
    whole: ShardEntry | None = None  # the shard that these runs are some of

    def runs(self) -> tuple[RunEntry, ...]:
        """By seed. Raises ChangedError."""
        with _unchanged():
            runs = self.reader.runs(self.whole or self.entry)
        if self.whole is None:
            return runs
        seeds = set(self.entry.seed_list())
        return tuple(run for run in runs if run.seed in seeds)

    def rows(self) -> SampleRows:
        """Their samples. Raises ChangedError."""
        with _unchanged():
            rows = self.reader.rows(self.whole or self.entry)
        return rows if self.whole is None else rows.of_seeds(self.entry.seed_list())

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the list of the runs."""
        if self.whole is not None:
            return sha256_hex(runs_bytes(self.runs()))
        with _unchanged():
            return self.reader.digest(self.entry)

    def limited(self, spans: Sequence[tuple[int, int]]) -> Part | None:
        """Only the runs whose seeds lie in these spans; None where there are none. Reads what is cut."""
        seeds = {seed for seed in self.entry.seed_list() if _lies_in(seed, spans)}
        if len(seeds) == self.entry.run_count:
            return self
        runs = [run for run in self.runs() if run.seed in seeds]
        if not runs:
            return None
        return Part(shard_entry(runs, NOT_STORED, NOT_STORED), self.reader, self.whole or self.entry)


def parts_of(index: DataSetIndex) -> list[Part]:
    """Of a data set. Raises IndexMoved where it has no shards, and was replaced since it was read."""
    if index.is_old:
        index.keep_old_table()
    return [Part(shard, index) for shard in index.shards]


def part_of_capture(capture: Capture) -> Part:
    """Of a data set of one run."""
    run = run_of_capture(capture)
    table = write_rows({run.key: pack_rows(capture.samples)}, None, [run.key])
    return part_of_run(run, SampleRows(table, capture.place))


def part_of_run(run: RunEntry, rows: SampleRows | None = None) -> Part:
    """One run, as a shard of its own."""
    return Part(shard_entry([run], NOT_STORED, NOT_STORED), _OneRun(run, rows))


def run_of_capture(capture: Capture) -> RunEntry:
    """What an index would say of a capture."""
    facts, manifest = capture.metadata, capture.manifest_record
    return RunEntry(
        scenario=run_name(facts),
        seed=facts["seed"],
        folder=capture.folder,
        config_id=facts.get("config_id"),
        ticks=facts.get("ticks"),
        fingerprint=facts["fingerprint"],
        manifest=manifest.name,
        manifest_sha256=manifest.sha256,
        manifest_size=manifest.size,
        content_digest=facts["content_digest"],
        sample_count=facts["sample_count"],
        frame_count=facts["frame_count"],
        size=facts["size"],
    )


class _OneRun:
    """A capture, as the index of a data set of one run."""

    def __init__(self, run: RunEntry, rows: SampleRows | None) -> None:
        self._run, self._rows = run, rows

    def runs(self, shard: ShardEntry) -> tuple[RunEntry, ...]:
        return (self._run,)

    def rows(self, shard: ShardEntry) -> SampleRows:
        assert self._rows is not None
        return self._rows

    def digest(self, shard: ShardEntry) -> str:
        return sha256_hex(runs_bytes([self._run]))


def removed(store: Store) -> ChangedError:
    """What to say where a whole data set, or a capture, is gone."""
    return ChangedError(
        f"{store}: was removed since it was opened (regenerate prunes old versions; --keep keeps more of them); "
        "open the data set again"
    )


@contextmanager
def _unchanged() -> Iterator[None]:
    try:
        yield
    except IndexRemoved as error:
        raise removed(error.store) from error
    except IndexMoved as error:
        raise ChangedError(f"{error} since the data set was opened; open it again") from error


def _lies_in(seed: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(first <= seed <= last for first, last in spans)
