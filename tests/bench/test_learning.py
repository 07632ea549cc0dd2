"""The benchmarks of what learning stands on give the rows that they promise."""

from __future__ import annotations

import importlib.util

import pytest

from bench.command import ask
from bench.scale import QUICK


@pytest.mark.campaign
def test_towns_that_python_steps() -> None:
    table = ask("l", QUICK)
    rows = ["vector environment, 1 town", "vector environment, 2 towns", "loop"]
    if importlib.util.find_spec("pettingzoo"):
        rows.append("PettingZoo, one town")
    assert [row.what for row in table.rows] == rows
    assert all(row.figures["steps/s (CPU)"] > 0 for row in table.rows)
    assert any("pettingzoo" in note.lower() for note in table.notes) != ("PettingZoo, one town" in rows)


def test_learning_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    table = ask("m", QUICK)
    assert not table.rows and "pip install 'townlet[train]'" in table.notes[0]


@pytest.mark.torch
def test_learning() -> None:
    rows = {row.what: row for row in ask("m", QUICK).rows}
    assert [*rows] == ["PPO, an iteration", "PPO, playing alone", "PPO, learning alone", "cloning, an epoch"]
    assert [what for what, row in rows.items() if row.goals] == ["PPO, an iteration", "PPO, playing alone"]


@pytest.mark.campaign
def test_captures_that_a_network_drives() -> None:
    rows = {row.what: row for row in ask("k", QUICK).rows}
    towns = [f"2x{hidden}, {agents} agents" for hidden in (128, 256) for agents in (3, 10)]
    whats = ("no files", "to NPZ", "network alone")
    runtimes = ["compiled", *(["onnxruntime"] if importlib.util.find_spec("onnxruntime") else [])]
    assert set(rows) == {f"{town}: {what}, {by}" for town in towns for what in whats for by in runtimes}
    judged = [what for what, row in rows.items() if row.goals]
    assert judged == ["2x128, 10 agents: no files, compiled", "2x128, 10 agents: to NPZ, compiled"]


@pytest.mark.campaign
def test_evaluating() -> None:
    table = ask("n", QUICK)
    policies = ("idle", "uniform", "needs")
    rows = [f"{what}, {policy}" for policy in policies for what in ("evaluate", "samples")]
    assert [row.what for row in table.rows] == [*rows, "townlet evaluate, 3 policies"]
    assert {len(row.goals) for row in table.rows[:-1]} == {1}
