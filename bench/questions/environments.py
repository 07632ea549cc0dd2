"""(l) Towns that Python steps: the vector environment, PettingZoo's, and the loop, each with a policy of no cost."""

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
from bench.towns import write_town
from townlet.config.load import load_config
from townlet.console.formatting import number
from townlet.env import TownVectorEnv
from townlet.policy.base import PolicyActions, PolicyBatch, WithoutCritic
from townlet.rollout.loop import SimulationLoop

AGENTS = 10
RATE = 500_000  # agent-steps a second of processor time, of the vector environment
LOOP_RATE = 150_000  # ten times what the loop managed at first
COLUMNS = (Column("steps/s (CPU)", "rate"), Column("steps/s (wall)", "rate"))
CPU, WALL = (column.name for column in COLUMNS)


class FirstLegal(WithoutCritic):
    """A policy of no cost: the legal action with the lowest id."""

    def act(self, batch: PolicyBatch) -> PolicyActions:
        zeros = np.zeros(len(batch), np.float32)
        return PolicyActions(batch.masks.argmax(axis=1), zeros, zeros)


def vector(env: TownVectorEnv, ticks: int) -> None:
    """Step all towns, with new episodes where old ones end."""
    seen, _ = env.reset(seed=0)
    for _ in range(ticks):
        seen, *_ = env.step(seen["action_mask"].argmax(axis=1))


def loop(config: Path, ticks: int, **options: Any) -> None:
    """Step a town, and hand over what was recorded."""
    town = SimulationLoop(str(config), policy=FirstLegal(), **options)
    for _ in range(ticks):
        town.step()
    town.policy_runtime.collect_trajectory()


def parallel(config: Path, ticks: int) -> None:
    """Step a town of PettingZoo's."""
    from townlet.env import TownParallelEnv

    env = TownParallelEnv(str(config), episode_ticks=ticks)
    _, infos = env.reset(seed=0)
    while env.agents:
        actions = {agent: int(infos[agent]["action_mask"].argmax()) for agent in env.agents}
        _, _, _, _, infos = env.step(actions)


def answer(scale: Scale, place: Path) -> Table:
    config = write_town(place, AGENTS, extended=True)
    resolved, works, steps = load_config(config), dict[str, Callable[[], object]](), dict[str, int]()
    for towns in scale.env_towns:
        env = TownVectorEnv(resolved, towns, seed=0, episode_ticks=scale.env_ticks)
        name = _vector(towns)
        works[name], steps[name] = partial(vector, env, scale.env_ticks), towns * scale.env_ticks * AGENTS
    works["loop"], steps["loop"] = partial(loop, config, scale.env_ticks), scale.env_ticks * AGENTS
    notes = ["A step is one tick of one agent. The loop's policy is a Python object, asked once a tick."]
    if importlib.util.find_spec("pettingzoo") is None:
        notes.append(
            "PettingZoo is not installed here (pip install 'townlet[env]'): its environment is left out."
        )
    else:
        works["PettingZoo, one town"] = partial(parallel, config, scale.env_ticks)
        steps["PettingZoo, one town"] = scale.env_ticks * AGENTS
    spent = in_turns(works, scale.repeats)
    goals = {_vector(scale.env_towns[-1]): RATE, "loop": LOOP_RATE}
    rows = []
    for name, taken in spent.items():
        middle = median(taken)
        figures = {CPU: steps[name] / middle.cpu, WALL: steps[name] / middle.wall}
        rows.append(Row(name, figures, (at_least(CPU, goals[name]),) if name in goals else ()))
    title = f"agent-steps a second of towns that Python steps: {AGENTS} agents, the first legal action"
    return Table(title, COLUMNS, tuple(rows), tuple(notes))


def _vector(towns: int) -> str:
    return f"vector environment, {number(towns, 'town')}"
