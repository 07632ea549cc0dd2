"""What a sample amounts to, as plain data: totals, metrics, actions taken, and what was refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.report.facts.refused import refused_actions

if TYPE_CHECKING:
    from townlet.samples import ReplaySample


def facts_of(sample: ReplaySample) -> dict[str, Any]:
    """Agent, ticks, end, metrics, rewards by term, and how often each action was taken."""
    metadata = sample.metadata
    actions = {number: text for text, number in metadata["action_lookup"].items()}
    taken = np.bincount(sample.actions, minlength=len(actions))
    counts = {
        number: int(taken[number]) for number in np.argsort(-taken, kind="stable").tolist() if taken[number]
    }
    terms = dict(
        zip(metadata["reward_term_names"], sample.reward_terms.sum(axis=0, dtype=np.float64), strict=True)
    )
    return {
        "agent_id": sample.agent_id,
        "policy": metadata["policy"]["kind"],
        "first_tick": int(sample.tick[0]),
        "last_tick": int(sample.tick[-1]),
        "frame_count": sample.timesteps,
        "done": bool(sample.dones[-1]),
        "reward_by_term": {name: float(total) for name, total in terms.items()},
        "rewards_differ": bool((sample.rewards != sample.rewards[0]).any()),
        "actions": {describe(json.loads(actions[number])): times for number, times in counts.items()},
        "refused": [asdict(refused) for refused in refused_actions(sample)],
        "gamma": metadata.get("gamma"),
        "metrics": metadata.get("metrics", {}),
    }


def describe(action: Mapping[str, Any]) -> str:
    """An action in words: `start eat_meal`, `move north`."""
    return " ".join(str(action[key]) for key in ("kind", "affordance", "direction") if key in action)
