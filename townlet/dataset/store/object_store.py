"""Captures in an object store. Objects appear whole, under their final names; nothing is ever renamed.

Create-if-absent and compare-and-swap are the store's own conditional writes. Transient errors are tried again
by `obstore`, so that a write may arrive twice: whoever asks learns what is there in the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO, TypeVar, cast

from townlet.dataset.format.paths import INDEX_FILES, INDEX_FOLDER, NEW_CARD, POINTER, RUNS, STAGING, VERSIONS
from townlet.dataset.store.contract import Buffer, Store, check_name, check_size
from townlet.dataset.store.entries import CONTROL, Kind, StoredFile, is_litter_path
from townlet.dataset.store.object_store_client import Bucket, UnusableKeyError, obstore, translate_store_error
from townlet.errors import OutputError
from townlet.escaping import shown

T = TypeVar("T")

# What may be in an output's root, for where it cannot be listed.
OWN_FOLDERS = (STAGING, INDEX_FOLDER, RUNS, VERSIONS)
OWN_NAMES = (*INDEX_FILES, NEW_CARD, POINTER)

WHOLE = 16 << 20  # bytes; objects up to here are fetched by one request when they are opened
PART = 16 << 20  # bytes of one part of a large object, on the way up
_IN_PARTS = 64 << 20  # bytes; above, parts go up side by side
_READ_AHEAD = 8 << 20  # bytes


class ObjectStore:
    """The objects of a bucket whose names begin with `<prefix>/`. Pickled, it is an address and no more."""

    renames = False

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        check_name(prefix, bucket.address)
        self._bucket = bucket
        self._prefix = prefix

    def __str__(self) -> str:
        return f"{self._bucket.address}/{self._prefix}"

    def __repr__(self) -> str:
        return f"ObjectStore({str(self)!r})"

    def check(self) -> None:
        """Raise OutputError unless the store can be reached and shows what is there. Soon: it does not insist."""
        bucket = self._bucket.fail_fast()
        with translate_store_error("read", str(self)):
            interruptible(lambda: next(iter(bucket.objects.list(self._prefix)), None))

    def fail_fast(self) -> ObjectStore:
        """The same place for who would rather have an error than wait for minutes."""
        return ObjectStore(self._bucket.fail_fast(), self._prefix)

    def below(self, folder: str) -> ObjectStore:
        return ObjectStore(self._bucket, self._key(folder))

    def above(self) -> Iterator[ObjectStore]:
        """The places above this one in its bucket, the nearest first; the bucket itself is none."""
        prefix = self._prefix
        while prefix := prefix.rpartition("/")[0]:
            yield ObjectStore(self._bucket, prefix)

    def write_new(self, name: str, parts: Sequence[Buffer]) -> None:
        self._put(name, parts)

    def write_whole(self, name: str, parts: Sequence[Buffer]) -> None:
        self._put(name, parts)

    def create_if_absent(self, name: str, parts: Sequence[Buffer]) -> bool:
        return self._put(name, parts, "create")

    def compare_and_swap(self, name: str, expected: str | None, parts: Sequence[Buffer]) -> bool:
        if expected is None:
            return self._put(name, parts, "create") or self._holds(name, parts)
        try:
            data, facts = self._get(name)
        except FileNotFoundError:
            return False
        if hashlib.sha256(data).hexdigest() != expected:
            return False
        seen = {key: facts[key] for key in ("e_tag", "version") if facts[key] is not None}
        return self._put(name, parts, seen) or self._holds(name, parts)

    def move(self, source: str, target: str) -> None:
        start, goal = self._key(source), self._key(target)
        if start == goal:
            self._ask("write", target, lambda objects: objects.head(start))
            return
        self._ask("write", target, lambda objects: objects.copy(start, goal))
        self._ask("remove", source, lambda objects: objects.delete(start))

    def link_from(self, other: Store, source: str, target: str) -> None:
        if isinstance(other, ObjectStore) and other._bucket.address == self._bucket.address:
            start, goal = other._key(source), self._key(target)
            self._ask("write", target, lambda objects: objects.copy(start, goal))
        else:
            self._put(target, [other.read(source)])

    def read(self, name: str, limit: int | None = None) -> bytes:
        data, facts = self._get(name, math.inf if limit is None else limit)
        check_size(f"{self}/{name}", facts["size"], limit)
        return data

    def open_read(self, name: str) -> BinaryIO:
        """A seekable stream of one state of the object, or an OutputError where it is replaced meanwhile."""
        data, facts = self._get(name, WHOLE)
        if data is not None:
            return io.BytesIO(data)
        return io.BufferedReader(_Ranges(self, name, facts), _READ_AHEAD)

    def size(self, name: str) -> int | None:
        facts = self._facts(name)
        return None if facts is None else facts["size"]

    def modified(self, name: str) -> datetime | None:
        """When an object was written, by the store's clock; None where it is not there."""
        facts = self._facts(name)
        return None if facts is None else facts["last_modified"]

    def kind(self, name: str) -> Kind | None:
        if CONTROL.search(name):
            return "unusable"
        return None if self.size(name) is None else "file"

    def list(self, folder: str = "", deep: bool = True) -> Iterator[StoredFile]:
        prefix = self._key(folder) if folder else self._prefix
        for facts in self._listed(prefix, deep, folder):
            if not facts["path"].startswith(f"{prefix}/"):  # a "folder" that some tools make is an object
                continue
            name = facts["path"][len(self._prefix) + 1 :]
            if is_litter_path(name) or (not facts["size"] and self.size(name) is None):
                continue  # the latter again a "folder": an empty object whose key ends with a slash
            yield StoredFile(name, facts["size"], facts.get("kind", "file"))

    def delete(self, name: str) -> None:
        key = self._key(name)
        for _ in range(3):  # some stores complain about an object that somebody else has just deleted
            inner = [facts["path"] for facts in self._listed(key, True, name)]
            with contextlib.suppress(FileNotFoundError):
                self._ask(
                    "remove",
                    name,
                    lambda objects, inner=inner: objects.delete([key, *inner] if inner else key),
                )
                return

    def make_durable(self, folders: Iterable[str]) -> None:
        """What was written is durable when the store says that it is written."""

    def _put(self, name: str, parts: Sequence[Buffer], mode: Any = None) -> bool:
        """Write an object whole. False where `mode`, a condition, does not hold."""
        key = self._key(name)
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        errors = obstore().exceptions
        in_parts = mode is None and len(data) > _IN_PARTS

        def put(objects: Any) -> bool:
            try:
                objects.put(key, data, mode=mode, use_multipart=in_parts, chunk_size=PART)
            except (errors.AlreadyExistsError, errors.PreconditionError):
                return False
            except FileNotFoundError as error:
                if mode in (None, "create") or "NoSuchBucket" in str(error):
                    raise
                return False  # what was to be replaced is gone
            return True

        return self._ask("write", name, put)

    def _holds(self, name: str, parts: Sequence[Buffer]) -> bool:
        """Whether an object is what was to be written: a repeated request finds its own work in its way."""
        try:
            return self.read(name) == b"".join(parts)
        except FileNotFoundError:
            return False

    def _get(self, name: str, most: float = math.inf) -> tuple[Any, dict[str, Any]]:
        """The bytes of an object, or None where they are more than `most`, and what the store says of it."""
        key = self._key(name)

        def get(objects: Any) -> tuple[bytes | None, dict[str, Any]]:
            found = objects.get(key)
            facts = dict(found.meta)
            return (found.bytes().to_bytes() if facts["size"] <= most else None), facts

        return self._ask("read", name, get)

    def _facts(self, name: str) -> dict[str, Any] | None:
        key = self._key(name)
        with contextlib.suppress(FileNotFoundError):
            return dict(self._ask("read", name, lambda objects: objects.head(key)))
        return None

    def _listed(self, prefix: str, deep: bool, name: str) -> Iterator[Any]:
        last = ""  # what was listed, in the order of keys
        try:
            if not deep:
                yield from self._level(prefix, name)["objects"]
                return
            chunks = iter(self._bucket.objects.list(prefix, chunk_size=1000))
            while chunk := self._ask("read", name, lambda _: next(chunks, None)):
                yield from chunk
                last = chunk[-1]["path"]
        except UnusableKeyError:  # a page that has such a key is not to be had, nor what comes after it
            found = self._listed_around(prefix, deep, name)
            yield from (facts for facts in found if facts["path"] > last)

    def _listed_around(self, prefix: str, deep: bool, name: str) -> Iterator[Any]:
        """What can be listed where somebody has put a key that no path can have: that one is listed as such."""
        try:
            level = self._level(prefix, name)
            objects, folders = level["objects"], level["common_prefixes"]
        except UnusableKeyError as error:
            if prefix != self._prefix:
                raise  # what else there is cannot be known
            known = ((key, self._facts(key)) for key in OWN_NAMES)
            objects = [{**facts, "path": self._key(key)} for key, facts in known if facts is not None]
            unusable = f"{self._prefix}/{error.key_below(prefix)}"
            objects.append({"path": unusable, "size": 1, "kind": "unusable"})
            folders = [self._key(folder) for folder in OWN_FOLDERS]
        yield from objects
        for folder in folders if deep else ():
            yield from self._listed(folder, deep, folder[len(self._prefix) + 1 :])

    def _level(self, prefix: str, name: str) -> Any:
        """The objects and folders directly below a prefix."""
        return self._ask("read", name, lambda objects: objects.list_with_delimiter(prefix))

    def _range(self, name: str, start: int, end: int, e_tag: str | None) -> Any:
        """The bytes from `start` to `end` of the object that has this tag."""
        key = self._key(name)
        options: dict[str, Any] = {"range": (start, end)}
        if e_tag is not None:
            options["if_match"] = e_tag

        def get(objects: Any) -> Any:
            try:
                return objects.get(key, options=options).bytes()
            except obstore().exceptions.PreconditionError:
                raise OutputError(f"{self}/{name}: was replaced while it was read; read it again") from None

        return self._ask("read", name, get)

    def _key(self, name: str) -> str:
        check_name(name, str(self))
        if CONTROL.search(name):
            raise OutputError(
                f"{shown(name)}: expected a file name inside {self}, without control characters"
            )
        return f"{self._prefix}/{name}"

    def _ask(self, action: str, name: str, request: Callable[[Any], T]) -> T:
        """What the store answers; what goes wrong is explained."""
        with translate_store_error(action, f"{self}/{name}" if name else str(self)):
            return interruptible(lambda: request(self._bucket.objects))


def interruptible(work: Callable[[], T]) -> T:
    """Do what may take long, so that Ctrl-C is heard meanwhile: `obstore` does not hear it while it tries again."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=run, name="townlet-request", daemon=True).start()
    answer, error = answers.get()
    if error is not None:
        raise error
    return cast(T, answer)


class _Ranges(io.RawIOBase):
    """A large object, read a piece at a time."""

    def __init__(self, store: ObjectStore, name: str, facts: dict[str, Any]) -> None:
        self._store, self._name = store, name
        self._size, self._e_tag = facts["size"], facts["e_tag"]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative position {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        data = memoryview(self._store._range(self._name, self._position, end, self._e_tag))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
