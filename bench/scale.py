"""How much is measured: enough for steady figures, or just enough to see that it works (`--quick`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The sizes of all measurements. Agent-steps are ticks times agents."""

    repeats: int  # of what is measured in this process, in turns
    child_repeats: int  # of what takes a process of its own

    agents: tuple[int, ...]  # (a) towns
    steps: int  # (a) agent-steps a measurement

    ticks: int  # (b, c, d) of a run of eight agents
    pipeline_runs: tuple[int, ...]  # (c) how many such runs
    worker_runs: int  # (d)

    memory_runs: tuple[int, int]  # (e) few and many
    memory_ticks: int  # (e) of each of them
    long_ticks: int  # (e) of the one long run
    segment_ticks: int | None  # (e) of the one long run; None = what a capture chooses by itself

    cold_compiles: int  # (f) each takes about 20 s of CPU time

    data_set_runs: tuple[int, int]  # (g) few and many
    data_set_ticks: int  # (g) of each of them
    parts: int  # (g) of the many, looked at one by one

    samples: tuple[tuple[int, int], ...]  # (h) of a data set, and how often what it takes is measured
    large_samples: int  # (h) of a data set of few and large files

    flink_runs: int  # (i) of `ticks` ticks
    short_runs: int  # (i) and so many short ones
    short_ticks: int  # (i)

    indexed_runs: tuple[int, int, int]  # (j) few, many, and the most

    network_runs: int  # (k)
    network_ticks: int  # (k) of each of them

    env_towns: tuple[int, ...]  # (l) of a vector environment
    env_ticks: int  # (l) of an episode

    learning_repeats: int  # (m)
    learning_runs: int  # (m) of an iteration, and that are cloned
    learning_ticks: int  # (m) of each of them

    evaluated_runs: int  # (n) of `ticks` ticks

    report_ticks: int  # (o, p) of a run of ten agents


FULL = Scale(
    repeats=7,
    child_repeats=3,
    agents=(1, 2, 8, 64, 256),
    steps=400_000,
    ticks=8_192,
    pipeline_runs=(8, 64),
    worker_runs=192,
    memory_runs=(10, 1_000),
    memory_ticks=1_000,
    long_ticks=100_000,
    segment_ticks=None,
    cold_compiles=1,
    data_set_runs=(1_000, 10_000),
    data_set_ticks=8,
    parts=10,
    samples=((10_000, 3), (100_000, 1)),
    large_samples=64,
    flink_runs=64,
    short_runs=500,
    short_ticks=8,
    indexed_runs=(1_000, 100_000, 1_000_000),
    network_runs=8,
    network_ticks=4_096,
    env_towns=(1, 8, 64),
    env_ticks=1_000,
    learning_repeats=3,
    learning_runs=16,
    learning_ticks=1_440,
    evaluated_runs=8,
    report_ticks=1_440,
)

QUICK = Scale(
    repeats=1,
    child_repeats=1,
    agents=(1, 8),
    steps=800,
    ticks=50,
    pipeline_runs=(2,),
    worker_runs=4,
    memory_runs=(2, 4),
    memory_ticks=20,
    long_ticks=200,
    segment_ticks=50,
    cold_compiles=0,
    data_set_runs=(4, 20),
    data_set_ticks=4,
    parts=2,
    samples=((100, 1),),
    large_samples=8,
    flink_runs=2,
    short_runs=2,
    short_ticks=8,
    indexed_runs=(20, 40, 60),
    network_runs=2,
    network_ticks=20,
    env_towns=(1, 2),
    env_ticks=20,
    learning_repeats=1,
    learning_runs=2,
    learning_ticks=20,
    evaluated_runs=2,
    report_ticks=40,
)
