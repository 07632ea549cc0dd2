"""What the JSON files of an index say: dataset.json, which is its root, and the lists of runs of its shards.

The root is small however many runs there are. It names shards: the runs of one scenario whose seeds lie in one range
of `SHARD_SEEDS`. As the ranges are fixed, the same runs give the same shards, in whatever order they were captured.
What a shard consists of lies below `index/`, in files that are named by their SHA-256: a list of its runs, in
`index/runs/`, and a table of their samples, in `index/samples/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from townlet.dataset.format.canonical import document_bytes, sha256_hex
from townlet.dataset.format.documents import (
    Count,
    Document,
    FileName,
    FolderName,
    SafeName,
    Seed,
    Sha256,
    Tick,
    parse_document,
)
from townlet.dataset.format.paths import INDEX, INDEX_FOLDER
from townlet.dataset.format.records import FileRecord, RunRecord
from townlet.errors import CorruptSampleError
from townlet.escaping import shown
from townlet.run import MOST_SEED, seed_spans

INDEX_VERSION = 3  # of dataset.json and all that it names; raised when they change their meaning
SHARD_SEEDS = 1000  # seeds in the range of a shard
BLANK = "0" * 64
_PLACES = {
    "runs": (f"{INDEX_FOLDER}/runs", "json"),
    "samples": (f"{INDEX_FOLDER}/samples", "parquet"),
    "summaries": (f"{INDEX_FOLDER}/summaries", "json"),
}
NAMES = {"metrics": "metrics.json", "failures": "failures.json", "card": "README.md"}  # of named index files
_WHAT = "the index of a data set"
_SPAN = r"[0-9]{1,19}(?:\.\.[0-9]{1,19})?"
_SPANS = re.compile(rf"{_SPAN}(?:, {_SPAN})*")

RunKey = tuple[str, int]  # scenario and seed
ShardKey = tuple[str, int]  # scenario and number of the range: seed // SHARD_SEEDS


class RunEntry(Document, frozen=True):
    """What the index keeps of a captured run."""

    scenario: SafeName
    seed: Seed
    folder: FolderName
    config_id: str | None
    ticks: Tick | None
    fingerprint: Sha256
    manifest: FileName
    manifest_sha256: Sha256
    manifest_size: Count
    content_digest: Sha256
    sample_count: Count
    frame_count: Count
    size: Count  # bytes

    @property
    def key(self) -> RunKey:
        return self.scenario, self.seed

    def as_mapping(self) -> dict[str, Any]:
        """As the list of a shard has it; a seed is there as text too, for readers whose numbers are floats."""
        return {**msgspec.to_builtins(self), "seed_text": str(self.seed)}


class ShardRuns(Document, frozen=True):
    """The runs of a shard, by seed."""

    runs: tuple[RunEntry, ...]


class Content(Document, frozen=True):
    """A file that is named by its digest."""

    sha256: Sha256
    size: Count


class NamedContent(Content, frozen=True):
    name: str


class ShardEntry(Document, frozen=True):
    """What the root says of a shard."""

    scenario: SafeName
    seeds: str  # of its runs, sorted: `0..99, 200`
    run_count: Count
    sample_count: Count
    frame_count: Count
    size: Count  # bytes
    runs: Content  # a `ShardRuns`
    samples: Content  # a table

    @property
    def key(self) -> ShardKey:
        return self.scenario, self.spans()[0][0] // SHARD_SEEDS

    def spans(self) -> list[tuple[int, int]]:
        """First and last seed of each span."""
        ends = (span.partition("..") for span in self.seeds.split(", "))
        return [(int(first), int(last or first)) for first, _, last in ends]

    def seed_list(self) -> list[int]:
        """[run_count] Sorted."""
        return [seed for first, last in self.spans() for seed in range(first, last + 1)]

    @property
    def files(self) -> tuple[FileRecord, FileRecord]:
        """Of the runs, and of their samples."""
        return digest_named(self.runs, "runs"), digest_named(self.samples, "samples")


class IndexFiles(Document, frozen=True, omit_defaults=True):
    """The other files that the root names."""

    metrics: NamedContent
    failures: NamedContent
    card: NamedContent
    summaries: NamedContent | None = None  # what a writer has to know of each shard, in their order
    samples: NamedContent | None = None  # the one table of an index without shards


class Facts(Document, frozen=True):
    """What the root says of the data set as a whole."""

    complete: bool
    partial: tuple[str, ...]  # suites that are there in part only
    suites: tuple[str, ...]
    run_count: Count
    sample_count: Count
    frame_count: Count
    failure_count: Count
    size: Count  # bytes of all runs
    files: IndexFiles
    index_version: int
    content_sha256: Sha256

    def as_mapping(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)


class Root(Document, frozen=True):
    """dataset.json."""

    metadata: Facts
    shards: tuple[ShardEntry, ...]


class Failure(NamedTuple):
    """A run that is not in the data set, and why."""

    scenario: str
    seed: int
    reason: str


class _FailureEntry(Document, frozen=True):
    scenario: str
    seed: Seed
    reason: str


class _Failures(Document, frozen=True):
    failures: tuple[_FailureEntry, ...]


def shard_key(scenario: str, seed: int) -> ShardKey:
    """The shard that a run belongs to."""
    return scenario, seed // SHARD_SEEDS


def digest_named(content: Content, kind: str) -> FileRecord:
    """A file that is named by its digest, with its place. `kind`: runs, samples or summaries."""
    folder, suffix = _PLACES[kind]
    return FileRecord(f"{folder}/{content.sha256}.{suffix}", content.sha256, content.size)


def content_of(data: bytes) -> Content:
    return Content(sha256=sha256_hex(data), size=len(data))


def run_entry(run: RunRecord) -> RunEntry:
    return RunEntry(
        scenario=run.run,
        seed=run.seed,
        folder=run.folder,
        config_id=run.capture.get("config_id"),
        ticks=run.capture.get("ticks"),
        fingerprint=run.fingerprint,
        manifest=run.manifest.name,
        manifest_sha256=run.manifest.sha256,
        manifest_size=run.manifest.size,
        content_digest=run.content_digest,
        sample_count=run.sample_count,
        frame_count=run.frame_count,
        size=run.size,
    )


def shard_entry(runs: Sequence[RunEntry], of_runs: Content, of_samples: Content) -> ShardEntry:
    """Of the runs of one shard, by seed."""
    return ShardEntry(
        scenario=runs[0].scenario,
        seeds=", ".join(seed_spans(run.seed for run in runs)),
        run_count=len(runs),
        sample_count=sum(run.sample_count for run in runs),
        frame_count=sum(run.frame_count for run in runs),
        size=sum(run.size for run in runs),
        runs=of_runs,
        samples=of_samples,
    )


def runs_bytes(runs: Iterable[RunEntry]) -> bytes:
    """The list of runs of a shard, by seed."""
    return document_bytes({"runs": [run.as_mapping() for run in runs]})


def parse_runs(data: bytes, shard: ShardEntry, place: str) -> tuple[RunEntry, ...]:
    """The runs of a shard, once they are those that the root counts. Raises CorruptSampleError."""
    runs = parse_document(ShardRuns, data, place, "the runs of a shard").runs
    if [(run.scenario, run.seed) for run in runs] != [(shard.scenario, seed) for seed in shard.seed_list()]:
        raise CorruptSampleError(f"{shown(place)}: runs: expected the seeds that {INDEX} names, found others")
    _refuse_other_sums(shard, runs, f"{shown(place)}: runs")
    return runs


def root_bytes(facts: dict[str, Any], shards: Sequence[ShardEntry]) -> bytes:
    """dataset.json. `facts`: of `Facts`, but the digest, which is taken with zeros in its place."""
    document = {
        "metadata": {**facts, "index_version": INDEX_VERSION, "content_sha256": BLANK},
        "shards": [msgspec.to_builtins(shard) for shard in shards],
    }
    document["metadata"]["content_sha256"] = sha256_hex(document_bytes(document))
    return document_bytes(document)


def parse_root(data: bytes, where: str) -> Root:
    """What dataset.json says, once it is known to be what was written. Raises CorruptSampleError."""
    place = f"{where}: {INDEX}"
    root = parse_document(Root, data, place, _WHAT)
    check_digest(data, root.metadata.content_sha256, place)
    check_names(root.metadata.files, place)
    if root.metadata.files.samples is not None:
        raise CorruptSampleError(f"{place}: metadata.files.samples: expected none where there are shards")
    summaries = root.metadata.files.summaries
    if summaries is None or summaries.name != digest_named(summaries, "summaries").name:
        raise CorruptSampleError(
            f"{place}: metadata.files.summaries: expected a file that is named by its digest, "
            f"found {shown(summaries and summaries.name)!r}"
        )
    _check_shards(root, place)
    return root


def index_version_of(data: bytes, where: str) -> Any:
    """Of dataset.json: INDEX_VERSION where `parse_root` knows it. Raises CorruptSampleError."""
    versions = parse_document(_OnlyVersions, data, f"{where}: {INDEX}", _WHAT).metadata
    return versions.format_version if versions.index_version is None else versions.index_version


class _Versions(Document, frozen=True):
    index_version: Any = None
    format_version: Any = None  # what it was called before there were shards


class _OnlyVersions(Document, frozen=True):
    metadata: _Versions


def check_names(files: IndexFiles, place: str) -> None:
    """Raise CorruptSampleError unless the index files have the names that they have in every data set."""
    for kind, name in NAMES.items():
        if (found := getattr(files, kind).name) != name:
            raise CorruptSampleError(
                f"{place}: metadata.files.{kind}.name: expected {name!r}, found {shown(found)!r}"
            )


def check_digest(data: bytes, digest: str, place: str) -> None:
    """Raise CorruptSampleError unless a document has the digest that stands in it."""
    if digest != sha256_hex(data.replace(digest.encode(), BLANK.encode(), 1)):
        raise CorruptSampleError(f"{place}: the index was changed after it was written")


def failures_bytes(failures: Iterable[Failure]) -> bytes:
    """`failures.json`."""
    entries = [failure._asdict() | {"seed_text": str(failure.seed)} for failure in sorted(failures)]
    return document_bytes({"failures": entries})


def parse_failures(data: bytes, where: str) -> list[Failure]:
    """What `failures.json` says. Raises CorruptSampleError for anything else."""
    entries = parse_document(
        _Failures, data, f"{where}: {NAMES['failures']}", "the failures of a data set"
    ).failures
    return [Failure(entry.scenario, entry.seed, entry.reason) for entry in entries]


def _check_shards(root: Root, place: str) -> None:
    """Raise CorruptSampleError unless shards are in order, each within its range, and add up to the whole."""
    before: ShardKey | None = None
    for number, shard in enumerate(root.shards):
        where = f"{place}: shards[{number}].seeds"
        if not _are_seeds_of_shard(shard):
            raise CorruptSampleError(
                f"{where}: expected {shard.run_count} seeds of one thousand, as `0..99, 200`, found "
                f"{shown(shard.seeds)[:80]!r}"
            )
        if before is not None and before >= shard.key:
            raise CorruptSampleError(
                f"{where}: expected shards by scenario and seed, found them out of order"
            )
        before = shard.key
    runs = sum(shard.run_count for shard in root.shards)
    if root.metadata.run_count != runs:
        raise CorruptSampleError(
            f"{place}: metadata.run_count: expected {runs}, found {root.metadata.run_count}"
        )
    _refuse_other_sums(root.metadata, root.shards, f"{place}: metadata")


def _are_seeds_of_shard(shard: ShardEntry) -> bool:
    if not _SPANS.fullmatch(shard.seeds):
        return False
    ends = [end for span in shard.spans() for end in span]
    if ends != sorted(ends) or ends[-1] > MOST_SEED or ends[0] // SHARD_SEEDS != ends[-1] // SHARD_SEEDS:
        return False
    seeds = shard.seed_list()
    return len(set(seeds)) == len(seeds) == shard.run_count and ", ".join(seed_spans(seeds)) == shard.seeds


def _refuse_other_sums(
    whole: ShardEntry | Facts, parts: Sequence[RunEntry] | Sequence[ShardEntry], where: str
) -> None:
    for name in ("sample_count", "frame_count", "size"):
        found, said = sum(getattr(part, name) for part in parts), getattr(whole, name)
        if found != said:
            raise CorruptSampleError(f"{where}: {name}: expected {said} in all, found {found}")
