"""The capture pipeline: runs in, published captures out.

    runs -> Reshuffle
         -> Simulate -> Stack -> WriteSample -> WriteReceipt    one fused stage: frames stay in memory
         -> CombinePerKey(JudgeRun) -> PublishRun               ends of runs: a few hundred bytes each
         -> WriteIndex                                          where there are many runs

`python -m pipelines.capture --config ... | --suite ... --output ... [OPTIONS]` follows Beam's conventions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

import townlet.pipelines.coders  # noqa: F401 (registers coders)
from townlet.pipelines.index import CaptureScope, WriteIndex
from townlet.pipelines.simulate import RunFailed, RunKey, Simulate, run_key, share_configs
from townlet.pipelines.stack import Stacked, StackOrExplain
from townlet.pipelines.stage import MergeRunResults, PublishRun, WriteReceipt, WriteSample
from townlet.run import Run


@dataclass
class Capture(beam.PTransform):
    """Run -> `Published` once its capture is in place, or `RunFailed`.

    Runs travel without their config's text (`share_configs`). Duplicates, retries and any order give the same
    files. A run that fails does not stop the others; an output that cannot be written stops everything.
    """

    configs: dict[str, str]
    output: str
    signals: str | None = None

    def expand(self, runs: PCollection) -> Any:
        options = (self.configs, self.output, self.signals)
        played: Any = runs | "Spread" >> beam.Reshuffle() | "Simulate" >> Simulate(*options)
        staged: Any = (
            played.frames
            | "Stack" >> beam.CombineValues(StackOrExplain().with_input_types(Any).with_output_types(Stacked))
            | "WriteSample" >> WriteSample(*options)
        )
        closed = staged.staged | "WriteReceipt" >> WriteReceipt(*options)
        lost = (
            (played.failed, staged.failed)
            | "AllFailed" >> beam.Flatten()
            | "ByRun" >> beam.Map(_keyed).with_output_types(tuple[RunKey, Any])
        )
        return (
            (closed, played.recalled, lost)
            | "All" >> beam.Flatten()
            | "JudgeRun" >> beam.CombinePerKey(MergeRunResults())
            | "PublishRun" >> PublishRun(*options)
        )


def _keyed(failure: RunFailed) -> tuple[RunKey, RunFailed]:
    return run_key(failure.run), failure


def build(
    pipeline: beam.Pipeline,
    runs: Iterable[Run],
    output: str,
    *,
    is_data_set: bool,
    suites: tuple[str, ...] = (),
    whole: bool = True,
    signals: str | None = None,
) -> None:
    """Put the whole capture into `pipeline`. Runs are played in the order given: longest first is best.

    `suites`: the names of those that were asked for. `whole`: these are all runs that were planned.
    """
    asked = CaptureScope(is_data_set, suites, whole)
    light, configs = share_configs(runs)
    _ = (
        pipeline
        | "Runs" >> beam.Create(light, reshuffle=False)
        | "Capture" >> Capture(configs, output, signals)
        | "WriteIndex" >> WriteIndex(output, asked, signals)
    )
