"""The last step: what was published and what failed, of all runs together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.failures import write_single_failure
from pipelines.simulate import RunFailed, Step
from pipelines.sinks import Published
from townlet.dataset.aggregate import Aggregates
from townlet.dataset.index import Failure, write_index
from townlet.dataset.records import RunRecord


@dataclass
class Summary:
    """Of many runs."""

    runs: list[RunRecord] = field(default_factory=list)
    figures: Aggregates = field(default_factory=Aggregates)
    failures: set[Failure] = field(default_factory=set)


class Summarise(beam.CombineFn):
    """Published runs and failures, in any order, into their `Summary`. Sums are exact: order never shows."""

    def create_accumulator(self) -> Summary:
        return Summary()

    def add_input(self, mutable_accumulator: Summary, element: Published | RunFailed) -> Summary:
        summary = mutable_accumulator
        if isinstance(element, RunFailed):
            summary.failures.add(failure_of(element))
        else:
            run, samples = element
            summary.runs.append(run)
            for sample in samples:
                summary.figures.add(sample.run, sample.metrics)
        return summary

    def merge_accumulators(self, accumulators: Iterable[Summary]) -> Summary:
        merged = Summary()
        for summary in accumulators:
            merged.runs += summary.runs
            merged.figures.merge(summary.figures)
            merged.failures |= summary.failures
        return merged

    def extract_output(self, accumulator: Summary) -> Summary:
        return accumulator


@dataclass
class WriteIndex(beam.PTransform):
    """What `PublishRun` yields -> the one `Summary` of all runs, once the data set's index is written.

    A single capture has no index: only its failure is written down, where the launcher looks for it. Writing
    again gives the same files.
    """

    output: str
    is_data_set: bool
    signals: str | None = None

    def expand(self, outcomes: PCollection) -> Any:
        return (
            outcomes
            | "Summarise" >> beam.CombineGlobally(Summarise()).without_defaults()
            | "Index" >> beam.ParDo(_Index(self.is_data_set, self.output, self.signals))
        )


class _Index(Step):
    def __init__(self, is_data_set: bool, output: str, signals: str | None) -> None:
        super().__init__({}, output, signals)
        self._is_data_set = is_data_set

    def process(self, element: Summary) -> Iterator[Summary]:
        with self.writing():
            if self._is_data_set:
                write_index(self._store, element.runs, element.figures, element.failures)
            elif element.failures:
                write_single_failure(self._store, element.failures)
        yield element


def failure_of(failed: RunFailed) -> Failure:
    """As failures.json has it."""
    who = f"agent {failed.agent}: " if failed.agent else ""
    return Failure(failed.run.name, failed.run.seed, who + failed.reason)
