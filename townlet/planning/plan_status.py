"""A plan beside what is in its output: the status of each run, what the rest will cost, and whether it fits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from townlet.console.formatting import counted, size
from townlet.console.printing import remark
from townlet.dataset.capture.preflight import check_place, refuse_place
from townlet.dataset.index.populations import Seeds
from townlet.dataset.status.known_index import NO_INDEX, KnownIndex, read_index_for_status
from townlet.dataset.status.run_status import run_status, run_statuses
from townlet.dataset.status.status import COMPLETE, TO_SIMULATE, RunStatus, StatusOfRun
from townlet.dataset.store.contract import Store
from townlet.dataset.store.open_store import is_remote, open_store
from townlet.errors import OutputError
from townlet.planning.cost_estimate import Cost, CostEstimate, estimate_cost
from townlet.planning.plan import Plan
from townlet.planning.populations import refuse_other_populations
from townlet.planning.seeds import known_seeds
from townlet.run import RunRef

WORTH_AN_ESTIMATE = 2_000_000  # frames; a capture of less is done in a minute, and hardly fills a disk
MARGIN = 0.05  # of the free disk, kept for what is not estimated


@dataclass(frozen=True)
class PlanStatus:
    """A plan beside what is there."""

    planned: Plan
    output: str
    statuses: tuple[StatusOfRun, ...]  # of the planned runs
    refusal: str = ""  # why the output as a whole would be refused
    free: int | None = None  # bytes on the disk of the output; None where nobody knows
    seeds: Mapping[str, Seeds | None] = field(
        default_factory=dict
    )  # of each scenario with several; None: not known before they are played

    def of(self, *statuses: RunStatus) -> list[RunRef]:
        """The runs of one of these statuses."""
        pairs = zip(self.planned.runs, self.statuses, strict=True)
        return [run for run, found in pairs if found.status in statuses]

    @property
    def remaining(self) -> list[RunRef]:
        """The runs for which a capture has something left to do."""
        last = RunStatus.INDEXED if self.planned.is_data_set else RunStatus.PUBLISHED
        return self.of(*(status for status in RunStatus if status not in (last, RunStatus.OTHER)))

    @cached_property
    def estimate(self) -> CostEstimate:
        """Of the configs of what is to be simulated."""
        return estimate_cost(self.of(*TO_SIMULATE), self.planned.configs, self.planned.models)

    @cached_property
    def cost(self) -> Cost | None:
        """Of what is to be simulated; None where nothing could be estimated."""
        runs = self.of(*TO_SIMULATE)
        return self.estimate.total(runs) if runs else Cost()


def plan_status(planned: Plan, output: str, *, quiet: bool, overwrite: bool = False) -> PlanStatus:
    """Compare a plan with what is in the output."""
    store = open_store(output)
    check_place(store, versioned=True)  # of a versioned one it is said below
    place = _nearest(output)
    if place is not None and not os.path.isdir(place):
        raise OutputError(f"{place}: expected a folder for the output, found a file; choose another name")
    index, refusal = NO_INDEX, _refusal(store, planned)
    if refusal:
        statuses = [StatusOfRun(RunStatus.OTHER) for _ in planned.runs]
    elif planned.is_data_set:
        index = read_index_for_status(store)
        refusal, statuses = _statuses(store, planned, index, quiet)
    else:
        statuses = [run_status(store, planned.runs[0])]
    anew = planned.is_data_set or refusal or statuses[0].status not in COMPLETE
    if overwrite and anew and next(iter(store.list()), None) is not None:
        refusal, statuses = "", [StatusOfRun(RunStatus.MISSING, "to be replaced") for _ in planned.runs]
    seeds = known_seeds(planned, index, statuses)
    return PlanStatus(planned, output, tuple(statuses), refusal, free_bytes(output), seeds)


def _refusal(store: Store, planned: Plan) -> str:
    """Why the output as a whole would be refused, whatever the runs; "" where it would not."""
    try:
        refuse_place(store, is_data_set=planned.is_data_set)
    except OutputError as error:
        return str(error)
    return ""


def _statuses(store: Store, planned: Plan, index: KnownIndex, quiet: bool) -> tuple[str, list[StatusOfRun]]:
    """Why the runs of a data set would be refused, and the status of each."""
    found = run_statuses(store, planned.runs, index)
    shown = counted(planned.runs, "runs checked", quiet=quiet)
    statuses = [status for _, status in zip(shown, found, strict=True)]
    return _refusal_of_populations(store, index, planned, statuses), statuses


def _refusal_of_populations(
    store: Store, index: KnownIndex, planned: Plan, statuses: Sequence[StatusOfRun]
) -> str:
    """Why what is to be added may not stand under the name of what is there; "" where it may."""
    if any(found.status is RunStatus.OTHER for found in statuses):
        return ""
    pairs = zip(planned.runs, statuses, strict=True)
    added = [run for run, found in pairs if found.status is not RunStatus.INDEXED]
    try:
        refuse_other_populations(store, index, added, planned.configs)
    except OutputError as error:
        return str(error)
    return ""


def fits(status: PlanStatus) -> bool | None:
    """Whether what is to be simulated fits on the disk; None where one of the two is not known."""
    cost = status.cost
    if cost is None or status.free is None:
        return None
    return cost.size <= status.free * (1 - MARGIN)


def warn_if_too_large(planned: Plan, output: str) -> None:
    """Say on standard error, before much is captured, that it will probably not fit. It is an estimate, no refusal."""
    if sum(planned.costs) >= WORTH_AN_ESTIMATE and (free := free_bytes(output)) is not None:
        missing = tuple(StatusOfRun(RunStatus.MISSING) for _ in planned.runs)
        warn_of_space(PlanStatus(planned, output, missing, free=free))


def warn_of_space(status: PlanStatus) -> None:
    """Say on standard error where what is to be simulated will probably not fit on the disk."""
    cost = status.cost
    if fits(status) is False and cost is not None:
        remark(
            f"warning: about {size(cost.size)} are needed and {size(status.free or 0)} are free where "
            f"{status.output} is: it will not fit"
        )


def free_bytes(output: str) -> int | None:
    """Free space where the output is, or will be; None for a place that is no folder of this machine."""
    place = _nearest(output)
    try:
        return None if place is None else shutil.disk_usage(place).free
    except OSError:
        return None


def _nearest(output: str) -> Path | None:
    """The output, or the folder above it that is there; None for a place that is not on this machine."""
    if is_remote(output):
        return None
    place = Path(os.path.abspath(output))
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    return place
