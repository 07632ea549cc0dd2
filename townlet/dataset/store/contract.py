"""Where captures are kept: the small contract that every store fulfils.

Names are POSIX paths relative to the store's root. Writers see either the old content of a name or the
whole new one. Anything that goes wrong with the place (full, read-only, not a folder, a link that leads out)
is an `OutputError`; a name that is not there is a `FileNotFoundError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Protocol

from townlet.dataset.format.canonical import file_sha256
from townlet.dataset.format.records import FileRecord
from townlet.dataset.store.entries import Kind, StoredFile
from townlet.errors import CorruptSampleError, OutputError
from townlet.escaping import shown

Buffer = bytes | memoryview

REMOTE_THREADS = 16  # for a store elsewhere: each waits for an answer most of the time


class Store(Protocol):
    """All that a capture needs from the place where it is kept. `str(store)` names the place in messages.

    `renames` says whether a whole file can be given another name at no cost. Where it can, writers stage files
    under names of their own and move them; where it cannot, they write them under their final names.
    """

    @property
    def renames(self) -> bool: ...

    def below(self, folder: str) -> Store:
        """The store whose root is a folder of this one, which need not be there yet."""
        ...

    def write_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Write a name that nobody else uses (it need not be whole until this returns)."""
        ...

    def write_whole(self, name: str, parts: Sequence[Buffer]) -> None:
        """Write or replace; a reader sees all of the old or all of the new."""
        ...

    def create_if_absent(self, name: str, parts: Sequence[Buffer]) -> bool:
        """Write, unless the name is there: then False, and nothing is changed."""
        ...

    def compare_and_swap(self, name: str, expected: str | None, parts: Sequence[Buffer]) -> bool:
        """Replace if the content's SHA-256 (hex) is `expected` (None: not there), else False."""
        ...

    def move(self, source: str, target: str) -> None:
        """Give a whole file its final name, replacing what is there."""
        ...

    def link_from(self, other: Store, source: str, target: str) -> None:
        """Have a file of another store here too, replacing what is there: by a link, or else by a copy.

        Neither of the two is ever written into again, only replaced.
        """
        ...

    def read(self, name: str, limit: int | None = None) -> bytes:
        """A plain file, whole. Raises OversizedError where it has more bytes than `limit`.

        What is no plain file (a link, a pipe, a device, a folder) is an OutputError that says what it is.
        """
        ...

    def open_read(self, name: str) -> BinaryIO:
        """A plain file, as a stream. Raises as `read` does."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes, or None where there is no such file. Raises OutputError for what is no plain file."""
        ...

    def kind(self, name: str) -> Kind | None:
        """What is there under a name, if anything; "link" also for what is reached through one only."""
        ...

    def list(self, folder: str = "", deep: bool = True) -> Iterator[StoredFile]:
        """What is in a folder, and (`deep`) below it, in a fixed order; nothing where there is no folder.

        Links, pipes and the like are listed with their kind (see `entries`), and not followed; litter is not listed.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it, and the parents that this leaves empty."""
        ...

    def make_durable(self, folders: Iterable[str]) -> None:
        """Return when what was written and moved in these folders survives a power cut."""
        ...


class OversizedError(CorruptSampleError):
    """A file is larger than what it is read as can be."""

    def __init__(self, place: str, limit: int, found: int) -> None:
        super().__init__(f"{shown(place)}: expected at most {limit} bytes, found {found}")
        self.found = found


def check_size(place: str, size: int, limit: int | None) -> None:
    """Raise OversizedError for a file that is larger than `limit`."""
    if limit is not None and size > limit:
        raise OversizedError(place, limit, size)


_NOT_PLAIN = frozenset(("", ".", ".."))  # parts that no plain name has


def check_name(name: str, store: str) -> None:
    """Raise OutputError unless a name is a plain path below the root of the store."""
    if "\0" in name or not _NOT_PLAIN.isdisjoint(name.split("/")):
        raise OutputError(f"{name!r}: expected a file name inside {store}")


def holds(store: Store, name: str, file: FileRecord) -> bool:
    """Whether what is stored under a name is this file, to the bit."""
    if not name or store.size(name) != file.size:
        return False
    try:
        with store.open_read(name) as stream:
            return file_sha256(stream) == file.sha256
    except FileNotFoundError:
        return False
