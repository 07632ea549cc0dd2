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
    was_there: bool = False  # nothing had to be done
    recalled: int = 0  # runs that were not simulated, because they had been
    read: Sequence[RunRef] = ()  # runs that are complete, every file read and found to hold
    unpublished: str = ""  # why the output was left as it was
    left_out: int = 0  # runs that --limit has cut off
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
        "was_there": outcome.was_there,
        "recalled": outcome.recalled,
        "left_out": outcome.left_out,
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
        print(f"{len(outcome.failures)} of {asked} runs failed; the rest is written", file=sys.stderr)
    if outcome.unpublished:
        print(outcome.unpublished, file=sys.stderr)
    if not quiet:
        _print_what_next(outcome)


def _print_what_next(outcome: CaptureOutcome) -> None:
    if outcome.was_there:
        print(f"{outcome.output}: already there, verified", file=sys.stderr)
    elif outcome.recalled:
        print(f"{outcome.recalled} of these runs had been simulated before", file=sys.stderr)
    if outcome.left_out:
        print(f"--limit left {outcome.left_out} runs out; without it, they are added", file=sys.stderr)
    if outcome.failures:
        print("the same command tries what failed again, and nothing else", file=sys.stderr)
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
    """The runs that were asked for, each for itself or, where they are many, by scenario; then all that there is."""
    if len(outcome.runs) <= MOST_ROWS:
        columns = ("run", "seed", "samples", "frames", "size")
        rows = [(entry["scenario"], str(entry["seed"]), *_figures([entry])) for entry in outcome.runs]
    else:
        columns = ("scenario", "runs", "samples", "frames", "size")
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for entry in outcome.runs:
            groups.setdefault(entry["scenario"], []).append(entry)
        rows = [(name, str(len(group)), *_figures(group)) for name, group in groups.items()]
    print_table(columns, shortened(rows), numbers=columns[1:])
    totals = outcome.totals
    others = totals["run_count"] - len(outcome.runs)
    print(
        f"{number(totals['run_count'], 'run')}, {number(totals['sample_count'], 'sample')}, "
        f"{count(totals['frame_count'])} frames, {size(totals['size'])} in {outcome.output}"
        + (f" ({others} of these runs are others)" if others else "")
    )


def _figures(entries: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
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
