"""Is every file of an output what it was when it was written, and is there nothing else?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..errors import CorruptSampleError, OutputError, UserError
from .canonical import file_sha256
from .index import index_files, read_index
from .manifest import LOG_NAME, MANIFEST_SUFFIX, named_files, parse_manifest
from .places import INDEX, INDEX_FILES, inside, named_by_receipts
from .reader import Capture
from .records import FileRecord
from .store import STAGING, LocalStore, Store, StoredFile

Kind = Literal["missing", "damaged", "swapped", "foreign", "unfinished"]


_THREADS_FROM = 64 * 1024  # bytes a file, on average


class Problem(NamedTuple):
    """One thing that is wrong with one file. Names are relative to what was verified."""

    kind: Kind
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}: {self.message}"


@dataclass(frozen=True)
class Report:
    """What `verify` found. `ok` is true when there is no problem."""

    place: str
    captures: int
    files: int
    size: int  # bytes read
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_json_dict(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "ok": self.ok,
            "captures": self.captures,
            "files": self.files,
            "size": self.size,
            "problems": [problem._asdict() for problem in self.problems],
        }


def verify(path: str | os.PathLike[str]) -> Report:
    """Check every file of a capture or of a data set against its manifests, reading each byte once.

    Any changed byte is found, as are missing, exchanged and foreign files; `capture_log.json` alone is not
    covered. Raises UserError where there is neither.
    """
    place = Path(path)
    if place.is_file() and place.name.endswith(MANIFEST_SUFFIX):
        place = place.parent
    if not place.is_dir():
        raise UserError(f"{place}: expected the folder of a capture or a data set, found nothing there")
    return verify_store(LocalStore(place))


def verify_files(capture: Capture) -> list[Problem]:
    """The problems of an open capture's folder: see `verify`."""
    return verify_store(LocalStore(capture.path)).problems


def verify_store(store: Store) -> Report:
    """See `verify`."""
    present = {file.name: file for file in store.list()}
    published = [name for name in present if not name.startswith(f"{STAGING}/")]
    manifests = [name for name in published if name.endswith(MANIFEST_SUFFIX)]
    if not manifests and INDEX not in present:
        raise UserError(f"{store}: neither a capture nor a data set: no manifest and no {INDEX}")
    expected, unreadable = _named_by_manifests(store, manifests)
    problems = list(unreadable)
    if INDEX in present:
        problems += _add_index(store, expected, manifests)
    problems += _checked(store, present, expected)
    problems += _foreign(store, published, expected, manifests, [problem.name for problem in unreadable])
    problems += _unfinished(present)
    read = {*expected, *manifests, INDEX} & set(present)
    return Report(
        place=str(store),
        captures=len(manifests),
        files=len(read),
        size=sum(present[name].size for name in read),
        problems=sorted(problems, key=lambda problem: (problem.name, problem.kind)),
    )


def _named_by_manifests(
    store: Store, manifests: Iterable[str]
) -> tuple[dict[str, FileRecord], list[Problem]]:
    """Every file that the manifests name, by its place, and the manifests that are not whole themselves."""
    expected: dict[str, FileRecord] = {}
    unreadable: list[Problem] = []
    for name in manifests:
        try:
            files = named_files(parse_manifest(store.read(name), name))
        except CorruptSampleError as error:
            unreadable.append(Problem("damaged", name, str(error).removeprefix(f"{name}: ")))
        else:
            expected.update({inside(_folder_of(name), file.name): file for file in files})
    return expected, unreadable


def _add_index(store: Store, expected: dict[str, FileRecord], manifests: Iterable[str]) -> list[Problem]:
    """Add what the index names to the expected files; returns what is wrong with it."""
    try:
        index = read_index(store)
    except CorruptSampleError as error:
        return [Problem("damaged", INDEX, str(error).removeprefix(f"{store}: {INDEX}: "))]
    expected.update({file.name: file for file in index_files(index)})
    for entry in index["runs"]:
        manifest = FileRecord(entry["manifest"], entry["manifest_sha256"], entry["manifest_size"])
        expected[inside(entry["folder"], manifest.name)] = manifest
    message = f"a capture that {INDEX} does not name; the same capture again adds it"
    return [Problem("unfinished", name, message) for name in manifests if name not in expected]


def _checked(
    store: Store, present: Mapping[str, StoredFile], expected: Mapping[str, FileRecord]
) -> list[Problem]:
    """Missing, damaged and swapped files."""
    gone = [name for name in expected if name not in present]
    problems = [Problem("missing", name, "named by a manifest, but not there") for name in gone]
    names = [name for name in expected if name in present]
    digests = _digests(store, names, sum(present[name].size for name in names))
    owner = {file.sha256: name for name, file in expected.items()}
    for name, digest in digests.items():
        if digest == expected[name].sha256:
            continue
        if digest is None:
            problems.append(Problem("damaged", name, "cannot be read"))
        elif digest in owner:
            problems.append(Problem("swapped", name, f"holds what belongs into {owner[digest]}"))
        else:
            size, wanted = present[name].size, expected[name].size
            length = "its bytes were changed" if size == wanted else f"expected {wanted} bytes, found {size}"
            problems.append(Problem("damaged", name, length))
    return problems


def _digests(store: Store, names: list[str], size: int) -> dict[str, str | None]:
    """SHA-256 by name; None = cannot be read. Threads help where files are large: hashing frees the GIL."""
    if size < _THREADS_FROM * max(1, len(names)):
        return {name: _digest(store, name) for name in names}
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return dict(zip(names, pool.map(lambda name: _digest(store, name), names), strict=True))


def _digest(store: Store, name: str) -> str | None:
    try:
        with store.open_read(name) as file:
            return file_sha256(file)
    except (OutputError, FileNotFoundError):
        return None


def _foreign(
    store: Store,
    published: Iterable[str],
    expected: Iterable[str],
    manifests: Iterable[str],
    unreadable: Iterable[str],
) -> list[Problem]:
    """Files that nothing names. Where a manifest is not readable, nobody can say what it named."""
    own = {*expected, *manifests, *(inside(_folder_of(name), LOG_NAME) for name in manifests)}
    own |= named_by_receipts(store)
    if INDEX in published:
        own |= set(INDEX_FILES)
    unknown = {_folder_of(name) for name in unreadable}
    names = [name for name in published if name not in own and _folder_of(name) not in unknown]
    return [Problem("foreign", name, "no manifest names it") for name in names]


def _unfinished(present: Iterable[str]) -> list[Problem]:
    staged = {"/".join(name.split("/")[:2]) for name in present if name.startswith(f"{STAGING}/")}
    message = "staged and not published; the same capture again finishes it"
    return [Problem("unfinished", name, message) for name in staged]


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]
