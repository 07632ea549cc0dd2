"""Writing: samples are staged, runs closed by a receipt, and published when all of their samples are there.

Everything goes through the store (`townlet.dataset.store.local`) under names that a retry uses again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from townlet.dataset.capture.commit import (
    publish_runs,
    read_receipt,
    records_of,
    stage_receipt,
    stage_sample,
    state_of,
)
from townlet.dataset.format.manifest import run_content_digest
from townlet.dataset.format.records import RunRecord, SampleRecord
from townlet.errors import OutputError, TownletError
from townlet.pipelines.simulate import (
    FAILED,
    RunEnd,
    RunFailed,
    RunKey,
    SampleRef,
    StoreDoFn,
    explain,
    run_key,
    with_config,
)
from townlet.pipelines.stack import Unstackable
from townlet.run import Run
from townlet.samples import ReplaySample

STAGED = "staged"
# What makes files durable is paid once for all of them (three syncfs, 0.1 s each and more where others write).
PUBLISH_BATCH_SIZE = 512  # runs
SAMPLES_BATCH_SIZE = 4096  # of all of them; some 5 kB each while they wait


class Published(NamedTuple):
    """A run whose capture is in place."""

    run: RunRecord
    samples: list[SampleRecord]
    recalled: bool  # it had been simulated by an earlier capture, or an earlier attempt of this one


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


class _Stage(StoreDoFn):
    def __init__(self, configs: dict[str, str], output: str, signals: str | None) -> None:
        super().__init__(configs, output, signals)
        self._samples = Metrics.counter("townlet", "samples")
        self._bytes = Metrics.counter("townlet", "bytes")

    def process(self, element: tuple[SampleRef | RunEnd, ReplaySample | Unstackable | None]) -> Iterator[Any]:
        slot, sample = element
        if isinstance(slot, RunEnd):
            yield run_key(slot.run), slot
            return
        try:
            if not isinstance(sample, ReplaySample):
                raise TownletError(sample.reason if sample else "a sample without frames")
            with self.writing():
                record = stage_sample(self._store, with_config(slot.run, self._configs), slot.sample, sample)
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
    """`(RunKey, SampleRecord)`, and at last `(RunKey, RunEnd)` -> `(RunKey, RunEnd)`: the run's receipt is staged.

    The receipt holds the records, so that they need not travel. In the fused stage a run's end comes after all
    of its records. Where an engine separates them, the records travel, and the run has no receipt: it would be
    simulated again, nothing else.
    """

    configs: dict[str, str]
    output: str
    signals: str | None = None

    def expand(self, staged: PCollection) -> Any:
        receipt = beam.ParDo(_Receipt(self.configs, self.output, self.signals))
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
            whole_run = stage_receipt(
                self._store, with_config(item.run, self._configs), item.samples, records
            )
        yield key, replace(item, kept="receipt", content=run_content_digest(whole_run))

    def finish_bundle(self) -> Iterator[Any]:
        for key, records in self._records.items():
            for record in records:
                yield GlobalWindows.windowed_value((key, record))


@dataclass
class RunResult:
    """All that is known about a run: how it ended, and its samples where they are not kept in the output."""

    ends: list[RunEnd] = field(default_factory=list)
    records: list[SampleRecord] = field(default_factory=list)
    failures: list[RunFailed] = field(default_factory=list)

    @property
    def run(self) -> Run:
        return (self.ends or self.failures)[0].run

    @property
    def kept(self) -> str:
        """Where the records are kept; a capture that is published needs no receipt."""
        return max((end.kept for end in self.ends), key=("", "receipt", "published").index)

    @property
    def recalled(self) -> bool:
        """Whether nobody simulated it now."""
        return not any(end.samples for end in self.ends)

    def complaint(self) -> RunFailed | None:
        """Why the run cannot be published; None if it can."""
        if self.failures:
            return min(self.failures, key=lambda failure: (failure.reason, failure.agent or ""))
        problem = self._contradiction() or (None if self.kept else self._shortage())
        return RunFailed(self.run, problem) if problem else None

    def _contradiction(self) -> str | None:
        runs = {end.run for end in self.ends}
        if len(runs) > 1:
            return f"two different runs are called {self.run.label()}"
        contents = sorted({end.content for end in self.ends if end.content})
        if len(contents) > 1:
            shown = " and ".join(content[:12] for content in contents)
            return f"two different contents ({shown}); the same run must give the same bytes"
        return None

    def _shortage(self) -> str | None:
        expected, found = self.ends[0].samples, len({record.key for record in self.records})
        if found != expected:
            return f"expected {expected} samples, found {found}"
        if not found:
            agent = self.run.agent
            return f"nobody named '{agent}' lived in it" if agent else "nobody lived in it"
        return None


class MergeRunResults(beam.CombineFn):
    """Ends, failures and records of a run, in any order and some of them twice, into its `RunResult`."""

    def create_accumulator(self) -> RunResult:
        return RunResult()

    def add_input(
        self, mutable_accumulator: RunResult, element: SampleRecord | RunEnd | RunFailed
    ) -> RunResult:
        verdict = mutable_accumulator
        if isinstance(element, RunEnd):
            verdict.ends.append(element)
        elif isinstance(element, RunFailed):
            verdict.failures.append(element)
        else:
            verdict.records.append(element)
        return verdict

    def merge_accumulators(self, accumulators: Iterable[RunResult]) -> RunResult:
        merged = RunResult()
        for verdict in accumulators:
            merged.ends += verdict.ends
            merged.records += verdict.records
            merged.failures += verdict.failures
        return merged

    def extract_output(self, accumulator: RunResult) -> RunResult:
        """Each sample once, unless two of one sample differ: publishing refuses these, and names them."""
        once = {(item.key, item.content_digest, item.fingerprint): item for item in accumulator.records}
        return replace(accumulator, records=list(once.values()))


@dataclass
class PublishRun(beam.PTransform):
    """`(RunKey, Verdict)` -> `Published`: the capture is in place, its manifest last.

    Or `RunFailed`, for a run that is not whole. Publishing twice is harmless.
    """

    configs: dict[str, str]
    output: str
    signals: str | None = None

    def expand(self, verdicts: PCollection) -> Any:
        return verdicts | "Publish" >> beam.ParDo(_Publish(self.configs, self.output, self.signals))


class _Ready(NamedTuple):
    """A run that waits for being published."""

    verdict: RunResult
    run: Run  # with its config's text
    records: list[SampleRecord]


class _Publish(StoreDoFn):
    def start_bundle(self) -> None:
        self._waiting: list[_Ready] = []
        self._samples = 0

    def process(self, element: tuple[RunKey, RunResult]) -> Iterator[Any]:
        key, verdict = element
        if not verdict.ends and not verdict.failures:
            raise TownletError(f"{key}: samples came without the end of their run")
        complaint = verdict.complaint()
        if complaint is not None:
            yield complaint
            return
        try:
            with self.writing():
                ready = self._with_records(verdict)
        except OutputError:
            raise
        except TownletError as error:
            yield RunFailed(verdict.run, str(error))
            return
        self._waiting.append(ready)
        self._samples += len(ready.records)
        if len(self._waiting) >= PUBLISH_BATCH_SIZE or self._samples >= SAMPLES_BATCH_SIZE:
            yield from self._publish_waiting()

    def finish_bundle(self) -> Iterator[Any]:
        for outcome in self._publish_waiting():
            yield GlobalWindows.windowed_value(outcome)

    def _publish_waiting(self) -> Iterator[Published | RunFailed]:
        waiting, self._waiting, self._samples = self._waiting, [], 0
        yield from self._publish(waiting)

    def _publish(self, batch: list[_Ready]) -> Iterator[Published | RunFailed]:
        """All at once; where one of them is refused, each half for itself, so that the others pass."""
        try:
            yield from self._published(batch)
            return
        except OutputError:
            raise
        except TownletError as error:
            if len(batch) == 1:
                yield RunFailed(batch[0].verdict.run, str(error))
                return
        half = len(batch) // 2
        yield from self._publish(batch[:half])
        yield from self._publish(batch[half:])

    def _published(self, batch: list[_Ready]) -> list[Published]:
        with self.writing():
            records = publish_runs(self._store, [(ready.run, ready.records) for ready in batch])
        return [
            Published(record, ready.records, ready.verdict.recalled)
            for ready, record in zip(batch, records, strict=True)
        ]

    def _with_records(self, verdict: RunResult) -> _Ready:
        """The run, and its records from where they are. A retry finds published what it had published."""
        run = with_config(verdict.run, self._configs)
        if not verdict.kept:
            return _Ready(verdict, run, verdict.records)
        records = read_receipt(self._store, run, check=False) if verdict.kept == "receipt" else None
        if records is None and state_of(self._store, run) == "done":
            records = records_of(self._store, run)
        if records is None:
            raise TownletError("its samples are gone; the same command simulates it again")
        return _Ready(verdict, run, records)
