"""One look at an output: its index, every folder that the index names, and whatever else lies there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from townlet.dataset.checking.agreement import index_problems, rows_by_run
from townlet.dataset.checking.check_captures import Found, Problem, ProblemKind, Unit, below, hashed, swapped
from townlet.dataset.checking.parallel_check import Amount, check_all, folders
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX, loose_manifest, named_files
from townlet.dataset.format.paths import INDEX, INDEX_FILES, LEASE, RUNS, STAGING, inside, run_folder
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.index_file import (
    METRICS,
    IndexMoved,
    index_files,
    parse_index,
    read_index_file,
    staged_index_file,
)
from townlet.dataset.index.metrics_table import SAMPLES, RunKey, open_table
from townlet.dataset.status.contents import named_by_receipts
from townlet.dataset.status.unfinished import unfinished_capture
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError, OutputError

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

    def note(self, name: str, message: str) -> None:
        self.notes.append(Problem("unfinished", name, message))

    def count(self, files: int, size: int) -> None:
        self.files += files
        self.size += size

    def data_set(self, store: Store, prefix: str = "") -> str:
        """Check a data set; returns the SHA-256 of its dataset.json. Raises FileNotFoundError without one."""
        data = store.read(INDEX)
        self.count(1, len(data))
        pass_ = _Pass(prefix)
        try:
            document = parse_index(data, str(store))
        except CorruptSampleError as error:
            self.problem("damaged", prefix + INDEX, str(error).removeprefix(f"{store}: {INDEX}: "))
            document = None
        units = self._indexed(store, document, pass_) if document else {}
        self._check(store, units, _amount(document), pass_)
        for name in pass_.loose:
            if document and name.startswith(f"{RUNS}/"):
                self.note(
                    prefix + name, f"a capture that {INDEX} does not name; the same capture again adds it"
                )
            elif document:
                self.problem(
                    "unexpected",
                    prefix + name,
                    f"is a capture that {INDEX} does not name; move it out of here",
                )
        self._judge_unnamed(store, pass_, set(INDEX_FILES))
        self._find_owners(store, document, pass_)
        self.problems += pass_.problems
        self.staged(store, _AGAIN, prefix)
        return sha256_hex(data)

    def loose_captures(self, store: Store) -> None:
        """Check captures that no index names: a single one, or those of a data set that was begun."""
        pass_ = _Pass("")
        self._check(store, {}, Amount(), pass_)
        if any(name.startswith(f"{RUNS}/") for name in pass_.loose):
            self.note(INDEX, f"not written yet. {unfinished_capture(store)}")
        self._judge_unnamed(store, pass_, set())
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

    def _indexed(self, store: Store, document: Mapping[str, Any], pass_: _Pass) -> dict[str, Unit]:
        """The folders of the runs, once the other index files are checked."""
        whole = {
            file.name: place
            for file in index_files(document)
            if (place := self._index_file(store, file, pass_))
        }
        rows: dict[RunKey, str] | None = None
        if SAMPLES in whole and METRICS in whole:
            try:
                # By way of the index: what was staged a moment ago may have its name by now.
                table = open_table(read_index_file(store, document, "samples"), f"{store}: {SAMPLES}")
                rows = rows_by_run(table)
                found = index_problems(document, rows, table, read_index_file(store, document, "metrics"))
            except (CorruptSampleError, IndexMoved) as error:
                found = [Problem("damaged", SAMPLES, str(error).removeprefix(f"{store}: {SAMPLES}: "))]
            pass_.add(found)
        units = {}
        for entry in document["runs"]:
            folder, key = entry["folder"], (entry["scenario"], entry["seed"])
            if folder != _own_folder(*key):
                pass_.add(
                    [Problem("damaged", INDEX, f"names {folder!r}, which is not the folder of its run")]
                )
                continue
            manifest = FileRecord(entry["manifest"], entry["manifest_sha256"], entry["manifest_size"])
            told = None if rows is None else rows.get(key)
            units[folder] = Unit(folder, None, manifest, told, folder in self._already_read)
        return units

    def _index_file(self, store: Store, file: FileRecord, pass_: _Pass) -> str:
        """Where an index file lies, to the bit: under its name, or staged; "" where it does not."""
        staged, found = staged_index_file(file), None
        for place in (file.name, staged, file.name):  # it may move while we look
            held = hashed(store, place)
            found = found if place == staged else held
            if held is None or held.sha256 != file.sha256:
                continue
            self.count(1, held.size)
            if place == staged:
                message = "still staged; the next capture, or gc, gives it its name"
                self.note(pass_.prefix + file.name, message)
            return place
        if found is None and store.size(file.name) is None:
            pass_.add([Problem("missing", file.name, f"named by {INDEX}, but not there")])
        else:
            length = (
                "its bytes were changed"
                if found and found.size == file.size
                else f"expected {file.size} bytes"
            )
            pass_.add([Problem("damaged", file.name, length)])
            pass_.other += [(file.name, found.sha256)] if found else []
        return ""

    def _judge_unnamed(self, store: Store, pass_: _Pass, own: set[str]) -> None:
        """Which files that nothing named are unexpected, once it is sure that nobody is just publishing them.

        A run's receipt is there from before its first file is moved until its manifest is there. So: what was
        seen without a name is looked for in the receipts, and then once more in its folder's manifests.
        """
        left = [name for name in pass_.unnamed if name not in own]
        promised = named_by_receipts(store) if left else set()
        for folder in sorted({_folder_of(name) for name in left if name in promised}):
            self.note(pass_.prefix + folder, f"published in part; {_AGAIN}")
        left = [name for name in left if name not in promised]
        for folder in dict.fromkeys(map(_folder_of, left)):
            names = [name for name in left if _folder_of(name) == folder]
            named, there = _named_now(store, folder)
            unexpected = [name for name in names if name in there and name not in named]
            message = "is in no manifest; `townlet gc` deletes it"
            pass_.add([Problem("unexpected", name, message) for name in unexpected])

    def _find_owners(self, store: Store, document: Mapping[str, Any] | None, pass_: _Pass) -> None:
        """Say of a file that is not itself but another one of the data set which one it is."""
        wanted = dict(pass_.other)
        if not wanted:
            return
        owners = _owners(store, document, set(wanted.values()), pass_.loose)
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

    def add(self, problems: Iterable[Problem]) -> None:
        self.problems += [problem._replace(name=self.prefix + problem.name) for problem in problems]

    def take(self, found: Found) -> None:
        self.add(found.problems)
        self.other += found.other
        self.unnamed += found.unnamed
        self.loose += found.loose


def _amount(document: Mapping[str, Any] | None) -> Amount:
    if document is None:
        return Amount()
    facts = document["metadata"]
    return Amount(facts["run_count"], 2 * facts["sample_count"] + 3 * facts["run_count"], facts["size"])


def _own_folder(scenario: str, seed: int) -> str | None:
    try:
        return run_folder(scenario, seed)
    except OutputError:
        return None


def _named_now(store: Store, folder: str) -> tuple[set[str], set[str]]:
    """The files that the manifests in a folder name by now, themselves included; and all that is there."""
    there = [inside(folder, name) for name in below(store, folder)]
    named: set[str] = set()
    for place in there:
        if place.endswith(MANIFEST_SUFFIX) and _folder_of(place) == folder:
            named |= {place, inside(folder, LOG_NAME), *_named_by(store, place)}
    return named, set(there)


def _named_by(store: Store, manifest: str) -> dict[str, str]:
    """The files that a manifest names, and their digests; none where it is not readable."""
    try:
        files: Sequence[FileRecord] = named_files(loose_manifest(store.read(manifest), manifest))
    except (CorruptSampleError, FileNotFoundError):
        return {}
    return {inside(_folder_of(manifest), file.name): file.sha256 for file in files}


def _owners(
    store: Store, document: Mapping[str, Any] | None, wanted: set[str], loose: Iterable[str]
) -> dict[str, str]:
    """Which file of the data set each of the wanted digests belongs to. Reads manifests until all are found."""
    owners: dict[str, str] = {}
    manifests = list(loose)
    if document is not None:
        owners |= {file.sha256: file.name for file in index_files(document) if file.sha256 in wanted}
        for entry in document["runs"]:
            place = inside(entry["folder"], entry["manifest"])
            manifests.append(place)
            if entry["manifest_sha256"] in wanted:
                owners[entry["manifest_sha256"]] = place
    for manifest in manifests:
        if len(owners) == len(wanted):
            break
        owners |= {sha256: name for name, sha256 in _named_by(store, manifest).items() if sha256 in wanted}
    return owners


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]
