"""Batches made by hand, and the setting that policies are made for."""

from __future__ import annotations

import numpy as np

from townlet.policy.actions import ActionSpace
from townlet.policy.base import PolicyBatch, PolicySetting
from townlet.policy.needs import COLUMNS

# 7, 8 request and start eat; 9, 10 wash; 11, 12 sleep; 13, 14 cook, which brings meals
OFFERS = ("eat", "wash", "sleep", "cook")
SPACE = ActionSpace(OFFERS)
FREE = (0, 1, 2, 3, 4, 6, 7, 9, 11, 13)  # what somebody may do who holds nothing


def setting() -> PolicySetting:
    """Every need is served below 0.5."""
    return PolicySetting(
        feature_names=COLUMNS,
        map_channels=("self",),
        map_shape=(1, 3, 3),
        action_space=SPACE,
        thresholds=np.full(3, 0.5),
        effects=np.array([[0.5, 0, 0], [0, 0.6, 0], [0, 0, 0.7], [0, -0.1, 0]]),
        gives=np.array([[0, 0], [0, 0], [0, 0], [1, 0]]),
    )


def batch(*agents: dict, tick: int = 3, seed: int = 7) -> PolicyBatch:
    """Agents by what they see: features by name (needs are full), `legal` action ids, `arrival`."""
    features = np.zeros((len(agents), len(COLUMNS)), np.float32)
    masks = np.zeros((len(agents), SPACE.dim), np.bool_)
    features[:, :3] = 1
    for b, agent in enumerate(agents):
        for name, value in agent.items():
            if name in COLUMNS:
                features[b, COLUMNS.index(name)] = value
        masks[b, list(agent.get("legal", FREE))] = True
    arrivals = [agent.get("arrival", b + 1) for b, agent in enumerate(agents)]
    return PolicyBatch(
        maps=np.zeros((len(agents), 1, 3, 3), np.float32), features=features, masks=masks, tick=tick,
        arrival=np.array(arrivals, np.int64), row=np.arange(len(agents)), seed=seed,
    )  # fmt: skip
