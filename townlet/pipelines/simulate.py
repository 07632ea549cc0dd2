"""Simulating: one run in, its frame groups out, and then how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from townlet.dataset.capture.commit import begin_run
from townlet.dataset.capture.models import read_models
from townlet.dataset.status.run_status import run_status
from townlet.dataset.status.status import COMPLETE, RunStatus
from townlet.pipelines.elements import RunEnd, RunFailed, SampleRef, run_key
from townlet.pipelines.given import given_by
from townlet.pipelines.progress.reports import CaptureCancelled
from townlet.pipelines.store_dofn import StoreDoFn, explain
from townlet.run import Run, RunRef, SampleKey
from townlet.samples import FrameGroup

FRAMES = "frames"
FAILED = "failed"
REUSED = "reused"


@dataclass
class Simulate(beam.PTransform):
    """`RunRef` -> `(SampleRef, [FrameGroup, ...])` for each of its samples, and then `(RunEnd, [])`.

    Further outputs: `failed` (`RunFailed`, instead of the end), and `reused` (`(RunKey, RunEnd)`): a run
    whose samples are staged or published already is not simulated again. A retry is harmless, because the
    same run gives the same frames. `configs`: the texts that the runs name by digest. The models that they name lie in
    the output, which all workers share.
    """

    configs: Mapping[str, str]
    output: str
    reports: str | None = None
    given: str | None = None  # the word of a policy object (`townlet/pipelines/given.py`)

    def expand(self, runs: PCollection) -> Any:
        play = beam.ParDo(_Play(self.configs, self.output, self.reports, self.given)).with_output_types(
            tuple[Any, list[FrameGroup]]
        )
        return runs | "Play" >> play.with_outputs(FAILED, REUSED, main=FRAMES)


class _Play(StoreDoFn):
    def __init__(
        self, configs: Mapping[str, str], output: str, reports: str | None, given: str | None = None
    ) -> None:
        super().__init__(output, reports)
        self._configs = configs
        self._given = given
        self._frames = Metrics.counter("townlet", "frames")
        self._played = Metrics.counter("townlet", "runs_played")
        self._reused = Metrics.counter("townlet", "runs_reused")

    def setup(self) -> None:
        super().setup()
        try:
            from townlet.rollout import play as rollout
        except Exception as error:
            self._reporter.worker_failed(explain(error))
            raise
        self._rollout = rollout
        self._models: dict[str, bytes] = {}

    def process(self, element: RunRef) -> Iterator[Any]:
        with self.writing():
            status = run_status(self._store, element).status
        if status is not RunStatus.SIMULATED and status not in COMPLETE:
            yield from self._play(element)
            return
        persisted = RunStatus.SIMULATED if status is RunStatus.SIMULATED else RunStatus.PUBLISHED
        yield TaggedOutput(REUSED, (run_key(element), RunEnd(element, persisted=persisted)))
        self._reused.inc()
        self._reporter.run_ended(element.label(), played=False)

    def _play(self, run: RunRef) -> Iterator[Any]:
        samples, agent = 0, None
        with self.writing():
            begin_run(self._store, run)
        try:
            whole = run.with_config(self._configs)
            frames_of_run = self._rollout.play(whole, self._models_of(whole), given_by(self._given))
            for key, groups in by_sample(self._reporter.until_cancelled(frames_of_run)):
                samples, agent = samples + 1, key.agent_id
                frames = sum(group.timesteps for group in groups)
                yield SampleRef(run, key), groups
                groups.clear()  # Beam holds the element until it has the next: let go of the segment's buffers
                self._frames.inc(frames)
                self._reporter.frames(frames)
            yield RunEnd(run, samples), []
        except CaptureCancelled:
            raise  # nothing is wrong with the run
        except Exception as error:
            reason = explain(error)
            yield TaggedOutput(FAILED, RunFailed(run, reason, agent))
            self._reporter.run_failed(run.label(), reason)
            return
        self._played.inc()
        self._reporter.run_ended(run.label(), played=True)

    def _models_of(self, run: Run) -> dict[str, bytes]:
        """What a run's networks are made of: read from the output, each once for this worker."""
        if any(digest not in self._models for digest in run.models):
            self._models |= read_models(self._store, run)
        return {digest: self._models[digest] for digest in run.models}


def by_sample(
    frames: Iterable[tuple[SampleKey, FrameGroup]],
) -> Iterator[tuple[SampleKey, list[FrameGroup]]]:
    """Collect the groups of each sample. One that is whole passes as it is.

    The arrays of a group may be overwritten when the next one is asked for, so that a group that others
    follow is copied. Holds no more than one segment.
    """
    waiting: dict[SampleKey, list[FrameGroup]] = {}
    for key, group in frames:
        if group.final is None:
            waiting.setdefault(key, []).append(_copy(group))
        else:
            groups = [*waiting.pop(key, []), group]
            del group  # the buffers are used again only when nobody holds them
            yield key, groups
    if waiting:
        key = next(iter(waiting))
        raise ValueError(f"{key.agent_id}, segment {key.segment}: the frames have no end")


def _copy(group: FrameGroup) -> FrameGroup:
    return replace(group, arrays={name: np.copy(array) for name, array in group.arrays.items()})
