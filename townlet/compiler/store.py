"""Where machine code is kept, by content: the folder is named by a hash of all that decides what is compiled.

So two checkouts of one version share it, an edit is seen wherever it is made (Numba's own cache goes by a file's path
and time, and does not notice an edit in a *called* function of another file), and nothing of it can be out of date.
Nothing here imports Numba: whether a version is compiled is asked before anybody pays for that.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import pickle
import platform
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

CACHE_VARIABLE = "TOWNLET_CACHE_DIR"  # where a user wants machine code to be kept
COMPLETE = "complete"  # a file: everything that Townlet calls is there
LOCK = "compiling.lock"
ROOMS = (
    "world",
    "rules",
    "observation",
    "compiler",
)  # all of their files can hold kernels, or decide about them
CONSTANTS = ("vocabulary.py", "arrays.py")


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


def cache_folder() -> Path:
    """Where compiled kernels are kept: `$TOWNLET_CACHE_DIR`, else the user's cache, else a private temporary folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache") / "townlet"
    chosen = os.environ.get(CACHE_VARIABLE)
    return _usable((Path(chosen),) if chosen else (), home, bounds_are_checked())


@functools.lru_cache(maxsize=8)
def _usable(chosen: tuple[Path, ...], home: Path, _: bool) -> Path:
    """The first folder that can be written to, and that nobody else could have put code into."""
    name = f"kernels-{source_hash()}"
    fallback = Path(tempfile.gettempdir()) / f"townlet-{os.getuid()}"
    for base in (*chosen, home, fallback):
        folder = base / name
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            owned = folder.stat().st_uid == os.getuid()
        except OSError:
            continue
        if owned and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="townlet-"))


def is_complete(folder: Path | None = None) -> bool:
    """Whether all kernels of this version are compiled."""
    return ((folder or cache_folder()) / COMPLETE).exists()


def mark_complete(folder: Path) -> None:
    (folder / COMPLETE).touch()


@contextlib.contextmanager
def compiling_alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else compiles into the folder. The system frees it when its holder is killed."""
    with open(folder / LOCK, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read(name: str) -> Any:
    """What is kept under a name; None where that is nothing, or cannot be read."""
    try:
        return pickle.loads((cache_folder() / name).read_bytes())
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, IndexError, ImportError, ValueError):
        return None


def write(name: str, content: Any) -> None:
    """Keep something under a name, in one step: who reads meanwhile finds it whole or not at all.

    A full disk costs the next process its time, and nobody anything else.
    """
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=cache_folder(), delete=False) as file:
        try:
            file.write(pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL))
            file.close()
            os.replace(file.name, cache_folder() / name)
        except OSError:
            os.unlink(file.name)
            raise
