"""Outputs inside other outputs: found by what their files say, never by what a place is called.

Whoever writes an output refuses to do so inside another one, and whoever removes something from one leaves alone what
is an output of its own there: it may have been put there before this was refused, or by hand.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import INDEX, POINTER, RUNS, STAGING, VERSIONS, inside
from townlet.dataset.status.unfinished import STAGED_RUN
from townlet.dataset.store.contract import Store
from townlet.dataset.store.entries import is_litter, is_our_link, plain_files, refuse_kind
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.errors import OutputError
from townlet.escaping import shown

LOOKED_AT = 1 << 20  # bytes of a file; what tells whose it is stands in its first lines

# What the file of an output says that no other program's file of this name does, whole or damaged.
_SAYS = {INDEX: (b'"metadata"', b'"content_sha256"'), POINTER: (b'"dataset_sha256"', b'"version"')}
_MANIFEST_SAYS = (b'"content_digest"', b'"fingerprint"')
_WHAT = {INDEX: "a data set", POINTER: "a versioned data set"}

_RUN_FOLDER = re.compile(rf"{RUNS}/[^/]+/seed-[0-9]+")
_VERSION = re.compile(r"[1-9][0-9]*")
# Folders that are not looked into: they are an output's own, and whoever removes any looks through them then.
_OWN_FOLDER = re.compile(rf"{re.escape(STAGING)}|{_RUN_FOLDER.pattern}|{VERSIONS}/[1-9][0-9]*")


def is_mark(store: Store, name: str) -> bool:
    """Whether a file is what an output begins with: its index, its pointer, its manifest; by its content.

    Raises OutputError where it cannot be read.
    """
    last = name.rpartition("/")[2]
    says = _MANIFEST_SAYS if last.endswith(MANIFEST_SUFFIX) else _SAYS.get(last)
    if says is None:
        return False
    try:
        with store.open_read(name) as file:
            data = file.read(LOOKED_AT)
    except FileNotFoundError:
        return False
    return all(word in data for word in says)


def _may_be_mark(store: Store, name: str) -> bool:
    """The same where there is a doubt: what cannot be read may be one."""
    try:
        return is_mark(store, name)
    except OutputError:
        return True


def nested_outputs(store: Store, names: Iterable[str], *, versioned: bool = False) -> set[str]:
    """The folders of outputs among the files of an output: all but its own.

    Its own are the index and manifests of captures and data sets, and what is staged, where they belong; of a
    `versioned` one, those of its versions.
    """
    found: set[str] = set()
    for name in names:
        folder = _claimed_by(name)
        if not folder or folder in found or _belongs(name, versioned):
            continue
        if f"/{STAGING}/" in name or _may_be_mark(store, name):
            found.add(folder)
    return found


def is_below(name: str, folders: Collection[str]) -> bool:
    """Whether a name is one of these folders, or in one of them."""
    return any(name == folder or name.startswith(f"{folder}/") for folder in folders)


def why_it_stays(store: Store) -> str:
    """Why a folder that is about to be removed is not all ours: a link, or another output, in it; or ""."""
    try:
        names = [file.name for file in plain_files(store.list(), store)]
    except OutputError as error:
        return str(error)
    return next((f"holds another output, {name}" for name in sorted(nested_outputs(store, names))), "")


def refuse_nested(store: Store) -> None:
    """Raise OutputError where a store, which is to be written to, lies in another output, or has one inside."""
    for above in _above(store):
        mark = _mark_in(above)
        if mark:
            what = _WHAT.get(mark, "a capture")
            raise OutputError(
                f"{store}: lies inside {above}, which is {what} ({mark}); nothing is written into another output: "
                "choose a folder outside of it"
            )
    below = next(iter(_outputs_below(store)), None) if isinstance(store, LocalStore) else None
    if below is not None:
        raise OutputError(
            f"{store}: another output lies in it ({shown(below)}); move that out of it, or choose another output folder"
        )


def output_above(place: str | os.PathLike[str]) -> str | None:
    """The output that a file or folder of this machine lies in, or None."""
    return next((str(above) for above in _above(LocalStore(place)) if _mark_in(above)), None)


def _above(store: Store) -> Iterator[Store]:
    """The places above a store, the nearest first."""
    if isinstance(store, ObjectStore):
        yield from store.above()
    elif isinstance(store, LocalStore):
        yield from map(LocalStore, store.root.parents)


def _mark_in(store: Store) -> str:
    """The file that tells that a place is an output; "" where there is none, or nothing may be seen."""
    names = [INDEX, POINTER]
    if isinstance(store, LocalStore):
        with contextlib.suppress(OSError):
            names += sorted(name for name in os.listdir(store.root) if name.endswith(MANIFEST_SUFFIX))
        staged: list[str] = []
        with contextlib.suppress(OSError):
            staged = os.listdir(store.root / STAGING)
        begun = next((name for name in staged if STAGED_RUN.match(f"{STAGING}/{name}/")), None)
        if begun is not None:
            names.append(f"{STAGING}/{begun}")
    else:
        names.append(f"rollout_sample{MANIFEST_SUFFIX}")
    for name in names:
        with contextlib.suppress(
            OutputError
        ):  # not ours to see: of another owner, or without the right to list
            if name.startswith(f"{STAGING}/") or is_mark(store, name):
                return name
    return ""


def _claimed_by(name: str) -> str:
    """The folder that would be an output if a file of this name were what it seems to be; "" for none, or the root."""
    folder, _, last = name.rpartition("/")
    staged = name.find(f"/{STAGING}/")
    if staged > 0 and STAGED_RUN.match(name[staged + 1 :]):
        return name[:staged]
    return folder if last in (INDEX, POINTER) or last.endswith(MANIFEST_SUFFIX) else ""


def _belongs(name: str, versioned: bool) -> bool:
    """Whether a file with such a name is where this output itself has it."""
    if versioned:
        top, _, rest = name.partition("/")
        number, _, rest = rest.partition("/")
        return (
            top == VERSIONS and bool(_VERSION.fullmatch(number)) and (rest == INDEX or _belongs(rest, False))
        )
    folder, _, last = name.rpartition("/")
    return last.endswith(MANIFEST_SUFFIX) and bool(_RUN_FOLDER.fullmatch(folder))


def _outputs_below(store: LocalStore) -> Iterator[str]:
    """Outputs in a local one, where people may have put them: anywhere but in the folders of runs, which are many."""
    for folder in _loose_folders(store.root, ""):
        below = LocalStore(store.root / folder)
        if _mark_in(below):
            yield folder


def _loose_folders(root: Path, name: str) -> Iterator[str]:
    """The folders in an output that are no part of it, and all folders in them."""
    for inner in _folders_in(root, name):
        if not _OWN_FOLDER.fullmatch(inner):
            yield inner
            yield from _loose_folders(root, inner)


def _folders_in(root: Path, name: str) -> list[str]:
    try:
        with os.scandir(root / name) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
    folders = []
    for entry in found:
        below = inside(name, entry.name)
        if entry.is_symlink() and not is_our_link(below, entry.path):
            raise refuse_kind(entry.path, "link")
        if entry.is_dir(follow_symlinks=False) and not is_litter(entry.name, is_folder=True):
            folders.append(below)
    return folders
