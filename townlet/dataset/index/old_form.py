"""The index as it was before it had shards, version 2: all runs in dataset.json, all samples in metrics.parquet.

It is read as if it had shards, cut out of the two files. The first writer writes it anew; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from townlet.dataset.format.documents import Count, Document, Sha256, parse_document
from townlet.dataset.format.paths import INDEX
from townlet.dataset.index.index_document import (
    Content,
    Facts,
    IndexFiles,
    NamedContent,
    Root,
    RunEntry,
    check_digest,
    check_names,
    shard_entry,
    shard_key,
)
from townlet.errors import CorruptSampleError

OLD_VERSION = 2
OLD_TABLE = "metrics.parquet"
NOT_STORED = Content(sha256="", size=0)  # what a shard consists of has no file of its own


class Cut(NamedTuple):
    """A shard in the files of an index without shards."""

    first_run: int
    first_row: int


class OldIndex(NamedTuple):
    """What dataset.json says, as if there were shards."""

    root: Root
    runs: Sequence[RunEntry]
    cuts: Sequence[Cut]  # of each shard


class _OldFacts(Document, frozen=True):
    complete: bool
    partial: tuple[str, ...]
    suites: tuple[str, ...]
    run_count: Count
    sample_count: Count
    frame_count: Count
    failure_count: Count
    size: Count
    files: IndexFiles
    format_version: int
    content_sha256: Sha256


class _OldDocument(Document, frozen=True):
    metadata: _OldFacts
    runs: tuple[RunEntry, ...]


def parse_old_index(data: bytes, where: str) -> OldIndex:
    """An index of version 2. Raises CorruptSampleError."""
    place = f"{where}: {INDEX}"
    document = parse_document(_OldDocument, data, place, "the index of a data set")
    old = document.metadata
    check_digest(data, old.content_sha256, place)
    check_names(old.files, place)
    if _named(old.files.samples) != OLD_TABLE:
        raise CorruptSampleError(f"{place}: metadata.files.samples.name: expected {OLD_TABLE!r}")
    if old.files.summaries is not None:
        raise CorruptSampleError(f"{place}: metadata.files.summaries: expected none without shards")
    keys = [run.key for run in document.runs]
    if any(before >= after for before, after in pairwise(keys)):
        raise CorruptSampleError(f"{place}: runs: expected them by scenario and seed, each once")
    shards, cuts = [], []
    first_run = first_row = 0
    for runs in _by_shard(document.runs):
        shard = shard_entry(runs, NOT_STORED, NOT_STORED)
        shards.append(shard)
        cuts.append(Cut(first_run, first_row))
        first_run += shard.run_count
        first_row += shard.sample_count
    facts = {name: getattr(old, name) for name in old.__struct_fields__ if name != "format_version"}
    facts = Facts(**facts, index_version=OLD_VERSION)
    if (facts.run_count, facts.sample_count) != (first_run, first_row):
        raise CorruptSampleError(
            f"{place}: metadata: expected {facts.run_count} runs with {facts.sample_count} samples, found "
            f"{first_run} with {first_row}"
        )
    return OldIndex(Root(metadata=facts, shards=tuple(shards)), document.runs, cuts)


def _by_shard(runs: Sequence[RunEntry]) -> Iterator[list[RunEntry]]:
    for _, some in groupby(runs, key=lambda run: shard_key(*run.key)):
        yield list(some)


def _named(file: NamedContent | None) -> str:
    return file.name if file is not None else ""
