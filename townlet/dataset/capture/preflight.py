"""Whether an output may be written to: asked once, before any work is done.

What exists is never written over. The same capture again, or the rest of an unfinished one, is welcome;
anything else in the place is refused, with what it is and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import (
    ENOUGH_UNEXPECTED,
    INDEX,
    INDEX_FILES,
    LEASE,
    RUNS,
    STAGING,
    staging_folder,
)
from townlet.dataset.status.contents import leftovers
from townlet.dataset.status.run_status import run_status, run_statuses
from townlet.dataset.status.status import RunStatus, StatusOfRun
from townlet.dataset.store.contract import Store
from townlet.dataset.versions.versions import refuse_versioned
from townlet.errors import OutputError
from townlet.run import RunRef


def _advice(store: Store) -> str:
    if store.renames:
        return "choose another output folder, or give --overwrite to replace it"
    return "choose another output prefix"


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
    own = {LEASE, *(staging_folder(run) for run in runs)}
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
    found = (file.name for file in store.list() if not file.name.startswith(own))
    others = list(islice((name for name in found if name not in INDEX_FILES), ENOUGH_UNEXPECTED))
    captures = [name for name in others if name.endswith(MANIFEST_SUFFIX)]
    if captures:
        raise OutputError(
            f"{store}: holds a single capture ({captures[0]}), not a data set; {_advice(store)}"
        )
    if others:
        raise OutputError(f"{store}: {_found(others)}; {_WHAT_TO_DO}")


def _refuse(store: Store, found: StatusOfRun) -> None:
    """Raise OutputError where something else than a run's capture is in its place."""
    if found.status is RunStatus.OTHER:
        if found.unexpected:
            raise OutputError(f"{store}: {_found(found.unexpected)}; {_WHAT_TO_DO}")
        raise OutputError(f"{store}: {found.manifest} is {found.why}; {_advice(store)}")


_WHAT_TO_DO = "choose another output folder, or move them away"


def _found(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"expected an empty folder or a capture, found {', '.join(names[:3])}{more}"


def _delete_staged(store: Store, kept: Callable[[str], bool]) -> None:
    """Delete the leftovers of interrupted captures from what is staged, save the folders to be kept."""
    staged = {"/".join(file.name.split("/")[:2]) for file in store.list(STAGING)}
    for name in sorted(staged):
        if not kept(name):
            store.delete(name)
