"""(c) The whole pipeline, from the config to captures in place, beside the bare loop and beside np.savez alone."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np

from bench.measure import Spent, in_turns, median, ratio
from bench.questions.writing import FASTER, SAVEZ, numpys, simulated, write_all
from bench.scale import Scale
from bench.tables import Column, Row, Table, at_least, at_most
from bench.towns import STANDARD, request, runs_of, write_town
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.compiler.warmup import warm
from townlet.dataset.capture.commit import stage_sample
from townlet.dataset.store.local import LocalStore
from townlet.planning.plan import plan
from townlet.rollout.play import play
from townlet.run import Run
from townlet.samples import stack_groups

RATE = 700_000  # agent-steps a second of processor time
OVERHEAD = 1.15  # of what the bare loop takes
COLUMNS = (
    Column("steps/s (CPU)", "rate"),
    Column("steps/s (wall)", "rate"),
    Column("CPU / bare loop", "ratio"),
    Column("x np.savez (CPU)", "ratio"),
)


def whole(config: Path, ticks: int, runs: int, output: Path) -> None:
    """Config -> published captures, by the capture command's own function; one worker, in this process.

    Raises RuntimeError where a run fails.
    """
    outcome = capture(plan(request(config, ticks, runs)), str(output), RunnerOptions(workers=1, quiet=True))
    if outcome.failures:
        raise RuntimeError(str(outcome.failures[0]))


def bare(runs: tuple[Run, ...], output: Path) -> None:
    """The same samples without Beam: simulated, stacked and staged, one run after the other; nothing is published."""
    store = LocalStore(output)
    warm(quiet=True)  # as the capture does
    for run in runs:
        _bare_run(store, run)


def _bare_run(store: LocalStore, run: Run) -> None:
    # A function of its own: the last group must be gone before the next run asks for the buffer.
    for key, group in play(run):
        stage_sample(store, run, key, stack_groups([group]))


def answer(scale: Scale, place: Path) -> Table:
    config, output, saved = write_town(place), place / "output", place / "saved"
    saved.mkdir()
    samples = list(simulated(runs_of(config, scale.ticks)[0]))
    steps = sum(sample.timesteps for sample in samples)
    rows: list[Row] = []
    for runs in scale.pipeline_runs:
        works = {
            SAVEZ: partial(write_all, saved, samples, numpys(np.savez)),
            "bare": partial(bare, runs_of(config, scale.ticks, runs), output),
            "pipeline": partial(whole, config, scale.ticks, runs, output),
        }
        spent = in_turns(works, scale.repeats, after=partial(shutil.rmtree, output, ignore_errors=True))
        if not rows:
            rows.append(_row(f"{SAVEZ} alone", spent[SAVEZ], spent, steps, 1))
        rows.append(_row(f"bare loop, {runs} runs", spent["bare"], spent, steps, runs))
        rows.append(_row(f"pipeline, {runs} runs", spent["pipeline"], spent, steps, runs))
    goals = (
        at_least(COLUMNS[0].name, RATE),
        at_most(COLUMNS[2].name, OVERHEAD),
        at_least(COLUMNS[3].name, FASTER),
    )
    rows[-1] = Row(rows[-1].what, rows[-1].figures, goals)
    return Table(
        f"agent-steps a second, config to compressed NPZ: {STANDARD} agents, {scale.ticks:,} ticks a run, one worker",
        COLUMNS,
        tuple(rows),
        (
            "The bare loop plays, stacks, compresses and stages the runs;",
            "the pipeline reads the config and publishes them, too.",
        ),
    )


def _row(what: str, taken: list[Spent], spent: dict[str, list[Spent]], steps: int, runs: int) -> Row:
    """`steps`: of one run, and so of what np.savez wrote."""
    middle = median(taken)
    figures = {COLUMNS[0].name: steps * runs / middle.cpu, COLUMNS[1].name: steps * runs / middle.wall}
    if what.startswith("pipeline"):
        figures[COLUMNS[2].name] = ratio(taken, spent["bare"])
    figures[COLUMNS[3].name] = ratio(spent[SAVEZ], taken) * runs
    return Row(what, figures)
