"""Shards of an index on their way: what is to be indexed lies in the output, and only names of it travel.

An engine holds what travels to the last step several times over; of ten thousand runs that was a hundred
megabytes, of a million it is more than a worker has. A shard is staged below the index's own folder. It stays
there when the index is written, because that step may be tried again; the launcher deletes it in the end. The
same runs give the same shard: writing one twice is harmless.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.index.index_file import STAGED_INDEX, IndexedRun
from townlet.dataset.store.contract import Store
from townlet.errors import TownletError

_HEAD = struct.Struct("<HQII")  # bytes of the scenario, seed, bytes of entry and rows


class Shard(NamedTuple):
    """Some indexed runs, in a file."""

    sha256: str
    count: int

    @property
    def name(self) -> str:
        return f"{STAGED_INDEX}/shards/{self.sha256}"


def stage_shard(store: Store, runs: Sequence[IndexedRun]) -> Shard:
    """Write some runs where `read_shards` finds them."""
    pieces: list[bytes] = []
    for (scenario, seed), entry, rows in sorted(runs):
        name = scenario.encode()
        pieces += [_HEAD.pack(len(name), seed, len(entry), len(rows)), name, entry, rows]
    data = b"".join(pieces)
    shard = Shard(sha256_hex(data), len(runs))
    store.write_whole(shard.name, [data])
    return shard


def read_shards(store: Store, shards: Iterable[Shard]) -> Iterator[IndexedRun]:
    """The runs of all shards. Raises TownletError where one is gone or damaged."""
    for shard in dict.fromkeys(shards):
        try:
            data = store.read(shard.name)
        except FileNotFoundError:
            data = b""
        if sha256_hex(data) != shard.sha256:
            raise TownletError(
                f"{store}: {shard.name}: gone or damaged before the index was written; the same command again "
                "writes it, and simulates nothing twice"
            )
        yield from _runs_in(data)


def _runs_in(data: bytes) -> Iterator[IndexedRun]:
    position = 0

    def take(length: int) -> bytes:
        nonlocal position
        position += length
        return data[position - length : position]

    while position < len(data):
        name, seed, entry, rows = _HEAD.unpack(take(_HEAD.size))
        yield IndexedRun((take(name).decode(), seed), take(entry), take(rows))
