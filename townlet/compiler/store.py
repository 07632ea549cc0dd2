"""Where machine code is kept, by content: the folder is named by a hash of all that decides what is compiled.

So two checkouts of one version share it, an edit is seen wherever it is made (Numba's own cache goes by a file's path
and time, and does not notice an edit in a *called* function of another file), and nothing of it can be out of date.
Where that folder is, and whether it can be trusted, is asked in `townlet.compiler.places`. A file that is damaged, or
of another format, is as one that is not there: it is compiled anew, and replaced. Nothing here imports Numba: whether a
version is compiled is asked before anybody pays for that.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

from townlet.compiler.places import CACHE_VARIABLE, COMPLETE, Found, Place, find, find_with_room

LOCK = "compiling.lock"
MAGIC = b"townlet kernel 1\n"  # what a file of machine code begins with
ROOMS = (
    "world",
    "rules",
    "observation",
    "compiler",
)  # all of their files can hold kernels, or decide about them
CONSTANTS = ("vocabulary.py", "arrays.py", "program.py")


class Code(NamedTuple):
    """Machine code, as it is kept."""

    object_file: bytes
    symbol: str  # of the function that it is there for
    needs: tuple[str, ...]  # names of the code that it calls
    environment: str = ""  # of an entry point: the symbol that points at Numba's environment of the function


def source_hash() -> str:
    """SHA-256 (first 16 hex digits) of every file of the package with a kernel in it, or a constant of one, and of
    the compiler, the interpreter and the processor's architecture."""
    root = Path(__file__).resolve().parent.parent
    versions = map(_version, ("numba", "llvmlite", "numpy"))
    about = (*versions, sys.implementation.cache_tag, platform.machine(), sys.platform, bounds_are_checked())
    digest = hashlib.sha256(repr(about).encode())
    for path in sorted(root.rglob("*.py")):
        text = path.read_bytes()
        if path.parent.name in ROOMS or path.name in CONSTANTS or b"jit import" in text:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + text)
    return digest.hexdigest()[:16]


def _version(package: str) -> str:
    """An installed version. (`importlib.metadata.version` reads the whole description for it: 20 ms a package.)"""
    metadata = distribution(package).read_text("METADATA") or ""
    return next(line for line in metadata.splitlines() if line.startswith("Version:"))


def bounds_are_checked() -> bool:
    """Whether NUMBA_BOUNDSCHECK asks for kernels that check every index: they are other code."""
    return os.environ.get("NUMBA_BOUNDSCHECK", "0") not in ("", "0")


def is_switched_off() -> bool:
    """Whether NUMBA_DISABLE_JIT asks for kernels to be played as plain Python."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def place() -> Place | None:
    """The folder in which compiled kernels are kept; None where there is none that can be trusted."""
    return find(_folder_name(bounds_are_checked())).place


def place_to_fill(*, private: bool) -> Found:
    """The same, for who is about to compile everything: with room. `private`: one for this process alone will do."""
    return find_with_room(_folder_name(bounds_are_checked()), private=private)


def notice() -> str:
    """One line about why it is not where a user wanted it; "" where there is nothing to say."""
    return find(_folder_name(bounds_are_checked())).notice


def environment_of_workers() -> dict[str, str]:
    """What a process that we start has in its environment, so that it finds the same place."""
    where = None if is_switched_off() else place()
    return {} if where is None else {CACHE_VARIABLE: str(where.path.parent)}


@functools.cache
def _folder_name(_: bool) -> str:
    return f"kernels-{source_hash()}"


def is_complete() -> bool:
    """Whether all kernels of this version are compiled."""
    return is_marked(COMPLETE)


def mark_complete() -> None:
    mark(COMPLETE)


def is_marked(name: str) -> bool:
    """Whether an empty file of this name lies beside the machine code."""
    where = place()
    return where is not None and where.has(name)


def mark(name: str) -> None:
    """Raises OSError where that cannot be done."""
    where = place()
    if where is not None:
        where.write(name, b"")


@contextlib.contextmanager
def compiling_alone(where: Place) -> Iterator[None]:
    """Wait until nobody else compiles into the folder. The system frees it when its holder is killed."""
    lock = where.open(LOCK, os.O_WRONLY | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def read(name: str) -> Code | None:
    """What is kept under a name; None where that is nothing, or not what was written."""
    where = place()
    try:
        return None if where is None else _decoded(name, where.read(name))
    except OSError:
        return None


def write(name: str, code: Code) -> None:
    """Keep something under a name, in one step. Raises OSError where it cannot be written."""
    where = place()
    if where is not None:
        where.write(name, _encoded(name, code))


def _encoded(name: str, code: Code) -> bytes:
    """A file: what it is, the SHA-256 of its name and of all that follows, and then a line of JSON and the code."""
    about = json.dumps([code.symbol, code.needs, code.environment])
    content = about.encode() + b"\n" + code.object_file
    return MAGIC + _digest(name, content) + content


def _decoded(name: str, stored: bytes) -> Code | None:
    start = len(MAGIC) + hashlib.sha256().digest_size
    content = stored[start:]
    if not stored.startswith(MAGIC) or stored[len(MAGIC) : start] != _digest(name, content):
        return None
    about, _, object_file = content.partition(b"\n")
    try:
        symbol, needs, environment = json.loads(about)
        code = Code(object_file, symbol, tuple(needs), environment)
    except (ValueError, TypeError, RecursionError):
        return None
    words = (symbol, environment, *code.needs)
    return code if all(isinstance(word, str) for word in words) else None


def _digest(name: str, content: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + content).digest()
