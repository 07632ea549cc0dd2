"""A versioned data set: `versions/<n>/`, each a data set, and `current.json`, which names the one to read.

`current.json` is replaced in one step, so that a reader who resolves it once reads one version, whole. On a
local disk the symbolic link `current` shows people the same. When a version stopped being current stands in
`capture_log.json`, the one file that holds times.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from townlet.dataset.format.canonical import line_bytes, misshapen, sha256_hex
from townlet.dataset.format.capture_log import log_bytes
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX
from townlet.dataset.format.paths import ENOUGH_UNEXPECTED, INDEX, STAGING
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore, translate_os_error
from townlet.dataset.store.open_store import open_store
from townlet.errors import CorruptSampleError, OutputError, TownletError, UserError

POINTER = "current.json"
LINK = "current"
VERSIONS = "versions"
_OWN = (POINTER, LINK, LOG_NAME)
NONE_IS_CURRENT = (
    "a versioned data set of which no version is current: the next `townlet regenerate` goes on with what was "
    "begun; until then, name a version's folder"
)
MENDING = "; remove it, and `townlet regenerate` publishes the version that it named again"
IN_USE = timedelta(hours=1)  # a reader may still be at a version that stopped being current less long ago


class Pointer(NamedTuple):
    """What `current.json` says."""

    version: int  # 1, 2, ...
    dataset_sha256: str  # of the version's dataset.json


def version_folder(version: int) -> str:
    return f"{VERSIONS}/{version}"


def read_pointer(store: Store) -> Pointer | None:
    """Which version is current; None where there is no `current.json`. Raises CorruptSampleError."""
    try:
        data = store.read(POINTER)
    except FileNotFoundError:
        return None
    try:
        pointer = Pointer(**json.loads(data))
        whole = isinstance(pointer.version, int) and pointer.version >= 1
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptSampleError(
            f"{store}: {POINTER}: names no version ({misshapen(error)}){MENDING}"
        ) from error
    if not whole or line_bytes(pointer._asdict()) != data:
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
    """The version that is made next, or is being made: the one after the current one."""
    version = current_version(store)
    if version is not None:
        return version + 1
    return version_of_log(store) or 1


def version_of_log(store: Store) -> int | None:
    """Where `current.json` was lost, the version that it named; None where the log does not know."""
    return _read_log(store)[0]


def publish(store: Store, version: int) -> None:
    """Make a finished version the current one, in one step.

    Raises TownletError where somebody else has published meanwhile.
    """
    before = _pointer_sha256(store)
    pointer = Pointer(version, sha256_hex(store.read(f"{version_folder(version)}/{INDEX}")))
    if not store.compare_and_swap(POINTER, before, [line_bytes(pointer._asdict())]):
        raise TownletError(f"{store}: somebody else has published a version; run the same command again")
    store.make_durable([""])


def finish_publishing(store: Store, now: datetime) -> None:
    """Do what publishing leaves to be done: the link for people, and when the others stopped being current.

    For whoever holds the lock. Writes nothing where all is done.
    """
    pointer = read_pointer(store)
    if pointer is None:
        return
    for file in list(store.list(STAGING)):
        if file.name.endswith(".tmp"):  # of a writer that was killed
            store.delete(file.name)
    _point_link(store, pointer.version)
    current, retired = _read_log(store)
    if current == pointer.version:
        return
    missed = range(current, pointer.version) if current else _others(store, pointer.version)
    for version in missed:
        retired.setdefault(version, now)
    _write_log(store, pointer.version, retired)


def prune(store: Store, keep: int, now: datetime) -> list[int]:
    """Remove all but the newest `keep` versions, the current one among them; returns which were removed.

    A version that was current within the last hour stays. For whoever holds the lock, after `finish_publishing`.
    """
    current, retired = _read_log(store)
    if current is None:
        return []
    newest = sorted((*retired, current), reverse=True)[:keep]
    old = [version for version in sorted(retired) if version not in newest]
    gone = [version for version in old if now - retired[version] >= IN_USE]
    for version in gone:
        remove_version(store, version)
        del retired[version]
        _write_log(store, current, retired)  # not before: what the log names is removed if this is cut short
    return gone


def remove_version(store: Store, version: int) -> None:
    """Remove a version that nobody reads, its index first: what is left of it is no data set."""
    store.delete(f"{version_folder(version)}/{INDEX}")
    store.delete(version_folder(version))


def check_versions(store: Store) -> None:
    """Raise OutputError unless versions may be made here: the place is empty, or holds versions and nothing else."""
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
    found = (file.name for file in store.list() if not file.name.startswith(own) and file.name not in _OWN)
    strange = list(islice(found, ENOUGH_UNEXPECTED))
    captures = [name for name in strange if name.endswith(MANIFEST_SUFFIX)]
    if captures:
        raise OutputError(f"{store}: holds a capture ({captures[0]}); choose another output folder")
    if strange:
        more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
        raise OutputError(
            f"{store}: expected an empty folder or a versioned data set, found {', '.join(strange[:3])}{more}; "
            "choose another output folder, or move them away"
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
    if not place or not version.isdecimal():
        return None
    above = open_store(place)
    return above if int(version) <= (current_version(above) or 0) else None


def _pointer_sha256(store: Store) -> str | None:
    try:
        return sha256_hex(store.read(POINTER))
    except FileNotFoundError:
        return None


def _point_link(store: Store, version: int) -> None:
    """`current` -> versions/<n>, replaced in one step. Where there are no links, there is none."""
    if not isinstance(store, LocalStore):
        return
    link, target = store.root / LINK, version_folder(version)
    if link.is_symlink() and os.readlink(link) == target:
        return
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


def _read_log(store: Store) -> tuple[int | None, dict[int, datetime]]:
    """The version that was current when the log was written, and since when older ones are not."""
    try:
        log = json.loads(store.read(LOG_NAME))
        retired = {int(version): datetime.fromisoformat(since) for version, since in log["retired"].items()}
        return int(log["current"]), retired
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None, {}


def _write_log(store: Store, current: int, retired: dict[int, datetime]) -> None:
    since = {str(version): retired[version].isoformat(timespec="seconds") for version in retired}
    store.write_whole(LOG_NAME, [log_bytes({"current": current, "retired": since})])


def _others(store: Store, current: int) -> list[int]:
    """The versions that are there, older than the current one. Reads all names: for a log that is lost."""
    names = {file.name.split("/")[1] for file in store.list(VERSIONS)}
    return sorted(int(name) for name in names if name.isdecimal() and int(name) < current)


def utc_now() -> datetime:
    return datetime.now(UTC)
