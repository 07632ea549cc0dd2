"""What lies beside an output, under names made of the output's: its lock, and the build of `--overwrite`.

A name alone makes nothing ours: what bears no mark of Townlet's inside is somebody else's, and is left alone.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from townlet.dataset.format.documents import Document, parse_document
from townlet.dataset.format.paths import BUILD
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, OutputError

_LONGEST = 255  # bytes of a name, on nearly every file system
_MARK_LIMIT = 1 << 16  # bytes


class _Build(Document, frozen=True):
    """The mark of a build."""

    townlet: str
    output: str  # the name of the folder that it is to replace


def beside(folder: Path, ending: str) -> Path:
    """`.<name><ending>` beside a folder; for a name that this makes too long, a digest stands for it."""
    name = f".{folder.name}{ending}"
    if len(os.fsencode(name)) > _longest(folder.parent):
        digest = hashlib.sha256(os.fsencode(folder.name)).hexdigest()
        name = f".{digest[:32]}{ending}"
    return folder.parent / name


def lock_of(folder: Path) -> Path:
    """The lock file of an output."""
    return beside(folder, ".lock")


def build_of(folder: Path) -> Path:
    """The folder in which `--overwrite` builds what replaces an output."""
    return beside(folder, ".new")


def name_in_mark(folder: Path) -> str:
    """An output's name, as the mark of a build says it: bytes that are no UTF-8 cannot stand in JSON."""
    return os.fsencode(folder.name).decode("utf-8", "backslashreplace")


def is_build_of(build: Path, folder: Path) -> bool:
    """Whether `--overwrite` has made a folder, to replace this output, or has put the old output there."""
    try:
        mark = parse_document(
            _Build, LocalStore(build).read(BUILD, _MARK_LIMIT), BUILD, "the mark of a build"
        )
    except (FileNotFoundError, CorruptSampleError, OutputError):
        return False
    return mark.townlet == "overwrite" and mark.output == name_in_mark(folder)


def _longest(parent: Path) -> int:
    try:
        return os.pathconf(parent, "PC_NAME_MAX")
    except (OSError, ValueError):  # not there yet, or the file system does not say
        return _LONGEST
