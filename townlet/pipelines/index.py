"""The last step: what was published and what failed, of all runs together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from townlet.dataset.index.aggregate import Aggregates
from townlet.dataset.index.failures import write_single_failure
from townlet.dataset.index.index_file import Failure, IndexedRun, indexed, write_index
from townlet.dataset.index.shards import Shard, read_shards, stage_shard
from townlet.dataset.store.open_store import open_store
from townlet.pipelines.simulate import RunFailed, StoreDoFn
from townlet.pipelines.stage import Published

PART_RUNS = 512  # that travel in one part
FEW_RUNS = 16  # travel as they are


@dataclass(frozen=True)
class CaptureScope:
    """What a capture was asked for, beyond its runs; the index says it."""

    is_data_set: bool  # False: one run, whose capture is the output itself
    suites: tuple[str, ...] = ()  # their names
    whole: bool = True  # these are all runs that were planned; False where --limit left some out


@dataclass
class Summary:
    """Of many runs. Where there are more than a few, they lie in the output, in parts."""

    runs: list[IndexedRun] = field(default_factory=list)
    parts: list[Shard] = field(default_factory=list)
    count: int = 0  # of all runs
    figures: Aggregates = field(default_factory=Aggregates)
    failures: set[Failure] = field(default_factory=set)
    recalled: int = 0  # runs that were not simulated, because they had been


class CombineSummaries(beam.CombineFn):
    """Published runs and failures, in any order, into their `Summary`. Sums are exact: order never shows."""

    def __init__(self, output: str) -> None:
        self._output = output

    def setup(self, *_: Any, **__: Any) -> None:
        self._store = open_store(self._output, check_connection=False)

    def create_accumulator(self) -> Summary:
        return Summary()

    def add_input(self, mutable_accumulator: Summary, element: Published | RunFailed) -> Summary:
        summary = mutable_accumulator
        if isinstance(element, RunFailed):
            summary.failures.add(failure_of(element))
        else:
            run, samples, recalled = element
            summary.runs.append(indexed(run, samples))
            summary.count += 1
            summary.recalled += recalled
            if len(summary.runs) >= PART_RUNS:
                self._put_away(summary)
            for sample in samples:
                summary.figures.add(sample.run, sample.metrics)
        return summary

    def merge_accumulators(self, accumulators: Iterable[Summary]) -> Summary:
        merged = Summary()
        for summary in accumulators:
            merged.runs += summary.runs
            merged.parts += summary.parts
            merged.count += summary.count
            merged.figures.merge(summary.figures)
            merged.failures |= summary.failures
            merged.recalled += summary.recalled
        if len(merged.runs) >= PART_RUNS:
            self._put_away(merged)
        return merged

    def compact(self, accumulator: Summary, *_: Any, **__: Any) -> Summary:
        """Before a summary travels."""
        if len(accumulator.runs) > FEW_RUNS:
            self._put_away(accumulator)
        return accumulator

    def extract_output(self, accumulator: Summary) -> Summary:
        return accumulator

    def _put_away(self, summary: Summary) -> None:
        summary.parts.append(stage_shard(self._store, summary.runs))
        summary.runs = []


@dataclass
class WriteIndex(beam.PTransform):
    """What `PublishRun` yields -> the one `Summary` of all runs, once the data set's index is written.

    A single capture has no index: only its failure is written down, where the launcher looks for it. Writing
    again gives the same files.
    """

    output: str
    asked: CaptureScope
    signals: str | None = None

    def expand(self, outcomes: PCollection) -> Any:
        return (
            outcomes
            | "Summarise" >> beam.CombineGlobally(CombineSummaries(self.output)).without_defaults()
            | "Index" >> beam.ParDo(_Index(self.asked, self.output, self.signals))
        )


class _Index(StoreDoFn):
    def __init__(self, asked: CaptureScope, output: str, signals: str | None) -> None:
        super().__init__({}, output, signals)
        self._asked = asked

    def process(self, element: Summary) -> Iterator[Summary]:
        with self.writing():
            if self._asked.is_data_set:
                write_index(
                    self._store,
                    [*element.runs, *read_shards(self._store, element.parts)],
                    element.figures,
                    element.failures,
                    suites=self._asked.suites,
                    whole=self._asked.whole,
                    work={
                        "runs_played": element.count - element.recalled,
                        "runs_recalled": element.recalled,
                    },
                )
            elif element.failures:
                write_single_failure(self._store, element.failures)
        yield element


def failure_of(failed: RunFailed) -> Failure:
    """As failures.json has it."""
    who = f"agent {failed.agent}: " if failed.agent else ""
    return Failure(failed.run.name, failed.run.seed, who + failed.reason)
