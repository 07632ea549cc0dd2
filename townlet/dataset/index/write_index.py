"""Writing the index of a data set: which captures it holds, their figures, and what failed.

`dataset.json` is the commit point: it names the shards, which name every capture's manifest, and the other index
files, all with their SHA-256. Capturing again adds runs or fills holes; what is there stays. Only shards to which runs
are added, or of which runs have failed since, are written anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from typing import Any, NamedTuple

from townlet.dataset.format.canonical import document_bytes, sha256_hex
from townlet.dataset.format.capture_log import log_bytes
from townlet.dataset.format.manifest import LOG_NAME
from townlet.dataset.format.paths import CARD, INDEX
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.build_shards import IndexedRun, Shard, Source, build_shards
from townlet.dataset.index.data_card import card_bytes, trained_of
from townlet.dataset.index.finish_index import delete_unnamed
from townlet.dataset.index.index_document import (
    NAMES,
    Failure,
    RunKey,
    content_of,
    digest_named,
    failures_bytes,
    parse_failures,
    root_bytes,
)
from townlet.dataset.index.index_places import (
    STAGED_INDEX,
    digest_named_files,
    in_place,
    named_index_files,
    staged_index_file,
)
from townlet.dataset.index.metrics_summary import figures_of
from townlet.dataset.index.populations import Populations
from townlet.dataset.index.read_index import DataSetIndex, parse_index, read_whole
from townlet.dataset.index.shard_summaries import summaries_by_shard, summaries_bytes
from townlet.dataset.index.staged_runs import StagedRuns, sorted_runs
from townlet.dataset.store.contract import Store, holds
from townlet.dataset.store.own_files import cards_of_ours, digest_of, place_card
from townlet.errors import TownletError

NO_SUITE = ""  # stands for configs that were captured by themselves
MAX_ATTEMPTS = 10  # of a writer, while others write too


def write_index(
    store: Store,
    runs: Iterable[IndexedRun],
    failures: Iterable[Failure] = (),
    *,
    staged: Sequence[StagedRuns] = (),
    suites: Collection[str] = (),
    whole: bool = True,
    work: Mapping[str, Any] | None = None,
    carried: tuple[Store, Collection[RunKey]] | None = None,
) -> DataSetIndex:
    """Write the files of the index and, last, dataset.json. Returns the index.

    `staged`: more runs, which lie in the store. Runs that only the index of the store knows are kept in it. A run that
    failed now is in it no more: what holds is not tried. `suites`: which were captured; without `whole` they are there
    in part, until they are captured whole. The data set is `complete` when none is, and every run that ever failed in
    it has been captured since. `work` goes into the log. `carried`: another store, and the runs of its index that this
    one, which has no index yet, holds too. Memory: what is given in `runs`, and a shard.

    Raises OutputError where runs of two populations would stand under one name, CorruptSampleError where a capture of
    a shard that is written anew is gone, TownletError where somebody else writes the index over and over again.
    """
    ordered, failures = sorted({run.key: run for run in runs}.values()), list(failures)
    for _ in range(MAX_ATTEMPTS):
        before = _Before(store)
        source = before.source
        if source is None and carried is not None:
            source = _Before(carried[0], carried[1]).source
        failed = _Failed(before.failures, failures)
        given = failed.captured(_once(merge(ordered, sorted_runs(store, staged))))
        shards = list(build_shards(store, source, given, {failure[:2] for failure in failures}))
        _refuse_mixed(store, shards)
        left, partial = failed.open(), before.partial_after(suites, whole)
        facts = {
            "complete": not partial and not left,
            "failure_count": len(left),
            "partial": partial,
            "suites": sorted({*before.suites, *suites}),
        }
        written = _Next(store, before, shards, facts, left).commit(work or {})
        if written is not None:
            return written
    raise TownletError(f"{store}: another writer keeps changing {INDEX}; run the same command again")


def _refuse_mixed(store: Store, shards: Iterable[Shard]) -> None:
    """Raise OutputError where runs of two populations would stand under one name."""
    populations = Populations(str(store))
    for shard in shards:
        if shard.kept:
            populations.keep(shard.entry.scenario, shard.kept)
    for shard in shards:
        if shard.added:
            populations.add(shard.entry.scenario, shard.added)


class _Failed:
    """What has failed and has not been captured since, each run with its latest reason."""

    def __init__(self, earlier: Iterable[Failure], now: Iterable[Failure]) -> None:
        self._latest = {failure[:2]: failure for failure in (*earlier, *sorted(now))}

    def captured(self, runs: Iterable[IndexedRun]) -> Iterator[IndexedRun]:
        """The same runs, once it is known that they are captured."""
        for run in runs:
            self._latest.pop(run.key, None)
            yield run

    def open(self) -> list[Failure]:
        """By scenario and seed."""
        return [self._latest[key] for key in sorted(self._latest)]


def _once(runs: Iterable[IndexedRun]) -> Iterator[IndexedRun]:
    """Sorted runs, each once."""
    last: IndexedRun | None = None
    for run in runs:
        if last is not None and last.key != run.key:
            yield last
        last = run
    if last is not None:
        yield last


class _Before:
    """The index that is there, or none."""

    def __init__(self, store: Store, only: Collection[RunKey] | None = None) -> None:
        self.digest: str | None = None  # SHA-256 of dataset.json
        self.index: DataSetIndex | None = None
        self.source: Source | None = None
        self.failures: list[Failure] = []
        self.suites: tuple[str, ...] = ()
        self._partial: tuple[str, ...] = ()
        try:
            index, files = read_whole(store, ("failures", "summaries"))
        except FileNotFoundError:
            return
        self.digest, self.index = index.sha256, index
        self.suites, self._partial = index.facts.suites, index.facts.partial
        self.failures = parse_failures(files["failures"], str(store))
        known = summaries_by_shard(files["summaries"], index) if "summaries" in files else {}
        self.source = Source(index, known, only, is_here=only is None)

    @property
    def cards(self) -> tuple[str, ...]:
        """The digest of the data card that the index names, if there is one."""
        return () if self.index is None else (named_index_files(self.index.root)["card"].sha256,)

    def partial_after(self, suites: Collection[str], whole: bool) -> list[str]:
        """Which suites are there in part only, once these have been captured."""
        now = set(suites) or {NO_SUITE}
        return sorted(set(self._partial) - now if whole else {*self._partial, *now})


class _Next(NamedTuple):
    """The index that is to be written."""

    store: Store
    before: _Before
    shards: Sequence[Shard]
    facts: Mapping[str, Any]
    failures: Sequence[Failure]

    def commit(self, work: Mapping[str, Any]) -> DataSetIndex | None:
        """Write the index unless it is there already. None: somebody else was faster."""
        store, contents = self.store, self._contents()
        named = {file.name: data for file, data in contents.values()}
        data = self._root(contents)
        written = parse_index(store, data)
        files = [file for file, _ in contents.values()] + [
            file for shard in self.shards for file in shard.made
        ]
        if self.before.digest == written.sha256 and all(in_place(store, file) for file in files):
            _unstage(store, files)
            return written
        for file, content in contents.values():
            store.write_whole(staged_index_file(file), [content])
        self._remember_card(work)
        self._retire_old_table()
        store.make_durable([STAGED_INDEX])
        if not store.compare_and_swap(INDEX, self.before.digest, [data]):
            return None
        for file in files:
            self._give_name(file, named.get(file.name))
        self._delete_replaced()
        digests = {file.name: file.sha256 for file, _ in contents.values()}
        store.write_whole(LOG_NAME, [log_bytes({**work, "files": digests})])
        store.make_durable(["", *sorted({file.name.rpartition("/")[0] for file in files})])
        _unstage(store, files)
        return written

    def _remember_card(self, work: Mapping[str, Any]) -> None:
        """Have the log say that the earlier card is ours, where it lies: who is killed after the exchange leaves it."""
        index, there = self.before.index, digest_of(self.store, CARD)
        if index is not None and there in self.before.cards and there not in cards_of_ours(self.store):
            digests = {file.name: file.sha256 for file in named_index_files(index.root).values()}
            self.store.write_whole(LOG_NAME, [log_bytes({**work, "files": digests})])

    def _give_name(self, file: FileRecord, content: bytes | None) -> None:
        store, staged = self.store, staged_index_file(file)
        if file.name == CARD and content is not None:
            if store.size(staged) is None:  # another writer has given it its name, or deleted it
                store.write_whole(staged, [content])
            place_card(store, file, staged, cards_of_ours(store, self.before.cards))
            return
        try:
            store.move(staged, file.name)
        except FileNotFoundError:  # as above
            if content is not None:
                store.write_whole(file.name, [content])
            elif not holds(store, file.name, file):
                raise

    def _contents(self) -> dict[str, tuple[FileRecord, bytes]]:
        """The index files beside the shards, by their kind."""
        figures = figures_of((shard.entry.scenario, shard.summary.figures) for shard in self.shards)
        contents = {
            "metrics": document_bytes(figures),
            "failures": failures_bytes(self.failures),
            "card": card_bytes(self.facts, self.shards, figures, trained_of(self.store, self.shards)),
        }
        files = {
            kind: (FileRecord(NAMES[kind], sha256_hex(data), len(data)), data)
            for kind, data in contents.items()
        }
        summaries = summaries_bytes(shard.summary for shard in self.shards)
        files["summaries"] = digest_named(content_of(summaries), "summaries"), summaries
        return files

    def _root(self, contents: Mapping[str, tuple[FileRecord, bytes]]) -> bytes:
        entries = [shard.entry for shard in self.shards]
        sums = {
            name: sum(getattr(entry, name) for entry in entries)
            for name in ("run_count", "sample_count", "frame_count", "size")
        }
        files = {
            kind: {"name": file.name, "sha256": file.sha256, "size": file.size}
            for kind, (file, _) in contents.items()
        }
        return root_bytes({**self.facts, **sums, "files": files}, entries)

    def _retire_old_table(self) -> None:
        """The table of an index without shards goes back to where it was staged: there, readers of it look too."""
        if self.before.index is not None and self.before.index.is_old:
            table = named_index_files(self.before.index.root)["samples"]
            if holds(self.store, table.name, table):
                self.store.move(table.name, staged_index_file(table))

    def _delete_replaced(self) -> None:
        """Delete what the index named before and does not name any more, as long as this is the index that is there."""
        before = self.before.index
        if before is None:
            return
        if before.is_old:
            self.store.delete(staged_index_file(named_index_files(before.root)["samples"]))
        else:
            delete_unnamed(self.store, digest_named_files(before.root))


def _unstage(store: Store, files: Iterable[FileRecord]) -> None:
    """Remove staged index files that have their names. Others are another writer's, who may be about to commit."""
    for file in files:
        store.delete(staged_index_file(file))
