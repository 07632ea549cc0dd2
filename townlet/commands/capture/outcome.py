"""What a capture wrote, as a table or as JSON."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from townlet.console.formatting import count, number, print_table, size
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.index.index_file import Failure
from townlet.run import RunRef

MOST_ROWS = 20  # of a table; the rest is counted


@dataclass(frozen=True)
class CaptureOutcome:
    """Of one call of the capture command."""

    output: str
    samples: Sequence[SampleRecord] = ()  # of a single capture
    runs: Sequence[
        Mapping[str, Any]
    ] = ()  # of a data set: the entries of its index, those that were asked for
    failures: Sequence[Failure] = ()
    already_complete: bool = False  # nothing had to be done
    reused: int = 0  # runs that were not simulated, because they had been before
    read: Sequence[RunRef] = ()  # runs that are complete, every file read and found to hold
    unpublished: str = ""  # why the output was left as it was
    not_selected: int = 0  # runs that --limit has cut off
    totals: Mapping[str, Any] = field(default_factory=dict)  # of the data set as a whole


def as_json(outcome: CaptureOutcome) -> dict[str, Any]:
    """For scripts."""
    samples = [
        {
            "sample": record.npz.name,
            "meta": record.meta.name,
            "agent_id": record.agent_id,
            "frame_count": record.frame_count,
            "reward_sum": record.metrics["reward_sum"],
            "size": record.npz.size,
            "sha256": record.npz.sha256,
        }
        for record in outcome.samples
    ]
    return {
        "output": outcome.output,
        "already_complete": outcome.already_complete,
        "reused_runs": outcome.reused,
        "not_selected": outcome.not_selected,
        "samples": samples,
        "runs": list(outcome.runs),
        "failures": [failure._asdict() for failure in outcome.failures],
    }


def print_outcome(outcome: CaptureOutcome, *, quiet: bool) -> None:
    """The table to standard output; what failed, and what to type next, to standard error."""
    if outcome.samples:
        _print_samples(outcome)
    if outcome.runs:
        _print_runs(outcome)
    print_failures(outcome.failures)
    if outcome.failures and outcome.totals:
        asked = len(outcome.runs) + len(outcome.failures)
        print(f"{len(outcome.failures)} of {asked} runs failed; the others are written", file=sys.stderr)
    if outcome.unpublished:
        print(outcome.unpublished, file=sys.stderr)
    if not quiet:
        _print_what_next(outcome)


def _print_what_next(outcome: CaptureOutcome) -> None:
    if outcome.already_complete:
        print(f"{outcome.output}: already complete, verified", file=sys.stderr)
    elif outcome.reused:
        print(f"{outcome.reused} of these runs were reused, not simulated again", file=sys.stderr)
    if outcome.not_selected:
        print(
            f"--limit: {number(outcome.not_selected, 'run')} not selected; run without it to add them",
            file=sys.stderr,
        )
    if outcome.failures:
        print("run the same command to try only the failed runs again", file=sys.stderr)
    if outcome.samples or outcome.runs:
        print(f"next: townlet inspect {shlex.quote(outcome.output)}", file=sys.stderr)


def print_failures(failures: Sequence[Failure]) -> None:
    """The first of them, to standard error."""
    for failure in failures[:MOST_ROWS]:
        print(f"failed: {failure.scenario} seed {failure.seed}: {failure.reason}", file=sys.stderr)
    if len(failures) > MOST_ROWS:
        print(f"... and {len(failures) - MOST_ROWS} more, see failures.json", file=sys.stderr)


def _print_samples(outcome: CaptureOutcome) -> None:
    rows = [
        (
            record.npz.name,
            record.agent_id,
            str(record.frame_count),
            f"{record.metrics['reward_sum']:.3f}",
            size(record.npz.size),
        )
        for record in outcome.samples
    ]
    columns = ("sample", "agent", "frames", "reward", "size")
    print_table(columns, shortened(rows), numbers=columns[2:])


def _print_runs(outcome: CaptureOutcome) -> None:
    """The runs that were asked for, one by one or, where they are many, by scenario; then the data set as a whole."""
    if len(outcome.runs) <= MOST_ROWS:
        columns = ("run", "seed", "samples", "frames", "size")
        rows = [(entry["scenario"], str(entry["seed"]), *_amounts([entry])) for entry in outcome.runs]
    else:
        columns = ("scenario", "runs", "samples", "frames", "size")
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for entry in outcome.runs:
            groups.setdefault(entry["scenario"], []).append(entry)
        rows = [(name, str(len(group)), *_amounts(group)) for name, group in groups.items()]
    print_table(columns, shortened(rows), numbers=columns[1:])
    totals = outcome.totals
    others = totals["run_count"] - len(outcome.runs)
    print(
        f"{number(totals['run_count'], 'run')}, {number(totals['sample_count'], 'sample')}, "
        f"{count(totals['frame_count'])} frames, {size(totals['size'])} in {outcome.output}"
        + (f" ({others} of them from other commands)" if others else "")
    )


def _amounts(entries: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """Samples, frames and bytes of some runs together."""
    samples, frames, octets = (
        sum(entry[key] for entry in entries) for key in ("sample_count", "frame_count", "size")
    )
    return str(samples), count(frames), size(octets)


def shortened(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The first rows of a table, and how many more there are."""
    if len(rows) <= MOST_ROWS:
        return rows
    rest = (f"... and {len(rows) - MOST_ROWS + 1} more", *[""] * (len(rows[0]) - 1))
    return [*rows[: MOST_ROWS - 1], rest]
