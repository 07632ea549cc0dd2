"""What differs between two captures, or between two data sets: runs, samples, arrays, metrics, configs.

Runs and samples are compared by content digest, so that two indexes and the manifests of what differs tell
what is the same; only samples that differ are read. Another compression is no difference of content.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from townlet.dataset.checking.diff_arrays import ArrayDifference, compare_samples
from townlet.dataset.checking.diff_sides import Figures, Side, differing, open_side, paired
from townlet.dataset.format.manifest import RUN_OPTIONS, branch_words
from townlet.dataset.index.index_document import RunEntry, RunKey
from townlet.dataset.reading.capture import Capture, entry_of, read_sample
from townlet.dataset.versions.changes import differences

State = Literal["added", "removed", "changed", "repacked"]
Progress = Callable[[int, int], None]  # of how many samples that differ the arrays are compared

# What a manifest says of how its run was captured, beside the config.
_OPTIONS = ("config_id", "scenario_name", "seed", "ticks", *RUN_OPTIONS, "format_version", "rules_version")
THREADS = 16  # runs compared side by side; of an object store most of it is waiting


@dataclass(frozen=True)
class SampleDifference:
    """A sample that is not the same on both sides."""

    sample: str  # the NPZ: its name in A, or in B where A has none
    agent_id: str
    arrival: int
    segment: int
    state: State
    arrays: tuple[ArrayDifference, ...] | None = None  # None: not looked into

    def to_json_dict(self) -> dict[str, Any]:
        arrays = None if self.arrays is None else [array.to_json_dict() for array in self.arrays]
        return {**vars(self), "arrays": arrays}


@dataclass(frozen=True)
class RunDifference:
    """A run that is not the same on both sides. `repacked`: the same content in other files."""

    scenario: str
    seed: int
    state: State
    sample_count: int  # of B where A has no such run, else of A
    inputs: tuple[str, ...] = ()  # how config and options differ, a line a place
    samples: tuple[SampleDifference, ...] = ()

    def to_json_dict(self) -> dict[str, Any]:
        samples = [sample.to_json_dict() for sample in self.samples]
        return {**vars(self), "inputs": list(self.inputs), "samples": samples}


class Moved(NamedTuple):
    """A figure that is not the same on both sides."""

    scenario: str  # OVERALL: of all samples
    figure: str
    a: Mapping[str, float] | None  # count, mean, std, min, max; None: not on this side
    b: Mapping[str, float] | None

    @property
    def relative(self) -> float:
        """Of the mean: (B - A) / |A|; infinite where one side has no such figure, or where A's mean is zero."""
        if self.a is None or self.b is None:
            return math.inf
        change = self.b["mean"] - self.a["mean"]
        return (
            change / abs(self.a["mean"]) if self.a["mean"] else math.copysign(math.inf, change) * bool(change)
        )

    def to_json_dict(self) -> dict[str, Any]:
        """JSON has no infinity: null."""
        return {**self._asdict(), "relative": self.relative if math.isfinite(self.relative) else None}


@dataclass(frozen=True)
class Difference:
    """All that differs. `same` is true where both sides hold the same content."""

    a: str
    b: str
    same_runs: int
    runs: list[RunDifference] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)  # suites, completeness, failures
    metrics: list[Moved] = field(default_factory=list)  # what moved farthest first

    @property
    def same(self) -> bool:
        return not self.facts and not self.metrics and all(run.state == "repacked" for run in self.runs)

    def of(self, state: State) -> list[RunDifference]:
        return [run for run in self.runs if run.state == state]

    def to_json_dict(self) -> dict[str, Any]:
        return {
            "a": self.a,
            "b": self.b,
            "same": self.same,
            "same_runs": self.same_runs,
            "runs": [run.to_json_dict() for run in self.runs],
            "facts": self.facts,
            "metrics": [moved.to_json_dict() for moved in self.metrics],
        }


def diff(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    *,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Difference:
    """Compare two captures, or two data sets (folders or URLs; of a versioned one, the current version).

    `limit`: of how many samples that are on both sides and differ the arrays are compared; None = of all.
    Raises UserError for what cannot be compared, CorruptSampleError for files that are damaged.
    """
    return compare(*paired(open_side(a), open_side(b)), limit=limit, progress=progress)


def compare(a: Side, b: Side, *, limit: int | None = None, progress: Progress | None = None) -> Difference:
    """See `diff`."""
    pairs, same = differing(a, b)
    inputs = _Inputs()

    def look(key: RunKey) -> RunDifference:
        return _run_difference(a, b, key, pairs[key], inputs)

    with ThreadPoolExecutor(THREADS) as threads:
        runs = list(threads.map(look, pairs))
    return Difference(
        a=a.place,
        b=b.place,
        same_runs=same,
        runs=list(_with_arrays(a, b, pairs, runs, limit, progress or (lambda *_: None))),
        facts=[
            f"{name} {_shown(a.facts[name])} -> {_shown(b.facts[name])}"
            for name in a.facts
            if a.facts[name] != b.facts[name]
        ],
        metrics=_moved(a.metrics, b.metrics),
    )


Pair = tuple[RunEntry | None, RunEntry | None]  # of A and of B


def _run_difference(a: Side, b: Side, key: RunKey, pair: Pair, inputs: _Inputs) -> RunDifference:
    """What two indexes and two manifests tell of a run."""
    ours, others = pair
    if ours is None or others is None:
        known = ours or others
        assert known is not None
        return RunDifference(*key, "added" if ours is None else "removed", known.sample_count)
    mine, theirs = a.capture(ours), b.capture(others)
    samples = () if ours.content_digest == others.content_digest else tuple(_sample_differences(mine, theirs))
    # Digests of runs are also over the names of the files: a prefix changes them, and no content.
    return RunDifference(
        *key,
        "changed" if samples else "repacked",
        ours.sample_count,
        inputs.compare(mine, theirs),
        samples,
    )


def _sample_differences(mine: Capture, theirs: Capture) -> Iterator[SampleDifference]:
    ours, others = _by_life(mine), _by_life(theirs)
    for life in sorted({*ours, *others}):
        entry, other = ours.get(life), others.get(life)
        arrival, agent_id, segment = life
        if entry is None or other is None:
            state: State = "added" if entry is None else "removed"
        elif entry["content_digest"] != other["content_digest"]:
            state = "changed"
        else:
            continue
        yield SampleDifference((entry or other or {})["sample"], agent_id, arrival, segment, state)


Life = tuple[int, str, int]  # arrival, agent and segment


def _by_life(capture: Capture) -> dict[Life, Mapping[str, Any]]:
    """A capture's entries, by whose life and which segment of it they are."""
    return {
        (entry["agent_index"], entry["agent_id"], entry["segment"]): entry
        for entry in capture.document["samples"]
    }


def _with_arrays(
    a: Side,
    b: Side,
    pairs: Mapping[RunKey, Pair],
    runs: list[RunDifference],
    limit: int | None,
    progress: Progress,
) -> Iterator[RunDifference]:
    """The same, with what a look into the files of the first `limit` changed samples tells."""
    changed = sum(sample.state == "changed" for run in runs for sample in run.samples)
    total = changed if limit is None else min(limit, changed)
    done = 0
    for run in runs:
        if done == total or run.state != "changed":
            yield run
            continue
        ours, others = pairs[run.scenario, run.seed]
        assert ours is not None and others is not None  # else nothing has changed in it
        sides = a.capture(ours), b.capture(others)
        lives = [(side, _by_life(side)) for side in sides]
        samples = []
        for sample in run.samples:
            if done < total and sample.state == "changed":
                done += 1
                progress(done, total)
                sample = replace(sample, arrays=_array_differences(lives, sample))
            samples.append(sample)
        yield replace(run, samples=tuple(samples))


def _array_differences(
    lives: Sequence[tuple[Capture, Mapping[Life, Mapping[str, Any]]]], sample: SampleDifference
) -> tuple[ArrayDifference, ...]:
    life = sample.arrival, sample.agent_id, sample.segment
    read = [
        read_sample(side.store, side.folder, entry_of(entries[life], f"the manifest in {side.place}"))
        for side, entries in lives
    ]
    return tuple(compare_samples(*read))


class _Inputs:
    """How configs and options differ. Runs of one scenario share their config: each pair is read once."""

    def __init__(self) -> None:
        self._configs: dict[tuple[str, str], list[str]] = {}

    def compare(self, mine: Capture, theirs: Capture) -> tuple[str, ...]:
        ours, others = mine.metadata, theirs.metadata
        lines = [
            f"{name} {_option(name, ours)} -> {_option(name, others)}"
            for name in _OPTIONS
            if ours.get(name) != others.get(name)
        ]
        if ours.get("branch") != others.get("branch"):
            lines.append(f"{_branch(ours)} -> {_branch(others)}")
        pair = ours["files"]["config"]["sha256"], others["files"]["config"]["sha256"]
        if pair[0] != pair[1]:
            if pair not in self._configs:
                self._configs[pair] = [
                    line.removeprefix("config.") for line in differences(mine.config, theirs.config)
                ]
            lines += self._configs[pair]
        return tuple(lines)


def _branch(manifest: Mapping[str, Any]) -> str:
    branch = manifest.get("branch")
    return "no branch" if branch is None else f"branch {branch_words(branch)}"


def _moved(mine: Mapping[str, Figures], theirs: Mapping[str, Figures]) -> list[Moved]:
    found = [
        Moved(scenario, figure, ours.get(figure), others.get(figure))
        for scenario in {*mine, *theirs}
        for ours, others in [(mine.get(scenario, {}), theirs.get(scenario, {}))]
        for figure in {*ours, *others}
        if ours.get(figure) != others.get(figure)
    ]
    return sorted(found, key=lambda moved: (-abs(moved.relative), moved.scenario, moved.figure))


def _option(name: str, manifest: Mapping[str, Any]) -> str:
    """What a manifest says of an option: nothing is what the config says, or was not asked for."""
    value = manifest.get(name)
    if value is None:
        return "the config's" if name == "policy" else "none"
    return _shown(value)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if not isinstance(value, list):
        return str(value)
    return f"{len(value)} ({', '.join(value[:3])}{', ...' if len(value) > 3 else ''})" if value else "none"
