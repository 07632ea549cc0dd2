"""What a writer that was killed has left of an index: finished where it was committed, removed where it was not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from townlet.dataset.format.paths import CARD, INDEX_FOLDER, digest_in_name
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.index_places import (
    STAGED_INDEX,
    digest_named_files,
    in_place,
    index_files,
    staged_index_file,
)
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store.contract import Store, holds
from townlet.dataset.store.own_files import cards_of_ours, place_card


def finish_moves(store: Store) -> list[str]:
    """Give the staged index files their names, for a writer that was killed; returns these names."""
    staged = {file.name for file in store.list(STAGED_INDEX, deep=False)}
    if not staged:
        return []
    try:
        root = read_index(store).root
    except FileNotFoundError:
        return []
    moved = []
    for file in index_files(root):
        place = staged_index_file(file)
        if place not in staged or in_place(store, file) or not holds(store, place, file):
            continue
        if file.name == CARD:
            moved.append(place_card(store, file, place, cards_of_ours(store)))
        else:
            store.move(place, file.name)
            moved.append(file.name)
    return [name for name in moved if name]


def delete_staged_index(store: Store) -> None:
    """Remove whatever was staged for the index, and shards that it does not name: for whoever holds the lock."""
    if any(True for _ in store.list(STAGED_INDEX)):
        finish_moves(store)
    store.delete(STAGED_INDEX)  # its folder too, where that is all that is left
    delete_unnamed(store, left_files(store))


def left_files(store: Store) -> Iterator[FileRecord]:
    """All files that are named as those of shards are, whether the index names them or not."""
    for file in store.list(INDEX_FOLDER):
        if digest := digest_in_name(file.name):
            yield FileRecord(file.name, digest, file.size)


def delete_unnamed(store: Store, files: Iterable[FileRecord]) -> None:
    """Delete those of some files that the index does not name, once they are seen to be what their names say."""
    files = list(files)
    if not files:
        return
    try:
        named = {file.name for file in digest_named_files(read_index(store).root)}
    except FileNotFoundError:
        return
    for file in files:
        if file.name not in named and holds(store, file.name, file):
            store.delete(file.name)
