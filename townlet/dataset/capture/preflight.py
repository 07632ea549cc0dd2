"""Whether an output may be written to: asked once, before any work is done.

What exists is never written over. The same capture again, or the rest of an unfinished one, is welcome;
anything else in the place is refused, with what it is and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from townlet.dataset.capture.contents import find_manifest, is_untouched, leftovers, unexpected_in_run
from townlet.dataset.format.manifest import MANIFEST_SUFFIX, loose_manifest, run_options
from townlet.dataset.format.paths import (
    ENOUGH_UNEXPECTED,
    INDEX,
    INDEX_FILES,
    LEASE,
    RUNS,
    STAGING,
    manifest_path,
    staging_folder,
)
from townlet.dataset.store.contract import REMOTE_THREADS, Store
from townlet.dataset.versions.versions import refuse_versioned
from townlet.errors import CorruptSampleError, OutputError
from townlet.run import RunRef


def _advice(store: Store) -> str:
    if store.renames:
        return "choose another output folder, or give --overwrite to replace it"
    return "choose another output prefix"


def check_output(store: Store, runs: Sequence[RunRef]) -> None:
    """Raise OutputError unless these runs may be captured into this output.

    One run without a folder is a single capture; what an interrupted capture of another run has staged in its
    place is removed. Runs with folders make a data set, which may hold other runs already.
    """
    single = len(runs) == 1 and not runs[0].folder
    refuse_place(store, is_data_set=not single)
    left = leftovers(store, runs)
    known = {name for names in left.values() for name in names}
    if store.renames:
        for run in runs:
            refuse_run(store, run)
    else:
        with ThreadPoolExecutor(REMOTE_THREADS) as threads:
            list(threads.map(lambda run: refuse_run(store, run, known), runs))
    for folder, names in left.items():
        for name in (*names, folder):  # in this order: as long as there are files, it is known whose they are
            store.delete(name)
    own = {LEASE, *(staging_folder(run) for run in runs)}
    _drop_leavings(store, lambda name: name in own or not (single or name.endswith(".tmp")))


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


def refuse_run(store: Store, run: RunRef, known: Container[str] = ()) -> None:
    """Raise OutputError where something else than this run's capture, or what is `known`, is in its folder."""
    if is_untouched(store, run):
        return
    place = manifest_path(run)
    manifest = find_manifest(store, run)
    if isinstance(manifest, dict):
        found = manifest["metadata"]
        if found.get("fingerprint") != run.fingerprint:
            raise OutputError(
                f"{store}: {place} is another capture: {differences(found, run)}; {_advice(store)}"
            )
    elif manifest is not None:
        raise OutputError(f"{store}: {manifest}: {_why_unreadable(store, manifest, place)}; {_advice(store)}")
    elif others := unexpected_in_run(store, run, known):
        raise OutputError(f"{store}: {_found(others)}; {_WHAT_TO_DO}")


_WHAT_TO_DO = "choose another output folder, or move them away"


def _found(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"expected an empty folder or a capture, found {', '.join(names[:3])}{more}"


def differences(metadata: Mapping[str, Any], run: RunRef) -> str:
    """What the manifest that is there says otherwise than the run that is asked for."""
    asked = {"scenario_name": run.name, "seed": run.seed, "ticks": run.ticks, **run_options(run)}
    different = [
        f"{name.removesuffix('_name')} {_said(metadata[name])} (asked for: {_said(value)})"
        for name, value in asked.items()
        if name in metadata and metadata[name] != value
    ]
    return ", ".join(different) or "of another version of the config, or of the simulation's rules"


def _said(value: object) -> str:
    return "not given" if value is None else repr(value)


def _why_unreadable(store: Store, name: str, expected: str) -> str:
    try:
        loose_manifest(store.read(name), name)
    except CorruptSampleError:
        return "not readable as a capture's manifest"
    return f"a capture with another prefix (expected {expected.rpartition('/')[2]})"


def _drop_leavings(store: Store, kept: Callable[[str], bool]) -> None:
    """Remove what writers that were killed have left among the staged, save the folders to be kept."""
    staged = {"/".join(file.name.split("/")[:2]) for file in store.list(STAGING)}
    for name in sorted(staged):
        if not kept(name):
            store.delete(name)
