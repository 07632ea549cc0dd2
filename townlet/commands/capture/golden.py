"""`townlet golden`: write down the figures that a suite should have, and say what moved since the last time."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.capture import RunnerOptions, announced, capture, leaving_if_stuck, prepare
from townlet.commands.capture.next_version import build_next, changes_of, current_store, metrics_of
from townlet.commands.capture.outcome import print_failures
from townlet.commands.capture.version_tables import print_changes, print_drift, runs
from townlet.console.parsing import Parser
from townlet.dataset.index.index_file import Failure
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.drift import (
    Drift,
    check_place,
    check_suites,
    compare_metrics,
    golden_document,
    read_golden,
    write_golden,
)
from townlet.dataset.versions.next_version import is_finished
from townlet.dataset.versions.versions import check_versions, finish_publishing, is_versioned, utc_now
from townlet.errors import OutputError
from townlet.planning.plan import Plan, plan

EXAMPLES = """\
examples:
  townlet golden configs/suites/smoke.yaml --golden smoke_golden.json                     capture, and forget
  townlet golden configs/suites/smoke.yaml --golden smoke_golden.json --output data/smoke

DIR is a data set, or a versioned one of `townlet regenerate`. What is missing in it is captured; the current
version of a versioned one stays as it is. Where regenerate has refused to publish a version because its
figures drifted, this accepts them, and regenerate then publishes that version without simulating again.

exit codes: 0 written, or as it was; 1 some runs failed, nothing is written; 2 wrong usage or config;
130 interrupted
"""


REMOVE_TIMEOUT_S = 5.0  # seconds until what cannot be removed is left


@dataclass(frozen=True)
class GoldenOutcome:
    """What became of a golden file."""

    document: Mapping[str, Any]  # empty where runs failed
    written: bool = False  # False: it said the same already
    moved: Drift | None = None  # against the file that was there; None: there was none
    failures: Sequence[Failure] = ()


def main(argv: Sequence[str], prog: str = "townlet golden") -> int:
    """Returns the exit code; raises TownletError for mistakes."""
    arguments, work = prepare(golden_parser(prog), argv)
    request = replace(capture_options.request(arguments), as_data_set=True)
    planned = announced(plan(request), work)
    with leaving_if_stuck(keeping=arguments.output is not None):
        silent = work.quiet or arguments.json
        outcome = golden(planned, arguments.golden, arguments.output, work, silent=silent)
    if arguments.json:
        print(json.dumps(as_json(outcome, arguments.golden), indent=1, ensure_ascii=False))
    else:
        _print_outcome(outcome, arguments.golden)
    return 1 if outcome.failures else 0


def golden_parser(prog: str = "townlet golden") -> Parser:
    """All options but Beam's."""
    parser = Parser(
        prog,
        "Write or update the golden metrics file of a suite: the figures that `townlet regenerate --golden` "
        "compares with. Says what moved.",
        EXAMPLES,
        usage=f"{prog} SUITE ... --golden FILE [--output DIR] [options]",
    )
    group = parser.add_argument_group("input and output")
    group.add_argument("sources", nargs="+", metavar="SUITE", help="a suite file, or configs")
    group.add_argument("--golden", required=True, metavar="FILE", help="the golden metrics file")
    group.add_argument(
        "--output", metavar="DIR", help="the data set; default: a folder that is removed again"
    )
    capture_options.add_played(parser)
    capture_options.add_written(parser)
    capture_options.add_work(parser)
    return parser


def golden(
    planned: Plan, path: str, output: str | None, work: RunnerOptions, *, silent: bool = False
) -> GoldenOutcome:
    """Write the golden file of the planned runs, which are captured where they are missing.

    `silent`: what changes in a versioned data set is not printed while at it. Raises UserError for another suite's
    file, OutputError for what is wrong with the places.
    """
    check_place(path)
    old = None
    if Path(path).exists():
        old = read_golden(path)
        check_suites(path, old, planned.suites)
    with _passing_folder() as folder:
        metrics, failures = _metrics(planned, output or f"{folder}/golden", work, silent)
    if metrics is None:
        return GoldenOutcome({}, failures=failures)
    document = golden_document(planned.runs, planned.suites, metrics)
    moved = None if old is None else compare_metrics(old, document, 0.0)
    return GoldenOutcome(document, write_golden(path, document), moved)


@contextlib.contextmanager
def _passing_folder() -> Iterator[str]:
    """A folder that is removed again, also where the threads of an interrupted capture still write into it."""
    folder = tempfile.mkdtemp(prefix="townlet-")
    try:
        yield folder
    finally:
        end = time.monotonic() + REMOVE_TIMEOUT_S
        while os.path.exists(folder) and time.monotonic() < end:
            shutil.rmtree(folder, ignore_errors=True)


def as_json(outcome: GoldenOutcome, path: str) -> dict[str, Any]:
    """For scripts."""
    return {
        "golden": path,
        "written": outcome.written,
        "moved": None if outcome.moved is None else outcome.moved.to_json_dict()["moved"],
        "failures": [failure._asdict() for failure in outcome.failures],
    }


MetricsOrFailures = tuple[Mapping[str, Any] | None, Sequence[Failure]]  # None: some runs failed


def _metrics(planned: Plan, output: str, work: RunnerOptions, silent: bool) -> MetricsOrFailures:
    """The figures of the planned runs."""
    if is_versioned(open_store(output)):
        return _metrics_of_version(planned, output, work, silent)
    failures = capture(planned, output, work).failures
    if failures:
        return None, failures
    store = open_store(output)
    if not is_finished(store, planned.runs, planned.suites):
        raise OutputError(
            f"{store}: holds other runs or suites too, and its figures are over all of them; "
            "choose another output folder"
        )
    return metrics_of(store), ()


def _metrics_of_version(planned: Plan, output: str, work: RunnerOptions, silent: bool) -> MetricsOrFailures:
    """Of the current version, where nothing changes in it, or of the next one, which is not published."""
    with output_lock(output):
        store = open_store(output)
        check_versions(store)
        finish_publishing(store, utc_now())
        changes = changes_of(store, planned)
        current = current_store(store)
        if not changes.any and current is not None:
            return metrics_of(current), ()
        if not silent:
            print_changes(changes)
        built = build_next(store, planned, changes, work)
        return (None, built.failures) if built.failures else (metrics_of(built.store), ())


def _print_outcome(outcome: GoldenOutcome, path: str) -> None:
    print_failures(outcome.failures)
    if outcome.failures:
        print(f"{path}: left as it was; the same command again tries only these runs", file=sys.stderr)
        return
    if outcome.moved is not None and outcome.moved.movements:
        print_drift(outcome.moved.movements)
    print(f"{path}: {_verdict(outcome)}")


def _verdict(outcome: GoldenOutcome) -> str:
    if outcome.moved is None:
        scenarios = outcome.document["scenarios"]
        return f"written, {runs(outcome.document['run_count'])} of {', '.join(sorted(scenarios))}"
    if not outcome.moved.movements:
        return "nothing moved" + (", other runs are noted" if outcome.written else "")
    return f"updated: {len(outcome.moved.movements)} of {outcome.moved.compared} figures moved"
