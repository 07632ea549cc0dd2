"""What a capture wrote, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from townlet.console.formatting import count, counted_as, number, print_table, size, took
from townlet.console.printing import next_step, remark, say
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.index.index_document import Facts, Failure, RunEntry
from townlet.dataset.index.populations import copies, distinct_seeds
from townlet.escaping import typed_path
from townlet.notebook import Shown, of
from townlet.run import RunRef

MOST_ROWS = 20  # of a table; the rest is counted


@dataclass(frozen=True, repr=False)
class CaptureOutcome(Shown):
    """Of one call of the capture command."""

    output: str
    samples: Sequence[SampleRecord] = ()  # of a single capture
    runs: Sequence[RunEntry] = ()  # of a data set: what its index says of those that were asked for
    failures: Sequence[Failure] = ()
    already_complete: bool = False  # nothing had to be done
    reused: int = 0  # runs that were not simulated, because they had been before
    read: Sequence[RunRef] = ()  # runs that are complete, every file read and found to hold
    unpublished: str = ""  # why the output was left as it was
    not_selected: int = 0  # runs that --limit has cut off
    totals: Facts | None = None  # of the data set as a whole

    def _facts(self) -> dict[str, Any]:
        what = of(len(self.runs), "run") if self.totals else of(len(self.samples), "sample")
        return {"output": self.output, "holds": what, "failures": len(self.failures)}


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
        "runs": [entry.as_mapping() for entry in outcome.runs],
        "seeds": {name: seeds._asdict() for name, seeds in distinct_seeds(outcome.runs).items()},
        "failures": [failure._asdict() for failure in outcome.failures],
    }


def print_outcome(outcome: CaptureOutcome, seconds: float, *, quiet: bool) -> None:
    """The table to standard output; what failed, how long it took, and what to type next, to standard error."""
    if outcome.samples and not quiet:
        _print_samples(outcome)
    if outcome.runs and outcome.totals and not quiet:
        _print_runs(outcome, outcome.totals)
    print_failures(outcome.failures)
    if outcome.failures and outcome.totals:
        asked = len(outcome.runs) + len(outcome.failures)
        remark(f"{len(outcome.failures)} of {asked} runs failed; the others are written")
    if outcome.unpublished:
        remark(outcome.unpublished)
    if not quiet:
        _print_what_next(outcome, seconds)


def _print_what_next(outcome: CaptureOutcome, seconds: float) -> None:
    if outcome.already_complete:
        remark(f"{outcome.output}: already complete, verified")
    elif outcome.reused:
        remark(f"{outcome.reused} of these runs were reused, not simulated again")
    for name, seeds in list(copies(outcome.runs).items())[:MOST_ROWS]:
        remark(f"{name}: {seeds}: the others are copies")
    if outcome.not_selected:
        remark(f"--limit: {number(outcome.not_selected, 'run')} not selected; run without it to add them")
    if outcome.failures:
        remark("run the same command to try only the failed runs again")
    if not outcome.already_complete:
        remark(f"took {took(seconds)}")
    if outcome.samples or outcome.runs:
        remark(f"to look at it: townlet report {typed_path(outcome.output)}")
        next_step(f"townlet inspect {typed_path(outcome.output)}")


def print_failures(failures: Sequence[Failure]) -> None:
    """The first of them, to standard error."""
    for failure in failures[:MOST_ROWS]:
        remark(f"failed: {failure.scenario} seed {failure.seed}: {failure.reason}")
    if len(failures) > MOST_ROWS:
        remark(f"... and {len(failures) - MOST_ROWS} more, see failures.json")


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


def _print_runs(outcome: CaptureOutcome, totals: Facts) -> None:
    """The runs that were asked for, one by one or, where they are many, by scenario; then the data set as a whole."""
    if len(outcome.runs) <= MOST_ROWS:
        columns = ("run", "seed", "samples", "frames", "size")
        rows = [(entry.scenario, str(entry.seed), *_amounts([entry])) for entry in outcome.runs]
    else:
        columns = ("scenario", "runs", "samples", "frames", "size")
        groups = groupby(outcome.runs, key=lambda entry: entry.scenario)
        rows = [(name, *_amounts(group, counted=True)) for name, group in groups]
    print_table(columns, shortened(rows), numbers=columns[1:])
    others = totals.run_count - len(outcome.runs)
    say(
        f"{number(totals.run_count, 'run')}, {number(totals.sample_count, 'sample')}, "
        f"{counted_as(totals.frame_count, 'frame')}, {size(totals.size)} in {outcome.output}"
        + (f" ({others} of them from other commands)" if others else "")
    )


def _amounts(entries: Iterable[RunEntry], *, counted: bool = False) -> tuple[str, ...]:
    """Samples, frames and bytes of some runs together; before them, where they are counted, how many runs."""
    runs = samples = frames = octets = 0
    for entry in entries:
        runs += 1
        samples += entry.sample_count
        frames += entry.frame_count
        octets += entry.size
    return (*([str(runs)] if counted else []), str(samples), count(frames), size(octets))


def shortened(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The first rows of a table, and how many more there are."""
    if len(rows) <= MOST_ROWS:
        return rows
    rest = (f"... and {len(rows) - MOST_ROWS + 1} more", *[""] * (len(rows[0]) - 1))
    return [*rows[: MOST_ROWS - 1], rest]
