"""Where the files of an index lie: under their names, or staged under their digests until they have them.

A reader never sees a mixture. New files are staged, then dataset.json is exchanged in one step, then they move to their
names. Who reads in between, or after a writer was killed in between, finds them where they were staged.
"""

from __future__ import annotations

from collections.abc import Iterator

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.paths import CARD, INDEX, STAGING
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.index_document import Root, digest_named
from townlet.dataset.store.contract import Store, holds
from townlet.dataset.store.own_files import has_card
from townlet.errors import CorruptSampleError, TownletError

STAGED_INDEX = f"{STAGING}/index"


class IndexMoved(TownletError):
    """The index has been replaced since it was read; read it again."""


class IndexRemoved(IndexMoved):
    """The data set is gone since its index was read."""

    def __init__(self, store: Store) -> None:
        super().__init__(f"{store}: {INDEX} was removed")
        self.store = store


def staged_index_file(file: FileRecord) -> str:
    """Where an index file lies until it has its name."""
    return f"{STAGED_INDEX}/{file.sha256}"


def named_index_files(root: Root) -> dict[str, FileRecord]:
    """The index files that `dataset.json` names one by one, by their kind, with their digests."""
    found = {}
    for kind in root.metadata.files.__struct_fields__:
        if (file := getattr(root.metadata.files, kind)) is not None:
            found[kind] = FileRecord(file.name, file.sha256, file.size)
    return found


def digest_named_files(root: Root) -> Iterator[FileRecord]:
    """The files that have their digests for names: those of all shards, and their summaries."""
    for shard in root.shards:
        if shard.runs.sha256:  # else the index has no files for shards
            yield from shard.files
    if root.metadata.files.summaries is not None:
        yield digest_named(root.metadata.files.summaries, "summaries")


def index_files(root: Root) -> list[FileRecord]:
    """All files of an index but dataset.json."""
    named = [file for kind, file in named_index_files(root).items() if kind != "summaries"]
    return [*named, *digest_named_files(root)]


def read_index_file(store: Store, file: FileRecord) -> bytes | None:
    """The bytes of an index file, wherever it lies; None where it is not there, or not what it was."""
    for name in (file.name, staged_index_file(file), file.name):  # it may move while we look
        try:
            data = store.read(name, limit=file.size)
        except (FileNotFoundError, CorruptSampleError):
            continue
        if sha256_hex(data) == file.sha256:
            return data
    return None


def in_place(store: Store, file: FileRecord) -> bool:
    """Whether an index file has its name. A card that people have changed is in place as they want it."""
    if file.name == CARD:
        return has_card(store, file, staged_index_file(file))
    return holds(store, file.name, file)
