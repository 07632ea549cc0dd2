"""What some runs will cost: a few hundred ticks of each different config are played in memory, and scaled.

A trial goes the way of a capture (simulate, stack, measure, encode) and writes nothing. Runs that differ by
seed and length only are tried once. It is an estimate: what happens late in a run is not seen.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from townlet.dataset.capture.commit import stage_sample
from townlet.dataset.format.manifest import manifest_bytes, metrics_bytes
from townlet.dataset.format.records import FileRecord, SampleRecord
from townlet.dataset.store.contract import Buffer, Store
from townlet.errors import UserError
from townlet.policy_text import NO_MODELS, Models
from townlet.rollout.play import play
from townlet.run import Run, RunRef
from townlet.samples import stack_groups

TRIAL_FRAMES = 16_000  # some 50 ms
MOST_TICKS = 1_024
TRIALS_TIMEOUT_S = 3.0  # for the trials of all configs; one that is not tried is taken for an average one
# Core-seconds that are not the simulation's. Measured: receipts, publishing and Beam's bundles; starting Beam.
RUN_OVERHEAD = 0.004
START_OVERHEAD = 2.0


RunKind = tuple[Any, ...]


class Cost(NamedTuple):
    """Of one run or of many."""

    ticks: int = 0
    frames: int = 0
    samples: int = 0
    size: int = 0  # bytes
    seconds: float = 0.0  # of one core

    def __add__(self, other: Cost) -> Cost:  # type: ignore[override]
        return Cost(
            self.ticks + other.ticks,
            self.frames + other.frames,
            self.samples + other.samples,
            self.size + other.size,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class Rates:
    """What a run of some config costs by the tick, by the sample, and once."""

    lives: float  # samples where nothing is cut
    frames: float  # a tick
    bytes_a_tick: float
    bytes_a_sample: float
    bytes_a_run: float
    seconds_a_tick: float
    seconds_a_run: float

    def cost(self, run: RunRef) -> Cost:
        cuts = -(-run.ticks // run.segment_ticks) if run.segment_ticks else 1
        samples = max(1, round(self.lives * cuts))
        size = self.bytes_a_run + samples * self.bytes_a_sample + run.ticks * self.bytes_a_tick
        seconds = self.seconds_a_run + RUN_OVERHEAD + run.ticks * self.seconds_a_tick
        return Cost(run.ticks, round(run.ticks * self.frames), samples, round(size), seconds)


@dataclass(frozen=True)
class CostEstimate:
    """What was found for each different config among some runs."""

    rates: dict[RunKind, Rates]
    average: Rates | None  # stands for configs that were not tried; None where none was
    seconds: float  # that it took
    failures: dict[str, str]  # names of runs whose trial failed, and why

    def cost(self, run: RunRef) -> Cost | None:
        """Of one run; None where nothing is known of any."""
        rates = self.rates.get(kind(run), self.average)
        return rates.cost(run) if rates else None

    def total(self, runs: Iterable[RunRef]) -> Cost | None:
        """Of many runs together, with what starting costs; None where nothing is known."""
        costs = [cost for run in runs if (cost := self.cost(run))]
        return sum(costs, Cost(seconds=START_OVERHEAD)) if costs else None


def kind(run: RunRef) -> RunKind:
    """The same for runs that differ by seed, length and place only: they cost the same a tick."""
    return (
        run.name,
        run.config_digest,
        run.policy,
        run.agent,
        run.ignore_schedules,
        run.compression,
        run.prefix,
    )


def estimate_cost(
    runs: Iterable[RunRef],
    configs: Mapping[str, str],
    models: Models = NO_MODELS,
    timeout_s: float = TRIALS_TIMEOUT_S,
) -> CostEstimate:
    """Try each different config among `runs`, those with most ticks first, until the time is up.

    `configs`: their canonical JSON texts, by digest. `models`: the contents of their networks, by digest.
    """
    started = time.monotonic()
    rates: dict[RunKind, Rates] = {}
    failures: dict[str, str] = {}
    for same, run in _by_weight(runs):
        if time.monotonic() - started > timeout_s:
            break
        try:
            rates[same] = _rates(run.with_config(configs), models)
        except Exception as error:  # whatever it is, the run itself will say it
            failures[run.name] = f"{type(error).__name__}: {error}"
    return CostEstimate(rates, _average(list(rates.values())), time.monotonic() - started, failures)


def _by_weight(runs: Iterable[RunRef]) -> list[tuple[RunKind, RunRef]]:
    """Each kind with its longest run; first those that have most to play."""
    weights: dict[RunKind, int] = {}
    longest: dict[RunKind, RunRef] = {}
    for run in runs:
        same = kind(run)
        weights[same] = weights.get(same, 0) + run.ticks
        if same not in longest or run.ticks > longest[same].ticks:
            longest[same] = run
    return [(same, longest[same]) for same in sorted(weights, key=lambda same: -weights[same])]


def _average(rates: Sequence[Rates]) -> Rates | None:
    if not rates:
        return None
    return Rates(
        *(sum(column) / len(rates) for column in zip(*(vars(one).values() for one in rates), strict=True))
    )


class _Try(NamedTuple):
    """A run that was played in memory."""

    seconds: float
    records: list[SampleRecord]
    npz: int  # bytes
    meta: int  # bytes
    rest: int  # bytes: config, metrics, manifest


def _rates(run: Run, models: Models) -> Rates:
    run = replace(
        run, segment_ticks=0, check=False, branch=None
    )  # how it begins costs no more than how it goes on
    _try(replace(run, ticks=1), models)  # what is read and compiled once is paid here
    one = _try(replace(run, ticks=1), models)
    agents = max(1, len(one.records))
    ticks = min(run.ticks, MOST_TICKS, max(16, TRIAL_FRAMES // agents))
    many = _try(replace(run, ticks=ticks), models) if ticks > 1 else one
    more = max(1, ticks - 1)
    lives = len(many.records)
    a_tick = max(0.0, (many.npz - one.npz * lives / agents) / more)
    seconds = max(0.0, (many.seconds - one.seconds) / more)
    return Rates(
        lives=lives,
        frames=sum(record.frame_count for record in many.records) / ticks,
        bytes_a_tick=a_tick,
        bytes_a_sample=(many.npz - a_tick * ticks + many.meta) / lives,
        bytes_a_run=many.rest,
        seconds_a_tick=seconds,
        seconds_a_run=max(0.0, many.seconds - seconds * ticks),
    )


def _try(run: Run, models: Models) -> _Try:
    scale = cast(Store, _Scale())
    started = time.thread_time()
    records = []
    try:
        for key, group in play(run, models):
            records.append(stage_sample(scale, run, key, stack_groups([group])))
            del group  # so that its buffers are used again
    except UserError:
        if run.agent is None:
            raise
        return _try(replace(run, agent=None), models)  # a newcomer, who arrives later than the trial ends
    seconds = time.thread_time() - started
    nothing = FileRecord("", "", 0)
    named = [FileRecord("", digest, len(models[digest])) for digest in run.models]
    documents = (metrics_bytes(run, records), manifest_bytes(run, records, nothing, nothing, named))
    rest = len(run.config_json) + sum(map(len, documents))
    rest += 0 if run.folder else sum(file.size for file in named)  # a data set keeps them once
    npz, meta = (
        sum(file.size for file in files) for files in zip(*((r.npz, r.meta) for r in records), strict=True)
    )
    return _Try(seconds, records, npz, meta, rest)


class _Scale:
    """A store that keeps nothing."""

    renames = True

    def write_new(self, name: str, parts: Sequence[Buffer]) -> None:
        pass
