"""Checking many small captures with every core: processes that are handed batches of folders.

They are started as programs of their own, not forked, so that whoever calls `verify` may have threads, need not
guard its main module, and loses nothing when it is killed: a worker ends with the pipe that feeds it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from townlet.dataset.checking.check_captures import Found, Unit, check_folder, together
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.errors import TownletError


class Processes:
    """`workers` processes that check folders of a local store. A context manager; ends them when it is left."""

    def __init__(self, store: LocalStore, workers: int) -> None:
        self._root = str(store)
        self._own = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []
        self._threads = ThreadPoolExecutor(workers)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._all:
            process.communicate()

    def submit(self, units: Sequence[Unit]) -> Future[Found]:
        return self._threads.submit(self._ask, units)

    def _ask(self, units: Sequence[Unit]) -> Found:
        """By the worker of this thread. Raises TownletError where it has died."""
        process = getattr(self._own, "process", None)
        if process is None:
            process = self._own.process = _start(self._root)
            self._all.append(process)
        asked, answers = process.stdin, process.stdout
        assert asked is not None and answers is not None
        try:
            pickle.dump(units, asked)
            asked.flush()
            answer = pickle.load(answers)
        except (OSError, EOFError) as error:
            raise TownletError("a worker of verify died; run the same command again") from error
        if isinstance(answer, BaseException):
            raise answer
        return answer


def check_folders(store: Store, units: Sequence[Unit]) -> Found:
    """Check one folder or more."""
    return together(check_folder(store, unit) for unit in units)


def serve(root: str, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until nobody asks any more."""
    store = LocalStore(root)
    while True:
        try:
            units = pickle.load(asked)
        except EOFError:
            return
        try:
            answer: Found | TownletError = check_folders(store, units)
        except TownletError as error:
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


def _start(root: str) -> subprocess.Popen[bytes]:
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; "
        f"serve({root!r}, sys.stdin.buffer, sys.stdout.buffer)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for whoever started it
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
