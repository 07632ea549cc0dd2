"""One look at an output: its index, every folder that the index names, and whatever else lies there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from townlet.dataset.checking.agreement import METRICS, FigureCheck, rows_by_run, says_the_same, shard_problem
from townlet.dataset.checking.check_captures import (
    Found,
    Hashed,
    Problem,
    ProblemKind,
    Unit,
    hashed,
    not_a_file,
    swapped,
)
from townlet.dataset.checking.models import check_models
from townlet.dataset.checking.owners import folder_of, named_now, owners_of
from townlet.dataset.checking.parallel_check import Amount, check_all, folders
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.documents import MOST_INDEX_BYTES
from townlet.dataset.format.paths import (
    CARD,
    INDEX,
    INDEX_FILES,
    LEASE,
    NEW_CARD,
    RUNS,
    STAGING,
    run_folder,
)
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.finish_index import left_files
from townlet.dataset.index.index_document import RunEntry, RunKey, ShardEntry
from townlet.dataset.index.index_places import (
    IndexMoved,
    digest_named_files,
    index_files,
    named_index_files,
    staged_index_file,
)
from townlet.dataset.index.metrics_table import SampleRows
from townlet.dataset.index.old_form import OLD_TABLE
from townlet.dataset.index.read_index import DataSetIndex, parse_index
from townlet.dataset.index.shard_summaries import ShardSummary, parse_summaries
from townlet.dataset.status.contents import named_by_receipts
from townlet.dataset.status.nested import is_below, nested_outputs, why_it_stays
from townlet.dataset.status.unfinished import unfinished_capture
from townlet.dataset.store.contract import Store, holds
from townlet.dataset.store.entries import WORDS, about_link
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, OutputError
from townlet.escaping import shown

Progress = Callable[[int, int, int], None]  # folders checked, of how many (0: not known), bytes read

_AGAIN = "the same capture again finishes it"


class Audit:
    """What was found. Names are relative to what was asked about: `prefix` leads from there to the store."""

    def __init__(self, workers: int, progress: Progress, already_read: Collection[str] = ()) -> None:
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self.captures = self.files = self.size = 0
        self._workers = workers
        self._progress = progress
        self._already_read = frozenset(already_read)

    def problem(self, kind: ProblemKind, name: str, message: str) -> None:
        self.problems.append(Problem(kind, name, message))

    def add_unexpected(self, store: Store, name: str, message: str) -> None:
        self.problems.append(self.unexpected(store, name, message))

    def unexpected(self, store: Store, name: str, message: str) -> Problem:
        """A file that is no part of an output; or a link, a pipe or the like, which is said to be that."""
        kind = store.kind(name)
        if kind in ("link", "our link"):
            return Problem("link", name, about_link(f"{store}/{name}"))
        if kind == "folder" and isinstance(store, LocalStore) and (why := why_it_stays(store.below(name))):
            return Problem("unexpected", name, f"is no part of the output, and {why}; move it out")
        if kind in ("pipe", "socket", "device", "unusable"):
            return Problem("unexpected", name, f"is {WORDS[kind]}; take it away")
        return Problem("unexpected", name, message)

    def note(self, name: str, message: str, kind: ProblemKind = "unfinished") -> None:
        self.notes.append(Problem(kind, name, message))

    def count(self, files: int, size: int) -> None:
        self.files += files
        self.size += size

    def data_set(self, store: Store, prefix: str = "") -> str:
        """Check a data set; returns the SHA-256 of its dataset.json. Raises FileNotFoundError without one."""
        data = store.read(INDEX, MOST_INDEX_BYTES)
        self.count(1, len(data))
        pass_ = _Pass(prefix)
        try:
            index = parse_index(store, data)
        except CorruptSampleError as error:
            self.problem("damaged", prefix + INDEX, str(error).removeprefix(f"{store}: {INDEX}: "))
            index = None
        units = self._indexed(store, index, pass_) if index else {}
        self._check(store, units, _amount(index), pass_)
        for name in pass_.loose:
            if index and name.startswith(f"{RUNS}/"):
                self.note(
                    prefix + name, f"a capture that {INDEX} does not name; the same capture again adds it"
                )
            elif index:
                self.problem(
                    "unexpected",
                    prefix + name,
                    f"is a capture that {INDEX} does not name; move it out of here",
                )
        own = {*INDEX_FILES, NEW_CARD, *self._shard_files(store, index, pass_)}
        self._judge_unnamed(store, pass_, own | self._models(store, pass_, pass_.models))
        self._find_owners(store, index, pass_)
        self.problems += pass_.problems
        self.staged(store, _AGAIN, prefix)
        return sha256_hex(data)

    def loose_captures(self, store: Store) -> None:
        """Check captures that no index names: a single one, or those of a data set that was begun."""
        pass_ = _Pass("")
        self._check(store, {}, Amount(), pass_)
        if any(name.startswith(f"{RUNS}/") for name in pass_.loose):
            self.note(INDEX, f"not written yet. {unfinished_capture(store)}")
            own = self._models(store, pass_, pass_.models)
        else:  # a run that was copied out of a data set names models that it does not hold
            own = self._models(store, pass_, ())
        self._judge_unnamed(store, pass_, own)
        self._find_owners(store, None, pass_)
        self.problems += pass_.problems
        self.staged(store, _AGAIN)

    def staged(self, store: Store, what_next: str, prefix: str = "") -> None:
        """Note what is staged and not published."""
        for name in {"/".join(file.name.split("/")[:2]) for file in store.list(STAGING)}:
            message = f"staged and not published; {what_next}"
            if name == LEASE:
                message = "somebody writes here"
            elif name.endswith(".tmp"):
                message = "being written, or left by an interrupted capture; `townlet gc` deletes it"
            self.note(prefix + name, message)

    def _check(self, store: Store, units: Mapping[str, Unit], amount: Amount, pass_: _Pass) -> None:
        def done(found: Found, count: int) -> None:
            nonlocal checked
            checked += count
            self.captures += found.captures
            self.count(found.files, found.size)
            pass_.take(found)
            self._progress(min(checked, amount.folders or checked), amount.folders, self.size)

        checked = 0
        check_all(store, folders(store, units), amount, self._workers, done)

    def _indexed(self, store: Store, index: DataSetIndex, pass_: _Pass) -> dict[str, Unit]:
        """The folders of the runs, once the other index files are checked."""
        whole = {file.name for file in index_files(index.root) if self._index_file(store, file, pass_)}
        figures, units = FigureCheck(), {}
        summaries = _summaries(index, whole, pass_)
        are_all_read = True
        for number, shard in enumerate(index.shards):
            runs, rows = _runs_of(index, shard, whole, pass_), _rows_of(index, shard, whole, pass_)
            are_all_read &= rows is not None
            told: Mapping[RunKey, str] | None = None
            if rows is not None:
                told = self._told(rows, shard, summaries[number] if summaries else None, figures, pass_)
            if told is not None and (problem := shard_problem(runs, told, _table_of(index, shard))):
                pass_.add([problem])
            units |= self._units(runs, told, pass_)
        if are_all_read and METRICS in whole:
            try:
                problem = figures.problem(index.file("metrics"), str(store))
            except (CorruptSampleError, IndexMoved) as error:  # it was there a moment ago
                problem = Problem("damaged", METRICS, str(error).removeprefix(f"{store}: {METRICS}: "))
            pass_.add([problem] if problem else [])
        return units

    def _told(
        self,
        rows: SampleRows,
        shard: ShardEntry,
        summary: ShardSummary | None,
        figures: FigureCheck,
        pass_: _Pass,
    ) -> Mapping[RunKey, str] | None:
        """What the table of a shard says of each run; None where it is not the table that it should be."""
        name = rows.where.rpartition(": ")[2]
        try:
            found = figures.add(shard.scenario, rows)
            told = rows_by_run(rows)
        except CorruptSampleError as error:
            pass_.add([Problem("damaged", name, str(error).removeprefix(f"{rows.where}: "))])
            return None
        if summary is not None and not says_the_same(summary, found):
            what = f"{shown(shard.scenario)}, seeds {shard.seeds}"
            pass_.add([Problem("damaged", INDEX, f"its summary of {what} is not what {name} says")])
        return told

    def _units(
        self, runs: Iterable[RunEntry], told: Mapping[RunKey, str] | None, pass_: _Pass
    ) -> dict[str, Unit]:
        units = {}
        for run in runs:
            if run.folder != _own_folder(*run.key):
                message = f"names {shown(run.folder)!r}, which is not the folder of its run"
                pass_.add([Problem("damaged", INDEX, message)])
                continue
            manifest = FileRecord(run.manifest, run.manifest_sha256, run.manifest_size)
            rows = None if told is None else told.get(run.key)
            units[run.folder] = Unit(run.folder, None, manifest, rows, run.folder in self._already_read)
        return units

    def _shard_files(self, store: Store, index: DataSetIndex | None, pass_: _Pass) -> Iterator[str]:
        """The files of shards: those that the index names, and those that an interrupted writer has left."""
        named = {file.name for file in digest_named_files(index.root)} if index else set()
        yield from named
        for file in left_files(store):
            if file.name in named:
                continue
            if index is None:
                yield file.name
            elif holds(store, file.name, file):
                message = "left by an interrupted writer; the next capture, or gc, deletes it"
                self.note(pass_.prefix + file.name, message)
                yield file.name

    def _models(self, store: Store, pass_: _Pass, named: Collection[str]) -> set[str]:
        """Check the models that runs name by digest; returns the names of all that are the data set's."""
        found = check_models(store, named, pass_.unnamed)
        self.count(found.files, found.size)
        pass_.add(found.problems)
        pass_.other += found.other
        for note in found.notes:
            self.note(pass_.prefix + note.name, note.message)
        return found.own

    def _index_file(self, store: Store, file: FileRecord, pass_: _Pass) -> str:
        """Where an index file lies, to the bit: under its name, or staged; "" where it does not."""
        staged, found = staged_index_file(file), None
        for place in (file.name, staged, file.name):  # it may move while we look
            held = hashed(store, place, file.size)
            found = found if place == staged else held
            if held is None or held.sha256 != file.sha256:
                continue
            self.count(1, held.size)
            if place == staged:
                message = "still staged; the next capture, or gc, gives it its name"
                self.note(pass_.prefix + file.name, message)
            return place
        self._say_why(store, file, found, pass_)
        return ""

    def _say_why(self, store: Store, file: FileRecord, found: Hashed | None, pass_: _Pass) -> None:
        """What is wrong with an index file. `found`: what is under its name, if that can be read."""
        kind = store.kind(file.name)
        if file.name == CARD and (found is not None or (kind is None and store.kind(NEW_CARD) == "file")):
            said = (
                "was edited, and stays as it is; a new card goes to"
                if found
                else "was taken away; the card is"
            )
            self.note(pass_.prefix + CARD, f"{said} {NEW_CARD}", "edited")
        elif kind is None:
            pass_.add([Problem("missing", file.name, f"named by {INDEX}, but not there")])
        elif found is None:
            pass_.add([not_a_file(store, file.name, kind)])
        else:
            same = found.size == file.size
            length = "its bytes were changed" if same else f"expected {file.size} bytes, found {found.size}"
            pass_.add([Problem("damaged", file.name, length)])
            pass_.other.append((file.name, found.sha256))

    def _judge_unnamed(self, store: Store, pass_: _Pass, own: set[str]) -> None:
        """Which files that nothing named are unexpected, once it is sure that nobody is just publishing them.

        A run's receipt is there from before its first file is moved until its manifest is there. So: what was
        seen without a name is looked for in the receipts, and then once more in its folder's manifests.
        """
        left = [name for name in pass_.unnamed if name not in own]
        promised = named_by_receipts(store) if left else set()
        for folder in sorted({folder_of(name) for name in left if name in promised}):
            self.note(pass_.prefix + folder, f"published in part; {_AGAIN}")
        left = [name for name in left if name not in promised]
        nested = nested_outputs(store, [*left, *pass_.loose])
        by_folder: dict[str, list[str]] = {}
        for name in left:
            by_folder.setdefault(folder_of(name), []).append(name)
        for folder, names in by_folder.items():
            named, there = named_now(store, folder)
            unexpected = [name for name in names if name in there and name not in named]
            message = "is in no manifest; `townlet gc` deletes it"
            if is_below(folder, nested):
                message = "belongs to another output, which was put here; move that out"
            pass_.add([self.unexpected(store, name, message) for name in unexpected])

    def _find_owners(self, store: Store, index: DataSetIndex | None, pass_: _Pass) -> None:
        """Say of a file that is not itself but another one of the data set which one it is."""
        wanted = dict(pass_.other)
        if not wanted:
            return
        owners = owners_of(store, index, set(wanted.values()), pass_.loose)
        for number, problem in enumerate(pass_.problems):
            name = problem.name.removeprefix(pass_.prefix)
            owner = owners.get(wanted.get(name, ""))
            if problem.kind == "damaged" and owner is not None and owner != name:
                pass_.problems[number] = swapped(problem.name, pass_.prefix + owner)


class _Pass:
    """What is gathered of one data set."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.problems: list[Problem] = []
        self.other: list[tuple[str, str]] = []
        self.unnamed: list[str] = []
        self.loose: list[str] = []
        self.models: set[str] = set()

    def add(self, problems: Iterable[Problem]) -> None:
        self.problems += [problem._replace(name=self.prefix + problem.name) for problem in problems]

    def take(self, found: Found) -> None:
        self.add(found.problems)
        self.other += found.other
        self.unnamed += found.unnamed
        self.loose += found.loose
        self.models |= found.models


def _amount(index: DataSetIndex | None) -> Amount:
    if index is None:
        return Amount()
    facts = index.facts
    return Amount(facts.run_count, 2 * facts.sample_count + 3 * facts.run_count, facts.size)


def _table_of(index: DataSetIndex, shard: ShardEntry) -> str:
    """The name of the table that has the rows of a shard."""
    return OLD_TABLE if index.is_old else shard.files[1].name


def _summaries(index: DataSetIndex, whole: Collection[str], pass_: _Pass) -> Sequence[ShardSummary]:
    """The summaries of all shards; none where there are none, or where they are damaged."""
    file = named_index_files(index.root).get("summaries")
    if file is None or file.name not in whole:
        return ()
    place = f"{index.store}: {file.name}"
    try:
        return parse_summaries(index.file("summaries"), len(index.shards), place)
    except (CorruptSampleError, IndexMoved) as error:
        pass_.add([Problem("damaged", file.name, str(error).removeprefix(f"{place}: "))])
        return ()


def _runs_of(
    index: DataSetIndex, shard: ShardEntry, whole: Collection[str], pass_: _Pass
) -> tuple[RunEntry, ...]:
    """The runs of a shard; none where its list is damaged."""
    name = INDEX if index.is_old else shard.files[0].name
    if not index.is_old and name not in whole:
        return ()  # that is said already
    try:
        return index.runs(shard)
    except (CorruptSampleError, IndexMoved) as error:
        pass_.add([Problem("damaged", name, str(error).removeprefix(f"{index.store}: {name}: "))])
        return ()


def _rows_of(
    index: DataSetIndex, shard: ShardEntry, whole: Collection[str], pass_: _Pass
) -> SampleRows | None:
    """The samples of a shard; None where its table is damaged."""
    name = _table_of(index, shard)
    if name not in whole:
        return None  # that is said already
    try:
        return index.rows(shard)
    except (CorruptSampleError, IndexMoved) as error:
        pass_.add([Problem("damaged", name, str(error).removeprefix(f"{index.store}: {name}: "))])
        return None


def _own_folder(scenario: str, seed: int) -> str | None:
    try:
        return run_folder(scenario, seed)
    except OutputError:
        return None
