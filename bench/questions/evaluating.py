"""(n) Evaluating policies: played in memory, and the whole command."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.measure import in_turns, median, run_child, townlet
from bench.scale import Scale
from bench.tables import Column, Row, Table, at_least
from townlet.config.load import load_config
from townlet.run import Run
from townlet.train.evaluate import evaluate
from townlet.train.rollouts import rollouts, runs_of

CONFIG = "examples/town.yaml"
POLICIES = ("idle", "uniform", "needs")
RATE = 200_000  # agent-steps a second of processor time
COLUMNS = (Column("steps/s (CPU)", "rate"), Column("steps/s (wall)", "rate"), Column("wall", "seconds"))
CPU, WALL, SECONDS = (column.name for column in COLUMNS)


def answer(scale: Scale, place: Path) -> Table:
    config, seeds = load_config(CONFIG), range(scale.evaluated_runs)
    works: dict[str, Callable[[], object]] = {}
    steps: dict[str, int] = {}
    for policy in POLICIES:
        runs = runs_of(config, seeds, scale.ticks, policy)
        works[f"evaluate, {policy}"] = partial(evaluate, runs)
        works[f"samples, {policy}"] = partial(_samples, runs)
        steps |= dict.fromkeys((f"evaluate, {policy}", f"samples, {policy}"), _steps(runs))
    spent = in_turns(works, scale.repeats)
    command = townlet("evaluate", CONFIG, "--seeds", f"0..{scale.evaluated_runs - 1}", "--ticks", scale.ticks)
    whole = f"townlet evaluate, {len(POLICIES)} policies"
    spent[whole] = [run_child(command, os.environ)[0] for _ in range(scale.child_repeats)]
    steps[whole] = sum(steps[f"evaluate, {policy}"] for policy in POLICIES)
    rows = []
    for name, taken in spent.items():
        middle = median(taken)
        figures = {CPU: steps[name] / middle.cpu, WALL: steps[name] / middle.wall, SECONDS: middle.wall}
        rows.append(Row(name, figures, (at_least(CPU, RATE),) if name != whole else ()))
    return Table(
        f"agent-steps a second of policies that are evaluated: {scale.evaluated_runs} runs of {scale.ticks:,} ticks",
        COLUMNS,
        tuple(rows),
        (
            f"{CONFIG}; a step is one that an agent lived. The command is a process of its own, start included.",
            "Samples: every frame handed over as a training takes it (`townlet.train.rollouts`).",
        ),
    )


def _samples(runs: tuple[Run, ...]) -> None:
    for sample in rollouts(runs):
        del sample


def _steps(runs: tuple[Run, ...]) -> int:
    return sum(outcome.agent_steps for outcome in evaluate(runs).outcomes)
