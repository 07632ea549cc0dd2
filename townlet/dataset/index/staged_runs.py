"""Runs on their way to the index: what is to be indexed lies in the output, and only names of it travel.

An engine holds what travels to the last step several times over; of ten thousand runs that was a hundred
megabytes, of a million it is more than a worker has. Runs are staged in files below the index's own folder. They stay
there when the index is written, because that step may be tried again; the launcher deletes them in the end. The
same runs give the same file: writing one twice is harmless.

Who writes the index needs them in order, and has not the memory for all of them: each file is sorted, and files are
merged a few at a time, into longer sequences of files, until few are left.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import NamedTuple

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.index.build_shards import IndexedRun
from townlet.dataset.index.index_places import STAGED_INDEX
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError, TownletError

STAGED_RUNS = f"{STAGED_INDEX}/runs"
FILE_RUNS = 512  # in one file
MERGED_AT_ONCE = 16  # sequences, of each of which one file is in memory

_HEAD = struct.Struct("<HQII")  # bytes of the scenario, seed, bytes of entry and rows


class StagedRuns(NamedTuple):
    """Some runs, sorted, in a file."""

    sha256: str
    count: int
    size: int  # bytes

    @property
    def name(self) -> str:
        return f"{STAGED_RUNS}/{self.sha256}"


def stage_runs(store: Store, runs: Iterable[IndexedRun]) -> StagedRuns:
    """Write some runs where `read_runs` finds them."""
    pieces: list[bytes] = []
    ordered = sorted(runs)
    for (scenario, seed), entry, rows in ordered:
        name = scenario.encode()
        pieces += [_HEAD.pack(len(name), seed, len(entry), len(rows)), name, entry, rows]
    data = b"".join(pieces)
    staged = StagedRuns(sha256_hex(data), len(ordered), len(data))
    store.write_whole(staged.name, [data])
    return staged


def sorted_runs(store: Store, staged: Iterable[StagedRuns]) -> Iterator[IndexedRun]:
    """The runs of all files, sorted. Raises TownletError where a file is gone or damaged."""
    sequences = deque([one] for one in dict.fromkeys(staged))
    while len(sequences) > MERGED_AT_ONCE:
        some = [sequences.popleft() for _ in range(min(MERGED_AT_ONCE, len(sequences)))]
        sequences.append(list(_in_files(store, _merged(store, some))))
    return _merged(store, sequences)


def read_runs(store: Store, files: Iterable[StagedRuns]) -> Iterator[IndexedRun]:
    """The runs of some files, one file after the other. Raises TownletError where one is gone or damaged."""
    for file in files:
        try:
            data = store.read(file.name, limit=file.size)
        except (FileNotFoundError, CorruptSampleError):
            data = b""
        if sha256_hex(data) != file.sha256:
            raise TownletError(
                f"{store}: {file.name}: gone or damaged before the index was written; the same command again "
                "writes it, and simulates nothing twice"
            )
        yield from _runs_in(data)


def _merged(store: Store, sequences: Iterable[Sequence[StagedRuns]]) -> Iterator[IndexedRun]:
    return merge(*(read_runs(store, files) for files in sequences))


def _in_files(store: Store, runs: Iterator[IndexedRun]) -> Iterator[StagedRuns]:
    while some := list(islice(runs, FILE_RUNS)):
        yield stage_runs(store, some)


def _runs_in(data: bytes) -> Iterator[IndexedRun]:
    position = 0

    def take(length: int) -> bytes:
        nonlocal position
        position += length
        return data[position - length : position]

    while position < len(data):
        name, seed, entry, rows = _HEAD.unpack(take(_HEAD.size))
        yield IndexedRun((take(name).decode(), seed), take(entry), take(rows))
