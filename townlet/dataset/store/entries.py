"""What may lie in an output besides plain files: links, pipes and the like, and the litter of other programs.

The rule for links, the same for all who open, verify, plan, capture, compare, export or clean up: an output as a whole
may be reached through links, and inside there is none but `current` of a versioned data set, which is ours. Any other
link is refused, said to be one, not followed and not deleted: it may lead to what is somebody else's, and who put it
there knows why.

Litter is what file managers, network drives and version control leave wherever they come: nobody counts it as part of
an output, or as a stranger in it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from townlet.errors import OutputError
from townlet.escaping import shown

Kind = Literal["file", "folder", "link", "our link", "pipe", "socket", "device", "unusable"]

_OUR_LINKS = re.compile(r"current|\.staging/[0-9a-f]{16}\.tmp")  # the second one is about to become the first
_OUR_TARGETS = re.compile(r"versions/[1-9][0-9]*")

WORDS: dict[str, str] = {
    "folder": "a folder",
    "link": "a symbolic link",
    "our link": "a symbolic link",
    "pipe": "a named pipe",
    "socket": "a socket",
    "device": "a device",
    "unusable": "an object whose name no file can have",
}


class StoredFile(NamedTuple):
    """Something that is listed in a store."""

    name: str
    size: int  # bytes; of a plain file
    kind: Kind = "file"


def kind_of_mode(mode: int) -> Kind:
    """What `st_mode` says of an entry."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def is_our_link(name: str, path: str) -> bool:
    """Whether a link with this name in a store is `current`, or is about to become it."""
    if not _OUR_LINKS.fullmatch(name):
        return False
    try:
        return _OUR_TARGETS.fullmatch(os.readlink(path)) is not None
    except OSError:
        return False


def refuse_kind(path: str, kind: Kind) -> OutputError:
    """What is said of something that is no plain file, to whoever needs one there."""
    if kind in ("link", "our link"):
        return OutputError(f"{shown(path)}: {about_link(path)}")
    return OutputError(f"{shown(path)}: is {WORDS[kind]}; expected a file")


def about_link(path: str) -> str:
    """What is said of a link."""
    try:
        target = f" to {shown(os.readlink(path))}"
    except OSError:  # gone since
        target = ""
    return (
        f"is a symbolic link{target}; links inside an output are neither followed nor deleted: put what it leads to "
        "in its place, or take it away"
    )


def refuse_link_on_way(root: str, folder: str) -> None:
    """Raise OutputError where a folder below a root, or one above it, is a link. What is not there is none."""
    path = root
    for part in folder.split("/") if folder else ():
        path = f"{path}/{part}"
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return  # who uses it hears what is wrong with it
        if stat.S_ISLNK(mode):
            raise refuse_kind(path, "link")


def plain_files(files: Iterable[StoredFile], store: object) -> Iterator[StoredFile]:
    """What is listed of a store, for who would take each for a file of the output. Raises OutputError at a link."""
    for file in files:
        if file.kind == "link":
            raise refuse_kind(f"{store}/{file.name}", "link")
        yield file


CONTROL = re.compile(
    "[\x00-\x1f\x7f]"
)  # in no name of ours; object stores know such names, and cannot be asked for them


_LITTER_FILE = re.compile(
    r"""
      \.DS_Store | \.localized | \._.*                                # macOS
    | (?i:Thumbs\.db|ehthumbs\.db|desktop\.ini)                       # Windows
    | \.directory | \.~lock\..*\# | \.hidden                          # desktops
    | \.nfs[0-9a-fA-F]+ | \.fuse_hidden[0-9a-fA-F]+ | \.smbdelete.*   # removed while somebody had them open
    | \.gitattributes | \.gitignore | \.gitkeep | \.gitmodules | \.keep | \.dvcignore
    """,
    re.VERBOSE,
)
_LITTER_FOLDER = re.compile(
    r"""
      \.Trash | \.Trash-[0-9]+ | \.Trashes | \$RECYCLE\.BIN | \#recycle | @Recycle | @eaDir
    | lost\+found | System\ Volume\ Information
    | \.Spotlight-V100 | \.fseventsd | \.TemporaryItems | \.AppleDouble | \.DocumentRevisions-V100
    | \.snapshot | \.zfs
    | \.git | \.hg | \.svn | \.dvc
    """,
    re.VERBOSE,
)


def is_litter(name: str, *, is_folder: bool = False) -> bool:
    """Whether a name, without the folders above it, is one that other programs use for what they leave behind."""
    return (_LITTER_FOLDER if is_folder else _LITTER_FILE).fullmatch(name) is not None


def is_litter_path(name: str) -> bool:
    """The same for the name of a file with folders."""
    *folders, last = name.split("/")
    return is_litter(last) or any(is_litter(folder, is_folder=True) for folder in folders)
