"""(m) Learning: PPO's iteration, what it plays and what it learns, and an epoch of a clone; one core."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import in_turns, median
from bench.scale import Scale
from bench.tables import Column, Row, Table, at_least
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.planning.plan import Request, plan

CONFIG = "training/small.yaml"
GOALS = {"PPO, an iteration": 25_000, "PPO, playing alone": 200_000}  # agent-steps a second of processor time
COLUMNS = (Column("steps/s (CPU)", "rate"), Column("steps/s (wall)", "rate"))
CPU, WALL = (column.name for column in COLUMNS)
TITLE = f"agent-steps a second of learning: 2x128, {CONFIG}"


def answer(scale: Scale, place: Path) -> Table:
    if importlib.util.find_spec("torch") is None:
        return Table(TITLE, COLUMNS, (), ("torch is not installed here: pip install 'townlet[train]'.",))
    works, steps = _ppo(scale)
    clone = _clone(scale, place)
    works["cloning, an epoch"], steps["cloning, an epoch"] = partial(clone.run, 1), clone.summary.rows
    rows = []
    for name, taken in in_turns(works, scale.learning_repeats).items():
        middle = median(taken)
        figures = {CPU: steps[name] / middle.cpu, WALL: steps[name] / middle.wall}
        rows.append(Row(name, figures, (at_least(CPU, GOALS[name]),) if name in GOALS else ()))
    notes = (
        f"An iteration: {scale.learning_runs} runs of {scale.learning_ticks:,} ticks played and learned from, with the "
        "defaults of `townlet train ppo`.",
        "A clone's steps are those with a choice: others teach it nothing.",
    )
    return Table(TITLE, COLUMNS, tuple(rows), notes)


def _ppo(scale: Scale) -> tuple[dict[str, Callable[[], object]], dict[str, int]]:
    """An iteration, and each half of it alone."""
    from townlet.dataset.format.canonical import sha256_hex
    from townlet.train.playing import InMemory
    from townlet.train.ppo.experience import experience_of
    from townlet.train.ppo.ppo import Ppo
    from townlet.train.ppo.update import update
    from townlet.train.settings import PpoSettings
    from townlet.train.towns import Towns
    from townlet.train.with_torch import one_thread

    settings, play = PpoSettings(runs=scale.learning_runs), InMemory()
    towns = Towns.of(Request((CONFIG,), ticks=scale.learning_ticks))
    ppo = Ppo(towns, settings, play, play)
    model = ppo.model()
    digest = sha256_hex(model)
    runs = towns.runs(range(settings.runs), digest)

    def seen() -> Any:
        return experience_of(
            play(runs, model, 1), digest, ppo.state.network.inputs, settings.gamma, settings.lam
        )

    experience = seen()

    def learn() -> None:
        with one_thread():
            update(ppo.state.network, ppo.state.optimisers, experience, settings, np.random.default_rng(0))

    works = {"PPO, an iteration": ppo.iterate, "PPO, playing alone": seen, "PPO, learning alone": learn}
    return works, dict.fromkeys(works, len(experience))


def _clone(scale: Scale, place: Path) -> Any:
    from townlet.dataset.reading.data_set import open
    from townlet.train.cloning.bc import Clone
    from townlet.train.settings import CloneSettings

    request = Request(
        (CONFIG,), ticks=scale.learning_ticks, seeds=tuple(range(scale.learning_runs)), policy="needs",
        as_data_set=True,
    )  # fmt: skip
    capture(plan(request), str(place / "teacher"), RunnerOptions(quiet=True))
    return Clone(open(str(place / "teacher")), CloneSettings(validation=0.0))
