"""Whether runs may stand under one name: they have to be of one population, that is, differ by their seeds only.

A run's fingerprint with another run's seed tells exactly whether the two are: of a data set that is there, its index is
enough. How runs are stored (compression, prefix) makes no other population.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from townlet.dataset.format.manifest import MANIFEST_SUFFIX, parse_manifest
from townlet.dataset.format.paths import inside
from townlet.dataset.index.index_document import RunEntry
from townlet.dataset.index.populations import check_case, mixed
from townlet.dataset.status.known_index import KnownIndex
from townlet.dataset.status.run_status import differences
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError, OutputError, UserError
from townlet.escaping import shown
from townlet.run import Run, RunRef
from townlet.vocabulary import COMPRESSIONS


def refuse_two_under_one_name(runs: Iterable[tuple[Run, str]]) -> None:
    """Raise UserError where planned runs of one name are of two populations, or two names differ in case only.

    `runs`: one of each config that is to be captured, and how messages name that.
    """
    seen: dict[str, tuple[Run, str]] = {}
    for run, source in runs:
        other, theirs = seen.setdefault(run.name.casefold(), (run, source))
        if other.name != run.name:
            raise UserError(
                f"the names {shown(other.name)} ({theirs}) and {shown(run.name)} ({source}) differ in upper and lower "
                "case only, which on some disks is the same folder; tell them apart by `name` in a suite"
            )
        if _as_if(run, other) != _as_if(other, other):
            raise UserError(
                f"two configs, or one with two sets of options, are called {shown(run.name)} "
                f"({theirs}{_options(other)}, {source}{_options(run)}): under one name they would mix two populations; "
                "tell them apart by `name` in a suite"
            )


def refuse_other_populations(
    store: Store, index: KnownIndex, runs: Sequence[RunRef], configs: Mapping[str, str]
) -> None:
    """Raise OutputError where a data set has runs of the same name, but of another population than these.

    A data set that is mixed already may grow by each of its populations. `configs`: texts by digest.
    """
    for run in {(run.name, run.config_digest, _options(run)): run for run in runs}.values():
        check_case(str(store), run.name, index.scenarios)
        whole, first = run.with_config(configs), None
        for entry in index.runs_of(run.name):  # nearly always the first is of it
            if _is_of_one(whole, entry):
                break
            first = first or entry
        else:
            if first is not None:
                raise mixed(str(store), run.name, _how(store, whole, first))


def _is_of_one(run: Run, entry: RunEntry) -> bool:
    prefix = entry.manifest.removesuffix(MANIFEST_SUFFIX)
    same = (
        replace(run, seed=entry.seed, prefix=prefix, compression=compression) for compression in COMPRESSIONS
    )
    return any(run.fingerprint == entry.fingerprint for run in same)


def _how(store: Store, run: Run, entry: RunEntry) -> str:
    """In what they differ, with where each came from."""
    place = inside(entry.folder, entry.manifest)
    try:
        metadata = parse_manifest(store.read(place), place)["metadata"]
    except (FileNotFoundError, CorruptSampleError, OutputError):
        return "the manifest that would tell how is not readable"
    own = ("compression", "prefix")
    told = {key: value for key, value in metadata.items() if key not in own}
    there = f"{shown(str(metadata.get('config_path')))} (config_id {shown(str(metadata.get('config_id')))})"
    return f"there from {there}, asked for from {shown(run.config_path)}: " + shown(
        differences(told, replace(run, seed=entry.seed))
    )


def _as_if(run: Run, other: Run) -> str:
    """The fingerprint that a run would have with the seed of another, and stored as it is."""
    return replace(run, seed=other.seed, compression=other.compression, prefix=other.prefix).fingerprint


def _options(run: RunRef) -> str:
    """As a message adds them."""
    policy = f", policy {run.policy}" if run.policy else ""
    segments = f", segments of {run.segment_ticks} ticks" if run.segment_ticks else ""
    schedules = ", without schedules" if run.ignore_schedules else ""
    return f" for {run.ticks} ticks{policy}{segments}{schedules}"
