"""Whether an output may be written to: asked once, before any work is done.

What exists is never written over. The same capture again, or the rest of an unfinished one, is welcome;
anything else in the place is refused, with what it is and what to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import (
    BUILD,
    ENOUGH_UNEXPECTED,
    INDEX,
    INDEX_FILES,
    LEASE,
    NEW_CARD,
    POINTER,
    RUNS,
    STAGING,
    digest_in_name,
    model_in_name,
    staging_folder,
)
from townlet.dataset.index.finish_index import left_files
from townlet.dataset.status.contents import leftovers
from townlet.dataset.status.nested import is_mark, nested_outputs, refuse_nested
from townlet.dataset.status.run_status import run_status, run_statuses
from townlet.dataset.status.status import RunStatus, StatusOfRun
from townlet.dataset.store.contract import Store, holds
from townlet.dataset.store.entries import plain_files
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.own_files import is_kept_model, read_log, strange_files
from townlet.dataset.versions.versions import refuse_versioned
from townlet.errors import OutputError
from townlet.escaping import shown
from townlet.policy_text import MODEL_FOLDER
from townlet.run import RunRef


def _advice(store: Store) -> str:
    if store.renames:
        return "choose another output folder, or give --overwrite to replace it"
    return "choose another output prefix"


def check_place(store: Store, *, versioned: bool = False) -> None:
    """Raise OutputError where no output may be, whatever is to be captured: asked once, for the place as users name it.

    Inside another output, around one, or where somebody has files of their own with the names of ours. `versioned`: it
    is to be a versioned data set.
    """
    if isinstance(store, LocalStore):
        _refuse_file(store.root)
    for name in (INDEX, POINTER):
        if store.size(name) is not None and not is_mark(store, name):
            raise OutputError(f"{store}: {name} is there, and is none of Townlet's; {_WHAT_TO_DO}")
    if not versioned:
        refuse_versioned(store)
    refuse_nested(store)


def _refuse_file(place: Path) -> None:
    """Raise OutputError where a file stands in the place of the output, or of a folder above it."""
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not os.path.isdir(place):
        raise OutputError(f"{place}: expected a folder for the output, found a file; choose another name")


def check_output(store: Store, runs: Sequence[RunRef], found: Iterable[StatusOfRun] | None = None) -> None:
    """Raise OutputError unless these runs may be captured into this output.

    One run without a folder is a single capture; what an interrupted capture of another run has staged in its
    place is removed. Runs with folders make a data set, which may hold other runs already. `found`: their status,
    where it is known.
    """
    single = len(runs) == 1 and not runs[0].folder
    refuse_place(store, is_data_set=not single)
    if found is None:
        found = [run_status(store, runs[0], read=False)] if single else run_statuses(store, runs, read=False)
    for status in found:
        _refuse(store, status)
    for folder, names in leftovers(store, runs).items():
        for name in (*names, folder):  # in this order: as long as there are files, it is known whose they are
            store.delete(name)
    own = {LEASE, BUILD, *(staging_folder(run) for run in runs)}
    _delete_staged(store, lambda name: name in own or not (single or name.endswith(".tmp")))


def refuse_place(store: Store, *, is_data_set: bool) -> None:
    """Raise OutputError where the output as a whole cannot become what is asked for."""
    refuse_versioned(store)
    if is_data_set:
        _refuse_beside_runs(store)
    else:
        _refuse_data_set(store)


def _refuse_data_set(store: Store) -> None:
    if store.size(INDEX) is not None:
        raise OutputError(
            f"{store}: holds a data set; capture several configs or seeds to add to it, or {_advice(store)}"
        )


def _refuse_beside_runs(store: Store) -> None:
    own = (f"{RUNS}/", f"{STAGING}/")
    found = (file.name for file in plain_files(store.list(), store) if not file.name.startswith(own))
    beside = (*INDEX_FILES, NEW_CARD)
    is_new = store.size(INDEX) is None
    strange = (
        name
        for name in found
        if name not in beside and not digest_in_name(name) and not _is_model(store, name, is_new)
    )
    others = list(islice(strange, ENOUGH_UNEXPECTED))
    captures = [name for name in others if name.endswith(MANIFEST_SUFFIX) and "/" not in name]
    if is_new:
        others += strange_files(store)
        log = read_log(store)
        if (
            log is None or not log.files
        ):  # else an index was here, and what has such a name is its, damaged or not
            others += [file.name for file in left_files(store) if not holds(store, file.name, file)]
    if captures:
        raise OutputError(
            f"{store}: holds a single capture ({captures[0]}), not a data set; {_advice(store)}"
        )
    if others:
        raise OutputError(f"{store}: {_found(others)}; {_WHAT_TO_DO}")


def _is_model(store: Store, name: str, is_new: bool) -> bool:
    """Whether a file is among the models of a data set: in a new one by its content, else damaged or not."""
    if not name.startswith(f"{MODEL_FOLDER}/") or model_in_name(name) is None:
        return False
    return not is_new or is_kept_model(store, name)


def _refuse(store: Store, found: StatusOfRun) -> None:
    """Raise OutputError where something else than a run's capture is in its place."""
    if found.status is RunStatus.OTHER:
        if found.unexpected:
            raise OutputError(f"{store}: {_found(found.unexpected)}; {_WHAT_TO_DO}")
        raise OutputError(f"{store}: {found.manifest} is {found.why}; {_advice(store)}")


_WHAT_TO_DO = "choose another output folder, or move them away"


def _found(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"expected an empty folder or a capture, found {', '.join(map(shown, names[:3]))}{more}"


def _delete_staged(store: Store, kept: Callable[[str], bool]) -> None:
    """Delete the leftovers of interrupted captures from what is staged, save the folders to be kept."""
    files = [file.name for file in plain_files(store.list(STAGING), store)]
    if nested := sorted(nested_outputs(store, files)):
        raise OutputError(f"{store}: another output lies in it ({shown(nested[0])}); move that out of it")
    staged = {"/".join(name.split("/")[:2]) for name in files}
    for name in sorted(staged):
        if not kept(name):
            store.delete(name)
