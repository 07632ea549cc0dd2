"""Simulating: one run in, its frame groups out, and then how it ended."""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from townlet import __version__
from townlet.dataset.capture.commit import begin_run, state_of
from townlet.dataset.store.open_store import open_store
from townlet.errors import OutputError, TownletError
from townlet.pipelines.progress.reports import CaptureCancelled, ProgressReporter
from townlet.pipelines.worker_errors import not_shared, other_version
from townlet.run import FORMAT_VERSION, RULES_VERSION, Run, SampleKey
from townlet.samples import FrameGroup

FRAMES = "frames"
FAILED = "failed"
REUSED = "recalled"

VERSION = f"{__version__} (rules {RULES_VERSION}, format {FORMAT_VERSION})"

RunKey = tuple[str, int]  # name and seed
KEPT: dict[str, Literal["receipt", "published"]] = {"receipt": "receipt", "done": "published"}  # by state


class SampleRef(NamedTuple):
    """Which sample of which run. The run travels light: see `share_configs`."""

    run: Run
    sample: SampleKey


@dataclass(frozen=True)
class RunEnd:
    """A run was played to its end and has so many samples.

    Where the samples' records are `kept` in the output already, nobody has to carry them.
    """

    run: Run
    samples: int = 0  # 0 where they are kept from an earlier attempt
    kept: Literal["", "receipt", "published"] = ""
    content: str = ""  # digest of all samples, where this attempt has written them


@dataclass(frozen=True)
class RunFailed:
    """A run that makes no capture, and why. `agent` is given where the failure is one agent's."""

    run: Run
    reason: str
    agent: str | None = None


def run_key(run: Run) -> RunKey:
    return run.name, run.seed


def share_configs(runs: Iterable[Run]) -> tuple[list[Run], dict[str, str]]:
    """Runs without their config's text, and the texts by digest.

    A config is some ten kilobytes, and a suite has it for a thousand seeds: what travels between the steps
    names it by digest, and each step knows the texts.
    """
    light, configs = [], {}
    for run in runs:
        digest = hashlib.sha256(run.config_json.encode()).hexdigest()
        configs[digest] = run.config_json
        light.append(replace(run, config_json=digest))
    return light, configs


def with_config(run: Run, configs: Mapping[str, str]) -> Run:
    """The run with its config's text again."""
    return replace(run, config_json=configs[run.config_json])


@dataclass
class Simulate(beam.PTransform):
    """Run -> `(Slot, [FrameGroup, ...])` for each of its samples, and then `(RunEnd, [])`.

    Further outputs: `failed` (`RunFailed`, instead of the end), and `recalled` (`(RunKey, RunEnd)`): a run
    whose samples are staged or published already is not simulated again. A retry is harmless, because the
    same run gives the same frames.
    """

    configs: dict[str, str]
    output: str
    signals: str | None = None

    def expand(self, runs: PCollection) -> Any:
        play = beam.ParDo(_Play(self.configs, self.output, self.signals)).with_output_types(
            tuple[Any, list[FrameGroup]]
        )
        return runs | "Play" >> play.with_outputs(FAILED, REUSED, main=FRAMES)


class StoreDoFn(beam.DoFn):
    """What steps know: the configs that runs name by digest, the output, and where to say how it goes."""

    def __init__(self, configs: dict[str, str], output: str, signals: str | None) -> None:
        self._configs, self._output, self._signals_folder = configs, output, signals
        self._version = VERSION  # of the launcher, from here on

    def setup(self) -> None:
        if self._version != VERSION:
            raise other_version(self._version, VERSION)
        self._signals = ProgressReporter(self._signals_folder)
        with self.writing():
            self._store = open_store(
                self._output, check_connection=False
            )  # the command has; here, patience is better
        if self._signals_folder and not os.path.isdir(self._signals_folder):
            raise not_shared(self._output)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """An output that cannot be used is the same for all runs: say so at once, and let it through."""
        try:
            yield
        except OutputError as error:
            self._signals.fatal(str(error))
            raise


class _Play(StoreDoFn):
    def __init__(self, configs: dict[str, str], output: str, signals: str | None) -> None:
        super().__init__(configs, output, signals)
        self._frames = Metrics.counter("townlet", "frames")
        self._played = Metrics.counter("townlet", "runs_played")
        self._recalled = Metrics.counter("townlet", "runs_recalled")

    def setup(self) -> None:
        super().setup()
        try:
            from townlet.rollout import play as rollout
        except Exception as error:
            self._signals.worker_failed(explain(error))
            raise
        self._rollout = rollout

    def process(self, element: Run) -> Iterator[Any]:
        run = with_config(element, self._configs)
        with self.writing():
            kept = KEPT.get(state_of(self._store, run))
        if kept is None:
            yield from self._play(run, element)
            return
        yield TaggedOutput(REUSED, (run_key(run), RunEnd(element, kept=kept)))
        self._recalled.inc()
        self._signals.run_ended(run.label(), played=False)

    def _play(self, run: Run, element: Run) -> Iterator[Any]:
        samples, agent = 0, None
        with self.writing():
            begin_run(self._store, run)
        try:
            for key, groups in by_sample(self._signals.until_cancelled(self._rollout.play(run))):
                samples, agent = samples + 1, key.agent_id
                frames = sum(group.timesteps for group in groups)
                yield SampleRef(element, key), groups
                groups.clear()  # Beam holds the element until it has the next: let go of the segment's buffers
                self._frames.inc(frames)
                self._signals.frames(frames)
            yield RunEnd(element, samples), []
        except CaptureCancelled:
            raise  # nothing is wrong with the run
        except Exception as error:
            reason = explain(error)
            yield TaggedOutput(FAILED, RunFailed(element, reason, agent))
            self._signals.run_failed(run.label(), reason)
            return
        self._played.inc()
        self._signals.run_ended(run.label(), played=True)


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


def explain(error: BaseException) -> str:
    """One line about an exception: its type, its message, and where in our code it came up.

    What is said on purpose (TownletError) stands alone.
    """
    message = " ".join(str(error).split())
    if isinstance(error, TownletError):
        return message
    here = Path(__file__).resolve().parents[2]
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(here / "townlet"):
            place = f" ({path.relative_to(here).as_posix()}:{frame.lineno})"
    return f"{type(error).__name__}: {message}{place}" if message else f"{type(error).__name__}{place}"
