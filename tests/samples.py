"""Samples made by hand: small, valid, and different for every seed."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np

from townlet.run import Run, SampleKey, canonical_json
from townlet.samples import FrameGroup, ReplaySample, stack_groups

FEATURES = (
    "need_hunger",
    "need_hygiene",
    "need_energy",
    "wallet",
    "lateness_counter",
    "rivalry_max",
    "rivalry_avoid_count",
    "last_action_success",
)
CHANNELS = ("self", "agents", "objects", "reservations")
TERMS = ("survival", "needs", "clip")
ACTIONS = (
    {"kind": "wait"},
    {"kind": "move", "direction": "north"},
    {"kind": "move", "direction": "south"},
    {"kind": "request", "affordance": "eat_meal"},
    {"kind": "start", "affordance": "eat_meal"},
)
LOOKUP = {canonical_json(action): number for number, action in enumerate(ACTIONS)}


def make_run(name: str = "scene", seed: int = 3, ticks: int = 20, **fields: Any) -> Run:
    config = canonical_json({"config": {"config_id": name}, "affordances": {}})
    return Run(name=name, seed=seed, ticks=ticks, config_json=config, config_path=f"{name}.yaml", **fields)


def make_metadata(agent_id: str = "alice", arrival: int = 1, run: Run | None = None) -> dict[str, Any]:
    run = run or make_run()
    return {
        "feature_names": list(FEATURES),
        "map_channels": list(CHANNELS),
        "action_lookup": dict(LOOKUP),
        "reward_term_names": list(TERMS),
        "agent_id": agent_id,
        "agent_index": arrival,
        "agent_names": ["alice", "bob"],
        "object_names": ["fridge_1"],
        "policy": {"kind": "needs", "digest": None, "log_prob_source": "policy", "value_source": "none"},
        "truncated": True,
        "segment": {"index": 0, "last": True},
        "born_tick": 0,
        "label_mismatch_count": 1,
        "capture_metadata": {
            "config_id": json.loads(run.config_json)["config"]["config_id"],
            "config_path": run.config_path,
            "scenario_name": run.name,
            "scenario_description": "made by hand",
            "seed": run.seed,
            "seed_text": str(run.seed),
            "ticks": run.ticks,
            "fingerprint": run.fingerprint,
            "rules_version": 1,
        },
    }


def make_group(
    steps: int = 20, seed: int = 0, first: int = 0, window: int = 5, last: bool = True, **facts: Any
) -> FrameGroup:
    """Frames `first` to `first + steps` of an agent; equal arguments give equal arrays."""
    draw = np.random.default_rng([seed, first])
    arrays = {
        "map": (draw.random((steps, len(CHANNELS), window, window)) < 0.1).astype(np.float32),
        "features": draw.random((steps, len(FEATURES)), dtype=np.float32),
        "actions": draw.integers(0, len(ACTIONS), steps),
        "old_log_probs": -draw.random(steps, dtype=np.float32),
        "value_preds": draw.random(steps, dtype=np.float32),
        "rewards": draw.random(steps, dtype=np.float32),
        "dones": np.zeros(steps, bool),
        "tick": np.arange(first, first + steps, dtype=np.int32),
        "action_args": np.full((steps, 3), -1, np.float32),
        "action_mask": draw.random((steps, len(ACTIONS))) < 0.5,
        "reward_terms": draw.random((steps, len(TERMS)), dtype=np.float32),
        "positions": draw.integers(0, 24, (steps, 2)).astype(np.int16),
    }
    arrays["action_mask"][np.arange(steps), arrays["actions"]] = True
    arrays["features"][:, -1] = draw.random(steps) < 0.8
    final = {
        "final_map": arrays["map"][-1].copy(),
        "final_features": arrays["features"][-1].copy(),
        "final_action_mask": np.ones(len(ACTIONS), bool),
        "final_value": np.float32(0.25),
    }
    return FrameGroup(arrays, final if last else None, {**make_metadata(), **facts})


def make_sample(steps: int = 20, seed: int = 0, **facts: Any) -> ReplaySample:
    return stack_groups([make_group(steps, seed, **facts)], deep=True)


def make_samples(run: Run, agents: int = 2) -> list[tuple[SampleKey, ReplaySample]]:
    """One sample an agent, as the run would have left them."""
    names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"][:agents]
    samples = []
    for arrival, name in enumerate(names, start=1):
        key = SampleKey(run.name, run.seed, arrival, name, 0)
        group = make_group(run.ticks, seed=run.seed * 100 + arrival)
        facts = {**group.metadata, **make_metadata(name, arrival, run)}
        samples.append((key, stack_groups([FrameGroup(group.arrays, group.final, facts)])))
    return samples


def parts_of(group: FrameGroup, cuts: list[int]) -> list[FrameGroup]:
    """The group cut before these rows; only the last part has what follows."""
    edges = [0, *sorted(cuts), group.timesteps]
    pieces = []
    for first, end in pairwise(edges):
        arrays = {name: array[first:end] for name, array in group.arrays.items()}
        final = group.final if end == group.timesteps else None
        mismatches = group.metadata["label_mismatch_count"] if first == 0 else 0
        pieces.append(FrameGroup(arrays, final, {**group.metadata, "label_mismatch_count": mismatches}))
    return pieces


def frames_of(group: FrameGroup) -> list[dict[str, Any]]:
    """The frames of a whole group, as `PolicyRuntime.collect_trajectory` gives them."""
    arrays = group.arrays
    frames: list[dict[str, Any]] = [
        {
            "tick": int(arrays["tick"][row]),
            "agent_id": "alice",
            "map": arrays["map"][row],
            "features": arrays["features"][row],
            "action": canonical_json(ACTIONS[arrays["actions"][row]]),
            "action_id": int(arrays["actions"][row]),
            "action_args": tuple(arrays["action_args"][row].tolist()),
            "action_mask": arrays["action_mask"][row],
            "reward": float(arrays["rewards"][row]),
            "reward_terms": arrays["reward_terms"][row],
            "done": bool(arrays["dones"][row]),
            "log_prob": float(arrays["old_log_probs"][row]),
            "value": float(arrays["value_preds"][row]),
            "position": tuple(arrays["positions"][row].tolist()),
        }
        for row in range(group.timesteps)
    ]
    assert group.final is not None
    frames[-1].update(group.final, info=group.metadata)
    return frames
