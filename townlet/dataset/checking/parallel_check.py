"""All folders of an output, found and checked by every core, in flat memory.

Many small captures are handed to processes, in batches: their cost is Python's. Large files are hashed by
threads, and so is what lies in an object store: hashing and waiting free the interpreter.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from townlet.dataset.checking.check_captures import (
    Found,
    Hashed,
    Opened,
    Unit,
    check_folder,
    hashed,
    judge,
    open_folder,
)
from townlet.dataset.checking.verify_worker import Processes, check_folders
from townlet.dataset.format.paths import STAGING, inside
from townlet.dataset.store.contract import Store
from townlet.dataset.store.entries import is_litter
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.os_errors import translate_os_error

BATCH_SIZE = 16  # folders that a process is handed at once
SMALL_FILES = 256 * 1024  # bytes on average; below, processes are worth their start
ENOUGH_FOR_PROCESSES = 1000  # folders: a tenth of a second of one core, which is what a start costs
FEW_FOLDERS = 4  # for each worker; fewer of an object store are checked file by file
MAX_PENDING = 64  # files for each worker that are being hashed and not judged

Done = Callable[[Found, int], None]  # what was found in how many folders


class Amount(NamedTuple):
    """How much is to be checked, as far as an index tells."""

    folders: int = 0
    files: int = 0
    size: int = 0  # bytes


def folders(store: Store, indexed: Mapping[str, Unit]) -> Iterator[Unit]:
    """The folders that an index names, and then every other folder that holds files, save what is staged.

    Of an object store all names are listed once; of a local folder, each is listed by whoever checks it.
    """
    if isinstance(store, LocalStore):
        yield from indexed.values()
        yield from _others(str(store.root), "", indexed)
        return
    others: dict[str, list[str]] = {}
    unseen = dict(indexed)
    folder, names = "", []
    for file in store.list():
        owner = "/".join(file.name.split("/", 3)[:3])
        if owner in indexed:
            if owner != folder:
                yield from _gathered(unseen, folder, names)
                folder, names = owner, []
            names.append(file.name[len(owner) + 1 :])
        elif not file.name.startswith(f"{STAGING}/"):
            parent, _, name = file.name.rpartition("/")
            others.setdefault(parent, []).append(name)
    yield from _gathered(unseen, folder, names)
    yield from (unit._replace(names=()) for unit in unseen.values())
    yield from (Unit(parent, tuple(names)) for parent, names in others.items())


def check_all(store: Store, units: Iterable[Unit], amount: Amount, workers: int, done: Done) -> None:
    """Check folders; `done` is called, in their order, with what was found."""
    local = isinstance(store, LocalStore)
    small = amount.size < SMALL_FILES * max(1, amount.files)
    if workers == 1:
        for unit in units:
            done(check_folder(store, unit), 1)
    elif local and small and amount.folders >= ENOUGH_FOR_PROCESSES:
        with Processes(store, workers) as processes:
            _in_batches(processes.submit, units, BATCH_SIZE, workers, done)
    else:
        threads = ThreadPoolExecutor(workers)
        try:
            if local or amount.folders < FEW_FOLDERS * workers:
                _by_file(store, units, threads, workers, done)
            else:
                _in_batches(lambda some: threads.submit(check_folders, store, some), units, 1, workers, done)
        finally:
            threads.shutdown(cancel_futures=True)


def _in_batches(
    submit: Callable[[Sequence[Unit]], Future[Found]],
    units: Iterable[Unit],
    size: int,
    workers: int,
    done: Done,
) -> None:
    left = iter(units)
    begun: deque[tuple[Future[Found], int]] = deque()
    while batch := list(islice(left, size)):
        begun.append((submit(batch), len(batch)))
        if len(begun) >= 4 * workers:
            future, count = begun.popleft()
            done(future.result(), count)
    for future, count in begun:
        done(future.result(), count)


def _by_file(
    store: Store, units: Iterable[Unit], threads: ThreadPoolExecutor, workers: int, done: Done
) -> None:
    """Folders are opened and judged here, while threads hash."""
    begun: deque[tuple[Opened, list[Future[Hashed | None]]]] = deque()
    waiting = 0

    def finish() -> int:
        opened, digests = begun.popleft()
        done(judge(store, opened, [digest.result() for digest in digests]), 1)
        return len(digests)

    for unit in units:
        opened = open_folder(store, unit)
        files = opened.to_hash()
        places = [(inside(unit.folder, file.name), file.size) for file in files]
        begun.append((opened, [threads.submit(hashed, store, *place) for place in places]))
        waiting += len(files)
        while waiting > MAX_PENDING * workers:
            waiting -= finish()
    while begun:
        finish()


def _gathered(unseen: dict[str, Unit], folder: str, names: list[str]) -> Iterator[Unit]:
    if folder in unseen:
        yield unseen.pop(folder)._replace(names=tuple(names))


def _others(path: str, name: str, indexed: Mapping[str, Unit]) -> Iterator[Unit]:
    """The folders of a local store that no index names, each with the files directly in it."""
    try:
        with translate_os_error("read", path, allow_missing=True), os.scandir(path) as entries:
            kinds = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except FileNotFoundError:
        return
    kinds = [(entry, is_folder) for entry, is_folder in kinds if not is_litter(entry, is_folder=is_folder)]
    ordered = [entry for entry, _ in kinds]
    inner = [entry for entry, is_folder in kinds if is_folder]
    if len(inner) < len(ordered):
        among = set(inner)
        yield Unit(name, tuple(entry for entry in ordered if entry not in among))
    for entry in inner:
        below = inside(name, entry)
        if below not in indexed and below != STAGING:
            yield from _others(f"{path}/{entry}", below, indexed)
