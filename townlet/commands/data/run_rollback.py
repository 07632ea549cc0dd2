"""Going back: an earlier version of a data set becomes the current one, in one step. Nothing is deleted or copied.

Later versions stay, and are counted on from: `current.json` says which the newest is, so that the next one that is made
gets a number that no reader has seen before.
"""

from __future__ import annotations

from typing import NamedTuple

from townlet.dataset.checking.verify import Report, verify_store
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.documents import MOST_BYTES, MOST_INDEX_BYTES
from townlet.dataset.format.paths import INDEX, POINTER
from townlet.dataset.store.contract import Store
from townlet.dataset.versions.versions import (
    Pointer,
    finish_publishing,
    pointer_bytes,
    read_pointer,
    utc_now,
    version_folder,
    versions_there,
)
from townlet.errors import CorruptSampleError, TownletError, UserError

MOST_PROBLEMS = 5  # of a version that does not verify; the rest is counted


class Rollback(NamedTuple):
    """What was done."""

    before: int  # the version that was current
    version: int  # the one that is current now
    newest: int  # that was ever published
    report: Report | None  # what checking it found; None: it was current already, and nothing was done
    said: str = ""  # what is worth saying of the log


def roll_back(store: Store, version: int) -> Rollback:
    """Make a published version the current one. For whoever holds the lock.

    Its files are checked first, each byte. Raises UserError where there is no such version, or it was never published;
    CorruptSampleError where it is not what was written: then nothing changes.
    """
    pointer = read_pointer(store)
    if pointer is None:
        raise UserError(f"{store}: expected a data set with versions, found no {POINTER}")
    if version == pointer.version:
        said = finish_publishing(store, utc_now())  # the link and the log, where that was cut short
        return Rollback(version, version, pointer.newest, None, said)
    _check_is_published(store, version, pointer)
    below = store.below(version_folder(version))
    report = verify_store(below)
    if not report.ok:
        listed = [f"  {problem}" for problem in report.problems[:MOST_PROBLEMS]]
        more = len(report.problems) - len(listed)
        raise CorruptSampleError(
            f"{store}: version {version} is not what was written, and does not become the current one:",
            *listed,
            *([f"  and {more} more"] if more > 0 else []),
        )
    later = pointer.newest if pointer.newest > version else None
    new = Pointer(version, sha256_hex(below.read(INDEX, MOST_INDEX_BYTES)), later)
    before = sha256_hex(store.read(POINTER, MOST_BYTES))
    if before != sha256_hex(pointer_bytes(pointer)) or not store.compare_and_swap(
        POINTER, before, [pointer_bytes(new)]
    ):
        raise TownletError(f"{store}: somebody else has published a version; run the same command again")
    store.make_durable([""])
    said = finish_publishing(store, utc_now())
    return Rollback(pointer.version, version, pointer.newest, report, said)


def _check_is_published(store: Store, version: int, pointer: Pointer) -> None:
    """Raise UserError for a version that is not there, or that was never current."""
    published = [number for number in versions_there(store) if number <= pointer.newest]
    there = ", ".join(map(str, published))
    folder = version_folder(version)
    if version > pointer.newest and version in versions_there(store):
        raise UserError(
            f"{store}: version {version} was never published: it was refused, or is still being built, and "
            f"`townlet regenerate` goes on with it; the published versions are {there}"
        )
    if version not in published or store.size(f"{folder}/{INDEX}") is None:
        raise UserError(f"{store}: there is no version {version}; the published versions are {there}")
