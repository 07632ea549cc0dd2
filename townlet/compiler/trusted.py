"""Folders that nobody but us (and root) can put anything into.

Machine code that is loaded runs as us. So a folder for it is opened from the root of the file system on, a step at a
time, each relative to the one before: every folder on the way is ours or root's, and no others may write to it. What
was checked is what is used afterwards (a descriptor), whatever happens to the names.
"""

from __future__ import annotations

import contextlib
import os
import stat

OTHERS_WRITE = (
    stat.S_IWGRP | stat.S_IWOTH
)  # with an access list, the group's bit is that of all who are in the list
MOST_LINKS = 40
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW  # O_PATH: it need not be readable


class Untrusted(Exception):
    """Somebody else could put files into a folder. The message says which one, why, and what would do."""


def is_ours(owner: int) -> bool:
    """Whether a user's files may be loaded: our own, and those of root, who can do anything in any case."""
    return owner in (os.geteuid(), 0)


def open_trusted(path: str, *, create: bool = False, shared: bool = False) -> tuple[str, int]:
    """Open a folder that only we and root can write to; returns its path without links, and its descriptor.

    `create`: folders that are missing are made, for us alone. `shared`: the folder itself may be one like /tmp, where
    everybody writes and nobody can exchange what is another's (sticky). Links are followed where none but us and root
    could have made them, as `/home -> /data/home`. Raises Untrusted, and OSError where it cannot be opened.
    """
    path = os.path.abspath(path)
    for _ in range(MOST_LINKS):
        found = _walk(path, create=create, shared=shared)
        if isinstance(found, int):
            return path, found
        path = found
    raise Untrusted(f"{path}: more than {MOST_LINKS} links lead there")


def _walk(path: str, *, create: bool, shared: bool) -> int | str:
    """The folder's descriptor; or, where a link is met, the path that it stands for."""
    parts = [part for part in path.split("/") if part]
    here, at = os.open("/", _STEP), "/"
    try:
        sticky = _check(here, at, in_sticky=False)
        for index, part in enumerate(parts):
            target = _link(here, part)
            if target is not None:
                if sticky:
                    raise Untrusted(
                        f"{os.path.join(at, part)} is a link in a folder that others can write to"
                    )
                return os.path.abspath(os.path.join(at, target, *parts[index + 1 :]))
            at, before = os.path.join(at, part), here
            here = _step(before, part, create=create)
            os.close(before)
            sticky = _check(here, at, in_sticky=sticky)
        if sticky and not shared:
            raise Untrusted(f"{at} can be written to by others")
        found, here = here, -1
        return found
    finally:
        if here >= 0:
            os.close(here)


def _link(here: int, name: str) -> str | None:
    """Where a link leads; None for what is none."""
    try:
        return os.readlink(name, dir_fd=here)
    except OSError:
        return None


def _step(here: int, name: str, *, create: bool) -> int:
    if create:
        with contextlib.suppress(FileExistsError):
            make_folder(here, name)
    return os.open(name, _STEP, dir_fd=here)


def make_folder(here: int, name: str) -> None:
    """Make a folder that only we can use, whatever the umask is."""
    os.mkdir(name, 0o700, dir_fd=here)
    if stat.S_IMODE(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode) & 0o700 != 0o700:
        os.chmod(name, 0o700, dir_fd=here)


def _check(folder: int, path: str, *, in_sticky: bool) -> bool:
    """Raise Untrusted for a folder of somebody else's; returns whether others may write to it, but exchange nothing."""
    facts = os.fstat(folder)
    if not is_ours(facts.st_uid):
        raise Untrusted(f"{path} belongs to {_name(facts.st_uid)}")
    if in_sticky and facts.st_uid != os.geteuid():
        raise Untrusted(f"{path} belongs to {_name(facts.st_uid)}, in a folder that others can write to")
    if not facts.st_mode & OTHERS_WRITE:
        return False
    if facts.st_mode & stat.S_ISVTX:
        return True
    mode = stat.S_IMODE(facts.st_mode)
    raise Untrusted(f"{path} can be written to by others (mode {mode:o}; chmod go-w makes it yours alone)")


def _name(owner: int) -> str:
    import pwd

    try:
        return f"the user {pwd.getpwuid(owner).pw_name}"
    except KeyError:
        return f"the user number {owner}"
