"""A versioned data set: `versions/<n>/`, each a data set, and `current.json`, which names the one to read.

`current.json` is replaced in one step, so that a reader who resolves it once reads one version, whole. On a
local disk the symbolic link `current` shows people the same. When a version stopped being current stands in
`capture_log.json`, the one file that holds times.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from townlet.dataset.format.canonical import line_bytes, sha256_hex
from townlet.dataset.format.capture_log import log_bytes
from townlet.dataset.format.documents import MOST_BYTES, MOST_INDEX_BYTES, parse_document
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX
from townlet.dataset.format.models import PointerFacts, VersionLog
from townlet.dataset.format.paths import ENOUGH_UNEXPECTED, INDEX, LINK, POINTER, STAGING, VERSIONS
from townlet.dataset.status.nested import why_it_stays
from townlet.dataset.store.contract import Store
from townlet.dataset.store.entries import plain_files
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.open_store import open_store
from townlet.dataset.store.os_errors import translate_os_error
from townlet.dataset.store.own_files import read_log
from townlet.errors import CorruptSampleError, OutputError, TownletError, UserError
from townlet.escaping import shown

NONE_IS_CURRENT = (
    "a versioned data set of which no version is current: the next `townlet regenerate` goes on with what was "
    "begun; until then, name a version's folder"
)
MENDING = "; remove it, and `townlet regenerate` publishes the version that it named again"
IN_USE = timedelta(hours=1)  # a reader may still be at a version that stopped being current less long ago


class Pointer(NamedTuple):
    """What `current.json` says."""

    version: int  # 1, 2, ...: the one to read
    dataset_sha256: str  # of the version's dataset.json
    later: int | None = None  # the newest that was published, where somebody went back from it

    @property
    def newest(self) -> int:
        """The newest version that was ever published: later ones are being built, or were refused."""
        return self.version if self.later is None else self.later


def pointer_bytes(pointer: Pointer) -> bytes:
    """`current.json`. Where nobody went back, it says what it always said."""
    facts = {"version": pointer.version, "dataset_sha256": pointer.dataset_sha256}
    return line_bytes(facts if pointer.later is None else {**facts, "newest": pointer.later})


def version_folder(version: int) -> str:
    return f"{VERSIONS}/{version}"


def version_number(name: str) -> int | None:
    """Of a version's folder, by its name; None for a name that no version has."""
    return int(name) if re.fullmatch(r"[1-9][0-9]{0,8}", name) else None


def read_pointer(store: Store) -> Pointer | None:
    """Which version is current; None where there is no `current.json`. Raises CorruptSampleError."""
    try:
        data = store.read(POINTER, MOST_BYTES)
        facts = parse_document(PointerFacts, data, f"{store}: {POINTER}", "the name of a version")
    except FileNotFoundError:
        return None
    except CorruptSampleError as error:
        raise CorruptSampleError(f"{error}{MENDING}") from error
    pointer = Pointer(facts.version, facts.dataset_sha256, facts.newest)
    if pointer_bytes(pointer) != data or (facts.newest is not None and facts.newest <= facts.version):
        raise CorruptSampleError(f"{store}: {POINTER}: was changed after it was written{MENDING}")
    return pointer


def current_version(store: Store) -> int | None:
    """The version to read; None where the store is no versioned data set, or has published none yet."""
    pointer = read_pointer(store)
    return None if pointer is None else pointer.version


def is_versioned(store: Store) -> bool:
    """Whether versions are kept here, or the first one was begun."""
    return store.size(POINTER) is not None or any(True for _ in store.list(VERSIONS))


def resolve(store: Store) -> Store:
    """The data set to read: the store itself, or the current version of a versioned data set.

    Resolve once and read what you got: the current version may be another one a moment later. Raises UserError
    where there is no data set, CorruptSampleError where `current.json` names one that is not there.
    """
    if store.size(INDEX) is not None:
        return store
    version = current_version(store)
    if version is None and is_versioned(store):
        raise UserError(f"{store}: {NONE_IS_CURRENT}")
    if version is None:
        raise UserError(f"{store}: expected a data set, found neither {INDEX} nor {POINTER}")
    found = store.below(version_folder(version))
    if found.size(INDEX) is None:
        raise CorruptSampleError(f"{store}: {POINTER} names version {version}, which has no {INDEX}")
    return found


def next_version(store: Store) -> int:
    """The version that is made next, or is being made: the one after the newest that was published."""
    pointer = read_pointer(store)
    if pointer is not None:
        return pointer.newest + 1
    # Where `current.json` was lost, what it named is not asked of the log, which anybody may have changed.
    there = [
        number
        for number in versions_there(store)
        if store.size(f"{version_folder(number)}/{INDEX}") is not None
    ]
    return max(there, default=1)


def version_of_log(store: Store) -> int | None:
    """The version that was current by the log: a hint, for words. None where the log does not know."""
    return _read_log(store, None).current


def publish(store: Store, version: int) -> None:
    """Make a finished version the current one, in one step.

    Raises TownletError where somebody else has published meanwhile.
    """
    before = _pointer_sha256(store)
    pointer = Pointer(version, sha256_hex(store.read(f"{version_folder(version)}/{INDEX}", MOST_INDEX_BYTES)))
    if not store.compare_and_swap(POINTER, before, [pointer_bytes(pointer)]):
        raise TownletError(f"{store}: somebody else has published a version; run the same command again")
    store.make_durable([""])


def finish_publishing(store: Store, now: datetime) -> str:
    """Do what publishing leaves to be done: the link for people, and when the others stopped being current.

    For whoever holds the lock. Writes nothing where all is done. Returns what is worth saying, or "": a log that is
    damaged or untrue stops no work, it is written anew.
    """
    pointer = read_pointer(store)
    if pointer is None:
        return ""
    for file in list(store.list(STAGING, deep=False)):
        if file.name.endswith(".tmp"):  # of a writer that was killed
            store.delete(file.name)
    _point_link(store, pointer.version)
    log = _read_log(store, pointer)
    if log.current == pointer.version and not log.fault:
        return ""
    retired = {
        version: min(since, now)
        for version, since in log.retired.items()
        if version != pointer.version and version <= pointer.newest
    }
    for version in versions_there(store):
        if version != pointer.version and version <= pointer.newest:
            retired.setdefault(version, now)
    _write_log(store, pointer.version, retired)
    return f"{store}: {LOG_NAME}: {log.fault}; written anew" if log.fault else ""


def prune(
    store: Store, keep: int, now: datetime, kept: Callable[[OutputError], None] = lambda why: None
) -> list[int]:
    """Remove all but the newest `keep` versions, the current one among them; returns which were removed.

    A version that was current within the last hour stays, and so does one that holds a link or another output: `kept`
    is told why. What is current says `current.json` alone. For whoever holds the lock, after `finish_publishing`.
    """
    pointer = read_pointer(store)
    log = _read_log(store, pointer)
    if pointer is None or log.current is None:
        return []
    retired = {version: since for version, since in log.retired.items() if version != pointer.version}
    newest = sorted(retired, reverse=True)[: keep - 1]
    old = [version for version in sorted(retired) if version not in newest]
    gone = []
    for version in (version for version in old if now - retired[version] >= IN_USE):
        try:
            remove_version(store, version)
        except OutputError as why:
            kept(why)
            continue
        gone.append(version)
        del retired[version]
        _write_log(
            store, log.current, retired
        )  # not before: what the log names is removed if this is cut short
    return gone


def remove_version(store: Store, version: int) -> None:
    """Remove a version that nobody reads, its index first: what is left of it is no data set.

    Raises OutputError where a link or another output is in it: then nothing is removed.
    """
    why = why_it_stays(store.below(version_folder(version)))
    if why:
        raise OutputError(f"{store}: version {version} is not removed: {why}; move that out of it")
    store.delete(f"{version_folder(version)}/{INDEX}")
    store.delete(version_folder(version))


def check_versions(store: Store) -> None:
    """Raise OutputError unless versions may be made here: the place is empty, or holds versions and nothing else."""
    if store.kind(LINK) not in (None, "our link", "folder"):  # what is in a folder is named below
        raise OutputError(
            f"{store}: {LINK} is there, and is none of Townlet's; choose another output folder, or move it away"
        )
    if store.size(POINTER) is not None:
        return
    above = _published_in(store)
    if above is not None:
        raise OutputError(f"{store}: is a version of {above}; give --output {above}")
    if store.size(INDEX) is not None:
        raise OutputError(
            f"{store}: holds a data set without versions; choose another output folder, or make it version 1 "
            f"of one: move it to NEW/{version_folder(1)} and give --output NEW"
        )
    own = (f"{VERSIONS}/", f"{STAGING}/")
    theirs = [] if read_log(store) is None else [LOG_NAME]
    listed = (file.name for file in plain_files(store.list(), store) if not file.name.startswith(own))
    strange = list(islice((name for name in listed if name not in (LINK, *theirs)), ENOUGH_UNEXPECTED))
    captures = [name for name in strange if name.endswith(MANIFEST_SUFFIX)]
    if captures:
        raise OutputError(f"{store}: holds a capture ({captures[0]}); choose another output folder")
    if strange:
        more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
        found = ", ".join(map(shown, strange[:3])) + more
        raise OutputError(
            f"{store}: expected an empty folder or a versioned data set, found {found}; choose another output folder, "
            "or move them away"
        )


def refuse_versioned(store: Store) -> None:
    """Raise OutputError where a plain capture would write into a versioned data set, or into a published version."""
    if is_versioned(store):
        raise OutputError(
            f"{store}: holds a versioned data set; `townlet regenerate` makes its next version, "
            "or choose another output folder"
        )
    above = _published_in(store)
    if above is not None:
        raise OutputError(
            f"{store}: is a version of {above}, and never changes; `townlet regenerate` makes the next one, "
            "or choose another output folder"
        )


def _published_in(store: Store) -> Store | None:
    """The versioned data set whose published version this store is; None where it is none."""
    place, _, version = str(store).rpartition(f"/{VERSIONS}/")
    number = version_number(version)
    if not place or number is None:
        return None
    above = open_store(place)
    pointer = read_pointer(above)
    return above if pointer is not None and number <= pointer.newest else None


def _pointer_sha256(store: Store) -> str | None:
    try:
        return sha256_hex(store.read(POINTER, MOST_BYTES))
    except FileNotFoundError:
        return None


def _point_link(store: Store, version: int) -> None:
    """`current` -> versions/<n>, replaced in one step. Where there are no links, there is none."""
    if not isinstance(store, LocalStore):
        return
    link, target = store.root / LINK, version_folder(version)
    kind = store.kind(LINK)
    if kind not in (None, "our link") or (kind and os.readlink(link) == target):
        return  # somebody else's, or done
    staging = store.root / STAGING
    temporary = staging / f"{secrets.token_hex(8)}.tmp"
    with translate_os_error("write", str(link)):
        staging.mkdir(exist_ok=True)
        try:
            with contextlib.suppress(PermissionError):  # what a file system without links says
                temporary.symlink_to(target)
                temporary.replace(link)
        finally:
            temporary.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                staging.rmdir()
    store.make_durable([""])


class _Log(NamedTuple):
    """What the log says of versions. It is a hint: nothing that `current.json` names is removed because of it."""

    current: int | None  # when it was written
    retired: dict[int, datetime]  # older versions, and since when they are
    fault: str  # why it is to be written anew; "" where it is whole


def _read_log(store: Store, pointer: Pointer | None) -> _Log:
    try:
        log = parse_document(VersionLog, store.read(LOG_NAME, MOST_BYTES), LOG_NAME, "a log of versions")
    except FileNotFoundError:
        return _Log(None, {}, "")
    except CorruptSampleError as error:
        return _Log(None, {}, str(error).removeprefix(f"{LOG_NAME}: "))
    retired, fault = {}, ""
    newest = max(log.current, 0 if pointer is None else pointer.newest)
    for name, text in log.retired.items():
        number, since = version_number(name), _moment(text)
        if number is None or since is None or number == log.current or number > newest:
            fault = f"says that version {shown(name)} stopped being current {shown(text)}"
        else:
            retired[number] = since
    return _Log(log.current, retired, fault)


def _moment(text: str) -> datetime | None:
    """A point in time; None for other texts, and for times of day that belong to no time zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _write_log(store: Store, current: int, retired: dict[int, datetime]) -> None:
    since = {str(version): retired[version].isoformat(timespec="seconds") for version in retired}
    store.write_whole(LOG_NAME, [log_bytes({"current": current, "retired": since})])


def versions_there(store: Store) -> list[int]:
    """The versions that have a folder, published or not, by number."""
    if isinstance(store, LocalStore):
        names = set(store.folders(VERSIONS))
    else:
        names = {file.name.split("/")[1] for file in store.list(VERSIONS)}
    return sorted(number for name in names if (number := version_number(name)) is not None)


def utc_now() -> datetime:
    return datetime.now(UTC)
