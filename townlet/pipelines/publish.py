"""Publishing: what is known of each run is put together, and a run that is whole is moved into its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindows

from townlet.dataset.capture.commit import publish_runs, records_of
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.status.receipts import read_receipt
from townlet.dataset.status.run_status import run_status
from townlet.dataset.status.status import COMPLETE, RunStatus
from townlet.errors import OutputError, TownletError
from townlet.pipelines.elements import Published, RunEnd, RunFailed, RunKey
from townlet.pipelines.store_dofn import StoreDoFn
from townlet.run import Run, RunRef

# What makes files durable is paid once for all of them (three syncfs, 0.1 s each and more where others write).
PUBLISH_BATCH_SIZE = 512  # runs
SAMPLES_BATCH_SIZE = 4096  # of all of them; some 5 kB each while they wait


@dataclass
class RunResult:
    """All that is known about a run: how it ended, and its samples where these are not in the output."""

    ends: list[RunEnd] = field(default_factory=list)
    records: list[SampleRecord] = field(default_factory=list)
    failures: list[RunFailed] = field(default_factory=list)

    @property
    def run(self) -> RunRef:
        return (self.ends or self.failures)[0].run

    @property
    def persisted(self) -> RunStatus | None:
        """Where the records are in the output; a capture that is published needs no receipt."""
        found = {end.persisted for end in self.ends}
        return next(
            (status for status in (RunStatus.PUBLISHED, RunStatus.SIMULATED) if status in found), None
        )

    @property
    def reused(self) -> bool:
        """Whether nobody simulated it now."""
        return not any(end.samples for end in self.ends)

    def failure(self) -> RunFailed | None:
        """Why the run cannot be published; None if it can."""
        if self.failures:
            return min(self.failures, key=lambda failure: (failure.reason, failure.agent or ""))
        problem = self._contradiction() or (None if self.persisted else self._shortage())
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
        result = mutable_accumulator
        if isinstance(element, RunEnd):
            result.ends.append(element)
        elif isinstance(element, RunFailed):
            result.failures.append(element)
        else:
            result.records.append(element)
        return result

    def merge_accumulators(self, accumulators: Iterable[RunResult]) -> RunResult:
        merged = RunResult()
        for result in accumulators:
            merged.ends += result.ends
            merged.records += result.records
            merged.failures += result.failures
        return merged

    def extract_output(self, accumulator: RunResult) -> RunResult:
        """Each sample once, unless two of one sample differ: publishing refuses these, and names them."""
        once = {(item.key, item.content_digest, item.fingerprint): item for item in accumulator.records}
        return replace(accumulator, records=list(once.values()))


@dataclass
class PublishRun(beam.PTransform):
    """`(RunKey, RunResult)` -> `Published`: the capture is in place, its manifest last.

    Or `RunFailed`, for a run that is not whole. Publishing twice is harmless.
    """

    configs: Mapping[str, str]
    output: str
    reports: str | None = None

    def expand(self, results: PCollection) -> Any:
        return results | "Publish" >> beam.ParDo(_Publish(self.configs, self.output, self.reports))


class _Ready(NamedTuple):
    """A run that waits for being published."""

    result: RunResult
    run: Run
    records: list[SampleRecord]


class _Publish(StoreDoFn):
    def __init__(self, configs: Mapping[str, str], output: str, reports: str | None) -> None:
        super().__init__(output, reports)
        self._configs = configs

    def start_bundle(self) -> None:
        self._waiting: list[_Ready] = []
        self._samples = 0

    def process(self, element: tuple[RunKey, RunResult]) -> Iterator[Any]:
        key, result = element
        if not result.ends and not result.failures:
            raise TownletError(f"{key}: samples came without the end of their run")
        failure = result.failure()
        if failure is not None:
            yield failure
            return
        try:
            with self.writing():
                ready = self._with_records(result)
        except OutputError:
            raise
        except TownletError as error:
            yield RunFailed(result.run, str(error))
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
                yield RunFailed(batch[0].result.run, str(error))
                return
        half = len(batch) // 2
        yield from self._publish(batch[:half])
        yield from self._publish(batch[half:])

    def _published(self, batch: list[_Ready]) -> list[Published]:
        with self.writing():
            records = publish_runs(self._store, [(ready.run, ready.records) for ready in batch])
        return [
            Published(record, ready.records, ready.result.reused)
            for ready, record in zip(batch, records, strict=True)
        ]

    def _with_records(self, result: RunResult) -> _Ready:
        """The run, and its records from where they are. A retry finds published what it had published."""
        run = result.run.with_config(self._configs)
        if not result.persisted:
            return _Ready(result, run, result.records)
        simulated = result.persisted is RunStatus.SIMULATED
        records = read_receipt(self._store, run, check=False) if simulated else None
        if records is None and run_status(self._store, run).status in COMPLETE:
            records = records_of(self._store, run)
        if records is None:
            raise TownletError("its samples are gone; the same command simulates it again")
        return _Ready(result, run, records)
