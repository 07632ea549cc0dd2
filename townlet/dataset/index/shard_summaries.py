"""What a writer has to know of every shard to write figures and data card, without reading the shards.

They lie in one file, in the order of the root's shards. Readers need none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from townlet.dataset.format.canonical import document_bytes
from townlet.dataset.format.documents import MOST_BYTES, Count, Document, Tick, parse_document
from townlet.dataset.format.manifest import parse_manifest
from townlet.dataset.format.paths import inside
from townlet.dataset.index.index_document import RunEntry, ShardKey
from townlet.dataset.index.index_places import named_index_files
from townlet.dataset.index.metrics_summary import Sums, sums_of
from townlet.dataset.index.metrics_table import SampleRows
from townlet.dataset.index.populations import populations_of
from townlet.dataset.index.read_index import DataSetIndex
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError
from townlet.escaping import shown


class ShardSummary(Document, frozen=True):
    """Of one shard."""

    populations: tuple[tuple[str | None, Tick | None], ...]  # config_id and ticks of its runs, each pair once
    description: str  # of the scenario, as the manifest of its first run has it
    figures: dict[str, Sums]
    distinct: Count | None = None  # contents of its runs; None: it was not counted
    networks: tuple[str, ...] = ()  # that may act in its first run, as they are named


class _Summaries(Document, frozen=True):
    shards: tuple[ShardSummary, ...]


class FirstRun(NamedTuple):
    """What the manifest of a shard's first run says, and holds for all of the scenario."""

    description: str
    networks: tuple[str, ...] = ()


def summarise_shard(
    store: Store, runs: Sequence[RunEntry], rows: SampleRows, first: FirstRun | None = None
) -> ShardSummary:
    """Of the runs of a shard and their samples. Reads a manifest, unless what is wanted of it is known.

    Raises CorruptSampleError.
    """
    first = read_first_run(store, runs[0]) if first is None else first
    return ShardSummary(
        populations=populations_of(runs),
        description=first.description,
        figures=sums_of(rows),
        distinct=len({run.content_digest for run in runs}),
        networks=first.networks,
    )


def summaries_bytes(summaries: Iterable[ShardSummary]) -> bytes:
    """A file of them. Of a data set without networks it says nothing of them."""
    listed = [msgspec.to_builtins(summary) for summary in summaries]
    return document_bytes(
        {"shards": [{k: v for k, v in one.items() if k != "networks" or v} for one in listed]}
    )


def parse_summaries(data: bytes, count: int, place: str) -> tuple[ShardSummary, ...]:
    """The summaries of so many shards. Raises CorruptSampleError."""
    summaries = parse_document(_Summaries, data, place, "the summaries of shards").shards
    if len(summaries) != count:
        raise CorruptSampleError(f"{shown(place)}: shards: expected {count}, found {len(summaries)}")
    return summaries


def summaries_by_shard(data: bytes, index: DataSetIndex) -> dict[ShardKey, ShardSummary]:
    """Those of an index, from its file of them. Raises CorruptSampleError."""
    place = f"{index.store}: {named_index_files(index.root)['summaries'].name}"
    summaries = parse_summaries(data, len(index.shards), place)
    return {shard.key: summary for shard, summary in zip(index.shards, summaries, strict=True)}


def read_first_run(store: Store, entry: RunEntry) -> FirstRun:
    """What the manifest of a run says of its scenario. Raises CorruptSampleError."""
    place = inside(entry.folder, entry.manifest)
    try:
        manifest = parse_manifest(store.read(place, MOST_BYTES), place)
    except FileNotFoundError as error:
        raise CorruptSampleError(f"{store}: {place}: captured, but gone") from error
    metadata = manifest["metadata"]
    return FirstRun(str(metadata.get("scenario_description") or ""), tuple(metadata.get("networks", ())))
