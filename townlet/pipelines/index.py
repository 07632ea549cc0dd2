"""The last step: what was published and what failed, of all runs together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from townlet.dataset.index.build_shards import IndexedRun, indexed
from townlet.dataset.index.failures import write_single_failure
from townlet.dataset.index.index_document import Failure
from townlet.dataset.index.staged_runs import FILE_RUNS, StagedRuns, stage_runs
from townlet.dataset.index.write_index import write_index
from townlet.dataset.store.open_store import open_store
from townlet.pipelines.elements import Published, RunFailed
from townlet.pipelines.store_dofn import StoreDoFn

FEW_RUNS = 16  # travel as they are


@dataclass(frozen=True)
class CaptureScope:
    """What a capture was asked for, beyond its runs; the index says it."""

    is_data_set: bool  # False: one run, whose capture is the output itself
    suites: tuple[str, ...] = ()  # their names
    whole: bool = True  # these are all runs that were planned; False where --limit left some out


@dataclass
class Summary:
    """Of many runs. Where there are more than a few, they lie in the output, staged."""

    runs: list[IndexedRun] = field(default_factory=list)
    staged: list[StagedRuns] = field(default_factory=list)
    count: int = 0  # of all runs
    failures: set[Failure] = field(default_factory=set)
    reused: int = 0  # runs that were not simulated, because they had been


class CombineSummaries(beam.CombineFn):
    """Published runs and failures, in any order, into their `Summary`."""

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
            run, samples, reused = element
            summary.runs.append(indexed(run, samples))
            summary.count += 1
            summary.reused += reused
            if len(summary.runs) >= FILE_RUNS:
                self._stage(summary)
        return summary

    def merge_accumulators(self, accumulators: Iterable[Summary]) -> Summary:
        merged = Summary()
        for summary in accumulators:
            merged.runs += summary.runs
            merged.staged += summary.staged
            merged.count += summary.count
            merged.failures |= summary.failures
            merged.reused += summary.reused
        if len(merged.runs) >= FILE_RUNS:
            self._stage(merged)
        return merged

    def compact(self, accumulator: Summary, *_: Any, **__: Any) -> Summary:
        """Before a summary travels."""
        if len(accumulator.runs) > FEW_RUNS:
            self._stage(accumulator)
        return accumulator

    def extract_output(self, accumulator: Summary) -> Summary:
        return accumulator

    def _stage(self, summary: Summary) -> None:
        summary.staged.append(stage_runs(self._store, summary.runs))
        summary.runs = []


@dataclass
class WriteIndex(beam.PTransform):
    """What `PublishRun` yields -> the one `Summary` of all runs, once the data set's index is written.

    A single capture has no index: only its failure is written down, where the launcher looks for it. Writing
    again gives the same files.
    """

    output: str
    scope: CaptureScope
    reports: str | None = None

    def expand(self, outcomes: PCollection) -> Any:
        return (
            outcomes
            | "Summarise" >> beam.CombineGlobally(CombineSummaries(self.output)).without_defaults()
            | "Index" >> beam.ParDo(_Index(self.scope, self.output, self.reports))
        )


class _Index(StoreDoFn):
    def __init__(self, scope: CaptureScope, output: str, reports: str | None) -> None:
        super().__init__(output, reports)
        self._scope = scope

    def process(self, element: Summary) -> Iterator[Summary]:
        with self.writing():
            if self._scope.is_data_set:
                write_index(
                    self._store,
                    element.runs,
                    element.failures,
                    staged=element.staged,
                    suites=self._scope.suites,
                    whole=self._scope.whole,
                    work={
                        "runs_played": element.count - element.reused,
                        "runs_reused": element.reused,
                    },
                )
            elif element.failures:
                write_single_failure(self._store, element.failures)
        yield element


def failure_of(failed: RunFailed) -> Failure:
    """As failures.json has it."""
    who = f"agent {failed.agent}: " if failed.agent else ""
    return Failure(failed.run.name, failed.run.seed, who + failed.reason)
