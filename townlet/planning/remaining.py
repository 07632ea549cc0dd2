"""What of a plan is still to be done: a capture goes on from what is there, and does nothing twice.

A run that is `indexed` is complete: nobody need read it again, so that a complete data set is confirmed without
starting Beam. A run that was simulated, or published but not yet in the index, goes through the pipeline, which
reads it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from townlet.console.formatting import counted
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.format.paths import LEASE, STAGING
from townlet.dataset.index.index_places import digest_named_files, in_place, named_index_files
from townlet.dataset.index.write_index import NO_SUITE, write_index
from townlet.dataset.status.known_index import KnownIndex, read_index_for_status
from townlet.dataset.status.run_status import clear_damaged, run_statuses
from townlet.dataset.status.status import RunStatus, StatusOfRun
from townlet.dataset.store.contract import Store
from townlet.planning.plan import Plan
from townlet.planning.populations import refuse_other_populations
from townlet.run import RunRef


class Remaining(NamedTuple):
    """What is left of a plan."""

    planned: Plan  # its runs are those that the pipeline has to do, or to read back
    complete: tuple[
        RunRef, ...
    ] = ()  # the others: every file of theirs was read and holds, and the index names them


def remaining_runs(planned: Plan, store: Store, *, quiet: bool) -> Remaining:
    """Admit the plan to the store, and take out what is complete. With nothing left, the index is brought up to date.

    Raises OutputError where something else is in the place.
    """
    if not planned.is_data_set:
        check_output(store, planned.runs)
        return Remaining(planned)
    index = read_index_for_status(store)
    found = _statuses(planned, store, index, quiet)
    rest = [
        (run, cost, status)
        for run, cost, status in zip(planned.runs, planned.costs, found, strict=True)
        if status.status is not RunStatus.INDEXED
    ]
    if all(status.status is not RunStatus.OTHER for status in found):
        refuse_other_populations(store, index, [run for run, _, _ in rest], planned.configs)
    check_output(store, [run for run, _, _ in rest], [status for _, _, status in rest])
    for run, _, status in rest:
        if status.clear:
            clear_damaged(store, run)
    if not rest and not _says_all(index, planned, store):
        write_index(store, [], suites=planned.suites, whole=planned.whole)
    runs, costs = tuple(run for run, _, _ in rest), tuple(cost for _, cost, _ in rest)
    return Remaining(replace(planned, runs=runs, costs=costs), _complete(planned.runs, found))


def _statuses(planned: Plan, store: Store, index: KnownIndex, quiet: bool) -> list[StatusOfRun]:
    shown = counted(planned.runs, "runs checked", quiet=quiet)
    return [status for _, status in zip(shown, run_statuses(store, planned.runs, index), strict=True)]


def _complete(runs: Sequence[RunRef], found: Sequence[StatusOfRun]) -> tuple[RunRef, ...]:
    pairs = zip(runs, found, strict=True)
    return tuple(run for run, status in pairs if status.status is RunStatus.INDEXED)


def _says_all(index: KnownIndex, planned: Plan, store: Store) -> bool:
    """Whether there is nothing to be said of this plan that the index does not say, and nothing left half done."""
    if index.index is None:
        return False
    facts, root = index.index.facts, index.index.root
    complete = not planned.whole or not (set(planned.suites) or {NO_SUITE}) & set(facts.partial)
    return bool(
        complete
        and set(planned.suites) <= set(facts.suites)
        and all(in_place(store, file) for file in named_index_files(root).values())
        and all(store.size(file.name) == file.size for file in digest_named_files(root))
        and all(file.name == LEASE for file in store.list(STAGING))
    )
