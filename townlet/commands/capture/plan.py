"""`townlet plan`, and `townlet capture --dry-run`: what is there, what is missing and why, and what it will cost.

Nothing is written, and nobody is kept from writing.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.plan_tables import as_json as json_of
from townlet.commands.capture.plan_tables import print_plan, warn_of_space
from townlet.console.formatting import counted
from townlet.console.parsing import Parser
from townlet.dataset.capture.preflight import refuse_place
from townlet.dataset.status.run_status import Finding, look_at_index, survey, survey_single
from townlet.dataset.store.contract import Store
from townlet.dataset.store.open_store import is_remote, open_store
from townlet.errors import OutputError
from townlet.planning.cost_estimate import Cost, Pilot, pilot
from townlet.planning.plan import Plan, plan
from townlet.run import Run

WORTH_A_PILOT = 2_000_000  # frames; a capture of less is done in a minute, and hardly fills a disk

EXAMPLES = """\
examples:
  townlet plan suites/smoke.yaml --output samples/smoke
  townlet plan nightly --output samples/nightly --all     each run on a line of its own
  townlet plan nightly --output samples/nightly --json

Ticks are known; frames, bytes and core-seconds are estimated: a few hundred ticks of each config are played
in memory. `townlet capture` with the same words does what the plan says.

exit codes: 0 there is a plan (whatever is missing), 2 wrong usage or config
"""


@dataclass(frozen=True)
class Prospect:
    """A plan beside what is there."""

    planned: Plan
    output: str
    findings: tuple[Finding, ...]  # of the planned runs
    refusal: str = ""  # why the output as a whole would be refused
    free: int | None = None  # bytes on the disk of the output; None where nobody knows

    def of(self, *standings: str) -> list[Run]:
        """The runs that stand so."""
        pairs = zip(self.planned.runs, self.findings, strict=True)
        return [run for run, finding in pairs if finding.standing in standings]

    @cached_property
    def pilot(self) -> Pilot:
        """Of the configs of what is missing."""
        return pilot(self.of("missing"))

    @cached_property
    def cost(self) -> Cost | None:
        """Of what is missing; None where the pilot has found nothing."""
        missing = self.of("missing")
        return self.pilot.total(missing) if missing else Cost()


def main(argv: Sequence[str], prog: str = "townlet plan") -> int:
    parser = Parser(
        prog,
        "Say which runs a capture would make, what of them is there, and what the rest will cost.",
        EXAMPLES,
        usage=f"{prog} CONFIG|SUITE ... --output DIR [options]",
    )
    capture_options.add_sources(parser)
    capture_options.add_limit(capture_options.add_played(parser))
    capture_options.add_written(parser)
    said = parser.add_argument_group("what is said")
    said.add_argument("--all", action="store_true", help="a line for each run, however many there are")
    said.add_argument("--quiet", action="store_true", help="no progress, no notices")
    said.add_argument("--json", action="store_true", help="print the plan as JSON, run by run")
    arguments = parser.parse_args(argv)
    planned = plan(capture_options.request(arguments))
    show(planned, arguments.output, each=arguments.all, as_json=arguments.json, quiet=arguments.quiet)
    return 0


def show(
    planned: Plan,
    output: str,
    *,
    each: bool = False,
    as_json: bool = False,
    quiet: bool = False,
    overwrite: bool = False,
) -> None:
    """Look, estimate, and print. `each`: a line for each run. Raises OutputError where the output is no place."""
    prospect = look(planned, output, quiet=quiet, overwrite=overwrite)
    if prospect.of("missing"):
        from townlet.pipelines.runners.warmup import warm

        warm(planned.runs[0], quiet=quiet)
    if as_json:
        print(json.dumps(json_of(prospect), indent=1, ensure_ascii=False))
        return
    if not quiet:
        for notice in planned.notices:
            print(f"note: {notice}", file=sys.stderr)
    print_plan(prospect, each=each)


def warn_if_too_large(planned: Plan, output: str) -> None:
    """Say on standard error, before much is captured, that it will probably not fit. It is an estimate, no refusal."""
    if sum(planned.costs) >= WORTH_A_PILOT and (free := free_bytes(output)) is not None:
        missing = tuple(Finding("missing") for _ in planned.runs)
        warn_of_space(Prospect(planned, output, missing, free=free))


def look(planned: Plan, output: str, *, quiet: bool, overwrite: bool = False) -> Prospect:
    """Compare a plan with what is in the output."""
    store = open_store(output)
    place = _nearest(output)
    if place is not None and not place.is_dir():
        raise OutputError(f"{place}: expected a folder for the output, found a file; choose another name")
    refusal, findings = _findings(store, planned, quiet)
    anew = planned.is_data_set or refusal or findings[0].standing != "done"
    if overwrite and anew and next(iter(store.list()), None) is not None:
        refusal, findings = "", [Finding("missing", "to be replaced") for _ in planned.runs]
    return Prospect(planned, output, tuple(findings), refusal, free_bytes(output))


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
