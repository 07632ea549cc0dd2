"""Writing: samples are staged, runs closed by a receipt, and published when all of their samples are there.

Everything goes through the store (`townlet.dataset.store`) under names that a retry uses again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.simulate import (
    FAILED,
    RunEnd,
    RunFailed,
    RunKey,
    Slot,
    Step,
    explain,
    run_key,
    whole,
)
from pipelines.stack import Unstackable
from townlet.dataset.commit import publish_runs, stage_receipt, stage_sample
from townlet.dataset.records import RunRecord, SampleRecord
from townlet.errors import OutputError, TownletError
from townlet.policy.replay import ReplaySample
from townlet.run import Run

STAGED = "staged"
PUBLISHED = "published"
PUBLISH_AT_ONCE = 256  # runs; what makes files durable is paid once for all of them


@dataclass
class WriteSample(beam.PTransform):
    """`(Slot, ReplaySample)` -> `(RunKey, SampleRecord)`: the sample is staged. A `RunEnd` passes.

    Further output: `failed`, for a sample that is not valid or cannot be written. An output that cannot be
    used at all (a full disk) stops the pipeline instead. A retry stages the same content under another name,
    and harms nothing.
    """

    configs: dict[str, str]
    output: str
    signals: str | None = None

    def expand(self, samples: PCollection) -> Any:
        stage = beam.ParDo(_Stage(self.configs, self.output, self.signals))
        return samples | "Stage" >> stage.with_outputs(FAILED, main=STAGED)


class _Stage(Step):
    def __init__(self, configs: dict[str, str], output: str, signals: str | None) -> None:
        super().__init__(configs, output, signals)
        self._samples = Metrics.counter("townlet", "samples")
        self._bytes = Metrics.counter("townlet", "bytes")

    def process(self, element: tuple[Slot | RunEnd, ReplaySample | Unstackable | None]) -> Iterator[Any]:
        slot, sample = element
        if isinstance(slot, RunEnd):
            yield run_key(slot.run), slot
            return
        try:
            if not isinstance(sample, ReplaySample):
                raise TownletError(sample.reason if sample else "a sample without frames")
            with self.writing():
                record = stage_sample(self._store, whole(slot.run, self._configs), slot.sample, sample)
        except OutputError:
            raise
        except Exception as error:
            failure = RunFailed(slot.run, explain(error), slot.sample.agent_id)
            yield TaggedOutput(FAILED, failure)
            return
        self._samples.inc()
        self._bytes.inc(record.npz.size + record.meta.size)
        yield run_key(slot.run), record


@dataclass
class WriteReceipt(beam.PTransform):
    """Passes `(RunKey, SampleRecord | RunEnd)` on, and stages a run's receipt when its end comes by.

    In the fused stage the end comes after all records of its run. Where an engine separates them, or a sample
    went to the dead letters, there is no receipt: the run would be simulated again, nothing else.
    """

    configs: dict[str, str]
    output: str
    signals: str | None = None

    def expand(self, staged: PCollection) -> Any:
        receipt = beam.ParDo(_Receipt(self.configs, self.output, self.signals))
        return staged | "StageReceipt" >> receipt.with_output_types(tuple[RunKey, Any])


class _Receipt(Step):
    def start_bundle(self) -> None:
        self._records: dict[RunKey, list[SampleRecord]] = {}

    def process(self, element: tuple[RunKey, SampleRecord | RunEnd]) -> Iterator[Any]:
        key, item = element
        if isinstance(item, RunEnd):
            records = self._records.pop(key, [])
            if item.samples and len(records) == item.samples:
                with self.writing():
                    stage_receipt(self._store, whole(item.run, self._configs), item.samples, records)
        else:
            self._records.setdefault(key, []).append(item)
        yield element


@dataclass
class Verdict:
    """All that is known about a run: its samples, and how it ended."""

    run: Run | None = None
    samples: int | None = None  # that there should be; None: no end came
    records: list[SampleRecord] = field(default_factory=list)
    failures: list[RunFailed] = field(default_factory=list)

    def complaint(self) -> RunFailed | None:
        """Why the run cannot be published; None if it can."""
        if self.failures:
            return min(self.failures, key=lambda failure: (failure.reason, failure.agent or ""))
        assert self.run is not None
        found = len({record.key for record in self.records})
        if self.samples is None or found != self.samples:
            return RunFailed(self.run, f"expected {self.samples} samples, found {found}")
        if not found:
            agent = self.run.agent
            return RunFailed(
                self.run, f"nobody named '{agent}' lived in it" if agent else "nobody lived in it"
            )
        return None


class JudgeRun(beam.CombineFn):
    """Records, end and failures of a run, in any order and some of them twice, into its `Verdict`."""

    def create_accumulator(self) -> Verdict:
        return Verdict()

    def add_input(self, mutable_accumulator: Verdict, element: SampleRecord | RunEnd | RunFailed) -> Verdict:
        verdict = mutable_accumulator
        if isinstance(element, SampleRecord):
            verdict.records.append(element)
            return verdict
        verdict.run = element.run
        if isinstance(element, RunEnd):
            verdict.samples = element.samples
        else:
            verdict.failures.append(element)
        return verdict

    def merge_accumulators(self, accumulators: Iterable[Verdict]) -> Verdict:
        merged = Verdict()
        for verdict in accumulators:
            merged.run = merged.run or verdict.run
            merged.samples = verdict.samples if merged.samples is None else merged.samples
            merged.records += verdict.records
            merged.failures += verdict.failures
        return merged

    def extract_output(self, accumulator: Verdict) -> Verdict:
        """Each sample once, unless two of one sample differ: publishing refuses these, and names them."""
        once = {(item.key, item.content_digest, item.fingerprint): item for item in accumulator.records}
        return replace(accumulator, records=list(once.values()))


@dataclass
class PublishRun(beam.PTransform):
    """`(RunKey, Verdict)` -> `(RunRecord, [SampleRecord, ...])`: the capture is in place, its manifest last.

    Further output: `failed`, for a run that is not whole. Publishing twice is harmless.
    """

    configs: dict[str, str]
    output: str
    signals: str | None = None

    def expand(self, verdicts: PCollection) -> Any:
        publish = beam.ParDo(_Publish(self.configs, self.output, self.signals))
        return verdicts | "Publish" >> publish.with_outputs(FAILED, main=PUBLISHED)


class _Publish(Step):
    def start_bundle(self) -> None:
        self._waiting: list[Verdict] = []

    def process(self, element: tuple[RunKey, Verdict]) -> Iterator[Any]:
        _, verdict = element
        complaint = verdict.complaint()
        if complaint is not None:
            yield TaggedOutput(FAILED, complaint)
            return
        self._waiting.append(verdict)
        if len(self._waiting) >= PUBLISH_AT_ONCE:
            yield from self._publish()

    def finish_bundle(self) -> Iterator[Any]:
        for result in self._publish():
            tagged = isinstance(result, TaggedOutput)
            window = GlobalWindow()
            value = WindowedValue(result.value if tagged else result, window.max_timestamp(), (window,))
            yield TaggedOutput(result.tag, value) if tagged else value

    def _publish(self) -> Iterator[Any]:
        """All that wait, at once; where one of them is refused, each for itself, so that the others pass."""
        waiting, self._waiting = self._waiting, []
        try:
            yield from self._published(waiting)
            return
        except OutputError:
            raise
        except TownletError as error:
            if len(waiting) == 1:
                assert waiting[0].run is not None
                yield TaggedOutput(FAILED, RunFailed(waiting[0].run, str(error)))
                return
        for verdict in waiting:
            self._waiting = [verdict]
            yield from self._publish()

    def _published(self, waiting: list[Verdict]) -> list[tuple[RunRecord, list[SampleRecord]]]:
        if not waiting:
            return []
        batch = [
            (whole(verdict.run, self._configs), verdict.records)
            for verdict in waiting
            if verdict.run is not None
        ]
        with self.writing():
            records = publish_runs(self._store, batch)
        return [(record, verdict.records) for record, verdict in zip(records, waiting, strict=True)]
