"""`townlet regenerate`: keep a versioned data set fresh without ever losing the good one.

    plan -> build beside -> verify -> drift gate -> publish -> prune

Until the one atomic step that publishes, the old version is the current one, whatever happens.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.capture import RunnerOptions, announced, leaving_if_stuck, prepare
from townlet.commands.capture.next_version import BuiltVersion, build_next, changes_of, metrics_of
from townlet.commands.capture.outcome import print_failures
from townlet.commands.capture.version_tables import how_far, print_changes, print_drift, runs, summary
from townlet.console.parsing import Parser
from townlet.dataset.index.index_file import Failure
from townlet.dataset.store.contract import Store
from townlet.dataset.store.lease import raise_if_lost
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.changes import Changes
from townlet.dataset.versions.drift import Drift, check_suites, compare_metrics, golden_document, read_golden
from townlet.dataset.versions.versions import (
    check_versions,
    current_version,
    finish_publishing,
    next_version,
    prune,
    publish,
    remove_version,
    utc_now,
    version_folder,
)
from townlet.errors import UserError
from townlet.planning.plan import Plan, plan

DRIFTED = 3  # exit code
TOLERANCE = 0.02

EXAMPLES = """\
examples:
  townlet regenerate configs/suites/smoke.yaml --output data/smoke --dry-run     what would be done, and why
  townlet regenerate configs/suites/smoke.yaml --output data/smoke
  townlet regenerate configs/suites/smoke.yaml --output data/smoke --golden smoke_golden.json --keep 7

DIR holds versions/1, versions/2, ..., each a data set; current.json says which one to read, and on a disk so
does the link DIR/current. Runs whose inputs have not changed are carried over; the others are simulated.
Nothing changed: nothing is run. A version with a failed run, one that does not verify, and one that drifted
is not published; what was current stays so. The same command again goes on from there.
Ready to copy for cron, systemd, Kubernetes and Airflow: deploy/schedule.

exit codes: 0 done, or nothing to do; 1 some runs failed; 2 wrong usage or config; 3 the figures drifted;
130 interrupted
"""


@dataclass(frozen=True)
class RegenerateOptions:
    """What a regeneration is to do."""

    golden: str | None = None  # the golden metrics file
    tolerance: float = TOLERANCE
    keep: int | None = None  # versions; None: all
    dry_run: bool = False
    silent: bool = False  # do not show the plan while at it


@dataclass(frozen=True)
class RegenerateOutcome:
    """What it did."""

    changes: Changes
    current: int | None  # the version that is current now
    version: int | None = None  # that was made, or is still to be published; None: nothing had to be done
    published: bool = False
    simulated: int = 0  # runs
    failures: Sequence[Failure] = ()
    drift: Drift | None = None
    pruned: Sequence[int] = ()

    @property
    def exit_code(self) -> int:
        if self.failures:
            return 1
        return DRIFTED if self.drift is not None and self.drift.beyond else 0


def main(argv: Sequence[str], prog: str = "townlet regenerate") -> int:
    """Returns the exit code; raises TownletError for mistakes."""
    arguments, work = prepare(regenerate_parser(prog), argv)
    if arguments.tolerance is not None and arguments.golden is None:
        raise UserError("--tolerance: compares with golden figures; give --golden FILE as well")
    wanted = RegenerateOptions(
        golden=arguments.golden,
        tolerance=TOLERANCE if arguments.tolerance is None else arguments.tolerance,
        keep=arguments.keep,
        dry_run=arguments.dry_run,
        silent=work.quiet or arguments.json,
    )
    request = replace(capture_options.request(arguments), as_data_set=True)
    planned = announced(plan(request), work)
    with leaving_if_stuck():
        outcome = regenerate(planned, arguments.output, work, wanted)
    if arguments.json:
        print(json.dumps(as_json(outcome), indent=1, ensure_ascii=False))
    else:
        _print_outcome(outcome, arguments, wanted)
        for line in _advice(outcome, argv):
            print(line, file=sys.stderr)
    return outcome.exit_code


def regenerate_parser(prog: str = "townlet regenerate") -> Parser:
    """All options but Beam's."""
    parser = Parser(
        prog,
        "Make the next version of a data set where the suite, its configs or the rules have changed.",
        EXAMPLES,
        usage=f"{prog} SUITE ... --output DIR [options]",
    )
    group = parser.add_argument_group("input and output")
    group.add_argument("sources", nargs="+", metavar="SUITE", help="a suite file, or configs")
    group.add_argument("--output", required=True, metavar="DIR", help="the folder of the versioned data set")
    group.add_argument("--dry-run", action="store_true", help="say what would be done and why; do nothing")
    group.add_argument("--golden", metavar="FILE", help="publish only what has figures like this file's")
    group.add_argument(
        "--tolerance",
        type=_share,
        metavar="X",
        help=f"how far a figure may be from the golden one (default: {TOLERANCE}, which is 2 %%)",
    )
    group.add_argument(
        "--keep",
        type=_at_least_one,
        metavar="N",
        help="remove all but the newest N versions, save those of the last hour; default: keep all",
    )
    capture_options.add_played(parser)
    capture_options.add_written(parser)
    capture_options.add_work(parser)
    return parser


def regenerate(
    planned: Plan, output: str, work: RunnerOptions, wanted: RegenerateOptions
) -> RegenerateOutcome:
    """Make and publish the next version, if there is anything to change. See the module's text.

    Raises OutputError for what is wrong with the place, UserError for the golden file, CorruptSampleError where
    the new version does not verify, KeyboardInterrupt for Ctrl-C.
    """
    golden = _golden(wanted, planned)
    if wanted.dry_run:
        store = open_store(output)
        check_versions(store)
        changes = _shown(changes_of(store, planned), wanted)
        return RegenerateOutcome(
            changes, current_version(store), next_version(store) if changes.any else None
        )
    with output_lock(output):
        store = open_store(output)
        check_versions(store)
        finish_publishing(store, utc_now())
        changes = _shown(changes_of(store, planned), wanted)
        if not changes.any:
            _remove_unpublished(store)
            return RegenerateOutcome(changes, current_version(store), pruned=_prune(store, wanted))
        built = build_next(store, planned, changes, work)
        outcome = _judged(
            RegenerateOutcome(changes, current_version(store), built.version), built, planned, golden, wanted
        )
        if outcome.exit_code:
            return outcome
        raise_if_lost()
        publish(store, built.version)
        finish_publishing(store, utc_now())
        return replace(outcome, current=built.version, published=True, pruned=_prune(store, wanted))


def as_json(outcome: RegenerateOutcome) -> dict[str, Any]:
    """For scripts."""
    rows = outcome.changes.by_scenario()
    return {
        "current": outcome.current,
        "version": outcome.version,
        "published": outcome.published,
        "simulated": outcome.simulated,
        "counts": outcome.changes.counts(),
        "changes": [
            {"scenario": name, "state": state, "seeds": seeds, "reason": reason}
            for name, state, seeds, reason in rows
        ],
        "failures": [failure._asdict() for failure in outcome.failures],
        "drift": None if outcome.drift is None else outcome.drift.to_json_dict(),
        "pruned": list(outcome.pruned),
    }


def _golden(wanted: RegenerateOptions, planned: Plan) -> dict[str, Any] | None:
    """The golden file, read before any work."""
    if wanted.golden is None:
        return None
    golden = read_golden(wanted.golden)
    check_suites(wanted.golden, golden, planned.suites)
    return golden


def _shown(changes: Changes, wanted: RegenerateOptions) -> Changes:
    if not wanted.silent and (changes.any or wanted.dry_run):
        print_changes(changes)
        sys.stdout.flush()
    return changes


def _judged(
    outcome: RegenerateOutcome,
    built: BuiltVersion,
    planned: Plan,
    golden: dict[str, Any] | None,
    wanted: RegenerateOptions,
) -> RegenerateOutcome:
    """With what failed, what was simulated, and how far the figures have moved."""
    outcome = replace(outcome, failures=built.failures, simulated=built.simulated)
    if golden is None or built.failures:
        return outcome
    now = golden_document(planned.runs, planned.suites, metrics_of(built.store))
    return replace(outcome, drift=compare_metrics(golden, now, wanted.tolerance))


def _prune(store: Store, wanted: RegenerateOptions) -> list[int]:
    return [] if wanted.keep is None else prune(store, wanted.keep, utc_now())


def _remove_unpublished(store: Store) -> None:
    """What was begun for a suite that has been put back since."""
    version = next_version(store)
    if any(True for _ in store.list(version_folder(version))):
        remove_version(store, version)


def _print_outcome(
    outcome: RegenerateOutcome, arguments: argparse.Namespace, wanted: RegenerateOptions
) -> None:
    print_failures(outcome.failures)
    if outcome.drift is not None and outcome.drift.beyond:
        print_drift(outcome.drift.beyond)
    if outcome.drift is not None:
        print(how_far(outcome.drift))
    if not wanted.silent or outcome.version is not None:
        print(f"{arguments.output}: {_verdict(outcome, wanted)}")
    if outcome.pruned:
        print(
            f"removed: version{'s' if len(outcome.pruned) > 1 else ''} {', '.join(map(str, outcome.pruned))}"
        )
    sys.stdout.flush()


def _verdict(outcome: RegenerateOutcome, wanted: RegenerateOptions) -> str:
    stays = f"version {outcome.current} stays current" if outcome.current else "no version is current yet"
    if outcome.version is None:
        return f"version {outcome.current} is up to date, nothing to do ({summary(outcome.changes)})"
    if wanted.dry_run:
        return f"version {outcome.version} would be made; {stays}"
    if outcome.published:
        return f"version {outcome.version} is current ({runs(outcome.simulated)} simulated)"
    why = f"{runs(len(outcome.failures))} failed" if outcome.failures else "its figures drifted"
    return f"version {outcome.version} is not published: {why}; {stays}"


def _advice(outcome: RegenerateOutcome, argv: Sequence[str]) -> list[str]:
    """What to type next."""
    if outcome.failures:
        return ["the same command again tries only these runs"]
    if outcome.drift is not None and outcome.drift.beyond:
        return [
            "if the figures are as they should be now, accept them and run the same command again; "
            "nothing is simulated twice:",
            f"  townlet golden {shlex.join(_as_golden_takes_it(argv))}",
        ]
    return []


def _as_golden_takes_it(argv: Sequence[str]) -> list[str]:
    """The command line without the options that are ours alone, or that silence."""
    words, tokens = [], list(argv)
    while tokens:
        token = tokens.pop(0)
        if token in ("--keep", "--tolerance"):
            tokens.pop(0)
        elif token not in ("--quiet", "--json") and not token.startswith(("--keep=", "--tolerance=")):
            words.append(token)
    return words


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UserError(f"--tolerance: expected a share of 0 or more, such as 0.02, got {text!r}")
    return value


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"--keep: expected 1 or more versions, got {text!r}")
    return int(text)
