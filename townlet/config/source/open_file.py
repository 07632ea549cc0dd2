"""The one way in which files that people name are opened: configs, suites, affordance files, profiles, models.

What is no ordinary file is refused before it is opened, and again after (somebody may have exchanged it): a pipe would
keep us waiting for ever, a device has no end, and opening some devices does something.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from townlet.errors import ConfigError, Problem

MOST_BYTES = 8_000_000
MOST_LINKS = 40  # one after another, as the system follows them

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
REASONS = {
    errno.ENOENT: "expected a file, found nothing under this name",
    errno.ENOTDIR: "expected a file, found nothing under this name (what should be a folder on the way is a file)",
    errno.EACCES: "cannot be read: permission denied",
    errno.EPERM: "cannot be read: permission denied",
    errno.ELOOP: "cannot be read: links that lead to each other, without end",
    errno.ENAMETOOLONG: "cannot be read: no file can have so long a name",
    errno.ENXIO: "expected an ordinary file, got a socket or a device",
}


def refuse(label: str, message: str, line: int = 0, column: int = 0) -> ConfigError:
    """A file that cannot be read at all."""
    return ConfigError([Problem(label, line, column, "", message)])


def read_text(path: Path, label: str) -> str:
    """A file's text. Never waits, and reads at most 8 MB.

    Raises ConfigError as `read_bytes` does, and for what is not UTF-8.
    """
    content = read_bytes(path, label, MOST_BYTES)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse(label, f"expected UTF-8 text, got the byte 0x{content[error.start]:02x}", line) from None


def read_bytes(path: Path, label: str, most: int) -> bytes:
    """A file's content. Never waits, and reads at most `most` bytes.

    Raises ConfigError, which calls the file `label`, for what is no ordinary file, cannot be read, or is larger.
    """
    try:
        content = _read(path, label, most)
    except OSError as error:
        number = error.errno or 0
        raise refuse(label, REASONS.get(number, f"cannot be read: {os.strerror(number)}")) from None
    except ValueError:  # a null byte in it, or half of a character
        raise refuse(label, "cannot be read: no file can have this name") from None
    if len(content) > most:
        raise refuse(label, f"expected at most {most:,} bytes, got more")
    return content


def _read(path: Path, label: str, most: int) -> bytes:
    _check_ordinary(os.stat(path), label)
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    descriptor = os.open(path, flags)
    with open(descriptor, "rb") as file:
        _check_ordinary(os.fstat(descriptor), label)
        if os.fstat(descriptor).st_size > most:  # what is seen to be too large need not be read
            raise refuse(label, f"expected at most {most:,} bytes, got more")
        return file.read(most + 1) or b""  # None: there is nothing now, and we do not wait


def _check_ordinary(status: os.stat_result, label: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise refuse(
            label, f"expected an ordinary file, got {KINDS.get(stat.S_IFMT(status.st_mode), 'none')}"
        )


def is_there(path: Path) -> bool:
    """Whether there is something other than a folder: a file, a link to nowhere, a pipe. Reading says which."""
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        return path.is_symlink()
    except OSError as error:
        return error.errno in (errno.ELOOP, errno.EACCES) and os.path.lexists(path)
    except ValueError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False for what cannot be a path, or may not be looked at."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def folders_of(file: Path) -> list[Path]:
    """Where a file lies: the folder as it was named, those of the links on the way, that of the file itself, each once.

    So what a linked file names is found beside the link, and else beside what it leads to.
    """
    place = Path(os.path.abspath(file))
    found = [place.parent]
    for _ in range(MOST_LINKS):
        found.append(place.parent.resolve())
        if not place.is_symlink():
            break
        place = place.parent.resolve() / os.readlink(place)
    return list(dict.fromkeys(found))
