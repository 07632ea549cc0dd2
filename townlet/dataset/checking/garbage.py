"""What is garbage in a capture or a data set, and what is not, with the reasons. Nothing is removed here."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX, named_files, parse_manifest
from townlet.dataset.format.paths import (
    BUILD,
    INDEX,
    INDEX_FILES,
    INDEX_FOLDER,
    LEASE,
    NEW_CARD,
    RUNS,
    STAGING,
    inside,
    model_in_name,
)
from townlet.dataset.index.index_places import STAGED_INDEX, digest_named_files
from townlet.dataset.index.read_index import read_index
from townlet.dataset.status.nested import is_below, nested_outputs
from townlet.dataset.status.receipts import staged_status
from townlet.dataset.status.status import RunStatus
from townlet.dataset.store.contract import Store
from townlet.dataset.store.entries import WORDS, StoredFile, is_litter, plain_files
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.os_errors import translate_os_error
from townlet.dataset.store.own_files import is_kept_model
from townlet.errors import CorruptSampleError
from townlet.policy_text import MODEL_FOLDER


class Leftover(NamedTuple):
    """A file or folder that nobody needs any more."""

    name: str
    size: int  # bytes
    why: str


class Kept(NamedTuple):
    """Something unfinished that stays."""

    name: str
    why: str


class Leftovers(NamedTuple):
    gone: list[Leftover]  # or to go
    kept: list[Kept]

    def below(self, folder: str) -> Leftovers:
        """The same, named from a folder higher up."""
        return Leftovers(
            [leftover._replace(name=inside(folder, leftover.name)) for leftover in self.gone],
            [kept._replace(name=inside(folder, kept.name)) for kept in self.kept],
        )


def find_leftovers(store: Store, everything: bool = False) -> Leftovers:
    """Of a single capture, or of a data set, finished or begun.

    `everything`: also what an interrupted capture could be gone on from. Raises CorruptSampleError where the
    index is damaged: then nobody can say what it named; and OutputError where a link is in it.
    """
    found = Leftovers([], [])
    listed = list(plain_files(store.list(), store))
    nested = nested_outputs(store, [file.name for file in listed])
    found.kept.extend(
        Kept(folder, "another output, which was put here; move it out") for folder in sorted(nested)
    )
    own = [file for file in listed if not is_below(file.name, nested)]
    promised = _staged(store, own, everything, found)
    _unnamed(store, own, promised, found)
    if isinstance(store, LocalStore):
        found.gone.extend(empty_folders(store, [*(leftover.name for leftover in found.gone), *nested]))
    return found


def _staged(store: Store, files: Iterable[StoredFile], everything: bool, found: Leftovers) -> set[str]:
    """Look through what is staged; returns the places of files of runs whose receipts are kept."""
    sizes: dict[str, int] = {}
    for file in files:
        if not file.name.startswith(f"{STAGING}/"):
            continue
        entry = "/".join(file.name.split("/")[:2])
        sizes[entry] = sizes.get(entry, 0) + file.size
    promised: set[str] = set()
    for entry in sorted(sizes):
        if entry == LEASE:
            continue  # our own
        why, places = _why_garbage(store, entry)
        if not why and everything:
            why = "a run that was simulated and not published"
        if why:
            found.gone.append(Leftover(entry, sizes[entry], why))
        else:
            promised |= places
            found.kept.append(
                Kept(entry, "simulated; the same capture again publishes it (--all removes it)")
            )
    return promised


def _why_garbage(store: Store, entry: str) -> tuple[str, set[str]]:
    """Why nobody goes on from something staged; or "", and the places of its files, where the same capture would."""
    if entry == STAGED_INDEX:
        return "an index that was not finished", set()
    if entry.endswith(".tmp"):
        return "a file that was not finished", set()
    if entry == BUILD:
        return "left by an --overwrite", set()
    status, places = staged_status(store, entry)
    return _GARBAGE.get(status, ""), places


_GARBAGE = {
    RunStatus.STAGED: "a run that was not simulated to its end",
    RunStatus.DAMAGED: "a receipt that does not hold",
    RunStatus.PUBLISHED: "a run that is published",
}


def _unnamed(store: Store, listed: Iterable[StoredFile], promised: set[str], found: Leftovers) -> None:
    """Files that neither a manifest, nor the index, nor a kept receipt names."""
    folders: dict[str, list[StoredFile]] = {}
    for file in listed:
        if not file.name.startswith(f"{STAGING}/"):
            folders.setdefault(file.name.rpartition("/")[0], []).append(file)
    root = {file.name for file in folders.get("", ())}
    has_index = INDEX in root
    index = read_index(store) if has_index else None
    indexed = {run.folder: inside(run.folder, run.manifest) for run in (index.entries() if index else ())}
    shards = {file.name for file in digest_named_files(index.root)} if index else set()
    finished = has_index or any(name.endswith(MANIFEST_SUFFIX) for name in root)
    models, named, are_all_known = folders.pop(MODEL_FOLDER, []), set[str](), True
    for folder, files in folders.items():
        own, why_kept = _own(store, folder, [file.name for file in files], indexed.get(folder), named)
        if why_kept:
            found.kept.append(Kept(folder, why_kept))
        if own is None:
            are_all_known = False
            continue
        own |= promised | ({*INDEX_FILES, NEW_CARD} if has_index and not folder else set())
        own |= shards if folder.startswith(f"{INDEX_FOLDER}/") else set()
        others = _plain([file for file in files if file.name not in own], found)
        if finished or f"{folder}/".startswith(f"{RUNS}/"):
            found.gone.extend(Leftover(file.name, file.size, "in no manifest") for file in others)
        else:
            found.kept.extend(Kept(file.name, "nothing tells that it is Townlet's") for file in others)
    unnamed = [file for file in models if model_in_name(file.name) not in named]
    why_kept = "" if are_all_known else "nobody knows whether a run names it; see townlet verify"
    why_kept = why_kept or ("a run that is simulated and not published may name it" if promised else "")
    _unnamed_models(store, unnamed, finished, why_kept, found)


def _plain(files: Sequence[StoredFile], found: Leftovers) -> list[StoredFile]:
    """Those that are plain files; the others stay."""
    special = [file for file in files if file.kind != "file"]
    found.kept.extend(
        Kept(file.name, f"is {WORDS[file.kind]}, which Townlet does not make") for file in special
    )
    return [file for file in files if file.kind == "file"]


def _unnamed_models(
    store: Store, files: Sequence[StoredFile], finished: bool, why_kept: str, found: Leftovers
) -> None:
    """Of a data set: what lies among its models, and no run names. `why_kept`: why a model stays all the same."""
    for file in _plain(files, found):
        is_model = model_in_name(file.name) is not None
        if is_model and why_kept:
            found.kept.append(Kept(file.name, why_kept))
        elif finished or is_kept_model(store, file.name):
            why = "a model that no run names" if is_model else "in no manifest"
            found.gone.append(Leftover(file.name, file.size, why))
        else:
            found.kept.append(Kept(file.name, "nothing tells that it is Townlet's"))


def _own(
    store: Store, folder: str, names: list[str], indexed: str | None, models: set[str]
) -> tuple[set[str] | None, str]:
    """What the manifests in a folder name, None where that cannot be told; and why something there stays.

    The models that they name are added to `models`.
    """
    manifests = [name for name in names if name.endswith(MANIFEST_SUFFIX)]
    own: set[str] = set()
    for place in manifests:
        try:
            document = parse_manifest(store.read(place, MOST_BYTES), place)
        except (CorruptSampleError, FileNotFoundError):
            return None, "its manifest is damaged, so that nobody knows what belongs here; see townlet verify"
        own |= {
            place,
            inside(folder, LOG_NAME),
            *(inside(folder, file.name) for file in named_files(document)),
        }
        models.update(document["metadata"].get("models", ()))
    if indexed is not None and indexed not in names:
        return None, "its manifest is missing, so that nobody knows what belongs here; see townlet verify"
    if manifests and indexed is None and folder:
        adds = f"{folder}/".startswith(f"{RUNS}/")
        next_step = "the same capture again adds it" if adds else "move it out of here"
        return own, f"a capture that no index names; {next_step}"
    return own, ""


def empty_folders(store: LocalStore, others: Collection[str]) -> list[Leftover]:
    """The topmost folders that hold no file. What is in `others` is not looked into."""
    found: list[str] = []
    _is_empty(str(store.root), "", {*others}, found)
    return [Leftover(name, 0, "an empty folder") for name in found]


def _is_empty(path: str, name: str, others: set[str], found: list[str]) -> bool:
    """Whether a folder holds no file. Adds the topmost such folders to `found`, unless it is one itself."""
    with translate_os_error("read", path), os.scandir(path) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    stays, inner = False, []
    for entry in ordered:
        below = inside(name, entry.name)
        is_folder = below not in others and entry.is_dir(follow_symlinks=False)
        is_folder = is_folder and not is_litter(entry.name, is_folder=True)
        if is_folder and _is_empty(entry.path, below, others, inner):
            inner.append(below)
        else:
            stays = True
    if stays or not name:
        found += inner
    return not stays
