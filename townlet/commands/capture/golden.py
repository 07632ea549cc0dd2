"""`townlet golden`: write the metrics that a suite should have, and show what changed since the last time."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.capture import prepare, print_notices
from townlet.commands.capture.outcome import print_failures
from townlet.commands.capture.run_golden import GoldenOutcome, golden
from townlet.commands.capture.start import start
from townlet.commands.capture.version_tables import print_changes, print_drift, runs
from townlet.console.errors import finished_runs_are_kept
from townlet.console.formatting import print_json, took
from townlet.console.parsing import Parser
from townlet.console.printing import next_step, remark, say
from townlet.dataset.versions.changes import Changes
from townlet.escaping import typed, typed_path
from townlet.planning.plan import plan

EXAMPLES = """\
examples:
  townlet golden configs/suites/smoke.yaml --golden smoke_golden.json                     in a temporary folder
  townlet golden configs/suites/smoke.yaml --golden smoke_golden.json --output data/smoke

DIR is a data set, or a versioned one of `townlet regenerate`. What is missing in it is captured; the current
version of a versioned one stays as it is. Where regenerate has refused to publish a version because its
metrics drifted, this accepts them, and regenerate then publishes that version without simulating again.

exit codes: 0 written, or unchanged; 1 some runs failed, nothing is written; 2 wrong usage or config;
130 interrupted
"""


def main(argv: Sequence[str], prog: str = "townlet golden") -> int:
    """Returns the exit code; raises TownletError for mistakes."""
    started = time.monotonic()
    arguments, runner_options = prepare(golden_parser(prog), argv)
    request = replace(capture_options.request(arguments), as_data_set=True)
    played = None if runner_options.flags else start(request, quiet=arguments.quiet)
    if played is not None:
        return played
    planned = plan(request)
    print_notices(planned, runner_options)

    def show(changes: Changes) -> None:
        if not runner_options.quiet and not arguments.json:
            print_changes(changes)

    with finished_runs_are_kept() if arguments.output else contextlib.nullcontext():
        outcome = golden(planned, arguments.golden, arguments.output, runner_options, show)
    if arguments.json:
        print_json(as_json(outcome, arguments.golden))
    else:
        _print_outcome(outcome, arguments.golden, quiet=arguments.quiet)
        if not outcome.failures and not arguments.quiet:
            remark(f"took {took(time.monotonic() - started)}")
            _print_what_next(arguments)
    return 1 if outcome.failures else 0


def _print_what_next(arguments: argparse.Namespace) -> None:
    if arguments.output:
        words = [*arguments.sources, "--output", arguments.output, "--golden", arguments.golden]
        next_step(f"townlet regenerate {typed(*words)}")
    else:
        next_step(f"give it to `townlet regenerate` as --golden {typed_path(arguments.golden)}")


def golden_parser(prog: str = "townlet golden") -> Parser:
    """All options but Beam's."""
    parser = Parser(
        prog,
        "Write or update the golden metrics file of a suite: `townlet regenerate --golden` compares with it. "
        "Shows what changed.",
        EXAMPLES,
        usage=f"{prog} SUITE ... --golden FILE [--output DIR] [options]",
    )
    group = parser.add_argument_group("input and output")
    group.add_argument("sources", nargs="+", metavar="SUITE", help="a suite file, or configs")
    group.add_argument("--golden", required=True, metavar="FILE", help="the golden metrics file")
    group.add_argument("--output", metavar="DIR", help="the data set; default: a temporary folder")
    capture_options.add_played(parser)
    capture_options.add_written(parser)
    capture_options.add_work(parser)
    return parser


def as_json(outcome: GoldenOutcome, path: str) -> dict[str, Any]:
    """For scripts."""
    return {
        "golden": path,
        "written": outcome.written,
        "moved": None if outcome.moved is None else outcome.moved.to_json_dict()["moved"],
        "failures": [failure._asdict() for failure in outcome.failures],
    }


def _print_outcome(outcome: GoldenOutcome, path: str, *, quiet: bool) -> None:
    print_failures(outcome.failures)
    if outcome.failures:
        remark(f"{path}: not changed; run the same command to try only these runs again")
        return
    if quiet:
        return
    if outcome.moved is not None and outcome.moved.movements:
        print_drift(outcome.moved.movements)
    say(f"{path}: {_conclusion(outcome)}")


def _conclusion(outcome: GoldenOutcome) -> str:
    if outcome.moved is None:
        scenarios = outcome.document["scenarios"]
        return f"written, {runs(outcome.document['run_count'])} of {', '.join(sorted(scenarios))}"
    if not outcome.moved.movements:
        return "no metric changed" + ("; its list of runs was updated" if outcome.written else "")
    return f"updated: {len(outcome.moved.movements)} of {outcome.moved.compared} metrics changed"
