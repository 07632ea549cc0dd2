"""What is said of a sample, once: the order and the names of its facts in every file that lists samples.

A `SampleRecord` holds them, and a receipt is its fields. An entry of a manifest and a row of a table of samples say
them under the names of `SAMPLE_FACTS`; whatever reads one of these files takes the names from there too. A new
fact is a line here and a field of `SampleRecord`.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from townlet.dataset.format.records import FileRecord, SampleRecord


class SampleFact(NamedTuple):
    """One fact."""

    column: str  # of a table of samples
    field: str  # of SampleRecord; dotted into its files
    arrow: str  # type of the column
    key: str  # in a manifest's entry; "" where the manifest says it of the whole run
    optional: bool = (
        False  # it may be missing (None, and not in the entry): files of earlier versions lack it
    )


SAMPLE_FACTS = (
    SampleFact("scenario", "run", "string", ""),
    SampleFact("seed", "seed", "int64", ""),
    SampleFact("agent_id", "agent_id", "string", "agent_id"),
    SampleFact("arrival", "arrival", "int32", "agent_index"),
    SampleFact("segment", "segment", "int32", "segment"),
    SampleFact("sample", "npz.name", "string", "sample"),  # in the folder of its run
    SampleFact("meta", "meta.name", "string", "meta"),  # its JSON sidecar
    SampleFact("sha256", "npz.sha256", "string", "sha256"),
    SampleFact("meta_sha256", "meta.sha256", "string", "meta_sha256"),
    SampleFact("size", "npz.size", "int64", "size"),  # bytes
    SampleFact("meta_size", "meta.size", "int64", "meta_size"),
    SampleFact("frame_count", "frame_count", "int64", "frame_count"),
    SampleFact("first_tick", "first_tick", "int32", "first_tick"),
    SampleFact("done", "done", "bool", "done"),  # also a metric: 1 where the episode ended
    SampleFact("truncated", "truncated", "bool", "truncated"),
    SampleFact("content_digest", "content_digest", "string", "content_digest"),
    SampleFact("layout_digest", "layout_digest", "string", "layout_digest"),
    SampleFact("block_digests", "block_digests", "string", "block_digests", optional=True),
)

COLUMNS = {fact.column: fact.arrow for fact in SAMPLE_FACTS}  # -> type

# What a manifest and a table of samples call the same, and what has to agree between the two.
SHARED = ("sample", "sha256", "size", "meta", "meta_sha256", "meta_size", "frame_count", "content_digest")

_OF_ENTRY = tuple(fact for fact in SAMPLE_FACTS if fact.key)
_values_of_row = attrgetter(*(fact.field for fact in SAMPLE_FACTS))
_values_of_entry = attrgetter(*(fact.field for fact in _OF_ENTRY))


def row_of(record: SampleRecord) -> tuple[Any, ...]:
    """The sample's row of a table of samples, as far as `COLUMNS` go, in their order."""
    return _values_of_row(record)


def entry_of(record: SampleRecord) -> dict[str, Any]:
    """The sample's entry of its manifest."""
    values = zip(_OF_ENTRY, _values_of_entry(record), strict=True)
    return {fact.key: value for fact, value in values if not (fact.optional and value is None)}


def record_of(entry: Mapping[str, Any], **others: Any) -> SampleRecord:
    """The record of a manifest's entry; `others`: the fields that the entry does not hold. Raises KeyError."""
    npz, meta = files_of(entry)
    plain = {
        fact.field: entry.get(fact.key) if fact.optional else entry[fact.key]
        for fact in _OF_ENTRY
        if "." not in fact.field
    }
    return SampleRecord(npz=npz, meta=meta, **plain, **others)


def files_of(entry: Mapping[str, Any]) -> tuple[FileRecord, FileRecord]:
    """NPZ and sidecar of a manifest's entry, or of a row of a table of samples. Raises KeyError."""
    return (
        FileRecord(entry["sample"], entry["sha256"], entry["size"]),
        FileRecord(entry["meta"], entry["meta_sha256"], entry["meta_size"]),
    )
