"""`townlet regenerate`: keep a versioned data set fresh without ever losing the good one.

    plan -> build beside -> verify -> drift gate -> publish -> prune

Until the one atomic step that publishes, the old version is the current one, whatever happens.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.capture import prepare, print_notices
from townlet.commands.capture.outcome import print_failures
from townlet.commands.capture.run_regenerate import (
    RegenerateOptions,
    RegenerateOutcome,
    regenerate,
)
from townlet.commands.capture.start import start
from townlet.commands.capture.version_tables import how_far, print_changes, print_drift, runs, summary
from townlet.console.errors import finished_runs_are_kept
from townlet.console.formatting import print_json, took
from townlet.console.parsing import Parser, positive, share
from townlet.console.printing import next_step, remark, say
from townlet.dataset.versions.changes import Changes
from townlet.dataset.versions.drift import TOLERANCE
from townlet.errors import UserError
from townlet.escaping import typed, typed_path
from townlet.planning.plan import plan

EXAMPLES = """\
examples:
  townlet regenerate configs/suites/smoke.yaml --output data/smoke --dry-run     what would be done, and why
  townlet regenerate configs/suites/smoke.yaml --output data/smoke
  townlet regenerate configs/suites/smoke.yaml --output data/smoke --golden smoke_golden.json --keep 7

DIR holds versions/1, versions/2, ..., each a data set; current.json names the one to read, and on a disk the
link DIR/current leads to it. Runs whose inputs have not changed are carried over; the others are simulated.
If nothing changed, nothing is run. A version with a failed run, one that does not verify, and one that drifted
is not published; the current version stays. Run the same command to continue.
Ready to copy for cron, systemd, Kubernetes and Airflow: deploy/schedule.

exit codes: 0 done, or nothing to do; 1 some runs failed; 2 wrong usage or config; 3 the metrics drifted;
130 interrupted
"""


def main(argv: Sequence[str], prog: str = "townlet regenerate") -> int:
    """Returns the exit code; raises TownletError for mistakes."""
    started = time.monotonic()
    parser = regenerate_parser(prog)
    argv = parser.in_long_form(argv)
    arguments, runner_options = prepare(parser, argv)
    if arguments.tolerance is not None and arguments.golden is None:
        raise UserError("--tolerance: compares with golden metrics; give --golden FILE as well")
    options = RegenerateOptions(
        golden=arguments.golden,
        tolerance=TOLERANCE if arguments.tolerance is None else arguments.tolerance,
        keep=arguments.keep,
        dry_run=arguments.dry_run,
    )
    silent = runner_options.quiet or arguments.json

    def show(changes: Changes) -> None:
        if not silent and (changes.any or options.dry_run):
            print_changes(changes)
            sys.stdout.flush()

    request = replace(capture_options.request(arguments), as_data_set=True)
    played = None if runner_options.flags else start(request, quiet=arguments.quiet)
    if played is not None:
        return played
    planned = plan(request)
    print_notices(planned, runner_options)
    with finished_runs_are_kept():
        outcome = regenerate(planned, arguments.output, runner_options, options, show)
    if arguments.json:
        print_json(as_json(outcome))
    else:
        _print_outcome(outcome, arguments, silent=silent)
        for line in _advice(outcome, argv):
            remark(line)
        if not outcome.exit_code and not arguments.quiet:
            _print_what_next(outcome, arguments, argv, time.monotonic() - started)
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
    group.add_argument("--dry-run", action="store_true", help="show what would be done and why; do nothing")
    group.add_argument("--golden", metavar="FILE", help="publish only if the metrics are those of this file")
    group.add_argument(
        "--tolerance",
        type=share,
        metavar="X",
        help=f"how far a metric may be from the golden one (default: {TOLERANCE}, which is 2 %%)",
    )
    group.add_argument(
        "--keep",
        type=positive,
        metavar="N",
        help="remove all but the newest N versions, save those of the last hour; default: keep all",
    )
    capture_options.add_played(parser)
    capture_options.add_written(parser)
    capture_options.add_work(parser)
    return parser


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


def _print_outcome(outcome: RegenerateOutcome, arguments: argparse.Namespace, *, silent: bool) -> None:
    print_failures(outcome.failures)
    if outcome.drift is not None and outcome.drift.beyond:
        print_drift(outcome.drift.beyond)
    if outcome.drift is not None and (outcome.exit_code or not silent):
        say(how_far(outcome.drift))
    if outcome.exit_code or not silent:
        say(f"{arguments.output}: {_conclusion(outcome, dry_run=arguments.dry_run)}")
    if outcome.pruned and not silent:
        say(f"removed: version{'s' * (len(outcome.pruned) > 1)} {', '.join(map(str, outcome.pruned))}")
    for why in outcome.not_pruned:
        remark(f"kept: {why}")
    sys.stdout.flush()


def _print_what_next(
    outcome: RegenerateOutcome, arguments: argparse.Namespace, argv: Sequence[str], seconds: float
) -> None:
    """After what went well."""
    if arguments.dry_run and outcome.version is not None:
        next_step(capture_options.command_line("townlet regenerate", argv, without=("--dry-run",)))
    if outcome.published:
        remark(f"took {took(seconds)}")
    if not arguments.dry_run:
        next_step(f"townlet list {typed_path(arguments.output)}")


def _conclusion(outcome: RegenerateOutcome, *, dry_run: bool) -> str:
    stays = f"version {outcome.current} stays current" if outcome.current else "no version is current yet"
    if outcome.version is None:
        return f"version {outcome.current} is up to date, nothing to do ({summary(outcome.changes)})"
    if dry_run:
        return f"version {outcome.version} would be made; {stays}"
    if outcome.published:
        return f"version {outcome.version} is current ({runs(outcome.simulated)} simulated)"
    why = f"{runs(len(outcome.failures))} failed" if outcome.failures else "its metrics drifted"
    return f"version {outcome.version} is not published: {why}; {stays}"


def _advice(outcome: RegenerateOutcome, argv: Sequence[str]) -> list[str]:
    """What to type next."""
    if outcome.failures:
        return ["run the same command to try only these runs again"]
    if outcome.drift is not None and outcome.drift.beyond:
        return [
            "if the new metrics are right, accept them and run the same command again; "
            "nothing is simulated twice:",
            f"  townlet golden {typed(*_as_golden_takes_it(argv))}",
        ]
    return []


def _as_golden_takes_it(argv: Sequence[str]) -> list[str]:
    """The command line without the options that golden does not have, or that would hide its output."""
    words, tokens = [], list(argv)
    while tokens:
        token = tokens.pop(0)
        if token in ("--keep", "--tolerance"):
            tokens.pop(0)
        elif token not in ("--quiet", "--json") and not token.startswith(("--keep=", "--tolerance=")):
            words.append(token)
    return words
