"""The capture pipeline: runs in, published captures out.

    runs -> Reshuffle
         -> Simulate -> Stack -> WriteSample -> WriteReceipt    one fused stage: frames stay in memory
         -> CombinePerKey(MergeRunResults) -> PublishRun        ends of runs: a few hundred bytes each
         -> WriteIndex                                          where there are many runs

`python -m pipelines.capture --config ... | --suite ... --output ... [OPTIONS]` follows Beam's conventions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

import townlet.pipelines.coders  # noqa: F401 (registers coders)
from townlet.pipelines.elements import RunFailed, RunKey, run_key
from townlet.pipelines.index import CaptureScope, WriteIndex
from townlet.pipelines.publish import MergeRunResults, PublishRun
from townlet.pipelines.simulate import Simulate
from townlet.pipelines.stack import Stacked, StackOrExplain
from townlet.pipelines.stage import WriteReceipt, WriteSample
from townlet.run import RunRef


@dataclass
class Capture(beam.PTransform):
    """`RunRef` -> `Published` once its capture is in place, or `RunFailed`.

    `configs`: the texts that the runs name by digest. `given`: the word of a policy object that decides. Duplicates,
    retries and any order give the same files. A run that fails does not stop the others; an output that cannot be
    written stops everything.
    """

    configs: Mapping[str, str]
    output: str
    reports: str | None = None
    given: str | None = None

    def expand(self, runs: PCollection) -> Any:
        where = (self.output, self.reports)
        played: Any = (
            runs | "Spread" >> beam.Reshuffle() | "Simulate" >> Simulate(self.configs, *where, self.given)
        )
        staged: Any = (
            played.frames
            | "Stack" >> beam.CombineValues(StackOrExplain().with_input_types(Any).with_output_types(Stacked))
            | "WriteSample" >> WriteSample(*where)
        )
        closed = staged.staged | "WriteReceipt" >> WriteReceipt(*where)
        lost = (
            (played.failed, staged.failed)
            | "AllFailed" >> beam.Flatten()
            | "ByRun" >> beam.Map(_keyed).with_output_types(tuple[RunKey, Any])
        )
        return (
            (closed, played.reused, lost)
            | "All" >> beam.Flatten()
            | "MergeRunResults" >> beam.CombinePerKey(MergeRunResults())
            | "PublishRun" >> PublishRun(self.configs, *where)
        )


def _keyed(failure: RunFailed) -> tuple[RunKey, RunFailed]:
    return run_key(failure.run), failure


def build(
    pipeline: beam.Pipeline,
    runs: Iterable[RunRef],
    configs: Mapping[str, str],
    output: str,
    *,
    is_data_set: bool,
    suites: tuple[str, ...] = (),
    whole: bool = True,
    reports: str | None = None,
    given: str | None = None,
) -> None:
    """Put the whole capture into `pipeline`. Runs are played in the order given: longest first is best.

    `configs`: the texts that the runs name by digest. `suites`: the names of those that were asked for. `whole`:
    these are all runs that were planned. `given`: the word of a policy object that decides in this process.
    """
    scope = CaptureScope(is_data_set, suites, whole)
    _ = (
        pipeline
        | "Runs" >> beam.Create(list(runs), reshuffle=False)
        | "Capture" >> Capture(configs, output, reports, given)
        | "WriteIndex" >> WriteIndex(output, scope, reports)
    )
