"""(k) Captures that a network drives: no files, and to NPZ; compiled, and by onnxruntime; and the network alone."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.measure import Spent, in_turns, median, ratio
from bench.scale import Scale
from bench.tables import Column, Goal, Row, Table, at_least
from bench.towns import write_town
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.config.load import load_config
from townlet.generator.generate import generate
from townlet.planning.plan import Plan, Request, plan
from townlet.policy.base import PolicySetting
from townlet.policy.network.fit import fit_model
from townlet.policy.network.forward import ask
from townlet.policy.network.metadata import layout_of
from townlet.policy.network.read_model import load_model
from townlet.policy.network.table import ROWS, Actor, network_table
from townlet.policy.network.write_model import Layer, write_model
from townlet.policy_text import NetworkText
from townlet.rollout.player import setting_of
from townlet.samples import ReplaySample
from townlet.train.rollouts import rollouts

HIDDEN, AGENTS = (128, 256), (3, 10)
JUDGED = "2x128, 10 agents"
NO_FILES, TO_NPZ, TIMES_ONNX = 380_000, 280_000, 2.0  # agent-steps a second of processor time; ratio
COMPILED, OTHER = (
    b"Relu",
    b"Selu",
)  # the same work, but of an operator that is not compiled: onnxruntime runs it
COLUMNS = (
    Column("steps/s (CPU)", "rate"),
    Column("steps/s (wall)", "rate"),
    Column("x onnxruntime (CPU)", "ratio"),
    Column("CPU / network alone", "ratio"),
)
CPU, WALL, TIMES, ALONE = (column.name for column in COLUMNS)
Works = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Driven:
    """A town and two networks of one size for it."""

    name: str
    config: Path
    setting: PolicySetting
    models: dict[str, bytes]  # by what computes them

    @classmethod
    def of(cls, hidden: int, agents: int, place: Path) -> Driven:
        config = write_town(place, agents, extended=True)
        setting = setting_of(generate(load_config(config), seed=0))
        model = network(setting, hidden)
        models = {"compiled": model}
        if importlib.util.find_spec("onnxruntime"):
            models["onnxruntime"] = model.replace(COMPILED, OTHER)
        name = f"2x{hidden}, {agents} agents"
        for runtime, data in models.items():
            (place / f"{name} {runtime}.onnx").write_bytes(data)
        return cls(name, config, setting, models)

    def planned(self, runtime: str, ticks: int, runs: int, place: Path) -> Plan:
        policy = str(NetworkText(str(place / f"{self.name} {runtime}.onnx")))
        return plan(
            Request(
                (str(self.config),), ticks=ticks, seeds=tuple(range(runs)), policy=policy, as_data_set=True
            )
        )


def network(setting: PolicySetting, hidden: int) -> bytes:
    """An ONNX file: actor and critic of their own, two hidden layers each, with weights that were drawn."""
    generator = np.random.default_rng(0)

    def layers(*sizes: int) -> list[Layer]:
        return [
            Layer(
                (generator.standard_normal((a, b)) / np.sqrt(a)).astype(np.float32), np.zeros(b, np.float32)
            )
            for a, b in pairwise(sizes)
        ]

    inputs = int(np.prod(setting.map_shape)) + len(setting.feature_names)
    actor, critic = (layers(inputs, hidden, hidden, outputs) for outputs in (setting.action_space.dim, 1))
    return write_model(layout_of(setting), actor=actor, critic=critic, activation="relu")


def alone(driven: Driven, runtime: str, sample: ReplaySample, agents: int) -> Callable[[], object]:
    """The network's forward over what a sample saw: of a few rows at a time, as in a capture."""
    choice = NetworkText("alone")
    fitted = fit_model(load_model(driven.models[runtime], "bench"), driven.setting, choice, "bench")
    maps, features, masks = sample.map, sample.features, sample.action_mask

    def by_onnxruntime() -> None:
        for first in range(0, sample.timesteps, agents):
            few = slice(first, first + agents)
            fitted.run(maps[few], features[few], masks[few], agents)

    if fitted.program is None:
        return by_onnxruntime
    table = network_table([Actor(fitted.program)], driven.setting.action_space.dim)
    seen = maps[:, None], features[:, None], masks[:, None]

    def compiled() -> None:
        for first in range(0, sample.timesteps, ROWS):
            count = min(ROWS, sample.timesteps - first)
            table.row[:count] = np.arange(first, first + count)
            ask(table, 0, seen[0], seen[1], seen[2], 0, count)

    return compiled


def answer(scale: Scale, place: Path) -> Table:
    rows: list[Row] = []
    for hidden in HIDDEN:
        for agents in AGENTS:
            rows += _rows(Driven.of(hidden, agents, place), agents, scale, place)
    notes = [
        "Networks of own actor and critic, two hidden layers each; every agent follows them; extended observation."
    ]
    if importlib.util.find_spec("onnxruntime") is None:
        notes.append(
            "onnxruntime is not installed here (pip install 'townlet[policy]'): its rows are left out."
        )
    size = f"{scale.network_runs} runs (by onnxruntime one) of {scale.network_ticks:,} ticks"
    title = f"agent-steps a second of captures that a network drives: {size}"
    return Table(title, COLUMNS, tuple(rows), tuple(notes))


def _rows(driven: Driven, agents: int, scale: Scale, place: Path) -> Iterator[Row]:
    works: Works = {}
    steps: dict[str, int] = {}
    for runtime in driven.models:
        runs = scale.network_runs if runtime == "compiled" else 1
        planned = driven.planned(runtime, scale.network_ticks, runs, place)
        works[f"no files, {runtime}"] = partial(_no_files, planned)
        works[f"to NPZ, {runtime}"] = partial(_to_npz, planned, place / "output")
        for what in ("no files", "to NPZ"):
            steps[f"{what}, {runtime}"] = runs * scale.network_ticks * agents
    sample = _first(driven.planned("compiled", scale.network_ticks, 1, place))
    for runtime in driven.models:
        works[f"network alone, {runtime}"] = alone(driven, runtime, sample, agents)
        steps[f"network alone, {runtime}"] = sample.timesteps
    spent = in_turns(works, scale.repeats, after=partial(shutil.rmtree, place / "output", ignore_errors=True))
    for name in spent:
        yield Row(f"{driven.name}: {name}", _figures(name, spent, steps), _goals(driven, name, spent))


def _figures(name: str, spent: dict[str, list[Spent]], steps: dict[str, int]) -> dict[str, float]:
    """Ratios are of what a step takes."""
    what, runtime = name.split(", ")
    middle = median(spent[name])
    figures = {CPU: steps[name] / middle.cpu, WALL: steps[name] / middle.wall}
    other, own = f"{what}, onnxruntime", f"network alone, {runtime}"
    if runtime == "compiled" and other in spent:
        figures[TIMES] = ratio(spent[other], spent[name]) * steps[name] / steps[other]
    if name != own:
        figures[ALONE] = ratio(spent[name], spent[own]) * steps[own] / steps[name]
    return figures


def _goals(driven: Driven, name: str, spent: dict[str, list[Spent]]) -> tuple[Goal, ...]:
    if driven.name != JUDGED:
        return ()
    if name == "to NPZ, compiled":
        return (at_least(CPU, TO_NPZ),)
    if name != "no files, compiled":
        return ()
    times = (at_least(TIMES, TIMES_ONNX),) if "no files, onnxruntime" in spent else ()
    return (at_least(CPU, NO_FILES), *times)


def _first(planned: Plan) -> ReplaySample:
    return next(rollouts(planned.playable(), planned.models))


def _no_files(planned: Plan) -> None:
    for sample in rollouts(planned.playable(), planned.models):
        del sample


def _to_npz(planned: Plan, output: Path) -> None:
    outcome = capture(planned, str(output), RunnerOptions(workers=1, quiet=True))
    if outcome.failures:
        raise RuntimeError(str(outcome.failures[0]))
