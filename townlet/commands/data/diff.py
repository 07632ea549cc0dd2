"""`townlet diff`: which runs, samples, arrays and metrics differ between two captures or two data sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from townlet.console.errors import print_error
from townlet.console.formatting import Meter, json_text, print_table
from townlet.console.parsing import Parser, positive
from townlet.console.printing import next_step, say
from townlet.errors import CorruptSampleError
from townlet.escaping import typed_path
from townlet.run import seed_spans

if TYPE_CHECKING:
    from townlet.dataset.checking.diff import Difference, RunDifference, SampleDifference, State
    from townlet.dataset.checking.diff_arrays import ArrayDifference

EXAMPLES = """\
examples:
  townlet diff samples/nightly/versions/3 samples/nightly/versions/4
  townlet diff samples/before samples/nightly              of a versioned data set, its current version
  townlet diff samples/one s3://bucket/two --json          everything, for programs
  townlet diff samples/kitchen samples/kitchen-again       two captures

Samples are compared by content: another compression is mentioned, and is no difference.

exit codes: 0 the same, 1 different, 2 they cannot be compared
"""

LIMIT = 10  # samples whose arrays are compared, and lines of each list, unless --limit says otherwise
DIFFERENT = 1
NOT_COMPARABLE = 2


def main(argv: Sequence[str], prog: str = "townlet diff") -> int:
    parser = Parser(
        prog,
        "Show which runs and samples were added, removed or changed, which arrays differ and from which "
        "timestep on, and which metrics changed.",
        EXAMPLES,
    )
    parser.add_argument("a", metavar="A", help="a capture, a data set, a version, a versioned data set")
    parser.add_argument("b", metavar="B", help="what it is compared with")
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"compare the arrays of N samples, show N lines of each list (default {LIMIT}; with --json all)",
    )
    parser.add_argument("--json", action="store_true", help="print all differences as JSON")
    parser.add_argument("--quiet", action="store_true")
    arguments = parser.parse_args(argv)

    from townlet.dataset.checking.diff import diff

    limit = arguments.limit or (None if arguments.json else LIMIT)
    try:
        with Meter("samples", quiet=arguments.quiet) as meter:
            found = diff(
                arguments.a,
                arguments.b,
                limit=0 if arguments.quiet and not arguments.json else limit,
                progress=meter.show,
            )
    except CorruptSampleError as error:
        print_error(error)
        return NOT_COMPARABLE
    if arguments.json:
        _print_json(found)
    elif not arguments.quiet:
        _show(found, limit or LIMIT)
        next_step(f"townlet inspect {typed_path(arguments.b)}")
    return 0 if found.same else DIFFERENT


def _print_json(found: Difference) -> None:
    """A run a line: of many runs that differ, all of it as one text would be gigabytes."""
    facts = {**replace(found, runs=[]).to_json_dict(), "same": found.same}
    del facts["runs"]
    say("{")
    for name, value in facts.items():
        say(f" {json_text(name)}: {json_text(value)},")
    say(' "runs": [')
    for left, run in zip(range(len(found.runs) - 1, -1, -1), found.runs, strict=True):
        say(f"  {json_text(run.to_json_dict())}{',' if left else ''}")
    say(" ]")
    say("}")


def _show(found: Difference, limit: int) -> None:
    say(f"A: {found.a}")
    say(f"B: {found.b}")
    say(_summary(found))
    for fact in found.facts:
        say(fact)
    _show_names("only in A", found.of("removed"), limit)
    _show_names("only in B", found.of("added"), limit)
    _show_repacked(found.of("repacked"), limit)
    _show_changed(found.of("changed"), limit)
    _show_metrics(found, limit)


def _summary(found: Difference) -> str:
    states: list[tuple[State, str]] = [
        ("repacked", "same content in other files"),
        ("changed", "changed"),
        ("removed", "only in A"),
        ("added", "only in B"),
    ]
    counts = [(found.same_runs, "the same"), *((len(found.of(state)), text) for state, text in states)]
    parts = [f"{number} {text}" for number, text in counts if number]
    conclusion = "the same content" if found.same else "different"
    return f"{conclusion}: runs: {', '.join(parts) or 'none'}"


def _show_names(title: str, runs: Sequence[RunDifference], limit: int) -> None:
    if not runs:
        return
    say()
    say(f"{title}")
    for scenario, seeds in _seeds(runs).items():
        samples = sum(run.sample_count for run in runs if run.scenario == scenario)
        say(f"  {scenario} {_spans(seeds, limit)}: {samples} samples")


def _show_repacked(runs: Sequence[RunDifference], limit: int) -> None:
    if runs:
        say()
        say("same content in other files")
        _show_inputs(runs, limit)


def _show_changed(runs: Sequence[RunDifference], limit: int) -> None:
    if not runs:
        return
    say()
    say("changed")
    _show_inputs(runs, limit)
    pairs = [(run, sample) for run in runs for sample in run.samples]
    say()
    say(f"samples: {_counted(pairs)}")
    compared = [(run, sample) for run, sample in pairs if sample.arrays is not None]
    for run, sample in compared:
        _show_sample(run, sample)
    for state, title in (("removed", "only in A"), ("added", "only in B")):
        some = [
            f"{run.scenario} seed {run.seed}: {sample.sample}"
            for run, sample in pairs
            if sample.state == state
        ]
        for line in some[:limit]:
            say(f"  {title}: {line}")
    left = sum(sample.state == "changed" for _, sample in pairs) - len(compared)
    if left:
        say(f"  ... and {left} more changed samples (--limit N or --json compares them too)")


def _show_inputs(runs: Sequence[RunDifference], limit: int) -> None:
    """By scenario, and by what differs in their configs: most often it is the same for all seeds."""
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for run in runs:
        groups.setdefault((run.scenario, run.inputs), []).append(run.seed)
    for (scenario, inputs), seeds in list(groups.items())[:limit]:
        say(f"  {scenario} {_spans(seeds, limit)}{'' if inputs else ': the same config and options'}")
        for line in inputs[:limit]:
            say(f"    {line}")
        if len(inputs) > limit:
            say(f"    ... and {len(inputs) - limit} more")
    if len(groups) > limit:
        say(f"  ... and {len(groups) - limit} more")


def _show_sample(run: RunDifference, sample: SampleDifference) -> None:
    say(f"  {run.scenario} seed {run.seed}: {sample.sample}")
    arrays = sample.arrays or ()
    longer = next((array.length for array in arrays if array.array == "tick" and array.length), None)
    if longer is not None:
        equal = [array.array for array in arrays if array.length and not array.differs]
        as_far = f"; equal as far as both go: {', '.join(equal)}" if equal else ""
        say(f"    {longer[0]} -> {longer[1]} timesteps{as_far}")
    for array in arrays:
        if array.differs:
            say(f"    {array.array:18} {_described(array)}")


def _described(array: ArrayDifference) -> str:
    parts = list(array.remarks)
    if array.first_timestep is not None:
        count = f"{array.timesteps} timestep{'s' if array.timesteps != 1 else ''}"
        parts.append(f"from timestep {array.first_timestep} (tick {array.first_tick}), {count}")
    parts += [f"{f'{at} ' if at else ''}{_value(a)} -> {_value(b)}" for at, a, b in array.values]
    return "; ".join(parts)


def _show_metrics(found: Difference, limit: int) -> None:
    if not found.metrics:
        return
    from townlet.dataset.checking.diff_sides import OVERALL

    say()
    say("metrics that changed")
    rows = []
    scenarios = {moved.scenario for moved in found.metrics} - {OVERALL}
    # Of a single scenario the metrics are those of all samples: once is enough.
    metrics = [moved for moved in found.metrics if len(scenarios) > 1 or moved.scenario == OVERALL]
    for moved in metrics[:limit]:
        means = [_value(side["mean"]) if side else "-" for side in (moved.a, moved.b)]
        change = f"{moved.relative:+.2%}" if math.isfinite(moved.relative) else "-"
        rows.append(("all" if moved.scenario == OVERALL else moved.scenario, moved.figure, *means, change))
    columns = ("scenario", "metric", "mean in A", "mean in B", "change")
    print_table(columns, rows, numbers=columns[2:])
    if len(metrics) > limit:
        say(f"... and {len(metrics) - limit} more (--limit N, or --json)")


def _counted(pairs: Sequence[tuple[RunDifference, SampleDifference]]) -> str:
    titles = (("changed", "changed"), ("removed", "only in A"), ("added", "only in B"))
    counts = [(sum(sample.state == state for _, sample in pairs), title) for state, title in titles]
    return ", ".join(f"{number} {title}" for number, title in counts if number)


def _seeds(runs: Sequence[RunDifference]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for run in runs:
        found.setdefault(run.scenario, []).append(run.seed)
    return found


def _spans(seeds: Sequence[int], limit: int) -> str:
    """`seed 3`, `seeds 0..9, 12`: neighbours together."""
    spans = seed_spans(seeds)
    more = ", ..." if len(spans) > limit else ""
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(spans[:limit])}{more}"


def _value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
