"""Rollouts made by hand: small, quick, and the same for the same run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from townlet.planning.plan import Plan
from townlet.run import Run, SampleKey, by_reference, canonical_json
from townlet.samples import FrameGroup

AGENTS = ("alice", "bob")
ACTIONS = 3


def run(name: str = "hamlet", seed: int = 0, ticks: int = 6, **options: Any) -> Run:
    """A run whose config is no config: only fakes can play it."""
    config = {"name": name, "config_path": f"{name}.yaml", "config": {}, "affordances": {}}
    return replace(Run(name=name, seed=seed, ticks=ticks, config_json=canonical_json(config)), **options)


def in_data_set(made: Run) -> Run:
    return replace(made, folder=f"runs/{made.name}/seed-{made.seed}")


def plan_of(*runs: Run, **options: Any) -> Plan:
    """A plan of these runs, in this order."""
    references, configs = by_reference(runs)
    facts = {"costs": (12,) * len(runs), "is_data_set": bool(runs[0].folder), "notices": (), **options}
    return Plan(runs=tuple(references), configs=configs, **facts)


def group(made: Run, arrival: int, first: int, end: int, *, last: bool = True) -> FrameGroup:
    """Frames of ticks `first` to `end` of one agent. `last`: nothing of the segment follows."""
    ticks = end - first
    rng = np.random.default_rng(
        [made.seed, arrival]
    )  # of the whole life, so that any cut gives the same numbers
    values = rng.integers(0, 8, (made.ticks + 1, 4)).astype(np.float32)
    rows = values[first:end]
    actions = (rows[:, 0].astype(np.int64)) % ACTIONS
    arrays = {
        "map": np.repeat(rows[:, None, None, :], 3, axis=2)[:, :, :, :3].copy(),
        "features": rows.copy(),
        "actions": actions,
        "old_log_probs": np.full(ticks, -np.log(3.0), np.float32),
        "value_preds": np.zeros(ticks, np.float32),
        "rewards": rows[:, 1].copy(),
        "dones": np.zeros(ticks, bool),
        "tick": np.arange(first, end, dtype=np.int32),
        "action_args": np.full((ticks, 3), -1, np.float32),
        "action_mask": np.ones((ticks, ACTIONS), bool),
        "reward_terms": rows[:, 1:2].copy(),
        "positions": np.zeros((ticks, 2), np.int16),
    }
    final = {
        "final_map": np.repeat(values[end][None, None, :], 3, axis=1)[:, :, :3].copy(),
        "final_features": values[end].copy(),
        "final_action_mask": np.ones(ACTIONS, bool),
        "final_value": 0.0,
    }
    return FrameGroup(arrays, final if last else None, _facts(made, arrival, first, end))


def _facts(made: Run, arrival: int, first: int, end: int) -> dict[str, Any]:
    length = made.segment_ticks or made.ticks
    return {
        "feature_names": ["need_hunger", "need_hygiene", "need_energy", "wallet"],
        "map_channels": ["self"],
        "action_lookup": {
            f'{{"kind":"{kind}"}}': index for index, kind in enumerate(("wait", "chat", "release"))
        },
        "reward_term_names": ["survival"],
        "object_names": [],
        "agent_names": list(AGENTS),
        "agent_id": AGENTS[arrival - 1],
        "agent_index": arrival,
        "policy": {"kind": "uniform", "digest": None, "log_prob_source": "x", "value_source": "none"},
        "truncated": end == made.ticks,
        "segment": {"index": first // length, "last": end == made.ticks},
        "first_tick": first,
        "born_tick": 0,
        "label_mismatch_count": 0,
        "capture_metadata": {
            "config_id": made.name,
            "config_path": made.config_path,
            "scenario_name": made.name,
            "scenario_description": "",
            "seed": made.seed,
            "ticks": made.ticks,
            "fingerprint": made.fingerprint,
            "rules_version": 1,
        },
    }


def play(made: Run, *models: Any) -> Iterator[tuple[SampleKey, FrameGroup]]:
    """As `townlet.rollout.play.play`."""
    length = made.segment_ticks or made.ticks
    for segment, first in enumerate(range(0, made.ticks, length)):
        for arrival, agent in enumerate(AGENTS, 1):
            if made.agent in (None, agent):
                key = SampleKey(made.name, made.seed, arrival, agent, segment)
                yield key, group(made, arrival, first, min(first + length, made.ticks))
