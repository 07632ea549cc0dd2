"""What a data set says of its samples: who they are, where they lie, their figures. No sample is read here.

`dataset.json` and `metrics.parquet` are read once, together, and kept: whoever writes into the data set
afterwards changes nothing for those who have opened it. Columns are decoded when they are asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.arrays import I64, Array, Bool
from townlet.dataset.format.paths import INDEX
from townlet.dataset.index.index_file import IndexMoved, read_whole
from townlet.dataset.index.metrics_table import SAMPLES, pack_rows, write_rows
from townlet.dataset.reading.capture import Capture, SampleEntry, entry_of, find_manifest_name, read_capture
from townlet.dataset.store.contract import Store
from townlet.dataset.versions.versions import POINTER, resolve
from townlet.errors import CorruptSampleError, TownletError, UserError

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ATTEMPTS = 5  # at a data set whose versions come and go

Spans = Mapping[str, Sequence[tuple[int, int]]]  # scenario -> first and last seed of each range of seeds


class ChangedError(TownletError):
    """What was opened is not there any more: it was removed or replaced since. Opening it again helps."""


class SampleTable:
    """metrics.parquet, or some of its rows. Columns are decoded when they are asked for, once."""

    def __init__(self, data: bytes, where: str, kept: Bool | None = None) -> None:
        self.data = data
        self._where = where
        self._kept = kept  # which rows of the file; None = all
        self._arrow: dict[str, pa.Array] = {}
        self._numpy: dict[str, Array] = {}

    def __len__(self) -> int:
        return self._file.metadata.num_rows if self._kept is None else int(self._kept.sum())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns: what identifies a sample, then its figures."""
        return tuple(self._file.schema_arrow.names)

    def arrow(self, name: str) -> pa.Array:
        """[rows] Raises KeyError."""
        if name not in self.names:
            raise KeyError(f"no column {name!r}; there are {', '.join(self.names)}")
        if name not in self._arrow:
            column = self._file.read(columns=[name]).column(0).combine_chunks()
            self._arrow[name] = column if self._kept is None else column.filter(_arrow_mask(self._kept))
        return self._arrow[name]

    def numpy(self, name: str) -> Array:
        """[rows] Read-only; NaN where a sample lacks a figure, strings as objects. Raises KeyError."""
        if name not in self._numpy:
            column = self.arrow(name).to_numpy(zero_copy_only=False)
            column.flags.writeable = False
            self._numpy[name] = column
        return self._numpy[name]

    @cached_property
    def _file(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(pa.BufferReader(self.data))
        except (pa.ArrowException, OSError) as error:
            raise CorruptSampleError(f"{self._where}: not a table of samples ({error})") from error


class SampleIndex:
    """The runs of a data set, and the rows of all their samples: by scenario, seed, arrival and segment."""

    def __init__(
        self,
        store: Store,
        metadata: Mapping[str, Any],
        runs: Sequence[Mapping[str, Any]],
        table: SampleTable,
        manifest: str | None = None,
    ) -> None:
        self.store = store
        self.manifest = manifest  # of the capture that this is, if it is no data set
        self.metadata = metadata
        self.runs = runs  # as dataset.json lists them: sorted by scenario and seed
        self.table = table
        if len(table) != len(self):
            raise CorruptSampleError(
                f"{store}: {SAMPLES} has {len(table)} rows, {INDEX} counts {len(self)} samples"
            )

    @staticmethod
    def of_capture(capture: Capture) -> SampleIndex:
        """Of a data set of one run."""
        facts, samples = capture.metadata, capture.samples
        sums = {key: facts[key] for key in ("sample_count", "frame_count", "size")}
        name = str(facts.get("scenario_name") or facts.get("config_id") or "capture")
        manifest = capture.manifest_record
        run = {
            "scenario": name,
            "seed": facts["seed"],
            "folder": capture.folder,
            "fingerprint": facts["fingerprint"],
            "manifest": manifest.name,
            "manifest_sha256": manifest.sha256,
            "manifest_size": manifest.size,
            "content_digest": facts["content_digest"],
            **sums,
        }
        key = (name, facts["seed"])
        rows = write_rows({key: pack_rows(samples)}, None, [key])
        metadata = {**sums, "run_count": 1, "complete": True, "failure_count": 0, "suites": []}
        return SampleIndex(capture.store, metadata, [run], SampleTable(rows, capture.place), manifest.name)

    def __len__(self) -> int:
        return int(self.sample_counts.sum())

    @cached_property
    def sample_counts(self) -> I64:
        """[runs]"""
        return np.array([run["sample_count"] for run in self.runs], np.int64)

    @cached_property
    def run_of(self) -> I64:
        """[rows] Which of `runs` a row is of."""
        return np.repeat(np.arange(len(self.runs)), self.sample_counts)

    @cached_property
    def run_index(self) -> dict[tuple[str, int], int]:
        """Where in `runs` a scenario with a seed stands."""
        return {(run["scenario"], run["seed"]): index for index, run in enumerate(self.runs)}

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(run["scenario"] for run in self.runs))

    def folder(self, row: int) -> str:
        """Of a sample's run, in the store."""
        return self.runs[self.run_of[row]]["folder"]

    def entry(self, row: int) -> SampleEntry:
        """What is needed to read a sample."""
        known = {name: self.table.arrow(name)[row].as_py() for name in _ENTRY}
        for name in (known["sample"], known["meta"]):
            if "/" in name or name in ("", ".", ".."):
                raise CorruptSampleError(f"{self.store}: {SAMPLES} names {name!r}, no file of a run's folder")
        return entry_of(known, SAMPLES)

    def capture(self, run: int) -> Capture:
        entry = self.runs[run]
        try:
            return read_capture(self.store, entry["folder"], entry["manifest"], entry["manifest_sha256"])
        except (CorruptSampleError, UserError) as error:
            raise self.with_place(error, run) from error

    def with_place(self, error: TownletError, run: int) -> TownletError:
        """The error, or what is behind it: the data set was removed, or this run was replaced, since it was read."""
        mine = self.runs[run]
        try:
            now = read_sample_index(self.store, self.manifest)
        except ChangedError as gone:
            return gone
        except TownletError:
            return error
        other = now.run_index.get((mine["scenario"], mine["seed"]))
        if other is not None and now.runs[other]["manifest_sha256"] == mine["manifest_sha256"]:
            return error
        return ChangedError(
            f"{self.store}: {mine['scenario']} seed {mine['seed']} was replaced since the data set was opened; "
            "open it again"
        )

    @cached_property
    def identity(self) -> str:
        """SHA-256 (hex) over the digests of all samples, in their order."""
        return hashlib.sha256("".join(self.table.arrow("sha256").to_pylist()).encode()).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.store, self.manifest, _spans(self.runs), self.identity)

    def limited(self, spans: Spans) -> SampleIndex:
        """Only the runs in these spans."""
        wanted = {
            (scenario, seed)
            for scenario, ranges in spans.items()
            for first, last in ranges
            for seed in range(first, last + 1)
        }
        kept = np.array([(run["scenario"], run["seed"]) in wanted for run in self.runs], bool)
        runs = [run for run, keep in zip(self.runs, kept, strict=True) if keep]
        table = SampleTable(self.table.data, f"{self.store}: {SAMPLES}", kept[self.run_of])
        return SampleIndex(self.store, self.metadata, runs, table)


def open_sample_index(store: Store) -> SampleIndex:
    """Of a data set, of the current version of a versioned one, or of a capture, which is a data set of one run.

    Raises UserError where there is none of these, CorruptSampleError where what is there is damaged.
    """
    if store.size(INDEX) is None and store.size(POINTER) is None:
        return SampleIndex.of_capture(read_capture(store, "", find_manifest_name(store)))
    for _ in range(MAX_ATTEMPTS):  # the version that is current now may be pruned before it is read
        try:
            return read_sample_index(resolve(store))
        except (ChangedError, CorruptSampleError):
            continue
    return read_sample_index(resolve(store))


def read_sample_index(store: Store, manifest: str | None = None) -> SampleIndex:
    """Of the data set in this very store, or of the capture with this manifest. Raises ChangedError without one."""
    gone = ChangedError(
        f"{store}: was removed since it was opened (regenerate prunes old versions; --keep keeps more of them); "
        "open the data set again"
    )
    if manifest is not None:
        if store.size(manifest) is None:
            raise gone
        return SampleIndex.of_capture(read_capture(store, "", manifest))
    try:
        document, files = read_whole(store, ["samples"])
    except (FileNotFoundError, IndexMoved) as error:
        raise gone from error
    table = SampleTable(files["samples"], f"{store}: {SAMPLES}")
    return SampleIndex(store, document["metadata"], document["runs"], table)


def _reopened(store: Store, manifest: str | None, spans: Spans, identity: str) -> SampleIndex:
    """The index that was pickled, read anew: the same samples, though others may have come since."""
    found = read_sample_index(store, manifest)
    if found.identity != identity:
        found = found.limited(spans)
    if found.identity != identity:
        raise ChangedError(f"{store}: samples were replaced since the data set was opened; open it again")
    return found


def _spans(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[int, int]]]:
    """The seeds of each scenario, as ranges: a few numbers, however many runs."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for run in runs:
        ranges = spans.setdefault(run["scenario"], [])
        if ranges and ranges[-1][1] == run["seed"] - 1:
            ranges[-1] = ranges[-1][0], run["seed"]
        else:
            ranges.append((run["seed"], run["seed"]))
    return spans


def _arrow_mask(kept: Bool) -> Any:
    import pyarrow as pa

    return pa.array(kept)


# The columns that say where a sample lies and what it has to be.
_ENTRY = ("sample", "sha256", "size", "meta", "meta_sha256", "meta_size", "agent_id", "frame_count")
