"""A plan beside what is in its output: where each run stands, what the rest will cost, and whether it fits."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from townlet.console.formatting import counted, size
from townlet.dataset.capture.preflight import refuse_place
from townlet.dataset.status.run_status import Finding, look_at_index, survey, survey_single
from townlet.dataset.store.contract import Store
from townlet.dataset.store.open_store import is_remote, open_store
from townlet.errors import OutputError
from townlet.planning.cost_estimate import Cost, CostEstimate, estimate_cost
from townlet.planning.plan import Plan
from townlet.run import RunRef

WORTH_AN_ESTIMATE = 2_000_000  # frames; a capture of less is done in a minute, and hardly fills a disk
MARGIN = 0.05  # of the free disk, kept for what is not estimated


@dataclass(frozen=True)
class PlanStatus:
    """A plan beside what is there."""

    planned: Plan
    output: str
    findings: tuple[Finding, ...]  # of the planned runs
    refusal: str = ""  # why the output as a whole would be refused
    free: int | None = None  # bytes on the disk of the output; None where nobody knows

    def of(self, *standings: str) -> list[RunRef]:
        """The runs that stand so."""
        pairs = zip(self.planned.runs, self.findings, strict=True)
        return [run for run, finding in pairs if finding.standing in standings]

    @cached_property
    def estimate(self) -> CostEstimate:
        """Of the configs of what is missing."""
        return estimate_cost(self.of("missing"), self.planned.configs)

    @cached_property
    def cost(self) -> Cost | None:
        """Of what is missing; None where nothing could be estimated."""
        missing = self.of("missing")
        return self.estimate.total(missing) if missing else Cost()


def look(planned: Plan, output: str, *, quiet: bool, overwrite: bool = False) -> PlanStatus:
    """Compare a plan with what is in the output."""
    store = open_store(output)
    place = _nearest(output)
    if place is not None and not place.is_dir():
        raise OutputError(f"{place}: expected a folder for the output, found a file; choose another name")
    refusal, findings = _findings(store, planned, quiet)
    anew = planned.is_data_set or refusal or findings[0].standing != "done"
    if overwrite and anew and next(iter(store.list()), None) is not None:
        refusal, findings = "", [Finding("missing", "to be replaced") for _ in planned.runs]
    return PlanStatus(planned, output, tuple(findings), refusal, free_bytes(output))


def _findings(store: Store, planned: Plan, quiet: bool) -> tuple[str, list[Finding]]:
    """Why the output would be refused, and where each run stands."""
    try:
        refuse_place(store, is_data_set=planned.is_data_set)
    except OutputError as error:
        return str(error), [Finding("refused") for _ in planned.runs]
    if not planned.is_data_set:
        return "", [survey_single(store, planned.runs[0])]
    found = survey(store, planned.runs, look_at_index(store))
    shown = counted(planned.runs, "runs looked at", quiet=quiet)
    return "", [finding for _, finding in zip(shown, found, strict=True)]


def fits(prospect: PlanStatus) -> bool | None:
    """Whether what is missing fits on the disk; None where one of the two is not known."""
    cost = prospect.cost
    if cost is None or prospect.free is None:
        return None
    return cost.size <= prospect.free * (1 - MARGIN)


def warn_if_too_large(planned: Plan, output: str) -> None:
    """Say on standard error, before much is captured, that it will probably not fit. It is an estimate, no refusal."""
    if sum(planned.costs) >= WORTH_AN_ESTIMATE and (free := free_bytes(output)) is not None:
        missing = tuple(Finding("missing") for _ in planned.runs)
        warn_of_space(PlanStatus(planned, output, missing, free=free))


def warn_of_space(prospect: PlanStatus) -> None:
    """Say on standard error where what is missing will probably not fit on the disk."""
    cost = prospect.cost
    if fits(prospect) is False and cost is not None:
        print(
            f"warning: about {size(cost.size)} are needed and {size(prospect.free or 0)} are free where "
            f"{prospect.output} is: it will not fit",
            file=sys.stderr,
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
    while not place.exists() and place != place.parent:
        place = place.parent
    return place
