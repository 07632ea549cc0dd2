"""What of a plan is still to be done: a capture goes on from what is there, and does nothing twice.

A run that the index names and whose files hold is settled: nobody need look at it again, so that a complete
data set is confirmed without starting Beam. A run that was simulated, or published but not yet in the index,
goes through the pipeline, which reads it back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from townlet.console.formatting import counted
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.format.paths import LEASE, STAGING
from townlet.dataset.index.index_file import NO_SUITE, index_files, write_index
from townlet.dataset.status.run_status import Finding, Index, clear_damaged, look_at_index, survey
from townlet.dataset.store.contract import Store, holds
from townlet.planning.plan import Plan


class Remaining(NamedTuple):
    """What is left of a plan."""

    planned: Plan  # its runs are those that the pipeline has to look at
    settled: int = 0  # runs that are there, hold, and stand in the index


def remaining_runs(planned: Plan, store: Store, *, quiet: bool) -> Remaining:
    """Admit the plan to the store, and take out what is settled. With nothing left, the index is brought up to date.

    Raises OutputError where something else is in the place.
    """
    if not planned.is_data_set:
        check_output(store, planned.runs)
        return Remaining(planned)
    index = look_at_index(store)
    found = _findings(planned, store, index, quiet)
    rest = [
        (run, cost, finding.damaged)
        for run, cost, finding in zip(planned.runs, planned.costs, found, strict=True)
        if not (finding.standing == "done" and finding.indexed)
    ]
    check_output(store, [run for run, _, damaged in rest if not damaged])
    for run, _, damaged in rest:
        if damaged:
            clear_damaged(store, run)
    if not rest and not _says_all(index, planned, store):
        write_index(store, [], suites=planned.suites, whole=planned.whole)
    runs, costs = tuple(run for run, _, _ in rest), tuple(cost for _, cost, _ in rest)
    return Remaining(replace(planned, runs=runs, costs=costs), len(planned.runs) - len(rest))


def _findings(planned: Plan, store: Store, index: Index, quiet: bool) -> list[Finding]:
    shown = counted(planned.runs, "runs looked at", quiet=quiet)
    return [finding for _, finding in zip(shown, survey(store, planned.runs, index), strict=True)]


def _says_all(index: Index, planned: Plan, store: Store) -> bool:
    """Whether there is nothing to be said of this plan that the index does not say, and nothing left half done."""
    facts = index.metadata
    settled = not planned.whole or not (set(planned.suites) or {NO_SUITE}) & set(facts["partial"])
    return bool(
        settled
        and set(planned.suites) <= set(facts["suites"])
        and all(holds(store, file.name, file) for file in index_files({"metadata": facts}))
        and all(file.name == LEASE for file in store.list(STAGING))
    )
