"""Staging: samples are written where nobody looks yet, and a receipt says of a run that all of them are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from townlet.dataset.capture.commit import stage_receipt, stage_sample
from townlet.dataset.format.manifest import run_content_digest
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.status.status import RunStatus
from townlet.errors import OutputError, TownletError
from townlet.pipelines.elements import RunEnd, RunFailed, RunKey, SampleRef, run_key
from townlet.pipelines.simulate import FAILED
from townlet.pipelines.stack import Unstackable
from townlet.pipelines.store_dofn import StoreDoFn, explain
from townlet.samples import ReplaySample

STAGED = "staged"


@dataclass
class WriteSample(beam.PTransform):
    """`(SampleRef, ReplaySample)` -> `(RunKey, SampleRecord)`: the sample is staged. A `RunEnd` passes.

    Further output: `failed`, for a sample that is not valid or cannot be written. An output that cannot be
    used at all (a full disk) stops the pipeline instead. A retry stages the same content under another name,
    and harms nothing.
    """

    output: str
    reports: str | None = None

    def expand(self, samples: PCollection) -> Any:
        stage = beam.ParDo(_Stage(self.output, self.reports))
        return samples | "Stage" >> stage.with_outputs(FAILED, main=STAGED)


class _Stage(StoreDoFn):
    def __init__(self, output: str, reports: str | None) -> None:
        super().__init__(output, reports)
        self._samples = Metrics.counter("townlet", "samples")
        self._bytes = Metrics.counter("townlet", "bytes")

    def process(self, element: tuple[SampleRef | RunEnd, ReplaySample | Unstackable | None]) -> Iterator[Any]:
        ref, sample = element
        if isinstance(ref, RunEnd):
            yield run_key(ref.run), ref
            return
        try:
            if not isinstance(sample, ReplaySample):
                raise TownletError(sample.reason if sample else "a sample without frames")
            with self.writing():
                record = stage_sample(self._store, ref.run, ref.sample, sample)
        except OutputError:
            raise
        except Exception as error:
            failure = RunFailed(ref.run, explain(error), ref.sample.agent_id)
            yield TaggedOutput(FAILED, failure)
            return
        self._samples.inc()
        self._bytes.inc(record.npz.size + record.meta.size)
        yield run_key(ref.run), record


@dataclass
class WriteReceipt(beam.PTransform):
    """`(RunKey, SampleRecord)`, and at last `(RunKey, RunEnd)` -> `(RunKey, RunEnd)`: the run's receipt is staged.

    The receipt holds the records, so that they need not travel. In the fused stage a run's end comes after all
    of its records. Where an engine separates them, the records travel, and the run has no receipt: it would be
    simulated again, nothing else.
    """

    output: str
    reports: str | None = None

    def expand(self, staged: PCollection) -> Any:
        receipt = beam.ParDo(_Receipt(self.output, self.reports))
        return staged | "StageReceipt" >> receipt.with_output_types(tuple[RunKey, Any])


class _Receipt(StoreDoFn):
    def start_bundle(self) -> None:
        self._records: dict[RunKey, list[SampleRecord]] = {}

    def process(self, element: tuple[RunKey, SampleRecord | RunEnd]) -> Iterator[Any]:
        key, item = element
        if not isinstance(item, RunEnd):
            self._records.setdefault(key, []).append(item)
            return
        records = self._records.pop(key, [])
        if not records or len(records) != item.samples:
            yield from ((key, record) for record in records)
            yield key, item
            return
        with self.writing():
            whole_run = stage_receipt(self._store, item.run, item.samples, records)
        yield key, replace(item, persisted=RunStatus.SIMULATED, content=run_content_digest(whole_run))

    def finish_bundle(self) -> Iterator[Any]:
        for key, records in self._records.items():
            for record in records:
                yield GlobalWindows.windowed_value((key, record))
