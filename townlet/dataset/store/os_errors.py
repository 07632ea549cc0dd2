"""What an error of the operating system means for a user's output, and what to do about it."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from townlet.errors import OutputError
from townlet.escaping import shown

_CHOOSE = "choose another output folder"

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again: it goes on from here",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EROFS: f"the file system is read-only; {_CHOOSE}",
    errno.EACCES: "permission denied; choose a folder that you may write",
    errno.EPERM: "not permitted; choose a folder that you may write",
    errno.EEXIST: f"something else of this name is there; move it away, or {_CHOOSE}",
    errno.ENOTDIR: f"a file stands where a folder is needed; {_CHOOSE}",
    errno.EISDIR: f"a folder stands where a file is needed; move it away, or {_CHOOSE}",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n) and run the same command again",
    errno.ENFILE: "the system has too many files open; close some programs and run the same command again",
    errno.ENAMETOOLONG: "the name is too long for this file system; choose a shorter one",
    errno.ELOOP: "its symbolic links lead in a circle; name the folder that they should lead to",
    errno.ESTALE: "the server has another folder there now; run the same command again",
    errno.EIO: "the disk answers with an error (Input/output error); check it, then run the same command again",
}

# Who only reads has other things to do.
_ADVICE_FOR_READING = {
    errno.EACCES: "permission denied; have its owner let you read it, and enter the folders above it",
    errno.EPERM: "not permitted; have its owner let you read it, and enter the folders above it",
    errno.ENOTDIR: "a file stands where a folder is needed; check the path",
    errno.EISDIR: "is a folder; expected a file",
    errno.EIO: "the disk answers with an error (Input/output error); check it, or read another copy",
    errno.ESTALE: "the server has another file there now; open it again",
    errno.ENXIO: "is no file",
}


@contextlib.contextmanager
def translate_os_error(action: str, path: str, allow_missing: bool = False) -> Iterator[None]:
    """Say what an error of the operating system means, as an OutputError. `action`: read, write, remove, ...

    With `allow_missing` a FileNotFoundError stays one.
    """
    try:
        yield
    except FileNotFoundError as error:
        if allow_missing:
            raise
        raise output_error(action, path, error) from error
    except OSError as error:
        raise output_error(action, path, error) from error


def output_error(action: str, path: str, error: OSError) -> OutputError:
    """The same, for who has caught it already."""
    number = error.errno or 0
    advice = _ADVICE_FOR_READING.get(number) if action == "read" else None
    advice = advice or _ADVICE.get(number) or (os.strerror(number) if number else str(error))
    return OutputError(f"{shown(path)}: cannot {action}: {advice}")
